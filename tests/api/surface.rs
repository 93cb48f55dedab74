//! What clients rely on: the kept surface of the contract may grow, and shrinks only with a new version.

use std::collections::BTreeSet;

use serde_json::Value;

const KEPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi/surface.txt");

/// A line for each thing that a client may rely on, or must send (`!`).
struct Surface<'a> {
    document: &'a Value,
    lines: BTreeSet<String>,
}

impl<'a> Surface<'a> {
    fn of(document: &'a Value) -> BTreeSet<String> {
        let mut surface = Surface { document, lines: BTreeSet::new() };
        for (path, item) in document["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                surface.operation(path, method, operation);
            }
        }
        surface.lines
    }

    fn operation(&mut self, path: &str, method: &str, operation: &'a Value) {
        let id = operation["operationId"].as_str().unwrap();
        self.lines.insert(format!("{id} {} {path}", method.to_uppercase()));
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            let Some(parameter) = self.resolve(parameter, &mut Vec::new()) else { continue };
            let at =
                format!("{id} {} {}", parameter["in"].as_str().unwrap(), parameter["name"].as_str().unwrap());
            let must = parameter["required"] == true;
            self.sent(&at, &parameter["schema"], must, &mut Vec::new());
        }
        for (kind, content) in operation["requestBody"]["content"].as_object().into_iter().flatten() {
            self.sent(&format!("{id} body {kind}"), &content["schema"], false, &mut Vec::new());
        }
        for (status, response) in operation["responses"].as_object().unwrap() {
            if status.starts_with('2') {
                self.lines.insert(format!("{id} {status}"));
                for (kind, content) in response["content"].as_object().into_iter().flatten() {
                    self.answered(&format!("{id} {status} {kind}"), &content["schema"], &mut Vec::new());
                }
            }
        }
    }

    /// What a client sends: what it may is a promise, what it must is a demand.
    fn sent(&mut self, at: &str, schema: &'a Value, must: bool, above: &mut Vec<&'a str>) {
        let Some(schema) = self.resolve(schema, above) else { return };
        self.lines.insert(format!("{at}: {}", kind(schema)));
        if must {
            self.lines.insert(format!("! {at}"));
        }
        for value in schema["enum"].as_array().into_iter().flatten() {
            self.lines.insert(format!("{at} = {value}"));
        }
        for (name, property, required) in properties(schema) {
            self.sent(&format!("{at}/{name}"), property, required, &mut above.clone());
        }
        for inner in parts(schema) {
            self.sent(at, inner, false, &mut above.clone());
        }
    }

    /// What a client gets: each property, and whether it is always there.
    fn answered(&mut self, at: &str, schema: &'a Value, above: &mut Vec<&'a str>) {
        let Some(schema) = self.resolve(schema, above) else { return };
        self.lines.insert(format!("{at}: {}", kind(schema)));
        for (name, property, required) in properties(schema) {
            let always = if required { "always" } else { "sometimes" };
            self.lines.insert(format!("{at}/{name} {always}"));
            self.answered(&format!("{at}/{name}"), property, &mut above.clone());
        }
        for inner in parts(schema) {
            self.answered(at, inner, &mut above.clone());
        }
    }

    /// None where the schema is a part of itself.
    fn resolve(&self, schema: &'a Value, above: &mut Vec<&'a str>) -> Option<&'a Value> {
        let Some(reference) = schema["$ref"].as_str() else { return Some(schema) };
        if above.contains(&reference) {
            return None;
        }
        above.push(reference);
        self.resolve(self.document.pointer(&reference[1..]).unwrap(), above)
    }
}

fn kind(schema: &Value) -> String {
    let format = schema["format"].as_str().map(|format| format!(" {format}")).unwrap_or_default();
    match &schema["type"] {
        Value::Null => "any".to_owned(),
        kind => format!("{}{format}", kind.to_string().replace('"', "")),
    }
}

fn properties(schema: &Value) -> impl Iterator<Item = (&String, &Value, bool)> {
    let required = schema["required"].as_array();
    let is_required = move |name: &str| required.is_some_and(|all| all.iter().any(|one| one == name));
    let all = schema["properties"].as_object().into_iter().flatten();
    all.map(move |(name, property)| (name, property, is_required(name)))
}

fn parts(schema: &Value) -> impl Iterator<Item = &Value> {
    let several =
        ["allOf", "oneOf", "anyOf"].into_iter().flat_map(|key| schema[key].as_array().into_iter().flatten());
    several.chain(schema.get("items"))
}

/// What of the kept surface is gone, and what is demanded that was not.
fn breaks(kept: &BTreeSet<String>, present: &BTreeSet<String>) -> Vec<String> {
    let gone = kept.difference(present).filter(|line| !line.starts_with('!'));
    let demanded = present.difference(kept).filter(|line| line.starts_with('!'));
    // What a new operation demands breaks nobody.
    let known = |line: &&String| {
        let operation = line.split(' ').nth(1).unwrap_or_default();
        kept.iter().any(|kept| kept.split(' ').next() == Some(operation))
    };
    gone.cloned().chain(demanded.filter(known).cloned()).collect()
}

#[test]
fn what_clients_rely_on_goes_only_with_a_new_version() {
    let document: Value =
        serde_json::from_str(&mesa::contract::json(&mesa::app::openapi()).unwrap()).unwrap();
    let present = Surface::of(&document);
    let version = format!("version {}", document["info"]["version"].as_str().unwrap());
    if std::env::var_os("MESA_KEEP_SURFACE").is_some() {
        let lines: Vec<&str> =
            std::iter::once(version.as_str()).chain(present.iter().map(String::as_str)).collect();
        std::fs::write(KEPT, lines.join("\n") + "\n").unwrap();
    }
    let text = std::fs::read_to_string(KEPT).unwrap();
    let (of, kept) = text.split_once('\n').unwrap();
    let how = "run `MESA_KEEP_SURFACE=1 cargo test --test api surface`";
    assert_eq!(of, version, "the kept surface is of another version: {how}");
    let kept: BTreeSet<String> = kept.lines().map(str::to_owned).collect();
    let broken = breaks(&kept, &present);
    assert!(broken.is_empty(), "this breaks clients; raise the version in Cargo.toml and {how}: {broken:#?}");
}

#[test]
fn a_field_that_goes_and_one_that_is_demanded_are_breaks_and_one_that_comes_is_none() {
    let lines = |lines: &[&str]| lines.iter().map(|line| (*line).to_owned()).collect::<BTreeSet<_>>();
    let kept = lines(&["get GET /x", "get 200 json/id always", "get 200 json/name always"]);
    let mut present = kept.clone();
    present.extend(lines(&["get 200 json/more always", "new GET /y", "! new body json/x"]));
    assert!(breaks(&kept, &present).is_empty());
    present.remove("get 200 json/name always");
    present.extend(lines(&["get 200 json/name sometimes", "! get query q"]));
    assert_eq!(breaks(&kept, &present), ["get 200 json/name always", "! get query q"]);
}
