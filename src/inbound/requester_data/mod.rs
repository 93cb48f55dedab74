//! The data of a requester that the text of a message gives: labelled, one per line or within sentences. Pure.

mod folded;
mod names;
mod telephones;
mod units;

use std::sync::LazyLock;

use regex::Regex;

use folded::Folded;
pub use folded::fold;
pub use names::{is_blank_letter, is_full_name};
use telephones::Telephones;
pub use units::Unit;

/// How much of a text is read, in characters: data stand at its beginning, or in a signature below a few pages.
const LONGEST: usize = 20_000;

/// The data that a text gives; `None` for what it does not give, or gives ambiguously.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct RequesterData {
    pub full_name: Option<String>,
    /// Digits only.
    pub document_id: Option<String>,
    /// Digits only, as are the two below.
    pub landline: Option<String>,
    pub extension: Option<String>,
    pub mobile: Option<String>,
    /// Index in the list of units.
    pub unit: Option<usize>,
}

impl RequesterData {
    /// Reads the data from a text. `units` are the units that the sender can name.
    pub fn read(text: &str, units: &[Unit]) -> Self {
        let text = Folded::new(text, LONGEST);
        let Telephones { landline, extension, mobile } = telephones::read(&text);
        RequesterData {
            full_name: names::read(&text, units),
            document_id: document(&text),
            landline,
            extension,
            mobile,
            unit: units::read(&text, units),
        }
    }
}

/// The number of an identity document: 5 to 12 digits, possibly in groups.
fn document(text: &Folded) -> Option<String> {
    static DOCUMENT: LazyLock<Option<Regex>> = LazyLock::new(|| {
        let label = r"(?:cedula|c\.\s?c\.?|\bcc|c\.\s?e\.?|\bce|\bdocumento\s+de\s+identi(?:dad|ficacion)|\b(?:mi|numero\s+de|num\.?\s+de)\s+documento|\bdocumento\s*[:=#]|\bdocumento\s+(?:no|nro|num|numero)\b|\bdoc\s*[.:]|\bidentificacion|\bidentificad[oa]|\bnuip)\.?";
        let between = r"(?:\s*(?:de|del|la|el|con|ciudadania|extranjeria|identidad|identificacion|es|numero|num|nro|no|n|c\.?\s?c)\b\.?|\s*[:#=°º.-])*\s*";
        let number = r"(\d{1,3}(?:[.,'’ ]\d{3}){1,3}|\d{5,12})(?:\D|$)";
        Regex::new(&format!("{label}{between}{number}")).ok()
    });
    static BEFORE: LazyLock<Option<Regex>> = LazyLock::new(|| {
        let number = r"(?:^|[^\d.])(\d{1,3}(?:[.,'’]\d{3}){1,3}|\d{5,12})";
        Regex::new(&format!(
            r"{number}\s+es\s+(?:el|la|mi)\s+(?:numero\s+de\s+)?(?:mi\s+)?(?:cedula|documento)\b"
        ))
        .ok()
    });
    let found = |regex: &LazyLock<Option<Regex>>| {
        let all = regex.iter().flat_map(|regex| regex.captures_iter(text.as_str()));
        let numbers = all.filter_map(|found| found.get(1)).map(|number| digits(number.as_str()));
        numbers.filter(|number| (5..=12).contains(&number.len())).collect::<Vec<_>>()
    };
    only(found(&DOCUMENT)).or_else(|| only(found(&BEFORE)))
}

fn digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}

/// The value that all of them have; `None` if two differ, or if there is none.
fn only<T: PartialEq>(found: Vec<T>) -> Option<T> {
    let mut found = found.into_iter();
    let first = found.next()?;
    found.all(|other| other == first).then_some(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn units() -> Vec<Unit> {
        [
            "Secretaría de Hacienda",
            "Secretaría de Gobierno",
            "Oficina de Prensa",
            "Dirección Administrativa de las TIC",
            "Secretaría de Educación y Cultura",
            "Oficina de Control Interno",
            "Oficina de Control Interno Disciplinario",
        ]
        .map(Unit::new)
        .into()
    }

    fn read(text: &str) -> RequesterData {
        RequesterData::read(text, &units())
    }

    fn found(text: &str) -> [Option<String>; 6] {
        let data = read(text);
        let unit = data.unit.map(|unit| units()[unit].name.clone());
        [data.full_name, data.document_id, data.landline, data.extension, data.mobile, unit]
    }

    fn some(text: &str) -> Option<String> {
        (!text.is_empty()).then(|| text.to_owned())
    }

    #[test]
    fn data_are_read_one_per_line_and_within_sentences() {
        for (text, expected) in [
            (
                "No tengo red.\n\nNombre: Rosa Pérez Gómez\nCédula: 43.111.222\nCelular: 300 123 4567\nUnidad: Secretaría de Hacienda",
                ["Rosa Pérez Gómez", "43111222", "", "", "3001234567", "Secretaría de Hacienda"],
            ),
            (
                "cedula 43111222\ntelefono 604 373 76 76 ext. 1204\ndependencia hacienda",
                ["", "43111222", "6043737676", "1204", "", "Secretaría de Hacienda"],
            ),
            (
                "Buenos días, soy Rosa Pérez Gómez, identificada con C.C. 43'111.222 de Itagüí, trabajo en la secretaria de \
                 gobierno y mi móvil es +57 300-123-4567.",
                ["Rosa Pérez Gómez", "43111222", "", "", "3001234567", "Secretaría de Gobierno"],
            ),
            (
                "Mi nombre es JUAN CAMILO ÁLVAREZ y mi cédula de ciudadanía es la número 1.037.612.345; extensión 1204; Oficina de Prensa",
                ["JUAN CAMILO ÁLVAREZ", "1037612345", "", "1204", "", "Oficina de Prensa"],
            ),
            ("Documento de identidad No. 1037612345", ["", "1037612345", "", "", "", ""]),
            ("Número de documento: 43111222 Tel: 3737676", ["", "43111222", "3737676", "", "", ""]),
            ("CC 43111222 3001234567", ["", "43111222", "", "", "", ""]),
            ("El 43.111.222 es mi cédula", ["", "43111222", "", "", "", ""]),
            ("Teléfono: 3001234567", ["", "", "", "", "3001234567", ""]),
            ("Tel. fijo 3737676 - Cel. 3001234567", ["", "", "3737676", "", "3001234567", ""]),
            ("Whatsapp 300 1234567\nInterno: 204", ["", "", "", "204", "3001234567", ""]),
            ("Secretaría: Hacienda", ["", "", "", "", "", "Secretaría de Hacienda"]),
            ("Oficina: prensa", ["", "", "", "", "", "Oficina de Prensa"]),
            ("Unidad administrativa: Secretaria de Hacinda", ["", "", "", "", "", "Secretaría de Hacienda"]),
            ("Dependencia: TIC", ["", "", "", "", "", "Dirección Administrativa de las TIC"]),
            (
                "Rosa Pérez\nSecretaría de Educación y Cultura\nExt 12",
                ["", "", "", "12", "", "Secretaría de Educación y Cultura"],
            ),
            (
                "Unidad: Oficina de Control Interno Disciplinario",
                ["", "", "", "", "", "Oficina de Control Interno Disciplinario"],
            ),
            ("Unidad: Oficina de Control Interno", ["", "", "", "", "", "Oficina de Control Interno"]),
            ("Soy contratista de la Oficina de Prensa", ["", "", "", "", "", "Oficina de Prensa"]),
            ("Soy Rosa Pérez de Hacienda", ["Rosa Pérez", "", "", "", "", ""]),
            ("Celular o extensión: 300 123 4567", ["", "", "", "", "3001234567", ""]),
            ("Celular o extensión: 3001234567", ["", "", "", "", "3001234567", ""]),
            ("Celular o extensión: 4412", ["", "", "", "4412", "", ""]),
            ("Ext. 4412 Celular 300 123 4567", ["", "", "", "4412", "3001234567", ""]),
            ("NOMBRES Y APELLIDOS : ana maría restrepo", ["ana maría restrepo", "", "", "", "", ""]),
            ("*Cédula:* 43111222\n- *Celular:* 3001234567", ["", "43111222", "", "", "3001234567", ""]),
        ] {
            assert_eq!(found(text), expected.map(some), "{text}");
        }
    }

    #[test]
    fn what_is_no_datum_or_ambiguous_is_not_read() {
        for text in [
            "No puedo entrar al sistema de la Secretaría de Hacienda.",
            "El ticket 43111222 sigue abierto desde 2026.",
            "CC: otra@itagui.gov.co",
            "Cédula: 43111222\nCédula: 43111223",
            "El documento no imprime 3 hojas",
            "No abre el documento 20240115",
            "Adjunto documento 2024011 firmado",
            "Unidad: Oficina",
            "Unidad: Secretaría",
            "Unidad: la de siempre",
            "Unidad: Oficina de Prensa y Secretaría de Hacienda",
            "Mi celular no funciona desde hace 3 días",
            "Celular: 12345",
            "Soy Secretario de Despacho",
            "Soy usuaria nueva",
            "La extensión del archivo es .docx",
            "El teléfono no suena, marqué 123",
            "",
        ] {
            assert_eq!(found(text), [const { None }; 6], "{text}");
        }
    }

    #[test]
    fn any_text_is_read_without_an_end_of_the_process() {
        for text in ["cedula:", "ext", "\u{0}\u{301}á", &"cedula 1.".repeat(5_000), &"soy A B ".repeat(5_000)]
        {
            read(text);
        }
    }
}
