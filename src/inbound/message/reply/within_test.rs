//! Words of the author within a quotation of what the desk sent.

use super::{OwnTexts, new_words};

const FORM: &str = "Hola, Ana Ruiz:\n\nPara continuar necesitamos estos datos:\n\nCédula:\nPlaca del equipo:\n\n\
                    Responda a este correo y la mesa de servicios sigue con su solicitud de inmediato.\n\n\
                    Ver la solicitud: https://mesa.test/s/12\n\nMesa de Servicios";

const GMAIL: &str = "El lun, 23 nov 2026 a las 10:15, Mesa (<mesa@mesa.test>) escribió:";

const OUTLOOK: &str = "De: Mesa <mesa@mesa.test>\nEnviado: lunes, 23 de noviembre de 2026 10:15\n\
                       Para: Ana Ruiz <ana@town.test>\nAsunto: [#12] Sin red";

fn marked(text: &str) -> String {
    text.lines().map(|line| format!("> {line}").trim_end().to_owned() + "\n").collect()
}

fn own() -> OwnTexts {
    OwnTexts::new([FORM].into_iter())
}

#[test]
fn words_within_a_quotation_of_the_desk_stay() {
    let filled = FORM.replace("Cédula:", "Cédula: 52.123.456").replace("equipo:", "equipo: 4412");
    for (name, text, expected) in [
        (
            "form in marked lines",
            format!("Va el formato.\n\n{GMAIL}\n{}", marked(&filled)),
            "Va el formato.\n\nCédula: 52.123.456\nPlaca del equipo: 4412",
        ),
        (
            "form in lines marked twice",
            format!("Va.\n\n{GMAIL}\n{}", marked(&marked(&filled))),
            "Va.\n\nCédula: 52.123.456\nPlaca del equipo: 4412",
        ),
        (
            "form below Outlook's block",
            format!("Va el formato.\n\n{OUTLOOK}\n\n{filled}"),
            "Va el formato.\n\nCédula: 52.123.456\nPlaca del equipo: 4412",
        ),
        (
            "words below a quotation without marks",
            format!("Hola.\n\n{OUTLOOK}\n\n{FORM}\n\nLa bandeja dos está rota.\n\nGracias."),
            "Hola.\n\nLa bandeja dos está rota.\n\nGracias.",
        ),
        (
            "words between marked lines that are marked themselves",
            format!("Hola.\n\n{GMAIL}\n{}", marked(&FORM.replace("Cédula:", "Cédula:\nno la tengo a mano"))),
            "Hola.\n\nno la tengo a mano",
        ),
        (
            "short words between lines of a quotation without marks",
            format!(
                "Hola.\n\n{OUTLOOK}\n\n{}",
                FORM.replace("Placa del equipo:", "Placa del equipo:\nNo\n👍")
            ),
            "Hola.\n\nNo\n👍",
        ),
        (
            "nothing above Outlook's block",
            format!("{OUTLOOK}\n\n{filled}"),
            "Cédula: 52.123.456\nPlaca del equipo: 4412",
        ),
        (
            "nothing above a sentence",
            format!("{GMAIL}\n\n{filled}"),
            "Cédula: 52.123.456\nPlaca del equipo: 4412",
        ),
        (
            "handed on, but of the desk",
            format!("Respondo lo que dice la mesa.\n\n{GMAIL}\n\n{}", marked(&filled)),
            "Respondo lo que dice la mesa.\n\nCédula: 52.123.456\nPlaca del equipo: 4412",
        ),
        (
            "a short quotation",
            "Hola.\n\nDe: Mesa <mesa@mesa.test>\nEnviado: hoy\nPara: Ana\nAsunto: A\n\nHola, Ana Ruiz:\n\n\
             Mesa de Servicios\n\nLa bandeja dos está rota."
                .to_owned(),
            "Hola.\n\nLa bandeja dos está rota.",
        ),
    ] {
        assert_eq!(new_words(&text, &own()).text, expected, "{name}");
    }
}

#[test]
fn what_programs_change_in_a_quotation_is_no_word_of_the_author() {
    let links =
        FORM.replace("https://mesa.test/s/12", "https://mesa.test/s/12 <https://safe.test/?u=mesa%2F12>");
    let broken =
        FORM.replace("este correo y la", "este correo\ny la").replace("sigue con su", "sigue\ncon su");
    let short = FORM.replace(" estos datos:", "");
    let notice =
        "Este mensaje es confidencial y va dirigido a su destinatario. Si lo recibe por error, elimínelo.";
    for quotation in [
        format!("{GMAIL}\n\n{}", marked(&links)),
        format!("{GMAIL}\n\n{}", marked(&broken)),
        format!("{GMAIL}\n\n{}", marked(&short)),
        format!("{GMAIL}\n\n{links}"),
        format!("{OUTLOOK}\n\n[cid:logo.png]\n\n{broken}\n\n________________________________\n\n{notice}"),
        format!("-----Mensaje original-----\n{OUTLOOK}\n\n{short}\n\nEnviado desde mi iPhone"),
        format!("{OUTLOOK}\n\n{FORM}\n\n{GMAIL}\n\nNo hay red en el piso.\n\nNi en el otro."),
        format!("{GMAIL}\n{}", marked(&format!("{FORM}\n\n{GMAIL}\n> No hay red."))),
    ] {
        let text = format!("Ya quedó.\n\n{quotation}");
        assert_eq!(new_words(&text, &own()).marked(), "Ya quedó.", "{text}");
    }
}

#[test]
fn a_quotation_of_the_desk_without_a_sentence_has_one_mark() {
    let text = format!("Va esto.\n\n{}\nLa placa es 4412.", marked(FORM));
    assert_eq!(new_words(&text, &own()).marked(), "Va esto.\n\n[…]\n\nLa placa es 4412.");
}

#[test]
fn words_of_another_above_a_quotation_of_the_desk_stay() {
    let filled = FORM.replace("Cédula:", "Cédula: 52.123.456");
    let header = OUTLOOK.replace("Mesa <mesa@mesa.test>", "Proveedor <p@shop.test>");
    let text = format!("{header}\n\nNo hay repuesto.\n\n{OUTLOOK}\n\n{filled}");
    let reply = new_words(&text, &own());
    assert!(reply.text.contains("No hay repuesto.") && reply.text.contains("52.123.456"), "{}", reply.text);
}

#[test]
fn a_quotation_of_another_is_left_out_as_before() {
    let text = format!("Va.\n\n{GMAIL}\n> Otra cosa\n> que nadie envió");
    assert_eq!(new_words(&text, &own()).text, "Va.");
}

#[test]
fn words_at_each_place_of_a_quotation_of_the_desk_stay() {
    let places = FORM.lines().count();
    for words in
        ["No", "4412", "Sí, señor.", "- Zafiro", "(4412)", "Asunto: zafiro", "https://zafiro.test/x", "👍"]
    {
        for (place, between) in (0..places).flat_map(|place| [(place, " "), (place, "\n")]) {
            let lines = FORM.lines().enumerate().map(|(at, line)| match at == place {
                true => format!("{line}{between}{words}\n"),
                false => format!("{line}\n"),
            });
            let letter: String = lines.collect();
            for quotation in [
                format!("{GMAIL}\n\n{}", marked(&letter)),
                format!("{GMAIL}\n\n{letter}"),
                format!("{OUTLOOK}\n\n{letter}"),
            ] {
                let reply = new_words(&format!("Ya.\n\n{quotation}"), &own());
                assert!(reply.text.contains(words), "{words}: {quotation}");
                assert!(reply.text.lines().filter(|line| !line.is_empty()).count() <= 3, "{}", reply.text);
            }
        }
    }
}
