//! Parsing of mail: one sample message of each kind, with the expected result.

use std::path::Path;

use mesa::inbound::message::{Automatic, Fault, Message, Verdict, verdict};

/// The text of most samples.
const WORDS: &str = "El computador no tiene red desde la mañana.\nLa placa es 10432.";

/// A sample's name, its new text without quotes, and its files with their content.
type Row = (&'static str, &'static str, Vec<(&'static str, Vec<u8>)>);

fn sample(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/api/messages/{name}.eml"));
    std::fs::read(path).unwrap()
}

fn read(name: &str) -> Message {
    Message::read(&sample(name), Some("mesa.test"), Some("soporte@mesa.test")).unwrap()
}

/// All 256 byte values.
fn all() -> Vec<u8> {
    (0..=255).collect()
}

fn with_all(before: &[u8], after: &[u8]) -> Vec<u8> {
    [before, &all(), after].concat()
}

/// The message that two samples contain as an attachment.
fn forwarded() -> Vec<u8> {
    let whole = sample("forwarded-message");
    let from = whole.windows(16).position(|part| part == b"From: Proveedor ").unwrap();
    let to = whole.windows(7).rposition(|part| part == b"\n\n--b--").unwrap();
    whole[from..=to].to_vec()
}

fn table() -> Vec<Row> {
    let none = Vec::new;
    let bytes = |text: &str| text.as_bytes().to_vec();
    let picture = || read("inline-image-between-words").files[0].bytes.clone();
    let seen = "El computador no tiene red desde la mañana.\n\n[la pantalla]";
    vec![
        // Transfer encodings.
        ("7bit", "El computador no tiene red.\nLa placa es 10432.", none()),
        ("8bit", WORDS, none()),
        ("quoted-printable", WORDS, none()),
        ("base64", WORDS, none()),
        ("binary", WORDS, vec![("datos.bin", all())]),
        ("unknown-encoding", WORDS, none()),
        ("broken-base64", WORDS, vec![("datos.bin", all())]),
        ("quoted-printable-file", WORDS, vec![("datos.bin", all())]),
        // Character sets.
        ("iso-8859-1", WORDS, none()),
        ("windows-1252", "Dice “error” y cuesta 5€ la mañana.", none()),
        ("windows-1252-called-iso-8859-1", "Dice “error” la mañana.", none()),
        ("shift-jis", "プリンターが動きません。", none()),
        ("iso-2022-jp", "プリンター", none()),
        ("utf-16", "mañana", none()),
        ("no-charset", WORDS, none()),
        ("no-content-type", WORDS, none()),
        ("wrong-charset", WORDS, none()),
        ("utf-8-called-iso-8859-1", WORDS, none()),
        ("unknown-charset", WORDS, none()),
        ("format-flowed", "El computador no tiene red desde la mañana.", none()),
        // Parts.
        ("html-only", seen, none()),
        ("alternative", WORDS, none()),
        ("alternative-with-empty-plain", seen, none()),
        (
            "nested-multiparts",
            WORDS,
            vec![("pantalla.png", picture()), ("informe.pdf", with_all(b"%PDF-1.4\n", b"\n%%EOF"))],
        ),
        (
            "inline-image-between-words",
            "Antes de la foto.\n\nDespués de la foto.",
            vec![("foto 1.png", picture())],
        ),
        ("forwarded-message", "Vea el mensaje adjunto.", vec![("Cotización 12-2026.eml", forwarded())]),
        ("forwarded-message-base64", "Vea el mensaje adjunto.", vec![("original.eml", forwarded())]),
        ("winmail-dat", WORDS, vec![("winmail.dat", with_all(b"\x78\x9f\x3e\x22", b""))]),
        (
            "calendar-invitation",
            "Visita técnica mañana.",
            vec![(
                "attachment.ics",
                bytes(
                    "BEGIN:VCALENDAR\nMETHOD:REQUEST\nBEGIN:VEVENT\nUID:1\nSUMMARY:Visita\nEND:VEVENT\nEND:VCALENDAR\n",
                ),
            )],
        ),
        ("smime-signed", WORDS, vec![("smime.p7s", with_all(b"\x30\x82", b""))]),
        ("smime-encrypted", "", vec![("smime.p7m", with_all(b"\x30\x82", b""))]),
        ("boundary-never-ends", WORDS, vec![("a.pdf", bytes("%PDF-1.4 cut off"))]),
        ("boundary-never-comes", WORDS, none()),
        ("crlf", WORDS, vec![("a.csv", bytes("a,b\r\n1,2\r\n"))]),
        ("text-file-with-name", WORDS, vec![("registro.txt", b"ma\xf1ana\n\n".to_vec())]),
        // Missing parts, and file names of every kind.
        ("empty-body", "", none()),
        ("header-only", "", none()),
        ("no-subject", WORDS, none()),
        ("no-from", WORDS, none()),
        ("no-message-id", WORDS, none()),
        ("several-from", WORDS, none()),
        ("two-from-fields", WORDS, none()),
        ("mailbox-line", WORDS, none()),
        ("names-with-commas", WORDS, vec![("lista, final; v2.csv", bytes("a,b\n1,2"))]),
        ("encoded-words", WORDS, vec![("información anual.pdf", bytes("%PDF-1.4 x"))]),
        (
            "rfc-2231-names",
            WORDS,
            vec![("informe técnico de la mañana.pdf", bytes("%PDF-1.4 x")), ("año.pdf", bytes("%PDF-1.4 y"))],
        ),
        ("injection-in-subject", WORDS, none()),
        ("injection-in-names", "ab[31m", vec![("../../etc/x X: y.pdf", bytes("%PDF-1.4 x"))]),
        ("injection-in-address", WORDS, none()),
        // Automatic messages and forged senders.
        ("auto-reply", "Estoy de vacaciones.", none()),
        (
            "bounce",
            "I could not deliver your message.",
            vec![
                (
                    "attachment.txt",
                    bytes(
                        "Reporting-MTA: dns; mx.mesa.test\n\nFinal-Recipient: rfc822; nadie@mesa.test\nAction: failed\nStatus: 5.1.1\n",
                    ),
                ),
                ("attachment.txt", bytes("Subject: [#1] Sin red\n")),
            ],
        ),
        ("mailing-list", "Mañana no hay servicio.", none()),
        ("own-mail", "Su caso quedó registrado.", none()),
        ("spoofed", WORDS, none()),
        // Replies, without quoted text.
        ("reply-gmail-es", "La placa es 10432, gracias.", none()),
        ("reply-gmail-en", "The tag is 10432, thanks.", none()),
        ("reply-gmail-html", "La placa es 10432.", none()),
        ("reply-outlook-es", "Ya quedó, muchas gracias.\n\nRosa", none()),
        ("reply-outlook-html", "Sigue sin red.", none()),
        ("reply-outlook-old", "Sí, es esa.", none()),
        ("reply-thunderbird-between", "La 10432.\nEl 3.", none()),
        ("reply-iphone", "Listo", none()),
        ("reply-by-subject", "Sigue igual.", none()),
        ("reply-only-quotation", "> Su solicitud quedó registrada.", none()),
    ]
}

#[test]
fn every_sample_is_parsed_and_its_files_are_unchanged() {
    let table = table();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/api/messages");
    assert_eq!(std::fs::read_dir(folder).unwrap().count(), table.len(), "each sample has a row");
    for (name, words, files) in table {
        let message = read(name);
        assert_eq!(message.reply.text, words, "{name}");
        let found: Vec<(&str, Vec<u8>)> =
            message.files.iter().map(|file| (file.name.as_str(), file.bytes.clone())).collect();
        assert_eq!(found, files, "{name}");
    }
}

#[test]
fn the_author_is_one_person_or_unclear() {
    for (name, expected) in [
        ("8bit", Some(("requester@mesa.test", Some("Rosa Pérez")))),
        ("no-content-type", Some(("requester@mesa.test", None))),
        ("no-from", None),
        ("two-from-fields", None),
        ("several-from", Some(("ana@mesa.test", Some("Ana")))),
        ("names-with-commas", Some(("requester@mesa.test", Some("Perez Gomez, Rosa (TIC)")))),
        ("encoded-words", Some(("requester@mesa.test", Some("Rosa Pérez Gómez")))),
        ("injection-in-names", Some(("requester@mesa.test", Some("Rosa Bcc: x@mesa.test")))),
    ] {
        let from = read(name).from;
        let found = from.as_ref().map(|from| (from.address.as_str(), from.name.as_deref()));
        assert_eq!(found, expected, "{name}");
    }
    for (name, subject) in [
        ("8bit", "Sin red en el piso 3"),
        ("no-subject", ""),
        ("encoded-words", "La impresora no imprime en la mañana"),
        ("injection-in-subject", "Sin red Bcc: victima@mesa.test <script>"),
    ] {
        assert_eq!(read(name).subject, subject);
    }
}

#[test]
fn automatic_messages_and_references_are_recognised() {
    for (name, expected) in [
        ("8bit", None),
        ("auto-reply", Some(Automatic::AutoReply)),
        ("bounce", Some(Automatic::Bounce)),
        ("mailing-list", Some(Automatic::List)),
        ("own-mail", Some(Automatic::Own)),
        ("reply-gmail-es", None),
    ] {
        assert_eq!(read(name).automatic, expected, "{name}");
    }
    for (name, _, _) in table() {
        let expected = if *name == *"spoofed" { Verdict::Failed } else { Verdict::Unverified };
        assert_eq!(verdict(&sample(name), "mx.mesa.test", 2), expected, "{name}");
        assert_eq!(verdict(&sample(name), "mx.elsewhere.test", 2), Verdict::Unverified, "{name}");
    }
    assert_eq!(
        read("reply-gmail-es").answers,
        ["019ab0c1-5d00-7c3e-8e5e-0242ac120002@mesa.test", "019ab0c1-5d00-7c3e-8e5e-0242ac120001@mesa.test"]
    );
    assert!(read("reply-by-subject").answers.is_empty());
}

#[test]
fn large_and_deep_messages_are_parsed_or_rejected_quickly() {
    let refused = |bytes: &[u8]| Message::read(bytes, None, None).unwrap_err();
    // A file that does not compress; `inbound` tests one of 20 MB by the API.
    let content: Vec<u8> = (0..4_000_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let mut large = b"From: a@mesa.test\nContent-Type: application/octet-stream; name=grande.bin\n".to_vec();
    large.extend(b"Content-Transfer-Encoding: base64\n\n");
    use base64::Engine;
    for chunk in content.chunks(57) {
        large.extend(base64::engine::general_purpose::STANDARD.encode(chunk).as_bytes());
        large.push(b'\n');
    }
    let message = Message::read(&large, None, None).unwrap();
    assert!(message.files[0].bytes == content && message.text.is_empty());

    let nested = |depth: usize| {
        let mut text = "From: a@mesa.test\nSubject: x\n".to_owned();
        for level in 0..depth {
            text.push_str(&format!("Content-Type: multipart/mixed; boundary=b{level}\n\n--b{level}\n"));
        }
        text.push_str("Content-Type: application/pdf; name=fondo.pdf\n\n%PDF-1.4 fondo\n");
        for level in (0..depth).rev() {
            text.push_str(&format!("--b{level}--\n"));
        }
        text
    };
    let message = Message::read(nested(200).as_bytes(), None, None).unwrap();
    assert_eq!(
        (message.files[0].name.as_str(), &message.files[0].bytes[..]),
        ("fondo.pdf", &b"%PDF-1.4 fondo"[..])
    );
    assert_eq!(refused(nested(300).as_bytes()), Fault::TooComplex);
    assert_eq!(refused(nested(10_000).as_bytes()), Fault::TooComplex);

    let messages_in_messages = "From: a@mesa.test\nContent-Type: message/rfc822\n\n".repeat(100_000);
    assert_eq!(Message::read(messages_in_messages.as_bytes(), None, None).unwrap().files.len(), 1);
    let many = format!(
        "From: a@mesa.test\nContent-Type: multipart/mixed; boundary=b\n\n{}",
        "--b\n\n\n".repeat(100_000)
    );
    assert_eq!(refused(many.as_bytes()), Fault::TooComplex);
    let fields = format!("From: a@mesa.test\n{}\nhola", "X: y\n".repeat(300_000));
    assert_eq!(refused(fields.as_bytes()), Fault::HeaderTooLarge);
    let addresses = format!("From: {}\n\nhola", "a@mesa.test,".repeat(20_000));
    assert_eq!(Message::read(addresses.as_bytes(), None, None).unwrap().from.unwrap().address, "a@mesa.test");
    let words = "palabra ".repeat(1_000_000);
    let long = Message::read(format!("From: a@mesa.test\n\n{words}").as_bytes(), None, None).unwrap();
    assert_eq!((long.text.as_str(), long.files[0].bytes.len()), ("", words.len()));
    for nothing in ["", "\n\n", "hola", "hola\n\nadiós", "From someone\n", "\0\u{1}"] {
        assert_eq!(refused(nothing.as_bytes()), Fault::NotAMessage, "{nothing:?}");
    }
}
