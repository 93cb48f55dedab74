//! The date at the beginning of an attribution, in any of the languages: `lun, 24 nov 2026 a las 10:00`.

use super::authors::Token;

/// The parts of a date that were found.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// The number of tokens that it takes.
    pub length: usize,
    /// Day, month and year.
    pub full: bool,
    pub clock: bool,
    pub weekday: bool,
    /// The day of the week is abbreviated, as programs write it: `lun`.
    pub short_weekday: bool,
    /// A zone such as `-0500` or `GMT-05:00`.
    pub zone: bool,
    /// A comma between the day and the clock, as programs of Apple write.
    pub comma_before_clock: bool,
}

/// Words between the parts of a date.
const CONNECTORS: &[&str] = &[
    "de", "del", "a", "las", "la", "la(s)", "los", "at", "à", "à(s)", "às", "as", "um", "om", "alle", "ore",
    "kl", "kl.", "den", "of", "på", "o", "godz.", "dia", "día", "giorno", "dniu", "the", "г.", "в", "r.",
    "hora", "em", "-", "ora",
];

const HALVES_AND_ZONES: &[&str] = &[
    "am", "pm", "a.m", "p.m", "a.m.", "p.m.", "a.", "p.", "m.", "m", "uhr", "h", "hs", "hrs", "hrs.", "utc",
    "gmt", "cot", "est", "edt", "pst", "pdt", "cet", "cest", "bst", "cdt", "cst", "mez", "mesz", "brt",
    "art", "clt", "pet", "vet", "ect", "bot", "uyt", "hora", "est.",
];

const MONTHS: &[&str] = &[
    "ene", "jan", "feb", "fév", "fev", "mar", "mär", "mrz", "abr", "apr", "avr", "mai", "may", "mei", "mag",
    "jun", "jui", "juin", "giu", "jul", "juil", "lug", "ago", "aug", "aoû", "set", "sep", "oct", "okt",
    "ott", "out", "nov", "déc", "dez", "dec", "dic", "gen", "sty", "янв",
];

const WEEKDAYS: &[&str] = &[
    "lun", "mar", "mié", "mie", "jue", "vie", "sáb", "sab", "dom", "mon", "tue", "wed", "thu", "fri", "sat",
    "sun", "seg", "ter", "qua", "qui", "sex", "mer", "jeu", "ven", "sam", "dim", "gio", "die", "mit", "don",
    "fre", "sam", "son", "woe", "vri", "zat", "zon", "søn", "tor", "ons", "tir", "lør", "maa", "din",
];

/// The short German and Dutch names, which must be followed by a dot or a comma.
const SHORTEST_WEEKDAYS: &[&str] = &["mo", "di", "mi", "do", "fr", "sa", "so", "ma", "wo", "vr", "zo"];

/// Whether a date can begin with the first of them: with a number, with the name of a day or of a month.
pub fn begins(tokens: &[Token]) -> bool {
    tokens.first().is_some_and(|token| {
        let bare = token.lower.trim_end_matches(['.', ',', ':', ')', ']']);
        bare.starts_with(|c: char| c.is_ascii_digit())
            || names_month(bare)
            || is_weekday(&token.text.to_lowercase(), bare)
    })
}

/// Reads the date at the beginning of these tokens; none if they do not begin with one.
pub fn read(tokens: &[Token]) -> Option<Moment> {
    let mut moment = Moment::default();
    let (mut year, mut month, mut number) = (false, false, false);
    let mut comma = false;
    for (at, token) in tokens.iter().enumerate().take(24) {
        let word = token.lower.as_str();
        let bare = word.trim_end_matches(['.', ',', ':', ')', ']']);
        if is_calendar_day(bare) {
            moment.full = true;
        } else if let Some(with_zone) = day_and_clock(bare) {
            (moment.full, moment.clock, moment.zone) = (true, true, with_zone);
        } else if let Some(with_zone) = clock(bare) {
            moment.clock = true;
            moment.zone |= with_zone;
            moment.comma_before_clock = comma;
        } else if is_year(bare) {
            year = true;
        } else if is_number(bare) {
            number = true;
        } else if !moment.weekday
            && at <= 2
            && (is_weekday(&token.text.to_lowercase(), bare) || precedes_day(&tokens[at..]))
        {
            moment.weekday = true;
            moment.short_weekday = bare.chars().count() <= 4;
        } else if !month && names_month(bare) || number && !month && precedes_year(&tokens[at..]) {
            month = true;
        } else if (moment.clock || year || moment.full) && is_half_or_zone(word, bare) {
            moment.zone |= bare.contains(|c: char| c.is_ascii_digit()) || bare == "gmt" || bare == "utc";
        } else if CONNECTORS.contains(&word) && continues(&tokens[at..]) {
            continue;
        } else {
            break;
        }
        moment.length = at + 1;
        comma = (year || moment.full || month && number) && !moment.clock && token.comma;
    }
    // `mar` is a day of the week or a month.
    moment.full |= year && (month || number && moment.weekday) || month && number && moment.clock;
    let begins = moment.full || moment.clock || moment.weekday && (number || month);
    (moment.length > 0 && begins).then_some(moment)
}

/// Whether the words after a connector belong to the date too: a digit or a name within three tokens.
fn continues(tokens: &[Token]) -> bool {
    tokens.iter().skip(1).take(3).any(|next| {
        let bare = next.lower.trim_end_matches(['.', ',', ':', ')', ']']);
        bare.starts_with(|c: char| c.is_ascii_digit())
            || names_month(bare) && next.text.len() >= 3
            || is_weekday(&next.text.to_lowercase(), bare)
    })
}

/// Whether it is a short word before a day, a month and a year, as the name of a day in any language.
fn precedes_day(tokens: &[Token]) -> bool {
    let bare = |at: usize| tokens.get(at).map(|token| token.lower.trim_end_matches(['.', ',']));
    let short =
        bare(0).is_some_and(|word| word.chars().count() <= 4 && word.chars().all(char::is_alphabetic));
    short
        && !CONNECTORS.contains(&tokens[0].lower.as_str())
        && bare(1).is_some_and(is_number)
        && bare(3).is_some_and(is_year)
}

fn precedes_year(tokens: &[Token]) -> bool {
    let next = tokens.get(1).is_some_and(|next| is_year(next.lower.trim_end_matches(['.', ','])));
    next && tokens[0].lower.chars().all(|c| c.is_alphabetic() || c == '.')
}

fn begins_with_one_of(word: &str, names: &[&str]) -> bool {
    word.chars().all(char::is_alphabetic) && names.iter().any(|name| word.starts_with(name))
}

fn names_month(bare: &str) -> bool {
    bare.chars().count() <= 10 && begins_with_one_of(bare, MONTHS)
}

fn is_weekday(word: &str, bare: &str) -> bool {
    let bare = bare.split('-').next().unwrap_or(bare);
    if bare == "giorno" {
        return false;
    }
    let shortest = SHORTEST_WEEKDAYS.contains(&bare) && word.ends_with(['.', ',']);
    shortest || bare.chars().count() <= 11 && begins_with_one_of(bare, WEEKDAYS)
}

fn is_number(bare: &str) -> bool {
    let digits = bare.trim_end_matches(['º', '°', '.']);
    let digits =
        ["st", "nd", "rd", "th", "er"].iter().find_map(|end| digits.strip_suffix(end)).unwrap_or(digits);
    matches!(digits.len(), 1 | 2) && digits.bytes().all(|b| b.is_ascii_digit())
}

fn is_year(bare: &str) -> bool {
    bare.len() == 4 && matches!(&bare[..bare.floor_char_boundary(2)], "19" | "20") && all_digits(bare)
}

fn all_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

/// `24/11/2026`, `2026-11-24`, `24.11.26`, `24-nov-2026`, `2026年11月24日`.
fn is_calendar_day(bare: &str) -> bool {
    let parts: Vec<&str> =
        bare.split(['/', '-', '.', '年', '月', '日']).filter(|part| !part.is_empty()).take(4).collect();
    let [a, b, c] = parts[..] else { return false };
    let short = |part: &str| part.len() <= 2 && all_digits(part);
    let middle = short(b) || b.chars().count() >= 3 && begins_with_one_of(b, MONTHS);
    middle && (short(a) && (is_year(c) || short(c)) || is_year(a) && short(c))
}

/// Whether it is a time of day, and if so, whether a zone follows within the token: `10:00`, `10.00`, `10h00`,
/// `10:00:05-05:00`.
fn clock(bare: &str) -> Option<bool> {
    let hours = bare.find(|c: char| !c.is_ascii_digit())?;
    let (hour, rest) = bare.split_at(hours);
    if !matches!(hour.len(), 1 | 2) {
        return None;
    }
    let rest = rest.strip_prefix([':', '.', 'h'])?;
    let minutes: String = rest.chars().take_while(char::is_ascii_digit).collect();
    let rest = &rest[minutes.len()..];
    let fits = minutes.len() == 2 || minutes.is_empty() && bare.ends_with('h');
    let rest = rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == ':' || c == '.');
    let zone = rest.starts_with(['+', '-']);
    (fits && (zone || rest.chars().all(char::is_alphabetic))).then_some(zone)
}

/// `2026-11-24T10:00:00-05:00`: whether a zone follows.
fn day_and_clock(bare: &str) -> Option<bool> {
    let (_, time) = bare.split_once('t').filter(|(day, _)| is_calendar_day(day))?;
    clock(time.trim_end_matches('z'))
}

fn is_half_or_zone(word: &str, bare: &str) -> bool {
    let inner = bare.trim_matches(['(', ')']);
    let offset = inner.strip_prefix("gmt").or_else(|| inner.strip_prefix("utc")).unwrap_or(inner);
    let offset = offset.trim_start_matches(['+', '-', '−']);
    HALVES_AND_ZONES.contains(&word)
        || HALVES_AND_ZONES.contains(&bare)
        || HALVES_AND_ZONES.contains(&inner)
        || inner.len() > offset.len() && offset.chars().all(|c| c.is_ascii_digit() || c == ':')
}
