//! The holidays that a new database contains, as the migration writes them: a test compares both. Unit tests, benches
//! and fuzz targets use them.

use super::{HolidayKind, HolidayRule, Holidays};

/// The first year in which Ley 51 of 1983 moved holidays to Monday.
const MOVED_SINCE: i32 = 1984;

/// The first year of the holiday of Ley 2578 of 2026, article 6.
const CHIQUINQUIRA_SINCE: i32 = 2026;

const FIXED: [(i16, i16, &str); 6] = [
    (1, 1, "Año Nuevo"),
    (5, 1, "Día del Trabajo"),
    (7, 20, "Día de la Independencia"),
    (8, 7, "Batalla de Boyacá"),
    (12, 8, "Inmaculada Concepción"),
    (12, 25, "Navidad"),
];

const MOVED: [(i16, i16, &str, i32); 8] = [
    (1, 6, "Día de los Reyes Magos", MOVED_SINCE),
    (3, 19, "Día de San José", MOVED_SINCE),
    (6, 29, "San Pedro y San Pablo", MOVED_SINCE),
    (7, 9, "Virgen de Chiquinquirá", CHIQUINQUIRA_SINCE),
    (8, 15, "Asunción de la Virgen", MOVED_SINCE),
    (10, 12, "Día de la Raza", MOVED_SINCE),
    (11, 1, "Todos los Santos", MOVED_SINCE),
    (11, 11, "Independencia de Cartagena", MOVED_SINCE),
];

/// Days from Easter Sunday. The last three are a Thursday or a Friday, which the law moves to Monday.
const EASTER: [(i16, &str, Option<i32>); 5] = [
    (-3, "Jueves Santo", None),
    (-2, "Viernes Santo", None),
    (43, "Ascensión del Señor", Some(MOVED_SINCE)),
    (64, "Corpus Christi", Some(MOVED_SINCE)),
    (71, "Sagrado Corazón de Jesús", Some(MOVED_SINCE)),
];

pub fn rules() -> Vec<HolidayRule> {
    let rule = |name: &str, kind, first_year| HolidayRule {
        name: name.to_owned(),
        kind,
        month: None,
        day: None,
        days_from_easter: None,
        date: None,
        first_year,
        last_year: None,
    };
    let fixed = FIXED.iter().map(|(month, day, name)| HolidayRule {
        month: Some(*month),
        day: Some(*day),
        ..rule(name, HolidayKind::Fixed, None)
    });
    let moved = MOVED.iter().map(|(month, day, name, since)| HolidayRule {
        month: Some(*month),
        day: Some(*day),
        ..rule(name, HolidayKind::FollowingMonday, Some(*since))
    });
    let easter = EASTER.iter().map(|(days, name, since)| HolidayRule {
        days_from_easter: Some(*days),
        ..rule(name, HolidayKind::Easter, *since)
    });
    fixed.chain(moved).chain(easter).collect()
}

pub fn holidays() -> Holidays {
    Holidays::new(rules())
}
