//! Forms of the mail programs that are used most.

use super::{OwnTexts, new_words};

#[test]
fn what_is_new_is_kept_whatever_the_program() {
    for (name, text, expected) in [
        (
            "Gmail",
            "Gracias.\n\nEl lun, 24 nov 2026 a las 10:00, Mesa de Servicios (<\nsoporte@x.co>) escribió:\n\n> Su caso\n> quedó",
            "Gracias.",
        ),
        (
            "Gmail in English",
            "Thanks!\n\nOn Mon, Nov 24, 2026 at 10:00 AM Mesa <soporte@x.co> wrote:\n> Your case",
            "Thanks!",
        ),
        (
            "Outlook",
            "Ya quedó.\n\nAna\n\n________________________________\nDe: Mesa <soporte@x.co>\nEnviado: lunes, 24 de noviembre de 2026 10:00\nPara: Ana <ana@x.co>\nAsunto: [#1] Sin red\n\nSu caso",
            "Ya quedó.\n\nAna",
        ),
        (
            "Outlook with bold names",
            "Ya.\n\n*De:* Mesa <soporte@x.co>\n*Enviado el:* lunes\n*Para:* Ana\n*Asunto:* x\n\nSu caso",
            "Ya.",
        ),
        ("old Outlook", "Sí.\n\n-----Mensaje original-----\nDe: Mesa\nEnviado el: lunes\nSu caso", "Sí."),
        ("old Outlook in English", "Yes.\n-----Original Message-----\nFrom: Mesa\nbla", "Yes."),
        (
            "Thunderbird",
            "Uno\n\nEl 24/11/2026 a las 10:00, Mesa escribió:\n> ¿Cuál es?\nEl segundo.\n> ¿Y la placa?\n10432",
            "Uno\n\nEl segundo.\n10432",
        ),
        ("signature", "Hola\n\n-- \nAna Pérez\nSecretaría", "Hola"),
        (
            "telephone",
            "Ok\n\nEnviado desde mi iPhone\n\nEl 24/11/2026, a las 10:00, Mesa <s@x.co> escribió:\n\n> x",
            "Ok",
        ),
        (
            "marked without attribution",
            "> ¿Cuál es la placa?\n\nLa 10432.",
            "> ¿Cuál es la placa?\n\nLa 10432.",
        ),
        ("nothing but a quotation", "> a\n> b", "> a\n> b"),
        (
            "not a quotation",
            "El técnico que vino escribió:\nno sirve\nDe: nada\nLa 2",
            "El técnico que vino escribió:\nno sirve\nDe: nada\nLa 2",
        ),
        (
            "forwarded on purpose",
            "Vea abajo.\n\n---------- Forwarded message ---------\nFrom: Proveedor <p@x.co>\nNo hay repuesto.",
            "Vea abajo.\n\n---------- Forwarded message ---------\nFrom: Proveedor <p@x.co>\nNo hay repuesto.",
        ),
        (
            "quoted without marks",
            "Listo\n\nOn Tue, 24 Nov 2026 at 10:00, Mesa wrote:\n\nSu caso quedó registrado",
            "Listo",
        ),
        ("empty", "", ""),
        (
            "a sentence with a number",
            "El técnico que vino el 24 escribió:\n\nNo sirve la tarjeta.\n\nFavor cambiarla.",
            "El técnico que vino el 24 escribió:\n\nNo sirve la tarjeta.\n\nFavor cambiarla.",
        ),
        (
            "a sentence about who wrote",
            "Juan escribió el 3 de mayo:\nNo hay repuesto.\nAyuda.",
            "Juan escribió el 3 de mayo:\nNo hay repuesto.\nAyuda.",
        ),
        (
            "a memorandum",
            "Este es el oficio:\n\nDe: Secretaría de Hacienda\nPara: Almacén\nFecha: 24 de noviembre de 2026\nAsunto: Equipo\n\nSe entrega.",
            "Este es el oficio:\n\nDe: Secretaría de Hacienda\nPara: Almacén\nFecha: 24 de noviembre de 2026\nAsunto: Equipo\n\nSe entrega.",
        ),
        (
            "a sentence that begins as the signature of a mobile mail program does",
            "No hay red.\nEnviado desde mi oficina, porque en la de la Secretaría de Hacienda tampoco funciona el correo.",
            "No hay red.\nEnviado desde mi oficina, porque en la de la Secretaría de Hacienda tampoco funciona el correo.",
        ),
        (
            "Outlook within one organization",
            "Ya.\n\nDe: Mesa de Servicios\nEnviado el: lunes, 24 de noviembre de 2026 10:00\nPara: Ana Pérez\nAsunto: RE: x\n\nSu caso",
            "Ya.",
        ),
        (
            "Apple Mail",
            "Ya.\n\nDe: Mesa <soporte@x.co>\nFecha: lunes, 24 de noviembre de 2026\nPara: Ana\n\nSu caso",
            "Ya.",
        ),
        (
            "Gmail in the older form",
            "Ya.\n\nEl lun., 24 nov. 2026 10:00 a. m., Mesa <soporte@x.co>\nescribió:\n\nSu caso",
            "Ya.",
        ),
        (
            "Gmail in French",
            "Oui.\n\nLe lun. 24 nov. 2026 à 10:00, Mesa <soporte@x.co> a écrit :\n\n> Votre",
            "Oui.",
        ),
        (
            "Yahoo",
            "Ya.\n\n    El lunes, 24 de noviembre de 2026, 10:00:00 a. m. COT, Mesa <soporte@x.co> escribió:  \n \n Su caso",
            "Ya.",
        ),
        (
            "name first",
            "Ya.\n\nMesa de Servicios <soporte@x.co> escribió el lun, 24 nov 2026 a las 10:00:\n\nSu caso",
            "Ya.",
        ),
    ] {
        assert_eq!(new_words(text, &OwnTexts::default()).text, expected, "{name}");
    }
}
