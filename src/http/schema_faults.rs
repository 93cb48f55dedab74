//! Texts for the faults of a value according to its schema.

use jsonschema::error::ValidationErrorKind as Fault;
use jsonschema::{ValidationError, Validator};
use serde_json::Value;

use super::expected_format;
use crate::problem::{FieldCode, FieldError, MOST_FAULTS, Text};

pub(super) fn faults_by(validator: &Validator, value: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    for error in validator.iter_errors(value) {
        explain(&error, &mut errors);
        if errors.len() >= MOST_FAULTS {
            break;
        }
    }
    cannot_be_kept(value, &mut String::new(), &mut errors);
    errors.truncate(MOST_FAULTS);
    errors.iter_mut().for_each(|error| error.pointer.truncate(nameable(&error.pointer)));
    errors.sort_by(|a, b| a.pointer.cmp(&b.pointer));
    errors.dedup_by(|a, b| a.pointer == b.pointer);
    errors
}

fn explain(error: &ValidationError<'_>, errors: &mut Vec<FieldError>) {
    let at = error.instance_path().as_str().to_owned();
    let mut add = |pointer: String, code, detail| errors.push(FieldError::new(pointer, code, detail));
    match error.kind() {
        Fault::Required { property } => {
            errors.push(FieldError::required(format!(
                "{at}/{}",
                escape(property.as_str().unwrap_or_default())
            )));
        }
        Fault::AdditionalProperties { unexpected } | Fault::UnevaluatedProperties { unexpected } => {
            for name in unexpected.iter().take(MOST_FAULTS) {
                add(
                    format!("{at}/{}", escape(name)),
                    FieldCode::UnknownField,
                    Text::new("Este campo no existe.", "There is no such field."),
                );
            }
        }
        Fault::Type { .. } => {
            add(
                at,
                FieldCode::WrongType,
                Text::new("El tipo del valor no es el esperado.", "The value is of the wrong type."),
            );
        }
        Fault::Enum { options } => {
            let words = words(options);
            add(
                at,
                FieldCode::NotAllowed,
                Text::made(format!("Debe ser uno de: {words}."), format!("It must be one of: {words}.")),
            );
        }
        Fault::MaxLength { limit } => add(
            at,
            FieldCode::TooLong,
            Text::made(
                format!("Admite hasta {limit} caracteres."),
                format!("It may have up to {limit} characters."),
            ),
        ),
        Fault::MinLength { limit } => add(
            at,
            FieldCode::TooShort,
            Text::made(
                format!("Necesita al menos {limit} caracteres."),
                format!("It needs {limit} characters or more."),
            ),
        ),
        Fault::MaxItems { limit } => add(
            at,
            FieldCode::TooLong,
            Text::made(
                format!("Admite hasta {limit} elementos."),
                format!("It may have up to {limit} items."),
            ),
        ),
        Fault::Minimum { limit } => add(
            at,
            FieldCode::OutOfRange,
            Text::made(format!("Debe ser {limit} o más."), format!("It must be {limit} or more.")),
        ),
        Fault::Maximum { limit } => add(
            at,
            FieldCode::OutOfRange,
            Text::made(format!("Debe ser {limit} o menos."), format!("It must be {limit} or less.")),
        ),
        Fault::Format { format } => {
            add(at, FieldCode::WrongFormat, expected_format::for_format(format));
        }
        Fault::Pattern { pattern } => {
            add(at, FieldCode::WrongFormat, expected_format::for_pattern(pattern));
        }
        // A field that may be null is a choice between null and a schema: the faults of that schema are the useful
        // ones.
        Fault::OneOfNotValid { context } | Fault::AnyOf { context } => {
            let branch = context
                .iter()
                .filter(|branch| !branch.iter().all(|e| matches!(e.kind(), Fault::Type { .. })))
                .min_by_key(|branch| branch.len())
                .or(context.first());
            for inner in branch.into_iter().flatten() {
                explain(inner, errors);
            }
        }
        _ => add(at, FieldCode::Unexpected, Text::new("El valor no es válido.", "The value is not valid.")),
    }
}

/// The longest pointer, in characters.
const LONGEST_POINTER: usize = 1000;

/// The length of the part of a pointer that can be shown, in bytes: a client may send a field with any name, and the
/// value that contains a field with an unsuitable name is shown instead.
pub(super) fn nameable(pointer: &str) -> usize {
    let end = pointer.char_indices().enumerate().find(|(n, (_, c))| *n == LONGEST_POINTER || *c == '\0');
    end.map_or(pointer.len(), |(_, (at, _))| pointer[..at].rfind('/').unwrap_or_default())
}

/// Up to this value a floating-point number represents exactly one number.
const EXACT: f64 = 9_007_199_254_740_991.0;

/// PostgreSQL stores no NUL characters in text, and no integers beyond 64 bits; a fraction is checked by the schema.
fn cannot_be_kept(value: &Value, at: &mut String, errors: &mut Vec<FieldError>) {
    if errors.len() >= MOST_FAULTS {
        return;
    }
    let len = at.len();
    match value {
        Value::String(text) if text.contains('\0') => errors.push(FieldError::new(
            at.as_str(),
            FieldCode::WrongFormat,
            Text::new("No admite el carácter nulo.", "The NUL character is not allowed."),
        )),
        Value::Number(number)
            if !number.is_i64() && number.as_f64().is_none_or(|float| float.abs() > EXACT) =>
        {
            errors.push(FieldError::new(
                at.as_str(),
                FieldCode::OutOfRange,
                Text::new("El número es demasiado grande.", "The number is too large."),
            ));
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                at.push_str(&format!("/{index}"));
                cannot_be_kept(item, at, errors);
                at.truncate(len);
            }
        }
        Value::Object(fields) => {
            for (name, field) in fields {
                at.push('/');
                at.push_str(&escape(name));
                cannot_be_kept(field, at, errors);
                at.truncate(len);
            }
        }
        _ => {}
    }
}

/// A name in a JSON Pointer (RFC 6901).
pub(super) fn escape(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

fn words(options: &Value) -> String {
    let words = options.as_array().into_iter().flatten();
    words
        .map(|word| word.as_str().map_or_else(|| word.to_string(), str::to_owned))
        .collect::<Vec<_>>()
        .join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pointer_is_as_long_as_the_contract_says_and_has_no_nul() {
        let shown = |pointer: &str| pointer[..nameable(pointer)].to_owned();
        assert_eq!(shown("/a/b"), "/a/b");
        assert_eq!(shown("/a/b\0c/d"), "/a");
        assert_eq!(shown("/\0"), "");
        assert_eq!(shown(&format!("/a/{}", "ñ".repeat(997))).chars().count(), 1000);
        assert_eq!(shown(&format!("/a/{}", "ñ".repeat(998))), "/a");
    }
}
