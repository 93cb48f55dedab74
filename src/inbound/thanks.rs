//! Whether a reply to a solved ticket only thanks for the solution. Pure.
//!
//! The rule: a reply is thanks if each of its words is a known courtesy, a confirmation that the solution works, or
//! belongs to the signature (the names, the unit and the numbers of its author, and the names of the staff that it
//! answers), and at least one word thanks or confirms. A question mark, a word of any other kind (`no`, `pero`,
//! `todavía`, …), a symbol that is not a sign of approval, and an attached file are all a doubt. In doubt it is not
//! thanks, and the ticket is reopened.

use std::collections::HashSet;

use super::requester_data::fold;

/// The number of words of the longest reply of thanks.
const LONGEST: usize = 60;

/// Words that thank, confirm or approve.
const THANKS: &str = "abrio agradecemos agradecida agradecido agradecimientos agradezco amabilidad amable amables bien conforme \
    enterada excelente fixed funciona funcionando funciono genial gracias great imprime imprimiendo imprimio listo \
    ok okay perfecto quedo recibido resuelto satisfecha satisfecho sirve sirvio solucionada solucionado solucionaron \
    soluciono solved super thank thanks thx working works";

/// Words that confirm that something works: a sentence that names a thing must have one of them.
const WORKS: &str = "abrio bien fixed funciona funcionando funciono imprime imprimiendo imprimio listo quedo resuelta resuelto \
    sirve sirvio solucionada solucionado solucionaron soluciono solved working works";

/// Words of courtesy around them.
const COURTESIES: &str = "a abrazo abrir acceder al all atencion atentamente atentos att ayuda ayudarme ayudarnos ayudaron ayudo \
 bendecida bendecido bendiciones best bonita bonito buen buena buenas bueno buenos colaboracion compromiso \
 con cordial cordiales cordialmente de deseo dia dias dios don dona efectiva efectividad efectivo eficiencia \
 eficiente el en entrar es esta estamos estimada estimado everything feliz fin for gentil gestion good \
 gracia gran help hola imprimir inconveniente inconvenientes infinitas ingeniera ingeniero ingresar it jornada \
 kind la labor las le les lo logre los mas me mi mil mis much muchas muchisimas mucho muy noches nos now \
 oportuna oportuno para por prestada prestado problema problemas pronta pronto pude pudimos que quede rapida \
 rapidez rapido regards respetada respetado respuesta saludo saludos se semana senor senora servicio sin \
 solucion soporte su sus tarde tardes te tenga tengan the toda todo todos un usted ustedes very y ya you \
 your";

/// Things that a confirmation may name.
const THINGS: &str = "acceso aplicativo carpeta clave computador computadora contrasena equipo correo cuenta escaner impresora internet \
    pagina pantalla portatil printer programa red sistema telefono usuario wifi";

const PUNCTUATION: &str = ".,;:!¡-–—'’\"“”«»*_…";

const APPROVAL: [char; 13] = ['👍', '🙏', '😊', '🙂', '😀', '😃', '😄', '👏', '✅', '🙌', '💪', '🤗', '😁'];

/// Whether the text only thanks. `signature`: names and numbers that may stand in it, of its author and of the staff.
pub fn only_thanks<'a>(text: &str, signature: impl IntoIterator<Item = &'a str>) -> bool {
    let signature: HashSet<String> = signature.into_iter().flat_map(words).collect();
    let text = text.replace(":)", " ").replace(":-)", " ").replace("(Y)", "👍");
    let (mut thanks, mut count) = (text.contains(APPROVAL), 0);
    if !text.chars().all(is_harmless) {
        return false;
    }
    for clause in text.split(['.', ',', ';', ':', '!', '\n', '\r']) {
        let words = words(clause);
        count += words.len();
        let has = |list: &str| words.iter().any(|word| contains(list, word));
        let is_known = |word: &String| {
            [THANKS, WORKS, COURTESIES].iter().any(|list| contains(list, word))
                || signature.contains(word)
                || (contains(THINGS, word) && has(WORKS))
        };
        // `sin problemas` is an approval, `sin` anything else is not.
        let without = |pair: &[String]| {
            pair[0] == "sin" && !pair[1].starts_with("problema") && !pair[1].starts_with("inconveniente")
        };
        // `pude ingresar` confirms, `ayuda para ingresar` asks.
        let asks = has("ingresar entrar imprimir acceder abrir") && !has("pude pudimos logre");
        let help = |place: usize| {
            place
                .checked_sub(1)
                .and_then(|before| words.get(before))
                .is_some_and(|word| contains("por su la de mi", word))
        };
        let asks_help = words.iter().enumerate().any(|(place, word)| word == "ayuda" && !help(place))
            || has("ayudarme ayudarnos");
        let late = words.windows(2).any(|pair| pair[0] == "muy" && pair[1] == "tarde");
        let ends_without = words.last().is_some_and(|word| word == "sin");
        let names_problem = has("problema problemas inconveniente inconvenientes") && !has("sin");
        if !words.iter().all(is_known)
            || words.windows(2).any(without)
            || ends_without
            || names_problem
            || asks
            || asks_help
            || late
        {
            return false;
        }
        thanks |= has(THANKS);
    }
    thanks && count <= LONGEST
}

fn contains(list: &str, word: &str) -> bool {
    list.split(' ').any(|known| known == word)
}

/// Letters, digits, spaces and the punctuation of a sentence, or a sign of approval with its variants.
fn is_harmless(c: char) -> bool {
    c.is_alphanumeric()
        || c.is_whitespace()
        || PUNCTUATION.contains(c)
        || APPROVAL.contains(&c)
        || matches!(c, '\u{fe0f}' | '\u{200d}' | '\u{1f3fb}'..='\u{1f3ff}' | '\u{300}'..='\u{36f}')
}

fn words(text: &str) -> Vec<String> {
    let folded: String = text.chars().filter(|c| !matches!(c, '\u{300}'..='\u{36f}')).map(fold).collect();
    folded.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIGNATURE: [&str; 4] = ["Rosa Pérez Gómez", "Secretaría de Hacienda", "1204", "Carlos Mesa Ruiz"];

    #[test]
    fn thanks_do_not_reopen() {
        for text in [
            "Gracias",
            "gracias!",
            "Muchas gracias.",
            "Mil gracias 🙏",
            "¡Muchísimas gracias!",
            "Muchas gracias por su ayuda.",
            "Gracias por la pronta solución.",
            "Muchas gracias por la atención prestada.",
            "Muy amable, gracias.",
            "Muy amables.",
            "Le agradezco mucho.",
            "Agradezco su colaboración.",
            "Perfecto, gracias.",
            "Excelente servicio, muchas gracias.",
            "Ok, gracias",
            "OK",
            "Listo, gracias.",
            "Listo",
            "Recibido, gracias",
            "👍",
            "👍🏽",
            "Gracias, ya funciona.",
            "Ya funciona. Gracias.",
            "Todo funcionando, gracias",
            "Ya quedó todo bien, gracias.",
            "Solucionado, muchas gracias.",
            "Ya pude ingresar, muchas gracias.",
            "Ya pude imprimir sin problemas. Gracias.",
            "La impresora ya funciona, gracias.",
            "El correo ya quedó funcionando. Mil gracias por la ayuda.",
            "Quedo muy agradecida por su gestión.",
            "Muchas gracias ingeniero, feliz día.",
            "Buenos días. Muchas gracias. Feliz tarde.",
            "Hola Carlos, mil gracias por la ayuda.",
            "Gracias Carlos",
            "Muchas gracias por la rapidez.\n\nCordialmente,\n\nRosa Pérez Gómez\nSecretaría de Hacienda",
            "Gracias\n\nAtentamente,\nRosa Pérez\n1204",
            "GRACIAS POR SU SERVICIO",
            "Gracias :)",
            "Gracias, bendiciones.",
            "Super, gracias!",
            "Conforme con la solución, gracias.",
            "Thank you very much!",
            "Thanks, it works now.",
            "Great, thanks for your help",
            "Muy buen servicio, gracias.",
            "Gracias por todo, un abrazo.",
            "Ya se solucionó, gracias.",
            "Me sirvió, muchas gracias",
            "Gracias a usted, feliz fin de semana.",
            "Muy agradecida con ustedes.",
        ] {
            assert!(only_thanks(text, SIGNATURE), "{text}");
        }
    }

    #[test]
    fn anything_in_doubt_reopens() {
        for text in [
            "",
            "   ",
            "...",
            "Gracias, pero sigue igual.",
            "Gracias, pero no funciona.",
            "No funciona.",
            "Todavía no puedo entrar. Gracias.",
            "Aún tengo el problema, gracias.",
            "Gracias, ¿y la otra impresora?",
            "¿Ya funciona?",
            "Ya funciona?",
            "Gracias por nada.",
            "Gracias. Ahora falla el escáner.",
            "Gracias, quedo atenta a la solución.",
            "Gracias, quedo pendiente.",
            "Gracias, espero su visita.",
            "Gracias, el equipo quedó sin internet.",
            "Quedó sin red, gracias",
            "Gracias, tengo un problema.",
            "Gracias, el correo.",
            "Gracias. La impresora de nuevo.",
            "Funciona a ratos.",
            "Funciona mal, gracias",
            "Funcionó ayer.",
            "Solo pude entrar una vez, gracias.",
            "Muchas gracias. Me ayuda también con la clave de Juan.",
            "Gracias, falta el usuario de María.",
            "Gracias por intentarlo.",
            "Sigue fallando.",
            "Igual.",
            "Gracias. Adjunto la imagen del error.",
            "Por favor me llaman, gracias.",
            "Gracias, me pueden llamar al 3001234567",
            "Ok, cuándo vienen",
            "Listo, mañana reviso y aviso.",
            "Perfecto, entonces cierro y vuelvo a intentar.",
            "Gracias :(",
            "👎",
            "Gracias 😡",
            "Necesito otra cosa, gracias.",
            "Gracias, volvió a pasar.",
            "Gracias, abre el caso.",
            "Ayuda para ingresar, gracias.",
            "Ayuda por favor, gracias.",
            "Muy tarde, gracias.",
            "Gracias, pude imprimir una tarde.",
            "Funcionando so so",
            "Gracias, otra vez.",
            "El equipo, gracias.",
            "Gracias, se volvió a bloquear",
            "La impresora",
            "Rosa Pérez Gómez",
            "Gracias\n\nCordialmente,\nRosa Pérez\n\nPD: el teléfono tampoco suena",
            "It does not work, thanks",
            "Thanks, but it fails again",
            "Gracias, excepto la carpeta",
            "Casi perfecto, gracias",
            "Gracias, luego les cuento si funcionó",
            "gracias ".repeat(61).as_str(),
        ] {
            assert!(!only_thanks(text, SIGNATURE), "{text}");
        }
    }
}
