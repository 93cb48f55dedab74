//! The fields that a holiday has, by its kind.

use chrono::NaiveDate;
use serde_json::Value;

use super::holidays::HolidayProfile;
use crate::problem::{FieldCode, FieldError, Problem, Result, Text};

/// The required fields of each kind, and the fields that it does not allow.
const FIELDS: &[(&str, &[&str], &[&str])] = &[
    ("fixed", &["month", "day"], &["days_from_easter", "date"]),
    ("following_monday", &["month", "day"], &["days_from_easter", "date"]),
    ("easter", &["days_from_easter"], &["month", "day", "date"]),
    ("date", &["date"], &["month", "day", "days_from_easter", "first_year", "last_year"]),
];

/// The checks that the schema of a holiday cannot express: which fields belong to its kind, and that the day exists.
pub fn faults(holiday: &Value) -> Vec<FieldError> {
    let mut faults = Vec::new();
    let kind = holiday["kind"].as_str().unwrap_or_default();
    for (_, required, refused) in FIELDS.iter().filter(|(name, _, _)| *name == kind) {
        for field in required.iter().filter(|field| holiday[**field].is_null()) {
            faults.push(FieldError::required(format!("/{field}")));
        }
        for field in refused.iter().filter(|field| !holiday[**field].is_null()) {
            let detail = Text::made(
                format!("Un festivo de tipo `{kind}` no admite este campo."),
                format!("A holiday of kind `{kind}` does not allow this field."),
            );
            faults.push(FieldError::new(format!("/{field}"), FieldCode::NotAllowed, detail));
        }
    }
    let number = |field: &str| holiday[field].as_u64().and_then(|number| u32::try_from(number).ok());
    // 2000 is a leap year.
    if let (Some(month @ 1..=12), Some(day)) = (number("month"), number("day"))
        && NaiveDate::from_ymd_opt(2000, month, day).is_none()
    {
        let detail = Text::new("El mes no tiene ese día.", "The month has no such day.");
        faults.push(FieldError::new("/day", FieldCode::OutOfRange, detail));
    }
    if let (Some(first), Some(last)) = (holiday["first_year"].as_i64(), holiday["last_year"].as_i64())
        && last < first
    {
        let detail = Text::new("No puede ser anterior a `first_year`.", "It cannot be before `first_year`.");
        faults.push(FieldError::new("/last_year", FieldCode::OutOfRange, detail));
    }
    let date = holiday["date"].as_str().and_then(|date| date.parse::<NaiveDate>().ok());
    if date.is_some_and(|date| !crate::holidays::YEARS.contains(&chrono::Datelike::year(&date))) {
        let detail = Text::new("Debe ser de 1900 en adelante.", "It must be in the year 1900 or later.");
        faults.push(FieldError::new("/date", FieldCode::OutOfRange, detail));
    }
    faults
}

/// Checks that only `last_year` changes of a shipped holiday.
///
/// # Errors
/// `Code::InvalidBody` that names every other field that would change.
pub fn only_the_end_changes(current: &HolidayProfile, changed: &HolidayProfile) -> Result<()> {
    let fields = [
        ("/name", current.name != changed.name),
        ("/month", current.month != changed.month),
        ("/day", current.day != changed.day),
        ("/days_from_easter", current.days_from_easter != changed.days_from_easter),
        ("/first_year", current.first_year != changed.first_year),
    ];
    let faults: Vec<FieldError> = fields
        .into_iter()
        .filter(|(_, changes)| *changes)
        .map(|(pointer, _)| FieldError::new(pointer, FieldCode::NotAllowed, shipped()))
        .collect();
    if faults.is_empty() { Ok(()) } else { Err(Problem::fields(faults)) }
}

/// The message that only `last_year` of a shipped holiday can change.
pub fn shipped() -> Text {
    Text::new(
        "Es un festivo incluido en el producto: no se puede eliminar, y solo puede cambiar su último año (`last_year`).",
        "It is a holiday included in the product: it cannot be removed, and only its last year (`last_year`) can be changed.",
    )
}
