//! A request of each operation with its response, from `openapi/examples.json`: a test sends each request and
//! compares the response with the stored one.

use serde_json::Value;

const KEPT: &str = include_str!("../../openapi/examples.json");

/// The examples by `operationId`, each with a `request` if a body is sent and an `answer` if JSON is returned.
///
/// # Errors
/// The file is not valid JSON.
pub fn kept() -> Result<Value, String> {
    serde_json::from_str(KEPT).map_err(|error| format!("openapi/examples.json: {error}"))
}

/// Writes the operation's examples next to its bodies.
pub fn show(operation: &mut Value, examples: &Value) {
    let Some(example) = operation["operationId"].as_str().and_then(|id| examples.get(id)).cloned() else {
        return;
    };
    let answers = operation["responses"].as_object().cloned().unwrap_or_default();
    let mut fill = |pointer: &str, example: Option<&Value>| {
        let contents = operation.pointer_mut(pointer).and_then(Value::as_object_mut);
        for (media_type, content) in contents.into_iter().flatten() {
            // A text is a whole form; any other stored request is JSON or the fields of a form.
            let fits = |example: &&Value| {
                example.is_string() || media_type.ends_with("json") || media_type.ends_with("urlencoded")
            };
            if let Some(example) = example.filter(fits) {
                content["example"] = example.clone();
            }
        }
    };
    fill("/requestBody/content", example.get("request"));
    // Of an operation with several, the example is that of the first.
    let found = ["200", "201", "202"].into_iter().find(|status| answers.contains_key(*status));
    if let Some(status) = found {
        fill(&format!("/responses/{status}/content"), example.get("answer"));
    }
}
