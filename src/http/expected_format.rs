//! Names the expected format of a text.

use crate::problem::Text;

/// The formats of the contract that are checked, with an example if it is helpful.
const FORMATS: &[(&str, &str, &str)] = &[
    ("date", "Debe ser una fecha, como 2026-11-24.", "It must be a date, such as 2026-11-24."),
    (
        "date-time",
        "Debe ser una fecha con hora y zona según RFC 3339, como 2026-11-24T19:00:00Z.",
        "It must be a date and time with a time zone as in RFC 3339, such as 2026-11-24T19:00:00Z.",
    ),
    (
        "email",
        "Debe ser una dirección de correo electrónico, como ana@example.gov.co.",
        "It must be an email address, such as ana@example.gov.co.",
    ),
    (
        "uri",
        "Debe ser un URI completo, como https://example.gov.co/.",
        "It must be a full URI, such as https://example.gov.co/.",
    ),
    (
        "uri-reference",
        "Debe ser un URI o una ruta, como /api/v1/tickets.",
        "It must be a URI or a path, such as /api/v1/tickets.",
    ),
    (
        "uuid",
        "Debe ser un UUID, como 019aa0b0-0000-7000-8000-000000000001.",
        "It must be a UUID, such as 019aa0b0-0000-7000-8000-000000000001.",
    ),
];

/// The patterns of the contract.
const PATTERNS: &[(&str, &str, &str)] = &[
    (r"^[^\x00]*$", "No admite el carácter nulo.", "The NUL character is not allowed."),
    (
        r"^[^\x00]*[^\s\x00-\x20\x7f-\xa0\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0][^\x00]*$",
        "Necesita al menos un carácter visible, y no admite el carácter nulo.",
        "It needs at least one visible character, and the NUL character is not allowed.",
    ),
    (
        "^([01][0-9]|2[0-3]):[0-5][0-9]$",
        "Debe ser una hora de 00:00 a 23:59, como 08:30.",
        "It must be a time from 00:00 to 23:59, such as 08:30.",
    ),
    (
        "^[a-z][a-z0-9_]{0,49}$",
        "Debe empezar por una letra minúscula y tener solo letras minúsculas sin tilde, cifras y `_`, como primer_contacto.",
        "It must start with a lower case letter and have only letters from a to z, digits and `_`, such as first_contact.",
    ),
    (
        "^[a-z0-9][a-z0-9._-]{0,49}$",
        "Debe empezar por una letra minúscula o una cifra y tener solo letras minúsculas sin tilde, cifras, `.`, `_` y `-`, como glpi.",
        "It must start with a lower case letter or a digit and have only letters from a to z, digits, `.`, `_` and `-`, such as glpi.",
    ),
    (
        "^/api/v1/[!-~]+$",
        "Debe ser una ruta de esta API, como /api/v1/statistics.",
        "It must be a path of this API, such as /api/v1/statistics.",
    ),
    (
        "^[0-9A-Za-z_-]{43}$",
        "Debe tener 43 letras sin tilde, cifras, `_` o `-`.",
        "It must have 43 letters from A to Z, digits, `_` or `-`.",
    ),
    (
        "^mesa_[sp]k_[0-9A-Za-z]{38}$",
        "Debe ser una clave: `mesa_sk_` o `mesa_pk_` y 38 letras o cifras.",
        "It must be a key: `mesa_sk_` or `mesa_pk_` and 38 letters or digits.",
    ),
    (
        "^whsec_[0-9A-Za-z+/]{43}=$",
        "Debe ser un secreto: `whsec_` y 32 bytes en Base64.",
        "It must be a secret: `whsec_` and 32 bytes in Base64.",
    ),
    ("^https?://", "Debe empezar por http:// o https://.", "It must start with http:// or https://."),
    (
        "^[!-~][ -~]{0,499}$",
        "Debe ser uno o varios ETag entre comillas, como \"a1b2c3\", o `*`.",
        "It must be one or more ETags in quotation marks, such as \"a1b2c3\", or `*`.",
    ),
    (
        "^[!-~]([ -~]{0,98}[!-~])?$",
        "Admite solo caracteres ASCII visibles, y espacios entre ellos.",
        "Only visible ASCII characters are allowed, and spaces between them.",
    ),
    (
        "^[!-~]([ -~]{0,253}[!-~])?$",
        "Admite solo caracteres ASCII visibles, y espacios entre ellos.",
        "Only visible ASCII characters are allowed, and spaces between them.",
    ),
    (
        "^([A-Za-z0-9+/ ]{42}|[A-Za-z0-9_-]{42})[AEIMQUYcgkosw048]=$",
        "Debe ser la codificación Base64 de 32 bytes: 44 caracteres que terminan en `=`.",
        "It must be the Base64 encoding of 32 bytes: 44 characters that end in `=`.",
    ),
    (
        "^(me|[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})$",
        "Debe ser `me` o un UUID.",
        "It must be `me` or a UUID.",
    ),
    (
        "^(me|none|[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})$",
        "Debe ser `me`, `none` o un UUID.",
        "It must be `me`, `none` or a UUID.",
    ),
    (
        "^[1-9][0-9]{0,4}[mhd]$",
        "Debe ser un número de minutos, horas o días, como 30m, 5h o 2d.",
        "It must be a number of minutes, hours or days, such as 30m, 5h or 2d.",
    ),
];

pub fn for_format(name: &str) -> Text {
    known(FORMATS, name).unwrap_or_else(|| {
        Text::made(format!("El formato esperado es `{name}`."), format!("The expected format is `{name}`."))
    })
}

pub fn for_pattern(pattern: &str) -> Text {
    known(PATTERNS, pattern).unwrap_or_else(|| {
        Text::made(
            format!("Debe corresponder a la expresión regular `{pattern}`."),
            format!("It must match the regular expression `{pattern}`."),
        )
    })
}

fn known(texts: &'static [(&str, &'static str, &'static str)], name: &str) -> Option<Text> {
    texts.iter().find(|(known, _, _)| *known == name).map(|(_, es, en)| Text::new(es, en))
}

/// Whether there is a text for this pattern.
#[cfg(test)]
pub fn explains(pattern: &str) -> bool {
    known(PATTERNS, pattern).is_some()
}
