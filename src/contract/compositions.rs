//! Replaces `allOf` of objects by one object schema: client generators and JSON Schema discriminators need the
//! properties in the schema itself. A flattened struct (`#[serde(flatten)]`) has this form.

use serde_json::{Map, Value};

/// Merges the parts of every `allOf` in `components.schemas` whose parts are all object schemas.
pub fn merge(document: &mut Value) {
    let Some(schemas) = document["components"]["schemas"].as_object() else { return };
    let merged: Map<String, Value> = schemas
        .iter()
        .filter(|(_, schema)| schema.get("allOf").is_some())
        .filter_map(|(name, schema)| Some((name.clone(), merge_one(schema, schemas, 0)?)))
        .collect();
    for (name, schema) in merged {
        document["components"]["schemas"][name] = schema;
    }
}

/// Maximum number of `allOf` and references that are followed from one schema.
const MAX_DEPTH: usize = 8;

/// The schema as one object; `None` if a part is not an object.
fn merge_one(schema: &Value, schemas: &Map<String, Value>, depth: usize) -> Option<Value> {
    if depth > MAX_DEPTH {
        return None;
    }
    if let Some(name) =
        schema["$ref"].as_str().and_then(|reference| reference.strip_prefix("#/components/schemas/"))
    {
        return merge_one(schemas.get(name)?, schemas, depth + 1);
    }
    let Some(parts) = schema["allOf"].as_array() else {
        return (schema["type"] == "object").then(|| schema.clone());
    };
    let (mut properties, mut required) = (Map::new(), Vec::new());
    for part in parts {
        let part = merge_one(part, schemas, depth + 1)?;
        properties.extend(part["properties"].as_object().cloned().unwrap_or_default());
        required.extend(part["required"].as_array().cloned().unwrap_or_default());
    }
    let mut merged = schema.as_object().cloned()?;
    merged.remove("allOf");
    merged.insert("type".to_owned(), "object".into());
    merged.insert("properties".to_owned(), properties.into());
    if !required.is_empty() {
        merged.insert("required".to_owned(), required.into());
    }
    Some(merged.into())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn parts_become_properties_of_one_object() {
        let mut document = json!({"components": {"schemas": {
            "Entry": {"type": "object", "properties": {"id": {"type": "string"}}, "required": ["id"]},
            "Dated": {"description": "An entry.", "allOf": [
                {"$ref": "#/components/schemas/Entry"},
                {"type": "object", "properties": {"at": {"type": "string"}}, "required": ["at"]},
            ]},
            "Text": {"allOf": [{"type": "string"}]},
        }}});
        merge(&mut document);
        let schemas = &document["components"]["schemas"];
        assert_eq!(
            schemas["Dated"],
            json!({"description": "An entry.", "type": "object", "required": ["id", "at"],
                "properties": {"at": {"type": "string"}, "id": {"type": "string"}}})
        );
        assert_eq!(schemas["Text"], json!({"allOf": [{"type": "string"}]}));
    }
}
