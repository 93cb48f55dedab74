//! The description of a property stands at the property itself, where readers and generators look for it: not in one of
//! the choices of a value that may be `null`, and not in a part of its own beside an inline schema.

use serde_json::Value;

pub fn place(value: &mut Value) {
    match value {
        Value::Object(object) => {
            object.values_mut().for_each(place);
            if let Some([Value::Object(schema), Value::Object(own)]) =
                object.get("allOf").and_then(Value::as_array).map(Vec::as_slice)
                && let (Some(own), 2) = (own.get("description").and_then(Value::as_str), own.len())
            {
                let mut schema = schema.clone();
                let known = schema.get("description").and_then(Value::as_str).unwrap_or_default();
                let values = known.find("\n- `").and_then(|at| known.get(at..)).unwrap_or_default();
                let description = format!("{own}{values}");
                schema.insert("description".to_owned(), description.into());
                *object = schema;
                return;
            }
            let choices = object.get_mut("oneOf").and_then(Value::as_array_mut).map(Vec::as_mut_slice);
            let Some([choice, Value::Object(null)] | [Value::Object(null), choice]) = choices else { return };
            if null.get("type").is_none_or(|kind| kind != "null") {
                return;
            }
            let description = choice.as_object_mut().and_then(|choice| choice.remove("description"));
            if let Some(description) = description {
                object.entry("description").or_insert(description);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(place),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_inline_schema_gets_the_description_of_its_property() {
        let inline = json!({"type": "string", "enum": ["a"], "description": "Kinds.\n- `a`: the first"});
        let mut document =
            json!({"kind": {"allOf": [inline, {"type": "object", "description": "The kind."}]}});
        place(&mut document);
        assert_eq!(
            document,
            json!({"kind": {"type": "string", "enum": ["a"], "description": "The kind.\n- `a`: the first"}})
        );
    }

    #[test]
    fn the_description_moves_from_the_choice_to_the_property() {
        let mut document = json!({"status": {"oneOf": [{"$ref": "#/a", "description": "While it waits."}, {"type": "null"}]}});
        place(&mut document);
        assert_eq!(
            document,
            json!({"status": {"description": "While it waits.", "oneOf": [{"$ref": "#/a"}, {"type": "null"}]}})
        );
    }
}
