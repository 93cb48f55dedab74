//! Parameters that several operations have are stated once, under `components/parameters`, and referred to.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

/// Moves each parameter that at least two operations have to `components/parameters`, under its own name. If several
/// parameters have the same name, such as `sort`, the most frequent one is moved.
pub fn share_parameters(document: &mut Value) {
    // By name, then by content: the parameter and how many operations have it.
    let mut found: BTreeMap<String, BTreeMap<String, (usize, Value)>> = BTreeMap::new();
    for parameter in operations(document).filter_map(parameters).flatten() {
        let name = parameter["name"].as_str().unwrap_or_default().to_owned();
        let (count, _) =
            found.entry(name).or_default().entry(parameter.to_string()).or_insert((0, parameter.clone()));
        *count += 1;
    }
    let mut shared = Map::new();
    for (name, contents) in found {
        let most_used = contents.into_values().reduce(|one, other| if other.0 > one.0 { other } else { one });
        if let Some((2.., parameter)) = most_used {
            shared.insert(name, parameter);
        }
    }
    for parameter in operations(document).filter_map(parameters).flatten() {
        let name = parameter["name"].as_str().unwrap_or_default();
        if shared.get(name) == Some(&*parameter) {
            *parameter = json!({"$ref": format!("#/components/parameters/{name}")});
        }
    }
    document["components"]["parameters"] = shared.into();
}

fn operations(document: &mut Value) -> impl Iterator<Item = &mut Value> {
    let items = document["paths"].as_object_mut().into_iter().flat_map(|paths| paths.values_mut());
    items.filter_map(Value::as_object_mut).flat_map(|item| item.values_mut())
}

fn parameters(operation: &mut Value) -> Option<&mut Vec<Value>> {
    operation.get_mut("parameters")?.as_array_mut()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_used_parameter_of_a_name_is_shared_and_others_stay() {
        let parameter =
            |name: &str, kind: &str| json!({"name": name, "in": "query", "schema": {"type": kind}});
        let get = |parameters: &[Value]| json!({"get": {"parameters": parameters}});
        let (number, text, alone) =
            (parameter("sort", "integer"), parameter("sort", "string"), parameter("q", "string"));
        let mut document = json!({"components": {}, "paths": {
            "/a": get(std::slice::from_ref(&number)),
            "/b": get(&[text.clone(), alone.clone()]),
            "/c": get(std::slice::from_ref(&text)),
        }});
        share_parameters(&mut document);
        let reference = json!({"$ref": "#/components/parameters/sort"});
        assert_eq!(document["components"]["parameters"], json!({"sort": text}));
        assert_eq!(document["paths"]["/a"], get(&[number]));
        assert_eq!(document["paths"]["/b"], get(&[reference.clone(), alone]));
        assert_eq!(document["paths"]["/c"], get(&[reference]));
    }
}
