//! The description of a reference that may be `null` stands beside its choices, where readers and generators look for it.

use serde_json::Value;

pub fn describe(value: &mut Value) {
    match value {
        Value::Object(object) => {
            object.values_mut().for_each(describe);
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
        Value::Array(items) => items.iter_mut().for_each(describe),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_description_moves_from_the_choice_to_the_property() {
        let mut document = json!({"status": {"oneOf": [{"$ref": "#/a", "description": "While it waits."}, {"type": "null"}]}});
        describe(&mut document);
        assert_eq!(
            document,
            json!({"status": {"description": "While it waits.", "oneOf": [{"$ref": "#/a"}, {"type": "null"}]}})
        );
    }
}
