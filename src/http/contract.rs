//! Holds a body against the contract: what `openapi.json` says of it is what is checked.

use std::collections::HashMap;
use std::sync::OnceLock;

use jsonschema::Validator;
use jsonschema::error::ValidationErrorKind as Kind;
use jsonschema::{Draft, ValidationError};
use serde_json::{Value, json};

use crate::problem::{FieldError, Text};

static SCHEMAS: OnceLock<HashMap<String, Validator>> = OnceLock::new();

/// Makes the contract's schemas known; to be called once, before the first request.
///
/// # Errors
/// The name of a schema that is no JSON Schema.
pub fn learn(openapi: &Value) -> Result<(), String> {
    let components = &openapi["components"];
    let names = components["schemas"].as_object().into_iter().flat_map(|schemas| schemas.keys());
    let mut schemas = HashMap::new();
    for name in names {
        let schema = json!({"$ref": format!("#/components/schemas/{name}"), "components": components});
        let validator = jsonschema::options()
            .with_draft(Draft::Draft202012)
            .should_validate_formats(true)
            .build(&schema)
            .map_err(|error| format!("schema {name}: {error}"))?;
        schemas.insert(name.clone(), validator);
    }
    let _ = SCHEMAS.set(schemas);
    Ok(())
}

/// Every field of `value` that is not as the schema of this name has it.
pub fn faults(schema: &str, value: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    match SCHEMAS.get().and_then(|schemas| schemas.get(schema)) {
        Some(validator) => {
            for error in validator.iter_errors(value) {
                explain(&error, &mut errors);
            }
        }
        None => errors.push(FieldError::new(
            "",
            "unexpected",
            Text::new("El contrato no conoce este cuerpo.", "The contract does not know this body."),
        )),
    }
    no_nul(value, &mut String::new(), &mut errors);
    errors.sort_by(|a, b| a.pointer.cmp(&b.pointer));
    errors.dedup_by(|a, b| a.pointer == b.pointer);
    errors
}

fn explain(error: &ValidationError<'_>, errors: &mut Vec<FieldError>) {
    let at = error.instance_path().as_str().to_owned();
    let mut add = |pointer: String, code, detail| errors.push(FieldError::new(pointer, code, detail));
    match error.kind() {
        Kind::Required { property } => {
            errors.push(FieldError::required(format!(
                "{at}/{}",
                escape(property.as_str().unwrap_or_default())
            )));
        }
        Kind::AdditionalProperties { unexpected } | Kind::UnevaluatedProperties { unexpected } => {
            for name in unexpected {
                add(
                    format!("{at}/{}", escape(name)),
                    "unknown_field",
                    Text::new("Este campo no existe.", "There is no such field."),
                );
            }
        }
        Kind::Type { .. } => {
            add(
                at,
                "wrong_type",
                Text::new("El tipo del valor no es el esperado.", "The value is of the wrong type."),
            );
        }
        Kind::Enum { options } => {
            let words = words(options);
            add(
                at,
                "not_allowed",
                Text::made(format!("Debe ser uno de: {words}."), format!("It must be one of: {words}.")),
            );
        }
        Kind::MaxLength { limit } => add(
            at,
            "too_long",
            Text::made(
                format!("Admite hasta {limit} caracteres."),
                format!("It may have up to {limit} characters."),
            ),
        ),
        Kind::MinLength { limit } => add(
            at,
            "too_short",
            Text::made(
                format!("Necesita al menos {limit} caracteres."),
                format!("It needs {limit} characters or more."),
            ),
        ),
        Kind::MaxItems { limit } => add(
            at,
            "too_long",
            Text::made(
                format!("Admite hasta {limit} elementos."),
                format!("It may have up to {limit} items."),
            ),
        ),
        Kind::Minimum { limit } => add(
            at,
            "out_of_range",
            Text::made(format!("Debe ser {limit} o más."), format!("It must be {limit} or more.")),
        ),
        Kind::Maximum { limit } => add(
            at,
            "out_of_range",
            Text::made(format!("Debe ser {limit} o menos."), format!("It must be {limit} or less.")),
        ),
        Kind::Format { .. } | Kind::Pattern { .. } => {
            add(
                at,
                "wrong_format",
                Text::new("El formato no es el esperado.", "The format is not the expected one."),
            );
        }
        // A field that may be null is a choice between null and a schema: the schema's own words are the useful ones.
        Kind::OneOfNotValid { context } | Kind::AnyOf { context } => {
            let branch = context
                .iter()
                .filter(|branch| !branch.iter().all(|e| matches!(e.kind(), Kind::Type { .. })))
                .min_by_key(|branch| branch.len())
                .or(context.first());
            for inner in branch.into_iter().flatten() {
                explain(inner, errors);
            }
        }
        _ => add(at, "unexpected", Text::new("El valor no es válido.", "The value is not valid.")),
    }
}

/// PostgreSQL keeps no NUL characters in text.
fn no_nul(value: &Value, at: &mut String, errors: &mut Vec<FieldError>) {
    let fault = |at: &str| {
        FieldError::new(
            at,
            "wrong_format",
            Text::new("No admite el carácter nulo.", "The NUL character is not allowed."),
        )
    };
    let len = at.len();
    match value {
        Value::String(text) if text.contains('\0') => errors.push(fault(at)),
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                at.push_str(&format!("/{index}"));
                no_nul(item, at, errors);
                at.truncate(len);
            }
        }
        Value::Object(fields) => {
            for (name, field) in fields {
                at.push('/');
                at.push_str(&escape(name));
                no_nul(field, at, errors);
                at.truncate(len);
            }
        }
        _ => {}
    }
}

/// A name as a JSON Pointer has it (RFC 6901).
fn escape(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

fn words(options: &Value) -> String {
    let words = options.as_array().into_iter().flatten();
    words
        .map(|word| word.as_str().map_or_else(|| word.to_string(), str::to_owned))
        .collect::<Vec<_>>()
        .join(", ")
}
