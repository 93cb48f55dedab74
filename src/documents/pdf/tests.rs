use proptest::prelude::*;

use super::*;
use crate::documents::cell::Cell;
use crate::documents::chart::{ChartKind, Series, draw};
use crate::documents::model::{Block, Field, Figure, FormHead, Head, Part, Signature, Table};
use crate::documents::pdf::pages::Op;
use crate::language::Locale;

fn document(blocks: Vec<Block>) -> Document {
    let head =
        FormHead { process: "Proceso".to_owned(), code: "FO-01".to_owned(), version: None, valid_from: None };
    Document {
        locale: Locale::Es,
        entity: "Alcaldía".to_owned(),
        logo: None,
        title: "Acta".to_owned(),
        head: Head::Form(head),
        landscape: false,
        parts: vec![Part { name: "Parte".to_owned(), new_page: true, blocks }],
    }
}

/// The texts of each page, below the head.
fn texts(blocks: Vec<Block>) -> Vec<Vec<String>> {
    let document = document(blocks);
    let frame = Frame { left: MARGIN, width: 500.0, first_top: 100.0, top: 100.0, bottom: 800.0 };
    let mut tags = Tags::default();
    let pieces = Layout::new(&document, frame, &mut tags).pieces();
    let pages = Pages::of(frame, pieces);
    let text = |op: &Op| match op {
        Op::Text { text, y, .. } => {
            assert!((100.0..=800.0).contains(y), "{text} at {y} is outside of the page");
            Some(text.trim().to_owned())
        }
        _ => None,
    };
    pages.done.iter().map(|page| page.iter().filter_map(|(_, op)| text(op)).collect()).collect()
}

fn rows(count: usize, text: &str) -> Block {
    let rows = (0..count).map(|row| vec![Cell::text(format!("f{row}")), Cell::text(text)]).collect();
    Block::Table(Table {
        title: None,
        columns: vec!["Nombre".to_owned(), "Texto".to_owned()],
        rows,
        named_rows: true,
    })
}

#[test]
fn a_heading_is_never_alone_at_the_foot_of_a_page_and_columns_are_named_on_every_page() {
    for before in 0..60 {
        let pages = texts(vec![rows(before, "x"), Block::Heading("Título".to_owned()), rows(40, "y")]);
        for page in &pages {
            assert_ne!(page.last().map(String::as_str), Some("TÍTULO"), "{before} rows before");
            if let Some(heading) = page.iter().position(|text| text == "TÍTULO") {
                assert!(page[heading + 1..].contains(&"f0".to_owned()), "{before}: {page:?}");
            }
            assert!(page.contains(&"Nombre".to_owned()), "{before}: {page:?}");
        }
    }
}

#[test]
fn a_cell_that_is_longer_than_a_page_is_continued_and_loses_nothing() {
    let words: Vec<String> = (0..3000).map(|word| format!("p{word}")).collect();
    let field = Block::Fields(vec![Field::wide("Desarrollo", Cell::text(words.join(" ")))]);
    for blocks in [vec![field], vec![rows(1, &words.join(" "))], vec![Block::Text(words.join(" "))]] {
        let pages = texts(blocks);
        assert!(pages.len() > 1);
        let all: Vec<String> = pages
            .concat()
            .iter()
            .flat_map(|text| text.split(' '))
            .filter(|word| word.starts_with('p'))
            .map(str::to_owned)
            .collect();
        assert_eq!(all, words);
    }
}

#[test]
fn a_figure_and_the_signatures_stay_on_one_page() {
    let series = [Series { name: "S".to_owned(), values: vec![Some(1.0)], shown: vec!["1".to_owned()] }];
    let drawing = draw(ChartKind::Columns, &["a".to_owned()], &series, Locale::Es).unwrap();
    let signature = Signature { role: "Firma".to_owned(), name: "Ana".to_owned(), post: None, note: None };
    for before in 0..50 {
        let figure =
            Figure { title: "Gráfico".to_owned(), drawing: drawing.clone(), description: "D".to_owned() };
        let pages = texts(vec![
            rows(before, "x"),
            Block::Figure(figure),
            rows(before, "x"),
            Block::Signatures(vec![
                Signature { name: "Eva".to_owned(), ..clone(&signature) },
                clone(&signature),
            ]),
        ]);
        let with = |text: &str| pages.iter().position(|page| page.contains(&text.to_owned()));
        assert_eq!(with("Gráfico"), with("a"), "{before}");
        assert_eq!(with("Ana"), with("Eva"), "{before}");
    }
}

fn clone(signature: &Signature) -> Signature {
    let Signature { role, name, post, note } = signature;
    Signature { role: role.clone(), name: name.clone(), post: post.clone(), note: note.clone() }
}

#[test]
fn a_file_is_tagged_and_the_same_content_gives_the_same_bytes() {
    let made = || write(&document(vec![Block::Heading("Título".to_owned()), rows(3, "日本 😀")])).unwrap();
    let file = made();
    assert_eq!(file, made());
    let has = |text: &str| file.windows(text.len()).any(|part| part == text.as_bytes());
    for part in
        ["/MarkInfo<</Marked true", "/Lang(es)", "/DisplayDocTitle true", "pdfuaid:part", "/S/TH", "/S/H1"]
    {
        assert!(has(part), "{part} is missing");
    }
    // An empty document is one page.
    assert!(write(&document(Vec::new())).unwrap().starts_with(b"%PDF-"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_text_can_be_written(text in "\\PC{0,200}", any in proptest::collection::vec(any::<char>(), 0..80)) {
        let any: String = any.into_iter().collect();
        let mut document = document(vec![
            Block::Heading(text.clone()),
            Block::Text(any.clone()),
            Block::Fields(vec![Field::new(any.clone(), Cell::text(&*text), 4), Field::new("", Cell::text(&*any), 8)]),
            rows(2, &any),
            Block::Signatures(vec![Signature { role: any.clone(), name: text.clone(), post: Some(any.clone()), note: None }]),
        ]);
        document.title = any.clone();
        document.entity = text;
        document.parts[0].name = any;
        let written = write(&document);
        prop_assert!(written.is_ok(), "{:?}", written.err());
    }
}
