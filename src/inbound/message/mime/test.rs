//! Messages of several parts, and what is read of them.

use super::super::LONGEST_TEXT;
use super::*;

/// A file of this number of bytes within this number of parts.
fn nested(depth: usize, file: &[u8]) -> Vec<u8> {
    let mut message = Vec::new();
    for level in 0..depth {
        message.extend(format!("Content-Type: multipart/mixed; boundary=b{level}\n\n--b{level}\n").bytes());
    }
    message.extend(b"Content-Type: application/pdf; name=a.pdf\n\n");
    message.extend(file);
    for level in (0..depth).rev() {
        message.extend(format!("\n--b{level}--\n").bytes());
    }
    message
}

#[test]
fn deeply_nested_parts_are_read_within_the_limit_of_work() {
    let file = vec![b'A'; 12_000_000];
    let found = content(&nested(200, &file)).unwrap();
    assert!(found.files.len() == 1 && found.files[0].bytes == file);
    // Possible boundary lines are checked on every level, within a limit.
    let message = nested(200, &b"--x\n".repeat(1000));
    let looked_at = 200 * 1000;
    assert!(walk(&message, Delimiters::find(&message).at_most(2 * looked_at)).is_ok());
    let little = Delimiters::find(&message).at_most(looked_at / 2);
    assert_eq!(walk(&message, little).unwrap_err(), Fault::TooComplex);
}

fn said(message: &str) -> String {
    content(message.as_bytes()).unwrap().text
}

#[test]
fn a_page_that_follows_its_images_is_read() {
    let message = "Content-Type: multipart/related; boundary=b; start=\"<page>\"\n\n--b\nContent-Type: image/png\n\
                   Content-ID: <image>\n\nx\n--b\nContent-Type: text/html\nContent-ID: <page>\n\n<p>Sin red</p>\n--b--\n";
    assert_eq!(said(message), "Sin red");
    assert_eq!(said(&message.replace("; start=\"<page>\"", "")), "");
}

#[test]
fn plain_words_that_only_point_to_the_page_are_not_all() {
    let message = |plain: &str| {
        let page = "No hay red en el piso 3. ".repeat(10);
        format!(
            "Content-Type: multipart/alternative; boundary=b\n\n--b\n\n{plain}\n--b\nContent-Type: text/html\n\n<p>{page}</p>\n--b--\n"
        )
    };
    assert!(said(&message("Vea el HTML.")).starts_with("No hay red"));
    let plain = "No hay red en el piso 3, ni en el 4 ni en el 5; tampoco en la sala.";
    assert_eq!(said(&message(plain)), plain);
}

#[test]
fn a_text_in_base64_that_is_words_is_words() {
    let message =
        |body: &str| format!("Content-Type: text/plain\nContent-Transfer-Encoding: base64\n\n{body}");
    assert_eq!(said(&message("No hay red en el piso 3.")), "No hay red en el piso 3.");
    assert_eq!(said(&message("bm8gaGF5 IHJlZA==")), "no hay red");
}

#[test]
fn a_text_with_a_name_is_the_text_if_there_is_no_other() {
    let message = "Content-Type: text/html; name=a.html\n\n<p>Sin red</p>";
    assert_eq!(said(message), "Sin red");
    assert_eq!(content(message.as_bytes()).unwrap().files.len(), 1);
}

#[test]
fn the_text_of_a_message_of_a_mobile_phone_is_read() {
    let message = "Content-Type: multipart/related; boundary=b\n\n--b\nContent-Type: application/smil; name=a.smil\n\n\
                   <smil/>\n--b\nContent-Type: text/plain; name=t.txt\n\nSin luz\n--b\n\
                   Content-Type: image/png; name=a.png\n\nx\n--b--\n";
    assert_eq!(said(message), "Sin luz");
    let names = |message: &str| -> Vec<String> {
        content(message.as_bytes()).unwrap().files.into_iter().map(|file| file.name).collect()
    };
    assert_eq!(names(message), ["a.smil", "a.png"]);
    assert_eq!(said(&message.replace("related", "mixed")), "Sin luz");
    let attached = message.replace("name=t.txt", "name=t.txt\nContent-Disposition: attachment");
    assert_eq!(names(&attached), ["a.smil", "t.txt", "a.png"]);
    assert_eq!(said(&message.replace("application/smil", "text/xml")), "Sin luz");
    assert_eq!(said(&message.replace("a.smil", "a.xml")), "Sin luz");
    let other = message.replace("application/smil; name=a.smil", "text/html; name=a.html");
    assert_eq!(names(&other), ["a.html", "t.txt", "a.png"]);
}

fn files(message: &str) -> Vec<(String, Vec<u8>)> {
    let files = content(message.as_bytes()).unwrap().files;
    files.into_iter().map(|file| (file.name, file.bytes)).collect()
}

#[test]
fn pictures_in_a_page_are_files() {
    let uri = "data:image/png;base64,aG9sYQ==";
    let png = vec![("attachment.png".to_owned(), b"hola".to_vec())];
    let page = format!("Content-Type: text/html\n\n<p>Captura: <img src=\"{uri}\"> arriba</p>");
    assert_eq!((said(&page), files(&page)), ("Captura: arriba".to_owned(), png.clone()));
    // The page beside a plain text.
    let both = format!(
        "Content-Type: multipart/alternative; boundary=b\n\n--b\n\nVer captura\n--b\n\
         Content-Type: text/html\n\n<p>Ver captura <img src='{uri}'></p>\n--b--\n"
    );
    assert_eq!((said(&both), files(&both)), ("Ver captura".to_owned(), png));
    // The picture does not count for the length of the text.
    let large = page.replace("aG9sYQ==", &"aG9s".repeat(LONGEST_TEXT / 2));
    assert_eq!(said(&large), "Captura: arriba");
    assert_eq!(files(&large)[0].1.len(), LONGEST_TEXT / 2 * 3);
}

#[test]
fn texts_with_formats_are_texts() {
    let enriched = "Content-Type: text/enriched\n\n<bold>Hola</bold>, no\nimprime";
    assert_eq!((said(enriched), files(enriched)), ("Hola, no imprime".to_owned(), Vec::new()));
    assert_eq!(said("Content-Type: text/richtext\n\nHola<nl>Ana"), "Hola\nAna");
    assert_eq!(files("Content-Type: text/richtext\n\n{\\rtf1 Hola}")[0].1, b"{\\rtf1 Hola}");
    let both = "Content-Type: multipart/alternative; boundary=b\n\n--b\n\nHola, no imprime\n--b\n";
    let both = format!("{both}{enriched}\n--b--\n");
    assert_eq!((said(&both), files(&both)), ("Hola, no imprime".to_owned(), Vec::new()));
    assert_eq!(said("Content-Type: application/xhtml+xml\n\n<title/><p>Sin red</p>"), "Sin red");
}

#[test]
fn a_file_is_whole_and_exact() {
    let parts = "Content-Type: multipart/mixed; boundary=b\n\n--b\n\nVa\n--b\nContent-Type: application/pdf; name=a.pdf\n";
    let pdf = vec![("a.pdf".to_owned(), b"%PDF-1.4\n%%EOF\n".to_vec())];
    for rest in [
        "Content-Transfer-Encoding: base64\n\nJVBERi0xLjQK\nJSVFT0YK\n\n-- \nRevisado por antivirus\n",
        "\nJVBERi0xLjQK\nJSVFT0YK\n",
        "esto no es un campo\nContent-Transfer-Encoding: base64\n\nJVBERi0xLjQKJSVFT0YK\n",
    ] {
        assert_eq!(files(&format!("{parts}{rest}--b--\n")), pdf, "{rest}");
    }
    let late = parts.replace("--b\nContent-Type", "--b\n\nContent-Type");
    assert_eq!(
        files(&format!("{late}Content-Transfer-Encoding: base64\n\nJVBERi0xLjQKJSVFT0YK\n--b--\n")),
        pdf
    );
    // Lines that end in CR alone.
    let old = format!("{parts}Content-Transfer-Encoding: base64\n\nJVBERi0xLjQK\nJSVFT0YK\n--b--\n");
    assert_eq!(files(&old.replace('\n', "\r")), pdf);
}
