//! Holds bodies and queries against the contract: what `openapi.json` says of them is what is checked.

use std::collections::HashMap;
use std::fmt::Display;
use std::sync::OnceLock;

use chrono::{DateTime, Datelike, Utc};
use jsonschema::error::ValidationErrorKind as Fault;
use jsonschema::{Draft, Registry, ValidationError, Validator};
use serde_json::{Map, Value, json};

use super::expected_format;
use crate::problem::{FieldCode, FieldError, MOST_FAULTS, Text};

/// What schemas call the contract that they are part of.
const CONTRACT: &str = "urn:mesa:contract";

static KNOWN: OnceLock<Known> = OnceLock::new();

struct Known {
    /// By the name of the body's schema.
    bodies: HashMap<String, Validator>,
    /// By method and path as the contract has them, such as `GET /api/v1/tickets`.
    queries: HashMap<String, Parameters>,
    /// The same, with the headers that the operation takes, by their names.
    headers: HashMap<String, Vec<(String, Validator)>>,
}

/// The query parameters of an operation.
struct Parameters {
    validator: Validator,
    kinds: HashMap<String, Kind>,
}

/// How the text of a parameter becomes the value that its schema speaks of.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Text,
    Integer,
    Boolean,
    /// May be repeated.
    Texts,
}

/// Makes the contract known; to be called once, before the first request.
///
/// # Errors
/// The name of a schema that is no JSON Schema.
pub fn learn(openapi: &Value) -> Result<(), String> {
    let unfit = |error: &dyn Display| format!("the contract is no home of schemas: {error}");
    let contract = Registry::new().draft(Draft::Draft202012);
    let contract = contract.add(CONTRACT, openapi).map_err(|error| unfit(&error))?;
    let contract = contract.prepare().map_err(|error| unfit(&error))?;
    let mut known = Known { bodies: HashMap::new(), queries: HashMap::new(), headers: HashMap::new() };
    for name in openapi["components"]["schemas"].as_object().into_iter().flat_map(|schemas| schemas.keys()) {
        let schema = json!({"$ref": format!("{CONTRACT}#/components/schemas/{name}")});
        known.bodies.insert(name.clone(), validator(name, &schema, &contract)?);
    }
    for (path, item) in openapi["paths"].as_object().into_iter().flatten() {
        for (method, operation) in item.as_object().into_iter().flatten() {
            let name = format!("{} {path}", method.to_uppercase());
            let parameters = parameters(&name, path, method, operation, &contract)?;
            let mut headers = Vec::new();
            let all = operation["parameters"].as_array().into_iter().flatten();
            for header in all.filter(|parameter| parameter["in"] == "header") {
                let called = header["name"].as_str().unwrap_or_default().to_owned();
                let validator = validator(&called, &header["schema"], &contract)?;
                headers.push((called, validator));
            }
            known.headers.insert(name.clone(), headers);
            known.queries.insert(name, parameters);
        }
    }
    let _ = KNOWN.set(known);
    Ok(())
}

fn validator(name: &str, schema: &Value, contract: &Registry) -> Result<Validator, String> {
    jsonschema::options()
        .with_draft(Draft::Draft202012)
        .should_validate_formats(true)
        .with_format("date-time", is_moment)
        .with_registry(contract)
        .build(schema)
        .map_err(|error| format!("schema {name}: {error}"))
}

/// RFC 3339, within the years that the database keeps and an answer can show.
fn is_moment(text: &str) -> bool {
    let parsed = DateTime::parse_from_rfc3339(text);
    text.as_bytes().get(10).is_some_and(|between| between.eq_ignore_ascii_case(&b't'))
        && parsed.is_ok_and(|moment| (1..=9999).contains(&moment.with_timezone(&Utc).year()))
}

fn parameters(
    name: &str,
    path: &str,
    method: &str,
    operation: &Value,
    contract: &Registry,
) -> Result<Parameters, String> {
    let (mut properties, mut required, mut kinds) = (Map::new(), Vec::new(), HashMap::new());
    let all = operation["parameters"].as_array().into_iter().flatten().enumerate();
    for (number, parameter) in all.filter(|(_, each)| each["in"] == "query") {
        let (called, schema) = (parameter["name"].as_str().unwrap_or_default(), &parameter["schema"]);
        let is = |kind: &str| {
            schema["type"] == kind
                || schema["type"].as_array().is_some_and(|kinds| kinds.iter().any(|each| each == kind))
        };
        let kind = match () {
            () if is("array") => Kind::Texts,
            () if is("integer") => Kind::Integer,
            () if is("boolean") => Kind::Boolean,
            () => Kind::Text,
        };
        let pointer = format!("/paths/{}/{method}/parameters/{number}/schema", escape(path));
        let reference = format!("{CONTRACT}#{}", pointer.replace('{', "%7B").replace('}', "%7D"));
        properties.insert(called.to_owned(), json!({"$ref": reference}));
        kinds.insert(called.to_owned(), kind);
        if parameter["required"] == true {
            required.push(called);
        }
    }
    let schema = json!({
        "type": "object", "properties": properties, "required": required, "additionalProperties": false,
    });
    Ok(Parameters { validator: validator(name, &schema, contract)?, kinds })
}

/// Every parameter that is not as the operation, named by method and path, has it.
pub fn query_faults(operation: &str, pairs: &[(String, String)]) -> Vec<FieldError> {
    let Some(parameters) = KNOWN.get().and_then(|known| known.queries.get(operation)) else {
        return unknown();
    };
    let mut value = Map::new();
    for (name, text) in pairs {
        let typed = match parameters.kinds.get(name) {
            Some(Kind::Integer) => text.parse::<i64>().map_or_else(|_| json!(text), |number| json!(number)),
            Some(Kind::Boolean) => text.parse::<bool>().map_or_else(|_| json!(text), |truth| json!(truth)),
            Some(Kind::Text | Kind::Texts) | None => json!(text),
        };
        match (parameters.kinds.get(name), value.get_mut(name)) {
            (Some(Kind::Texts), Some(Value::Array(items))) => items.push(typed),
            (Some(Kind::Texts), _) => {
                value.insert(name.clone(), json!([typed]));
            }
            (_, Some(_)) => {
                let detail = Text::new("Este parámetro no se repite.", "This parameter is given once.");
                let mut pointer = format!("/{}", escape(name));
                pointer.truncate(nameable(&pointer));
                return vec![FieldError::new(pointer, FieldCode::NotAllowed, detail)];
            }
            (_, None) => {
                value.insert(name.clone(), typed);
            }
        }
    }
    let mut errors = faults_by(&parameters.validator, &Value::Object(value));
    for error in &mut errors {
        // The parameter, whichever of its repetitions it is.
        let end = error.pointer.match_indices('/').nth(1).map_or(error.pointer.len(), |(end, _)| end);
        error.pointer.truncate(end);
        if error.code == FieldCode::UnknownField {
            error.detail = parameters.those_that_exist();
        }
    }
    errors
}

impl Parameters {
    fn those_that_exist(&self) -> Text {
        let mut names: Vec<&str> = self.kinds.keys().map(String::as_str).collect();
        if names.is_empty() {
            return Text::new("Esta ruta no tiene parámetros.", "This path takes no parameters.");
        }
        names.sort_unstable();
        let names = names.join(", ");
        Text::made(
            format!("Este parámetro no existe; existen: {names}."),
            format!("There is no such parameter; there are: {names}."),
        )
    }
}

/// Every header that is not as the operation, named by method and path, has it. `get`: the values that came under a name, as
/// one; an error where they are no text.
pub fn header_faults<E>(
    operation: &str,
    get: impl Fn(&str) -> Option<std::result::Result<String, E>>,
) -> Vec<FieldError> {
    let known = KNOWN.get().and_then(|known| known.headers.get(operation));
    let mut errors = Vec::new();
    for (name, validator) in known.into_iter().flatten() {
        let Some(text) = get(name) else { continue };
        let mut faults = match text {
            Ok(text) => faults_by(validator, &json!(text)),
            Err(_) => {
                vec![FieldError::new("", FieldCode::WrongFormat, Text::new("No es texto.", "It is no text."))]
            }
        };
        faults.truncate(1);
        errors.extend(
            faults.into_iter().map(|fault| FieldError { pointer: format!("/{}", escape(name)), ..fault }),
        );
    }
    errors
}

/// Every field of `value` that is not as the schema of this name has it.
pub fn faults(schema: &str, value: &Value) -> Vec<FieldError> {
    match KNOWN.get().and_then(|known| known.bodies.get(schema)) {
        Some(validator) => faults_by(validator, value),
        None => unknown(),
    }
}

fn unknown() -> Vec<FieldError> {
    let detail =
        Text::new("El contrato no conoce esta petición.", "The contract does not know this request.");
    vec![FieldError::new("", FieldCode::Unexpected, detail)]
}

fn faults_by(validator: &Validator, value: &Value) -> Vec<FieldError> {
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
        // A field that may be null is a choice between null and a schema: the schema's own words are the useful ones.
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

/// How much of a pointer to show, in bytes: a client may call a field anything, and what has such a name then stands for it.
fn nameable(pointer: &str) -> usize {
    let end = pointer.char_indices().enumerate().find(|(n, (_, c))| *n == LONGEST_POINTER || *c == '\0');
    end.map_or(pointer.len(), |(_, (at, _))| pointer[..at].rfind('/').unwrap_or_default())
}

/// Up to here a floating-point number names one number alone.
const EXACT: f64 = 9_007_199_254_740_991.0;

/// PostgreSQL keeps no NUL characters in text, and no integers beyond 64 bits; a fraction is for the schema to judge.
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
