//! What clients rely on: the recorded surface of the contract may grow. A part of it goes only after it was deprecated
//! for at least `NOTICE` days.
//!
//! `openapi/surface.txt` has a line for each operation, parameter, body and success response. Schemas have lines for
//! each use: `sent` by clients, `answered` by the server. A line that begins with `!` is required from clients. A line
//! that begins with `deprecated` names what may go, with the day of the announcement and the first day on which it may
//! be missing.

use std::collections::BTreeSet;

use chrono::{NaiveDate, Utc};
use serde_json::Value;

const RECORDED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi/surface.txt");

/// The side that writes the values of a schema.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Use {
    /// The client: it relies on being allowed to send each value, and a new required value breaks it.
    Sent,
    /// The server: a client relies on each property, on its type, and on whether it is always present.
    Answered,
}

struct Surface<'a> {
    document: &'a Value,
    lines: BTreeSet<String>,
    /// The names of the schemas that are referenced.
    used: BTreeSet<(Use, &'a str)>,
}

fn surface(document: &Value) -> BTreeSet<String> {
    let mut surface = Surface { document, lines: BTreeSet::new(), used: BTreeSet::new() };
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            surface.operation(path, method, operation);
        }
    }
    let mut described = BTreeSet::new();
    while let Some(next) = surface.used.difference(&described).next().copied() {
        described.insert(next);
        let (how, name) = next;
        let schema = &document["components"]["schemas"][name];
        match how {
            Use::Sent => surface.sent(&format!("sent {name}"), schema, false),
            Use::Answered => surface.answered(&format!("answered {name}"), schema),
        }
    }
    surface.lines
}

impl<'a> Surface<'a> {
    fn operation(&mut self, path: &str, method: &str, operation: &'a Value) {
        let id = operation["operationId"].as_str().unwrap();
        let mut path = path.to_owned();
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            let parameter = self.resolve(parameter);
            let (place, name) = (parameter["in"].as_str().unwrap(), parameter["name"].as_str().unwrap());
            if place == "path" {
                let kinds = self.kinds(Use::Sent, &parameter["schema"]).join(" | ");
                path = path.replace(&format!("{{{name}}}"), &format!("{{{name}: {kinds}}}"));
                continue;
            }
            let at = format!("{id} {place} {name}");
            self.deprecated(&at, parameter);
            self.sent(&at, &parameter["schema"], parameter["required"] == true);
        }
        self.lines.insert(format!("{id} {} {path}", method.to_uppercase()));
        self.deprecated(id, operation);
        let body = &operation["requestBody"];
        for (kind, content) in body["content"].as_object().into_iter().flatten() {
            self.sent(&format!("{id} body {kind}"), &content["schema"], body["required"] == true);
        }
        for (status, response) in operation["responses"].as_object().unwrap() {
            if !status.starts_with('2') {
                continue;
            }
            let contents = self.resolve(response)["content"].as_object();
            if contents.is_none() {
                self.lines.insert(format!("{id} {status}"));
            }
            for (kind, content) in contents.into_iter().flatten() {
                self.answered(&format!("{id} {status} {kind}"), &content["schema"]);
            }
        }
    }

    /// What is deprecated, with its two days.
    fn deprecated(&mut self, at: &str, what: &Value) {
        if what["deprecated"] == true {
            let day = |name: &str| what[name].as_str().unwrap_or("never").to_owned();
            self.lines.insert(format!("deprecated {} {} {at}", day("x-deprecated-on"), day("x-sunset")));
        }
    }

    /// One line for each type that may be sent, so that an additional type breaks no client.
    fn sent(&mut self, at: &str, schema: &'a Value, must: bool) {
        self.deprecated(at, schema);
        if must {
            self.lines.insert(format!("! {at}"));
        }
        for kind in self.kinds(Use::Sent, schema) {
            self.lines.insert(format!("{at}: {kind}"));
        }
        for inner in inline(schema) {
            let values = inner["enum"].as_array();
            for value in values.into_iter().flatten() {
                self.lines.insert(format!("{at} = {value}"));
            }
            for (name, property, must) in properties(inner) {
                self.sent(&format!("{at}/{name}"), property, must);
            }
        }
    }

    /// One line for all types that may be returned, because a client handles each of them.
    fn answered(&mut self, at: &str, schema: &'a Value) {
        self.deprecated(at, schema);
        let kinds = self.kinds(Use::Answered, schema).join(" | ");
        self.lines.insert(format!("{at}: {kinds}"));
        self.answered_properties(at, schema);
    }

    fn answered_properties(&mut self, at: &str, schema: &'a Value) {
        for inner in inline(schema) {
            // A strict client accepts no other value of a closed enumeration, and knows the values of an open one.
            let words = |name: &str| inner[name].as_array().into_iter().flatten().map(Value::to_string);
            let closed: Vec<String> = words("enum").collect();
            if !closed.is_empty() {
                self.lines.insert(format!("{at} = {}", closed.join(" | ")));
            }
            self.lines.extend(words("x-extensible-enum").map(|word| format!("{at} = {word}")));
            for (name, property, always) in properties(inner) {
                let at = format!("{at}/{name}");
                self.deprecated(&at, property);
                let kinds = self.kinds(Use::Answered, property).join(" | ");
                let sometimes = if always { "" } else { ", not always" };
                self.lines.insert(format!("{at}: {kinds}{sometimes}"));
                self.answered_properties(&at, property);
            }
        }
    }

    /// The types of a schema: names of other schemas, or JSON types with their format.
    fn kinds(&mut self, how: Use, schema: &'a Value) -> Vec<String> {
        if let Some(name) = schema["$ref"].as_str().and_then(|path| path.rsplit('/').next()) {
            self.used.insert((how, name));
            return vec![name.to_owned()];
        }
        let types: Vec<&Value> = match &schema["type"] {
            Value::Array(types) => types.iter().collect(),
            Value::Null => Vec::new(),
            one => vec![one],
        };
        let mut kinds = Vec::new();
        for one in types {
            let one = one.as_str().unwrap();
            kinds.push(match schema["format"].as_str() {
                _ if one == "array" => format!("[{}]", self.kinds(how, &schema["items"]).join(" | ")),
                Some(format) if one != "null" => format!("{one} {format}"),
                _ => one.to_owned(),
            });
        }
        for choice in ["oneOf", "anyOf"] {
            for one in schema[choice].as_array().into_iter().flatten() {
                kinds.extend(self.kinds(how, one));
            }
        }
        let all: Vec<String> = schema["allOf"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|one| self.kinds(how, one).join(" | "))
            .collect();
        if !all.is_empty() {
            kinds.push(all.join(" & "));
        }
        if kinds.is_empty() { vec!["any".to_owned()] } else { kinds }
    }

    /// Follows a reference.
    fn resolve(&self, value: &'a Value) -> &'a Value {
        match value["$ref"].as_str() {
            Some(reference) => self.resolve(self.document.pointer(&reference[1..]).unwrap()),
            None => value,
        }
    }
}

/// The schema and the schemas inside it that describe the same value or its items: choices, parts and items.
fn inline(schema: &Value) -> Vec<&Value> {
    let several = ["allOf", "oneOf", "anyOf"].into_iter().filter_map(|key| schema[key].as_array()).flatten();
    let mut all = vec![schema];
    all.extend(several.chain(schema.get("items")).flat_map(inline));
    all
}

fn properties(schema: &Value) -> impl Iterator<Item = (&String, &Value, bool)> {
    let required = schema["required"].as_array();
    let is_required = move |name: &str| required.is_some_and(|all| all.iter().any(|one| one == name));
    let all = schema["properties"].as_object().into_iter().flatten();
    all.map(move |(name, property)| (name, property, is_required(name)))
}

/// The minimum number of days between the announcement that a part of the contract goes and its removal.
const NOTICE: i64 = 180;

/// The parts that may be missing today: they were deprecated in time.
fn expired(recorded: &BTreeSet<String>, today: NaiveDate) -> Vec<&str> {
    let deprecated = recorded.iter().filter_map(|line| line.strip_prefix("deprecated "));
    let days = deprecated.filter_map(|line| {
        let mut words = line.splitn(3, ' ');
        let (on, sunset) =
            (words.next()?.parse::<NaiveDate>().ok()?, words.next()?.parse::<NaiveDate>().ok()?);
        let in_time = (sunset - on).num_days() >= NOTICE && sunset <= today;
        words.next().filter(|_| in_time)
    });
    days.collect()
}

/// Recorded lines that no longer exist and were not deprecated in time, and new requirements for clients.
fn breaks(recorded: &BTreeSet<String>, present: &BTreeSet<String>, today: NaiveDate) -> Vec<String> {
    let expired = expired(recorded, today);
    // The part itself and what is below it.
    let may_go = |line: &str| {
        expired.iter().any(|part| {
            let rest = line.trim_start_matches("! ").strip_prefix(part);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '/', ':']))
        })
    };
    let is_kept = |line: &&String| !line.starts_with('!') && !line.starts_with("deprecated ");
    // A schema that nothing refers to any more is not a break of its own: the lines that referred to it are.
    let subjects: BTreeSet<&str> = present.iter().map(|line| subject(line)).collect();
    let is_used = |line: &str| {
        !line.starts_with("sent ") && !line.starts_with("answered ") || subjects.contains(subject(line))
    };
    let gone = recorded.difference(present).filter(is_kept).filter(|line| is_used(line) && !may_go(line));
    let known: BTreeSet<&str> = recorded.iter().map(|line| subject(line)).collect();
    // A requirement of a new operation or of a new body breaks no client.
    let demanded =
        present.difference(recorded).filter(|line| line.starts_with('!') && known.contains(subject(line)));
    gone.chain(demanded).cloned().collect()
}

/// The operation that a line describes, or the schema with its use.
fn subject(line: &str) -> &str {
    let line = line.trim_start_matches("! ");
    let start = ["sent ", "answered "].into_iter().find(|start| line.starts_with(start)).map_or(0, str::len);
    let end = line[start..].find([' ', '/', ':']).map_or(line.len(), |end| start + end);
    &line[..end]
}

#[test]
fn what_clients_rely_on_goes_only_after_it_was_deprecated() {
    let document: Value =
        serde_json::from_str(&mesa::contract::json(&mesa::app::openapi()).unwrap()).unwrap();
    let present = surface(&document);
    let version = format!("version {}", document["info"]["version"].as_str().unwrap());
    let text = std::fs::read_to_string(RECORDED).unwrap();
    let (recorded_version, recorded) = text.split_once('\n').unwrap();
    let recorded: BTreeSet<String> = recorded.lines().map(str::to_owned).collect();
    let broken = breaks(&recorded, &present, Utc::now().date_naive());
    assert!(
        broken.is_empty(),
        "this breaks clients: deprecate it first, at least {NOTICE} days before it goes: {broken:#?}"
    );
    if std::env::var_os("MESA_KEEP_SURFACE").is_some() {
        let lines: Vec<&str> =
            std::iter::once(version.as_str()).chain(present.iter().map(String::as_str)).collect();
        std::fs::write(RECORDED, lines.join("\n") + "\n").unwrap();
        return;
    }
    assert_eq!(
        recorded_version, version,
        "the recorded surface is of another version: run `MESA_KEEP_SURFACE=1 cargo test --test api surface`"
    );
}

/// What a change breaks in a contract with one operation, which takes a body and returns a page.
fn changed(change: impl FnOnce(&mut Value)) -> Vec<String> {
    changed_after(|_| (), change)
}

/// The same, after a first change was recorded; today is 31 July 2027.
fn changed_after(first: impl FnOnce(&mut Value), change: impl FnOnce(&mut Value)) -> Vec<String> {
    let mut document = serde_json::json!({
        "paths": {"/x": {"post": {
            "operationId": "makeX",
            "parameters": [{"$ref": "#/components/parameters/q"}],
            "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/New"}}}},
            "responses": {"200": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Page"}}}}}
        }}},
        "components": {
            "parameters": {"q": {"name": "q", "in": "query", "schema": {"type": "string"}}},
            "schemas": {
                "New": {"type": "object", "required": ["name"], "properties": {
                    "name": {"type": "string"}, "kind": {"$ref": "#/components/schemas/Kind"}
                }},
                "Kind": {"type": "string", "enum": ["a", "b"]},
                "Page": {"type": "object", "required": ["items"], "properties": {
                    "items": {"type": "array", "items": {"$ref": "#/components/schemas/X"}}
                }},
                "State": {"type": "string", "enum": ["on", "off"]},
                "Event": {"type": "string", "x-extensible-enum": ["opened"]},
                "X": {"type": "object", "required": ["id"], "properties": {
                    "id": {"type": "integer"}, "more": {"type": ["string", "null"]},
                    "state": {"$ref": "#/components/schemas/State"}, "event": {"$ref": "#/components/schemas/Event"}
                }}
            }
        }
    });
    first(&mut document);
    let recorded = surface(&document);
    change(&mut document);
    breaks(&recorded, &surface(&document), "2027-07-31".parse().unwrap())
}

#[test]
fn additions_break_no_client() {
    let broken = changed(|document| {
        let operation = document["paths"]["/x"]["post"].clone();
        document["paths"]["/y"]["post"] = operation;
        document["paths"]["/y"]["post"]["operationId"] = "makeY".into();
        document["paths"]["/y"]["post"]["requestBody"]["required"] = true.into();
        let schemas = &mut document["components"]["schemas"];
        schemas["New"]["properties"]["more"]["type"] = "string".into();
        schemas["New"]["properties"]["name"]["type"] = serde_json::json!(["string", "null"]);
        schemas["Kind"]["enum"] = serde_json::json!(["a", "b", "c"]);
        schemas["X"]["properties"]["extra"]["type"] = "string".into();
        schemas["Event"]["x-extensible-enum"] = serde_json::json!(["opened", "closed"]);
    });
    assert_eq!(broken, [""; 0]);
}

#[test]
fn each_kind_of_breaking_change_is_detected() {
    let schema = |name: &'static str, change: fn(&mut Value)| {
        changed(move |document| change(&mut document["components"]["schemas"][name]))
    };
    let gone = schema("X", |x| _ = x["properties"].as_object_mut().unwrap().remove("more"));
    assert_eq!(gone, ["answered X/more: string | null, not always"]);
    let more_values = schema("State", |state| state["enum"] = serde_json::json!(["on", "off", "idle"]));
    assert_eq!(more_values, ["answered State = \"on\" | \"off\""]);
    let other_type = schema("X", |x| x["properties"]["id"]["type"] = "string".into());
    assert_eq!(other_type, ["answered X/id: integer"]);
    let not_always = schema("X", |x| x["required"] = serde_json::json!([]));
    assert_eq!(not_always, ["answered X/id: integer"]);
    let demanded = schema("New", |new| new["required"] = serde_json::json!(["name", "kind"]));
    assert_eq!(demanded, ["! sent New/kind"]);
    let refused = schema("Kind", |kind| kind["enum"] = serde_json::json!(["a"]));
    assert_eq!(refused, ["sent Kind = \"b\""]);
    let parameter = changed(|document| document["components"]["parameters"]["q"]["required"] = true.into());
    assert_eq!(parameter, ["! makeX query q"]);
    let body = changed(|document| document["paths"]["/x"]["post"]["requestBody"]["required"] = true.into());
    assert_eq!(body, ["! makeX body application/json"]);
    let operation = changed(|document| document["paths"]["/x"] = serde_json::json!({}));
    assert!(operation.contains(&"makeX POST /x".to_owned()), "{operation:?}");
}

#[test]
fn a_part_goes_after_its_notice_and_not_before() {
    let deprecate = |on: &'static str, sunset: &'static str| {
        move |document: &mut Value| {
            let more = &mut document["components"]["schemas"]["X"]["properties"]["more"];
            more["deprecated"] = true.into();
            more["x-deprecated-on"] = on.into();
            more["x-sunset"] = sunset.into();
        }
    };
    let remove = |document: &mut Value| {
        _ = document["components"]["schemas"]["X"]["properties"].as_object_mut().unwrap().remove("more");
    };
    assert_eq!(changed_after(deprecate("2027-01-15", "2027-07-31"), remove), [""; 0]);
    for (on, sunset) in [("2027-01-15", "2027-08-01"), ("2027-03-01", "2027-07-31")] {
        assert_eq!(
            changed_after(deprecate(on, sunset), remove),
            ["answered X/more: string | null, not always"]
        );
    }
    let whole = |document: &mut Value| {
        let operation = &mut document["paths"]["/x"]["post"];
        operation["deprecated"] = true.into();
        operation["x-deprecated-on"] = "2027-01-15".into();
        operation["x-sunset"] = "2027-07-31".into();
    };
    let removed = changed_after(whole, |document| document["paths"] = serde_json::json!({}));
    assert_eq!(removed, [""; 0]);
}
