//! Checks requests by the contract: the permission, the headers, the query and the body that it states for an operation.

use std::collections::{BTreeSet, HashMap};
use std::fmt::Display;
use std::sync::Arc;

use actix_web::HttpRequest;
use chrono::{DateTime, Datelike, Utc};
use jsonschema::{Draft, Registry, Validator};
use serde_json::{Map, Value, json};

use super::lifecycle::Lifecycle;
use super::permission;
use super::schema_faults::{escape, faults_by, nameable};
use crate::auth::policy::Action;
use crate::problem::{FieldCode, FieldError, FieldPlace, Problem, Text};

/// The URI by which schemas refer to their contract.
const CONTRACT: &str = "urn:mesa:contract";

/// The contract in the form in which requests are checked by it.
#[derive(Default)]
pub struct Schemas {
    /// By the name of the schema.
    bodies: HashMap<String, Validator>,
    /// By method and path as the contract has them, such as `GET /api/v1/tickets`.
    operations: HashMap<String, Operation>,
}

struct Operation {
    /// The actions of which the caller's role must be allowed one; empty for an operation that needs no token.
    permission: Vec<Action>,
    lifecycle: Option<Lifecycle>,
    query: Parameters,
    /// By name.
    headers: Vec<(String, Validator)>,
}

/// The query parameters of an operation.
struct Parameters {
    validator: Validator,
    kinds: HashMap<String, Kind>,
}

/// How the text of a parameter is converted to the value that its schema describes.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Text,
    Integer,
    Boolean,
    /// May be repeated.
    Texts,
    /// Integers that may be repeated.
    Integers,
}

impl Schemas {
    /// # Errors
    /// The name of a schema that is not a JSON Schema.
    pub fn new(openapi: &Value) -> Result<Self, String> {
        let unfit = |error: &dyn Display| format!("the schemas of the contract cannot be resolved: {error}");
        let mut openapi = openapi.clone();
        leave_for_later(&mut openapi);
        let openapi = &openapi;
        let contract = Registry::new().draft(Draft::Draft202012);
        let contract = contract.add(CONTRACT, openapi).map_err(|error| unfit(&error))?;
        let contract = contract.prepare().map_err(|error| unfit(&error))?;
        let mut schemas = Schemas::default();
        for name in bodies(openapi) {
            let schema = json!({"$ref": format!("{CONTRACT}#/components/schemas/{name}")});
            schemas.bodies.insert(name.to_owned(), validator(name, &schema, &contract)?);
        }
        for (path, item) in openapi["paths"].as_object().into_iter().flatten() {
            for (method, operation) in item.as_object().into_iter().flatten() {
                let name = format!("{} {path}", method.to_uppercase());
                let query = parameters(&name, path, method, operation, &contract)?;
                let mut headers = Vec::new();
                let all = operation["parameters"].as_array().into_iter().flatten();
                // A language that is not understood is ignored.
                let is_checked = |parameter: &&Value| {
                    parameter["in"] == "header" && parameter["name"] != "Accept-Language"
                };
                for header in all.filter(is_checked) {
                    let called = header["name"].as_str().unwrap_or_default().to_owned();
                    let validator = validator(&called, &header["schema"], &contract)?;
                    headers.push((called, validator));
                }
                let permission = permission::actions(operation).unwrap_or_default();
                let lifecycle = Lifecycle::of_operation(operation);
                schemas.operations.insert(name, Operation { permission, lifecycle, query, headers });
            }
        }
        Ok(schemas)
    }

    /// Those that the app was built with.
    pub fn of_app(request: &HttpRequest) -> crate::problem::Result<Arc<Self>> {
        let schemas = request.app_data::<Arc<Self>>();
        schemas.cloned().ok_or_else(|| Problem::internal("the app has no contract"))
    }

    /// The actions of which the caller's role must be allowed one, for the operation named by method and path.
    ///
    /// # Errors
    /// An internal error if the contract states none: no role may call it.
    pub fn permission(&self, operation: &str) -> crate::problem::Result<&[Action]> {
        match self.operations.get(operation) {
            Some(known) if !known.permission.is_empty() => Ok(&known.permission),
            _ => Err(Problem::internal(format!("{operation} states no permission"))),
        }
    }

    /// The dates of an operation that is deprecated, named by method and path.
    pub fn lifecycle(&self, operation: &str) -> Option<Lifecycle> {
        self.operations.get(operation)?.lifecycle
    }

    /// The faults of a query string that is sent to an operation without parameters; handlers read the query of others.
    pub fn faults_without_parameters(&self, operation: &str, query: &str) -> Vec<FieldError> {
        let known = self.operations.get(operation);
        if query.is_empty() || known.is_none_or(|known| !known.query.kinds.is_empty()) {
            return Vec::new();
        }
        let pairs: Vec<_> = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        self.query_faults(operation, &pairs)
    }

    /// Every fault of the parameters of an operation, named by method and path.
    pub fn query_faults(&self, operation: &str, pairs: &[(String, String)]) -> Vec<FieldError> {
        let Some(Operation { query: parameters, .. }) = self.operations.get(operation) else {
            return unknown();
        };
        let mut value = Map::new();
        for (name, text) in pairs {
            let typed = match parameters.kinds.get(name) {
                Some(Kind::Integer | Kind::Integers) => {
                    text.parse::<i64>().map_or_else(|_| json!(text), |number| json!(number))
                }
                Some(Kind::Boolean) => {
                    text.parse::<bool>().map_or_else(|_| json!(text), |truth| json!(truth))
                }
                Some(Kind::Text | Kind::Texts) | None => json!(text),
            };
            match (parameters.kinds.get(name), value.get_mut(name)) {
                (Some(Kind::Texts | Kind::Integers), Some(Value::Array(items))) => items.push(typed),
                (Some(Kind::Texts | Kind::Integers), _) => {
                    value.insert(name.clone(), json!([typed]));
                }
                (_, Some(_)) => {
                    let detail =
                        Text::new("Este parámetro no se repite.", "This parameter cannot be repeated.");
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
            // The parameter, whichever of its repetitions is at fault.
            let end = error.pointer.match_indices('/').nth(1).map_or(error.pointer.len(), |(end, _)| end);
            error.pointer.truncate(end);
            if error.code == FieldCode::UnknownField {
                error.detail = parameters.those_that_exist();
            }
        }
        errors
    }

    /// Every fault of the headers of an operation, named by method and path. `get`: the values of a name, as one text;
    /// an error if they are not text.
    pub fn header_faults<E>(
        &self,
        operation: &str,
        get: impl Fn(&str) -> Option<std::result::Result<String, E>>,
    ) -> Vec<FieldError> {
        let known = self.operations.get(operation).map(|known| &known.headers);
        let mut errors = Vec::new();
        for (name, validator) in known.into_iter().flatten() {
            let Some(text) = get(name) else { continue };
            let mut faults = match text {
                Ok(text) => faults_by(validator, &json!(text)),
                Err(_) => {
                    vec![FieldError::new(
                        "",
                        FieldCode::WrongFormat,
                        Text::new("Debe ser texto.", "It must be text."),
                    )]
                }
            };
            faults.truncate(1);
            errors.extend(faults.into_iter().map(|fault| FieldError {
                place: FieldPlace::Header,
                pointer: format!("/{}", escape(name)),
                ..fault
            }));
        }
        errors
    }

    /// Every fault of `value` according to the schema of this name.
    pub fn faults(&self, schema: &str, value: &Value) -> Vec<FieldError> {
        match self.bodies.get(schema) {
            Some(validator) => faults_by(validator, value),
            None => unknown(),
        }
    }
}

/// Schemas whose properties are bodies of other operations, each with the properties that are not. What such a body contains is
/// checked when its operation is carried out, so that a fault is that of the operation and not of the whole request.
const BODIES_WITHIN: [(&str, [&str; 2]); 1] = [("BulkOperation", ["ticket_id", "if_match"])];

fn leave_for_later(openapi: &mut Value) {
    for (schema, own) in BODIES_WITHIN {
        let properties = openapi["components"]["schemas"][schema]["properties"].as_object_mut();
        for (name, property) in properties.into_iter().flatten() {
            if !own.contains(&name.as_str()) {
                *property = json!({"type": "object"});
            }
        }
    }
}

/// The names of the schemas that bodies of requests are checked by: those of the bodies, and the resource that a merge patch
/// results in. The schemas of answers would take several times the memory.
fn bodies(openapi: &Value) -> BTreeSet<&str> {
    let operations = openapi["paths"].as_object().into_iter().flatten();
    let operations = operations.flat_map(|(_, item)| item.as_object().into_iter().flatten());
    let mut names = BTreeSet::new();
    for (_, operation) in operations {
        collect_references(&operation["requestBody"], &mut names);
    }
    let schemas = &openapi["components"]["schemas"];
    let patched = names.iter().filter_map(|name| name.strip_suffix("Patch"));
    let patched: Vec<&str> = patched.filter(|name| !schemas[*name].is_null()).collect();
    names.extend(patched);
    names
}

fn collect_references<'a>(value: &'a Value, names: &mut BTreeSet<&'a str>) {
    match value {
        Value::Object(fields) => {
            let reference = fields.get("$ref").and_then(Value::as_str);
            names.extend(reference.and_then(|path| path.strip_prefix("#/components/schemas/")));
            fields.values().for_each(|value| collect_references(value, names));
        }
        Value::Array(items) => items.iter().for_each(|value| collect_references(value, names)),
        _ => {}
    }
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

/// RFC 3339, within the years that the database and a response support.
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
            () if is("array") && schema["items"]["type"] == "integer" => Kind::Integers,
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

impl Parameters {
    fn those_that_exist(&self) -> Text {
        let mut names: Vec<&str> = self.kinds.keys().map(String::as_str).collect();
        if names.is_empty() {
            return Text::new("Esta ruta no tiene parámetros.", "This path has no parameters.");
        }
        names.sort_unstable();
        let names = names.join(", ");
        Text::made(
            format!("Este parámetro no existe; existen: {names}."),
            format!("There is no such parameter; there are: {names}."),
        )
    }
}

fn unknown() -> Vec<FieldError> {
    let detail =
        Text::new("El contrato no define esta petición.", "The contract does not define this request.");
    vec![FieldError::new("", FieldCode::Unexpected, detail)]
}
