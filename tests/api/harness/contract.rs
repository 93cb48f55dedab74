//! Checks every response that a test receives against the contract: its status, headers and body must be as described
//! there.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, OnceLock};

use actix_web::dev::ResourceDef;
use actix_web::web::Data;
use jsonschema::{Draft, Registry, Validator};
use mesa::app::{self, Contract};
use reqwest::Method;
use serde_json::{Value, json};

use super::client::Answer;
use super::front;

/// The contract, shared by all servers under test.
pub fn shared() -> Data<Contract> {
    static CONTRACT: OnceLock<Data<Contract>> = OnceLock::new();
    CONTRACT.get_or_init(|| app::shared(Contract::new().unwrap())).clone()
}

const CONTRACT: &str = "urn:mesa:contract";

/// Headers of HTTP itself and headers for browsers, which the contract need not describe.
const EVERYWHERE: [&str; 11] = [
    "access-control-expose-headers",
    "cache-control",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "date",
    "strict-transport-security",
    "transfer-encoding",
    "vary",
    "x-content-type-options",
];

struct Known {
    document: Value,
    paths: Vec<(ResourceDef, String)>,
    validators: Mutex<HashMap<String, Arc<Validator>>>,
}

fn known() -> &'static Known {
    static KNOWN: OnceLock<Known> = OnceLock::new();
    KNOWN.get_or_init(|| {
        let mut document: Value =
            serde_json::from_str(&mesa::contract::json(&app::openapi()).unwrap()).unwrap();
        close(&mut document["components"]["schemas"]);
        let paths = document["paths"].as_object().unwrap().keys();
        // The most specific path first, as in the router.
        let mut paths: Vec<(ResourceDef, String)> =
            paths.map(|path| (ResourceDef::new(path.as_str()), path.clone())).collect();
        paths.sort_by_key(|(_, path)| path.matches('{').count());
        Known { document, paths, validators: Mutex::default() }
    })
}

/// The contract lets clients accept fields and values of later versions. This version must send only those that the
/// contract names.
fn close(schema: &mut Value) {
    match schema {
        Value::Object(object) => {
            if object.contains_key("properties") {
                object.entry("additionalProperties").or_insert(false.into());
            }
            if let Some(values) = object.remove("x-extensible-enum") {
                object.insert("enum".to_owned(), values);
            }
            object.values_mut().for_each(close);
        }
        Value::Array(items) => items.iter_mut().for_each(close),
        _ => {}
    }
}

/// # Panics
/// If the response does not match the contract.
#[track_caller]
pub fn hold(method: &Method, path: &str, answer: &Answer) {
    let known = known();
    let path = path.split_once('?').map_or(path, |(path, _)| path);
    let Some((_, template)) = known.paths.iter().find(|(resource, _)| resource.is_match(path)) else {
        return;
    };
    let operation = &known.document["paths"][template][method.as_str().to_ascii_lowercase()];
    if operation.is_null() {
        return;
    }
    let status = answer.status.to_string();
    let mut response = &operation["responses"][&status];
    let mut pointer =
        format!("#/paths/{}/{}/responses/{status}", escape(template), method.as_str().to_ascii_lowercase());
    if let Some(reference) = response["$ref"].as_str() {
        pointer = reference.to_owned();
        response = known.document.pointer(&reference[1..]).unwrap();
    }
    assert!(
        !response.is_null(),
        "the contract of {method} {template} has no {status}, but the server returned {}",
        answer.text()
    );
    let headers = response["headers"].as_object().cloned().unwrap_or_default();
    for (name, header) in &headers {
        let component = header["$ref"].as_str().unwrap();
        let header = known.document.pointer(&component[1..]).unwrap();
        let value = answer.header(name);
        if value.is_empty() {
            assert!(header["required"] != true, "{method} {template} returned {status} without {name}");
            continue;
        }
        let is_number = header["schema"]["type"] == "integer";
        let value = if is_number { json!(value.parse::<i64>().unwrap()) } else { json!(value) };
        let fits = known.validator(&format!("{component}/schema")).is_valid(&value);
        assert!(fits, "{method} {template} returned {name}: {value}");
    }
    for name in answer.headers.keys() {
        assert!(
            EVERYWHERE.contains(&name.as_str())
                // nginx adds this header.
                || (name == "server" && front::is_wanted())
                || headers.keys().any(|known| name.as_str().eq_ignore_ascii_case(known)),
            "the contract of {method} {template} has no {name} for {status}"
        );
    }
    let content = response["content"].as_object();
    let sent = answer.header("content-type").split(';').next().unwrap_or_default();
    let named = content.and_then(|content| content.iter().find(|(media_type, _)| *media_type == sent));
    let Some((media_type, _)) = named.or_else(|| content.and_then(|content| content.iter().next())) else {
        assert!(answer.bytes.is_empty(), "the contract of {method} {template} has no body for {status}");
        return;
    };
    if !media_type.ends_with("json") {
        return;
    }
    assert!(
        answer.header("content-type").starts_with(media_type.as_str()),
        "{method} {template}: {:?}",
        answer.headers
    );
    let schema = format!("{pointer}/content/{}/schema", escape(media_type));
    let validator = known.validator(&schema);
    let body = answer.json();
    let faults: Vec<String> =
        validator.iter_errors(&body).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(
        faults.is_empty(),
        "{method} {template} returned {status}, which violates the contract: {faults:#?}\n{body:#}"
    );
}

impl Known {
    /// The validator of the schema at this pointer.
    fn validator(&self, schema: &str) -> Arc<Validator> {
        static REGISTRY: LazyLock<Registry> =
            LazyLock::new(|| Registry::new().add(CONTRACT, &known().document).unwrap().prepare().unwrap());
        let make = || {
            let options = jsonschema::options().with_draft(Draft::Draft202012).should_validate_formats(true);
            let schema = json!({"$ref": format!("{CONTRACT}{schema}")});
            Arc::new(options.with_registry(&REGISTRY).build(&schema).unwrap())
        };
        self.validators.lock().unwrap().entry(schema.to_owned()).or_insert_with(make).clone()
    }
}

fn escape(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1").replace('{', "%7B").replace('}', "%7D")
}
