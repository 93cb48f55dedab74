//! Pages, and the text that a reader sees in them.

use std::time::Duration;

use super::super::cpu_time::cpu_time;
use super::*;

#[test]
fn what_a_reader_sees_is_kept_line_by_line() {
    let html = "<html><head><title>x</title><style>p{}</style></head><body><p>Hola&nbsp;&amp; adi&oacute;s,\n\
                <b>Ana</b></p><div>Uno<br>Dos</div><ul><li>a<li>b</ul><script>alert(1)</script>\
                <table><tr><td>1</td><td>2</td></tr></table><img src=x alt='el atasco'></body></html>";
    assert_eq!(text(html), "Hola\u{a0}& adiós, Ana\n\nUno\nDos\n\n- a\n- b\n\n1 2\n\n[el atasco]\n");
}

#[test]
fn quotations_are_marked() {
    let html = "Gracias<br><div>El lun, Ana escribi&oacute;:<blockquote>Uno<blockquote>Dos</blockquote></blockquote></div>fin";
    assert_eq!(text(html), "Gracias\nEl lun, Ana escribió:\n>\n> Uno\n> >\n> > Dos\n\nfin\n");
}

#[test]
fn nesting_without_end_is_read() {
    let deep = format!("{}hola{}", "<div><blockquote><b>".repeat(100_000), "</b>".repeat(100_000));
    assert!(text(&deep).contains("hola"));
    assert_eq!(text("<head><title>x</title><body>hola"), "hola\n");
    assert_eq!(text("<html><head><meta charset=utf-8><style>p{}</style><p>hola</html>"), "hola\n");
    assert_eq!(text("<style/>p{}</style>hola"), "hola\n");
    assert_eq!(text("<style>a<b</style><script>if (a<b) x</script>hola"), "hola\n");
}

#[test]
fn the_address_of_a_link_follows_words_that_differ_from_it() {
    for (html, expected) in [
        ("<a href=https://x.test/a?b=1&amp;c=2>aquí</a>, fin", "aquí <https://x.test/a?b=1&c=2>, fin"),
        ("<a href='https://x.test/'>x.test</a>", "x.test"),
        ("<a href='https://www.x.test/a'>HTTPS://x.test/a</a>", "HTTPS://x.test/a"),
        ("<a href='mailto:a@x.test?subject=y'>a@x.test</a>", "a@x.test"),
        ("<a href='mailto:a@x.test'>Ana</a> escribió", "Ana <a@x.test> escribió"),
        ("<a href='#top'>arriba</a> <a href='javascript:x()'>no</a> <a href='cid:1'>c</a>", "arriba no c"),
        ("<a href='https://x.test/a'><img src=b></a>Hola", "Hola"),
        ("<a href='https://x.test/a'><img alt='el mapa'></a>", "[el mapa] <https://x.test/a>"),
        (
            "<a href='https://x.test/a'>uno<a href='https://x.test/b'>dos",
            "uno <https://x.test/a>dos <https://x.test/b>",
        ),
        ("<a name=x>uno</a>", "uno"),
    ] {
        assert_eq!(text(html).trim_end(), expected, "{html}");
    }
}

#[test]
fn lists_keep_their_numbers() {
    for (html, expected) in [
        ("<ol><li>uno<li>dos</ol>", "1. uno\n2. dos"),
        ("<ol start=3><li>uno<li value=7>dos<li>tres</ol>", "3. uno\n7. dos\n8. tres"),
        ("<ol><li><p>uno</p><ul><li>a</ul></li><li><div>dos</div></ol>fin", "1. uno\n  - a\n2. dos\n\nfin"),
        ("<li>uno<li>", "- uno"),
        (
            "<ol start=9223372036854775807><li>a<li>b</ol></ol></ol>",
            "9223372036854775807. a\n9223372036854775807. b",
        ),
    ] {
        assert_eq!(text(html).trim_end(), expected, "{html}");
    }
}

#[test]
fn what_is_not_displayed_is_dropped() {
    for (html, expected) in [
        ("<div style='DISPLAY: none !important'>x<div>y</div></div>Hola", "Hola"),
        ("<span style='font-size:0px'>x</span>Hola", "Hola"),
        ("<td style='font-size:0px'><div style='font-size:13px'>Hola</div></td>", "Hola"),
        ("<div style='max-height:0;overflow:hidden'>x</div>Hola", "Hola"),
        ("<p style='visibility:hidden'>x<p>Hola", "Hola"),
        ("<img alt=x hidden>Hola<br style='display:none'>y", "Hola\ny"),
        ("<div hidden>x</div><p style='mso-hide:all'>y</p>Hola", "Hola"),
        // One that never ends would hide everything.
        ("Hola<div style='display:none'>x", "Hola\nx"),
        ("<span style='display:none'>x</span>Hola <b>Ana</b>", "Hola Ana"),
        // The last declaration counts, or the last important one.
        ("<p style='display:none;display:inline'>Hola</p>", "Hola"),
        ("<p hidden style='display:block'>Hola</p>", "Hola"),
        ("<p style='display:block;display:none'>x</p>Hola", "Hola"),
        ("<p style='display:none!important;display:block'>x</p>Hola", "Hola"),
        ("<p style='visibility:hidden;visibility:visible'>Hola</p>", "Hola"),
        // Only what is invisible may contain what is visible.
        ("<div style='visibility:hidden'>x<p style='visibility:visible'>Hola</p>y</div>fin", "Hola\n\nfin"),
        (
            "<div style='visibility:hidden'>x<div style='visibility:visible'>a<div>b</div><i hidden>y</i></div>y</div>c",
            "a\nb\nc",
        ),
        ("<div style='display:none'>x<p style='visibility:visible'>y</p></div>Hola", "Hola"),
    ] {
        assert_eq!(text(html).trim_end(), expected, "{html}");
    }
}

#[test]
fn the_values_of_a_form_are_kept() {
    for (html, expected) in [
        ("Cédula:<input type=text value='52.123.456'><br>Piso", "Cédula: 52.123.456\nPiso"),
        ("<input type=hidden value=x><input type=password value=y><input value=' '>a", "a"),
        ("<input type=checkbox checked>Sí <input type=radio>No", "[x] Sí [ ] No"),
        ("Falla:<textarea>\nuno <b>\n  dos</textarea>fin", "Falla:\n\nuno <b>\n  dos\nfin"),
        ("Sede <select><option>Norte<option selected>Sur</select>, hoy", "Sede Sur , hoy"),
        ("<select><optgroup><option>Norte</option><option>Sur</optgroup></select>", "Norte"),
        ("<select multiple><option selected>a<option>b<option selected>c</select>", "a, c"),
        ("<select><option>Norte<option>Sur<p>Hola", "Norte\n\nHola"),
        ("<select><option>Norte<option>Sur", "Norte"),
        ("<div hidden><select><option>x</select></div>a", "a"),
    ] {
        assert_eq!(text(html).trim(), expected, "{html}");
    }
}

#[test]
fn signs_are_words_where_a_page_shows_them() {
    for (html, expected) in [
        ("<xmp>if (a<b) x\n <p>y</xmp><listing>a\n b</listing>", "if (a<b) x\n <p>y\na\n b"),
        ("Antes<plaintext>Todo <b>esto", "Antes\nTodo <b>esto"),
    ] {
        assert_eq!(text(html).trim_end(), expected, "{html}");
    }
}

#[test]
fn a_page_in_xml_is_read() {
    let page = "<?xml version='1.0'?><html xmlns='http://www.w3.org/1999/xhtml'><head><title/><script src='x'/>\
                </head><body><p>Año<br/>nuevo</p><div hidden='hidden'/><![CDATA[a < b]]></body></html>";
    assert_eq!(text_of_xml(page), "Año\nnuevo\n\na < b\n");
}

#[test]
fn an_indentation_is_no_quotation() {
    for (html, expected) in [
        (
            "Los datos:<blockquote style='margin-left:0.8ex'>Placa 10432</blockquote>",
            "Los datos:\n\nPlaca 10432",
        ),
        ("<blockquote type=cite>a</blockquote>b", "> a\n\nb"),
        ("<blockquote class=gmail_quote style='border-left:1px solid'>a</blockquote>", "> a"),
        (
            "<blockquote style='border-left: 2px solid'>a<blockquote>b</blockquote></blockquote>",
            "> a\n> >\n> > b",
        ),
        ("<blockquote style='border-left: none'>a</blockquote>", "a"),
        ("El 3/4/26, a@x.test:<blockquote>a</blockquote>", "El 3/4/26, a@x.test:\n>\n> a"),
    ] {
        assert_eq!(text(html).trim_end(), expected, "{html}");
    }
}

#[test]
fn a_page_may_declare_its_character_set() {
    for (page, declared, expected) in [
        ("<meta charset=iso-8859-15>", None, Some("iso-8859-15")),
        (
            "<META HTTP-EQUIV='Content-Type' CONTENT='text/html; charset=Windows-1251'>",
            None,
            Some("windows-1251"),
        ),
        ("<?xml version='1.0' encoding=\"koi8-r\"?>", None, Some("koi8-r")),
        ("<meta charset=\"gb2312\">", Some("us-ascii"), Some("gb2312")),
        ("<meta charset=gb2312>", Some("x-nada"), Some("gb2312")),
        ("<meta charset=gb2312>", Some("utf-8"), Some("utf-8")),
        ("<meta charset=utf-16>", None, None),
        ("<p>charset=gb2312</p>", None, None),
        ("<meta name=x><meta charset = 'big5' />", None, Some("big5")),
    ] {
        assert_eq!(charset(page.as_bytes(), declared).as_deref(), expected, "{page}");
    }
}

#[test]
fn long_pages_take_linear_time() {
    let breaks = "<br>";
    let words = "x";
    for (first, unit) in [
        (breaks, "<blockquote></blockquote>"),
        (breaks, "<blockquote>"),
        (breaks, "<p style=display:none><blockquote></blockquote>"),
        (breaks, "<blockquote></blockquote><p hidden>"),
        (words, "<blockquote>"),
        (words, "<a href=https://x.test>y"),
        (words, "<ol>"),
        (words, "<li>a"),
        (words, "<p style=display:none>"),
        (words, "<p style=visibility:hidden><b style=visibility:visible>"),
        (words, "<select><option>x"),
        (words, "<input value=x>"),
        (words, "<textarea>"),
        (words, "<br>"),
        (words, "</a>"),
    ] {
        let page = |length: usize| {
            let half = |piece: &str| piece.repeat(length / 2 / piece.len());
            format!("{}{}", half(first), half(unit))
        };
        let time = |page: &str| {
            let start = cpu_time();
            std::hint::black_box(text(page));
            cpu_time() - start
        };
        let (short, long) = (page(LENGTH), page(2 * LENGTH));
        // Another process could disturb a comparison.
        let is_linear = || time(&long) < 3 * time(&short) + Duration::from_millis(20);
        assert!((0..4).any(|_| is_linear()), "{first} {unit}: {:?}, {:?}", time(&short), time(&long));
    }
}

/// Bytes of the shorter of two pages.
const LENGTH: usize = 100_000;
