//! Quotations that are recognised because the desk sent them.

use super::{OwnTexts, new_words};

const LETTER: &str = "Buenos días, Ana.\n\nSu solicitud quedó registrada con el número 12 y la atiende Luis Mora.\n\
                      Para continuar necesitamos un dato. ¿Cuál es la placa del equipo?\n\n¿Está encendido? Mesa de Servicios";

fn own() -> OwnTexts {
    OwnTexts::new([LETTER].into_iter())
}

#[test]
fn what_the_desk_sent_is_left_out_without_attribution() {
    for (name, text, expected) in [
        ("below", format!("La 10432.\n\n{LETTER}"), "La 10432."),
        ("above", format!("{LETTER}\n\nLa 10432."), "La 10432."),
        (
            "in other lines",
            "La 10432.\n\nBuenos días, Ana. Su solicitud quedó\nregistrada con el número 12\ny la atiende Luis Mora. Para\ncontinuar necesitamos un dato."
                .to_owned(),
            "La 10432.",
        ),
        ("marked, a short sentence", "> ¿Está encendido?\nSí.".to_owned(), "Sí."),
        ("marked, answered below", "> ¿Cuál es la placa del equipo?\nLa 10432.".to_owned(), "La 10432."),
        (
            "marked, between words",
            "Hola.\n\n> Para continuar necesitamos un dato.\n\n¿Cuál?\n> ¿Cuál es la placa del equipo?\nLa 10432.".to_owned(),
            "Hola.\n\n¿Cuál?\nLa 10432.",
        ),
        (
            "below a sentence that is not certain",
            format!("Listo\n\nOn 24/11/2026 Mesa wrote:\n\n{LETTER}"),
            "Listo",
        ),
        (
            "answers within a quotation without marks",
            "Respondo en rojo.\n\nEl lun, 24 nov 2026 a las 10:00, Mesa <mesa@desk.test> escribió:\n\nBuenos días, Ana.\n\n\
             Su solicitud quedó registrada con el número 12 y la atiende Luis Mora.\nQue venga el lunes.\n\
             Para continuar necesitamos un dato. ¿Cuál es la placa del equipo?\n\n¿Está encendido? Mesa de Servicios\nSí."
                .to_owned(),
            "Respondo en rojo.\n\nQue venga el lunes.\n\nSí.",
        ),
        (
            "announced, but of the desk",
            format!(
                "Respondo lo siguiente:\n\nDe: Mesa <mesa@desk.test>\nEnviado: martes, 24 de noviembre de 2026 10:00\n\
                 Para: Ana\nAsunto: RE: x\n\n{LETTER}"
            ),
            "Respondo lo siguiente:",
        ),
    ] {
        let reply = new_words(&text, &own());
        assert_eq!(reply.text, expected, "{name}");
        assert!(reply.is_cut, "{name}");
    }
}

#[test]
fn what_is_repeated_on_purpose_stays() {
    for text in [
        "Ustedes dicen:\nSu solicitud quedó registrada con el número 12 y la atiende Luis Mora.\nPero nadie vino.",
        "Mesa de Servicios\nno contesta.",
        "¿Cuál es la placa del equipo?\nNo la encuentro.",
        "El comando da error:\n> dir\n> cd temp\nAcceso denegado",
        "> ¿Cuál es la placa de la impresora?\nNo sé.",
    ] {
        let reply = new_words(text, &own());
        assert_eq!((reply.text.as_str(), reply.is_cut), (text, false));
    }
}

#[test]
fn nothing_but_what_the_desk_sent_stays_whole() {
    let reply = new_words(LETTER, &own());
    assert_eq!((reply.text.as_str(), reply.is_cut), (LETTER, false));
}

#[test]
fn marks_are_where_words_follow() {
    let text =
        "Hola.\n\nEl 24/11/2026 a las 10:00, Mesa escribió:\n> ¿Placa?\nLa 10432.\n> ¿Piso?\nEl 3.\n> Fin";
    let reply = new_words(text, &OwnTexts::default());
    assert_eq!(reply.text, "Hola.\n\nLa 10432.\nEl 3.");
    assert_eq!(reply.marked(), "Hola.\n\n[…]\n\nLa 10432.\n\n[…]\n\nEl 3.");
    let at_the_end = new_words("Ya quedó.\n\n-----Mensaje original-----\nDe: Mesa", &OwnTexts::default());
    assert_eq!((at_the_end.marked().as_str(), at_the_end.is_cut), ("Ya quedó.", true));
}
