//! The operations of the contract, each with a valid sample body.

use serde_json::{Map, Value, json};

use super::ids::{Ids, Slot};
use super::world::Actor;
use crate::operations::resolve;

/// An operation as the contract describes it.
pub struct Operation {
    pub method: String,
    template: String,
    /// The roles that may call it; none if it needs no token.
    pub roles: Option<Vec<String>>,
    /// The permissions that allow it to people of any role.
    pub granted_permissions: Vec<String>,
    pub content_type: Option<String>,
    body: Option<Value>,
    /// The path parameters in order: the name, the kind of id (`None` if it is not an id), and a sample value.
    path_parameters: Vec<(String, Option<Slot>, String)>,
    pub query_ids: Vec<Named>,
    /// The required query parameters.
    required_query: Vec<(String, String)>,
    pub body_ids: Vec<Named>,
    pub has_cursor: bool,
    /// Whether it has a text search in `q`.
    pub takes_text: bool,
}

/// A query parameter or a property of a body that takes an id.
pub struct Named {
    pub name: String,
    pub is_integer: bool,
}

impl Operation {
    pub fn path_ids(&self) -> impl Iterator<Item = Slot> + '_ {
        self.path_parameters.iter().filter_map(|(_, slot, _)| *slot)
    }

    /// Whether this actor's role or a permission of theirs allows the operation.
    pub fn allows(&self, actor: &Actor) -> bool {
        self.roles.as_ref().is_some_and(|roles| roles.contains(&actor.role))
            || self.granted_permissions.iter().any(|one| actor.granted_permissions.contains(&one.as_str()))
    }

    pub fn has_ids(&self) -> bool {
        self.path_ids().next().is_some()
    }

    /// The path with these ids. A missing id is replaced by one that does not exist.
    pub fn path(&self, id: impl Fn(Slot) -> Option<String>) -> String {
        let mut path = self.template.clone();
        for (name, slot, sample) in &self.path_parameters {
            let value = match slot {
                Some(slot) => id(*slot).unwrap_or_else(|| Ids::unknown(*slot)),
                None => sample.clone(),
            };
            path = path.replace(&format!("{{{name}}}"), &value);
        }
        let query: Vec<String> =
            self.required_query.iter().map(|(name, value)| format!("{name}={value}")).collect();
        if query.is_empty() { path } else { format!("{path}?{}", query.join("&")) }
    }

    pub fn body(&self) -> Option<String> {
        match (&self.body, self.content_type.as_deref()) {
            (Some(body), _) => Some(body.to_string()),
            (None, Some("multipart/form-data")) => Some(FORM.to_owned()),
            (None, Some(_)) => Some("From: nadie@example.com\r\n\r\nHola.".to_owned()),
            (None, None) => None,
        }
    }

    /// The body with this id in the given property.
    pub fn body_with(&self, property: &Named, id: &str) -> Option<String> {
        let mut body = self.body.clone()?;
        let number = id.parse::<i64>().ok().filter(|_| property.is_integer);
        body[&property.name] = number.map_or_else(|| json!(id), |number| json!(number));
        Some(body.to_string())
    }
}

/// The boundary of `FORM`.
pub const BOUNDARY: &str = "limite";

const FORM: &str = "--limite\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\n\
                    Content-Type: text/plain\r\n\r\nhola\r\n--limite--\r\n";

pub fn operations(document: &Value) -> Vec<Operation> {
    let paths = document["paths"].as_object().unwrap().iter();
    paths
        .flat_map(|(template, item)| {
            let methods = item.as_object().unwrap().iter();
            methods.map(move |(method, operation)| described(document, template, method, operation))
        })
        .collect()
}

fn described(document: &Value, template: &str, method: &str, operation: &Value) -> Operation {
    let parameters: Vec<Value> = operation["parameters"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|parameter| resolve(document, parameter))
        .collect();
    let of = |place: &'static str| parameters.iter().filter(move |parameter| parameter["in"] == place);
    let name = |parameter: &Value| parameter["name"].as_str().unwrap().to_owned();
    let path_parameters = of("path")
        .map(|parameter| {
            let schema = resolve(document, &parameter["schema"]);
            let slot =
                id_like(&name(parameter), &schema).then(|| Slot::of(&name(parameter), is_integer(&schema)));
            let sample = value(document, &parameter["schema"]);
            (name(parameter), slot, sample.as_str().map_or_else(|| sample.to_string(), str::to_owned))
        })
        .collect();
    let query_ids = of("query")
        .filter_map(|parameter| {
            let schema = resolve(document, &parameter["schema"]);
            let schema =
                if schema["items"].is_object() { resolve(document, &schema["items"]) } else { schema };
            named(&name(parameter), &schema)
        })
        .collect();
    let required_query = of("query")
        .filter(|parameter| parameter["required"] == true)
        .map(|parameter| {
            let example = parameter.get("example").cloned();
            let sample = example.unwrap_or_else(|| value(document, &parameter["schema"]));
            (name(parameter), sample.as_str().map_or_else(|| sample.to_string(), str::to_owned))
        })
        .collect();
    let content = operation["requestBody"]["content"].as_object();
    let content_type = content.and_then(|content| content.keys().next().cloned());
    let schema = content.and_then(|content| content.iter().find(|(kind, _)| kind.ends_with("json")));
    let schema = schema.map(|(_, content)| resolve(document, &content["schema"]));
    let properties = schema.as_ref().and_then(|schema| schema["properties"].as_object()).cloned();
    let body_ids = properties
        .unwrap_or_default()
        .iter()
        .filter_map(|(name, schema)| named(name, &resolve(document, schema)))
        .collect();
    let has = |wanted: &str| of("query").any(|parameter| parameter["name"] == wanted);
    Operation {
        method: method.to_uppercase(),
        template: template.to_owned(),
        roles: roles(operation),
        granted_permissions: operation["x-granted-permissions"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|permission| permission.as_str().unwrap().to_owned())
            .collect(),
        body: schema.map(|schema| value(document, &schema)),
        content_type,
        path_parameters,
        query_ids,
        required_query,
        body_ids,
        has_cursor: has("cursor"),
        takes_text: has("q"),
    }
}

fn roles(operation: &Value) -> Option<Vec<String>> {
    if operation["security"].as_array().unwrap().is_empty() {
        return None;
    }
    let named = operation["x-roles"].as_array();
    let named = named.map(|all| all.iter().map(|role| role.as_str().unwrap().to_owned()).collect());
    // An operation that needs a token but lists no role may be called by no one.
    Some(named.unwrap_or_default())
}

fn is_integer(schema: &Value) -> bool {
    let kind = &schema["type"];
    kind == "integer" || kind.as_array().is_some_and(|kinds| kinds.contains(&json!("integer")))
}

/// An id is a UUID, also in properties that accept `me` as well, or the number of a ticket.
fn id_like(name: &str, schema: &Value) -> bool {
    let or_me = schema["pattern"].as_str().is_some_and(|pattern| pattern.starts_with("^(me|[0-9a-fA-F]{8}"));
    schema["format"] == "uuid"
        || or_me
        || (is_integer(schema) && (name.ends_with("_id") || name.ends_with("_of")))
}

fn named(name: &str, schema: &Value) -> Option<Named> {
    id_like(name, schema).then(|| Named { name: name.to_owned(), is_integer: is_integer(schema) })
}

/// A simple value that the schema allows: of an object only the required properties.
fn value(document: &Value, schema: &Value) -> Value {
    let schema = resolve(document, schema);
    if let Some(example) = schema.get("example") {
        return example.clone();
    }
    if let Some(first) = schema["enum"].as_array().and_then(|values| values.first()) {
        return first.clone();
    }
    let kinds = schema["type"].as_array().cloned().unwrap_or_else(|| vec![schema["type"].clone()]);
    let kind = kinds.iter().filter_map(Value::as_str).find(|kind| *kind != "null").unwrap_or("object");
    match kind {
        "integer" | "number" => schema.get("minimum").cloned().unwrap_or(json!(1)),
        "boolean" => json!(false),
        "array" => json!([]),
        "string" => match schema["format"].as_str() {
            Some("uuid") => json!(Ids::unknown(Slot::Other)),
            Some("date-time") => json!("2030-01-15T14:30:00Z"),
            Some("date") => json!("2030-01-15"),
            Some("email") => json!("nadie@example.com"),
            _ => json!("texto de prueba"),
        },
        _ => {
            let required = schema["required"].as_array().cloned().unwrap_or_default();
            let fields = required.iter().filter_map(|name| {
                let name = name.as_str()?;
                Some((name.to_owned(), value(document, schema["properties"].get(name)?)))
            });
            Value::Object(fields.collect::<Map<String, Value>>())
        }
    }
}
