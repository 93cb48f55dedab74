//! Completes every operation, by its method and path: headers, statuses, parameters.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::problems::{PROBLEMS, problem_content};
use super::roles;

pub fn headers() -> Value {
    let always = |description: &str, schema: Value| json!({"description": description, "required": true, "schema": schema});
    let sometimes = |description: &str, schema: Value| json!({"description": description, "schema": schema});
    let text = |max_length: u64| json!({"type": "string", "maxLength": max_length});
    json!({
        "ETag": always("The version of the resource in the response, for its `If-Match` and `If-None-Match`; tags of other resources match nothing. For an attachment or an original message, the SHA-256 of its content. For a list and other figures, a digest of this page as the caller sees it, for `If-None-Match` only", text(100)),
        "Location": always("The path of the created resource", json!({"type": "string", "format": "uri-reference"})),
        "Idempotency-Replayed": sometimes(
            "`true` if this is the response to an earlier request with the same `Idempotency-Key`",
            json!({"type": "string", "enum": ["true"]}),
        ),
        "Link": sometimes("The next page, `rel=\"next\"`; not on the last one", text(4000)),
        "Accept-Ranges": always("A part of the content can be requested with `Range`", json!({"type": "string", "enum": ["bytes"]})),
        "Content-Range": always(
            "The range of bytes and the total size, such as `bytes 0-1023/48213`; on a 416 only the size, as `bytes */48213`",
            text(100),
        ),
        "Content-Disposition": always("A download, with the file's name", text(1000)),
        "Content-Security-Policy": always("Prevents a browser from running the content of the file", text(200)),
        "X-Accel-Buffering": always("Tells a proxy to pass each event on at once", json!({"type": "string", "enum": ["no"]})),
        "Retry-After": always(
            "The number of seconds after which to retry", json!({"type": "integer", "minimum": 1, "maximum": 86_400})
        ),
        "Retry-After-In-Progress": sometimes(
            "The number of seconds after which to retry a request that is in progress (`request_in_progress`)",
            json!({"type": "integer", "minimum": 1, "maximum": 86_400}),
        ),
        "Accept-Encoding": sometimes(
            "The accepted content codings, if the body was rejected because of its `Content-Encoding`",
            json!({"type": "string", "enum": ["identity"]}),
        ),
        "WWW-Authenticate": always("How to authenticate", text(100)),
        "Content-Language": always("The language of `title` and `detail`", json!({"type": "string", "enum": ["es", "en"]})),
        "RateLimit": sometimes(
            "The number of requests left (`r`), and the seconds until the full number is available again (`t`); absent if \
             there is no limit",
            text(100),
        ),
        "RateLimit-Policy": sometimes("The number of requests (`q`) that one client may send in a number of seconds (`w`)", text(100)),
        "X-Request-Id": always("The request's `X-Request-Id`, or a generated one; it is also in the log", text(128)),
        "Server-Timing": sometimes(
            "The duration in milliseconds: in total, and in the database; only if the caller is signed in as staff",
            text(200),
        ),
        "Access-Control-Allow-Origin": sometimes(
            "For a page of another origin that the configuration allows", text(500)
        ),
    })
}

/// The headers of a deprecated operation.
const LIFECYCLE: [(&str, &str); 3] = [
    ("Deprecation", "Since when the operation is deprecated (RFC 9745): `@` and a Unix time in seconds"),
    ("Link", "The documentation of the replacement, `rel=\"deprecation\"`, and the next page of a list"),
    ("Sunset", "From when on the operation may be missing (RFC 8594)"),
];

/// The headers of every response, and those of this status.
pub fn answer_headers(status: &str) -> Value {
    let mut headers = serde_json::Map::new();
    let mut add = |name: &str| {
        headers.insert(name.to_owned(), json!({"$ref": format!("#/components/headers/{name}")}));
    };
    add("Access-Control-Allow-Origin");
    add("RateLimit");
    add("RateLimit-Policy");
    add("Server-Timing");
    add("X-Request-Id");
    if status.starts_with('4') || status.starts_with('5') {
        add("Content-Language");
    }
    match status {
        "401" => add("WWW-Authenticate"),
        "415" => add("Accept-Encoding"),
        "429" | "503" => add("Retry-After"),
        "409" => {
            let reference = json!({"$ref": "#/components/headers/Retry-After-In-Progress"});
            headers.insert("Retry-After".to_owned(), reference);
        }
        _ => {}
    }
    Value::Object(headers)
}

/// Visible characters, as clients generate them, and spaces between them.
const KEY: &str = "^[!-~]([ -~]{0,253}[!-~])?$";

/// Language ranges with weights (RFC 9110, section 12.5.4). What is not understood is ignored.
const LANGUAGES: &str = r"^[^\x00]*$";

/// One ETag or several, or `*`: visible words.
const ETAGS: &str = "^[!-~][ -~]{0,499}$";

/// A header that a client may send.
fn request_header(name: &str, description: &str, pattern: &str, max_length: usize) -> Value {
    json!({
        "name": name, "in": "header", "required": false, "description": description,
        "schema": {"type": "string", "pattern": pattern, "minLength": 1, "maxLength": max_length}
    })
}

/// Facts about an operation that its handler states only for this module; they are not published.
/// `x-mesa-permission`, the action that a role must be allowed, is published.
///
/// The response is neither a list nor a resource that can be read separately: it has no `ETag`. Lists always have one.
const UNVERSIONED: &str = "x-mesa-unversioned";
/// A POST that is a step of one resource outside of `/tickets/{ticket_id}/`: it takes `If-Match`; with the value
/// `required`, a request without it is a 428.
const IF_MATCH: &str = "x-mesa-if-match";
/// A POST that takes no `Idempotency-Key`.
const NOT_IDEMPOTENT: &str = "x-mesa-not-idempotent";

/// Names for the orders of a list, because client generators cannot derive one from `-received_at`.
pub fn name_orders(operation: &mut Value) {
    let parameters = operation.get_mut("parameters").and_then(Value::as_array_mut);
    for parameter in parameters.into_iter().flatten().filter(|parameter| parameter["name"] == "sort") {
        let orders = parameter["schema"]["enum"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let name = |order: &str| match order.strip_prefix('-') {
            Some(field) => format!("{field}_desc").to_uppercase(),
            None => order.to_uppercase(),
        };
        parameter["schema"]["x-enum-varnames"] = orders.map(name).collect();
    }
}

/// Refers to the shared response of this status if only the description differs: a description next to `$ref`
/// replaces that of the shared response (OpenAPI 3.1, Reference Object).
fn refer_to_shared(status: &str, response: &mut Value) {
    let Some((_, name, description)) = PROBLEMS.iter().find(|(known, _, _)| *known == status) else { return };
    if response["content"] == problem_content() && response["headers"] == answer_headers(status) {
        let mut reference = json!({"$ref": format!("#/components/responses/{name}")});
        if response["description"] != *description {
            reference["description"] = response["description"].take();
        }
        *response = reference;
    }
}

/// Adds to the operation what its handler does not state.
pub fn complete(path: &str, method: &str, operation: &mut Value) {
    let open = operation["security"] == json!([{}]);
    let has_body = operation.get("requestBody").is_some();
    let has_path = path.contains('{');
    // A request that cannot be read is a 400 for every operation.
    let mut statuses: Vec<&str> = vec!["400", "429", "500", "503"];
    if !open {
        statuses.extend(["401", "403"]);
    }
    if has_path {
        statuses.push("404");
    }
    if has_body {
        statuses.extend(["408", "413", "415", "422"]);
    }
    // An optional body may be omitted, but not `null`.
    let contents = operation.pointer_mut("/requestBody/content").and_then(Value::as_object_mut);
    for content in contents.into_iter().flat_map(|all| all.values_mut()) {
        if let Some([body, null]) = content["schema"]["oneOf"].as_array().map(Vec::as_slice)
            && *null == json!({"type": "null"})
        {
            content["schema"] = body.clone();
        }
    }
    let mut parameters = vec![request_header(
        "Accept-Language",
        "The language of error texts: `es` (the default) or `en`; without it, that of the account",
        LANGUAGES,
        500,
    )];
    let is_list =
        operation["parameters"].as_array().is_some_and(|all| all.iter().any(|p| p["name"] == "cursor"));
    let unversioned = operation[UNVERSIONED] == true;
    let has_tag = method == "get" && (is_list || !unversioned);
    let changes_one = matches!(method, "patch" | "put" | "delete") && !unversioned;
    // All except signing in: a survey that a link opens is a resource too.
    let answers_one = changes_one || (method == "post" && (!open || has_path) && !unversioned);
    let takes_key = method == "post" && !open && operation[NOT_IDEMPOTENT] != true;
    if takes_key {
        statuses.extend(["409", "422"]);
        if let Some(Value::String(conflict)) = operation.pointer_mut("/responses/409/description") {
            conflict
                .push_str("; or `request_in_progress`: the first request with this key is not answered yet");
        }
        parameters.push(request_header(
            "Idempotency-Key",
            "A unique key that the client generates; for 24 hours a request with the same key and body returns the first response again",
            KEY,
            255,
        ));
    }
    let must_match = operation[IF_MATCH] == "required";
    let of_ticket = path.starts_with("/api/v1/tickets/{ticket_id}/");
    let is_step = of_ticket || must_match || operation[IF_MATCH] == true;
    if changes_one || (method == "post" && is_step) {
        statuses.push("412");
        let whose = match method {
            "post" if of_ticket && !path.ends_with("/survey") => {
                "The `ETag` of the ticket that the change is based on, or its `etag` in a list"
            }
            "post" if path.ends_with("/survey") => "The `ETag` of the survey that is answered",
            "post" => {
                "The `ETag` of the resource above the last segment of the path, that the change is based on"
            }
            _ => "The `ETag` of the resource that the change is based on",
        };
        let mut header = request_header("If-Match", whose, ETAGS, 500);
        if must_match {
            header["required"] = true.into();
            statuses.push("428");
        }
        parameters.push(header);
    }
    if has_tag && !open {
        parameters.push(request_header(
            "If-None-Match",
            "The `ETag` that the client has: the response is a 304 if it still matches",
            ETAGS,
            500,
        ));
    }
    let known = operation["responses"].as_object().cloned().unwrap_or_default();
    let mut responses: BTreeMap<String, Value> = known.into_iter().collect();
    let is_deprecated = operation["deprecated"] == true;
    let has_ranges = responses.contains_key("206");
    for (status, response) in &mut responses {
        if status.starts_with('4') && response.get("content").is_none() {
            response["content"] = problem_content();
        }
        let contents = response["content"].as_object();
        let is_stream = contents.is_some_and(|contents| contents.contains_key("text/event-stream"));
        let is_download = !is_stream
            && contents
                .is_some_and(|contents| contents.keys().any(|media_type| !media_type.ends_with("json")));
        let mut headers = answer_headers(status);
        let mut add = |name: &str| headers[name] = json!({"$ref": format!("#/components/headers/{name}")});
        if status.starts_with('2') {
            if has_tag || answers_one && !matches!(status.as_str(), "202" | "204") {
                add("ETag");
            }
            if status == "201" || status == "202" && names_a_job(response) {
                add("Location");
            }
            if takes_key {
                add("Idempotency-Replayed");
            }
            if method == "get" && is_list {
                add("Link");
            }
            if has_ranges {
                add("Accept-Ranges");
            }
            if is_stream {
                add("X-Accel-Buffering");
            }
            if is_download {
                add("Content-Disposition");
                add("Content-Security-Policy");
            }
        }
        if is_deprecated {
            for (name, description) in LIFECYCLE {
                headers[name] = json!({
                    "description": description, "required": true, "schema": {"type": "string", "maxLength": 40}
                });
            }
        }
        if matches!(status.as_str(), "206" | "416") {
            headers["Content-Range"] = json!({"$ref": "#/components/headers/Content-Range"});
        }
        if response.get("$ref").is_none() {
            response["headers"] = headers;
            refer_to_shared(status, response);
        }
    }
    if has_tag && !open {
        responses
            .entry("304".to_owned())
            .or_insert_with(|| json!({"$ref": "#/components/responses/NotModified"}));
    }
    for (status, name, _) in PROBLEMS.iter().filter(|(status, _, _)| statuses.contains(status)) {
        responses
            .entry((*status).to_owned())
            .or_insert_with(|| json!({"$ref": format!("#/components/responses/{name}")}));
    }
    operation["responses"] = responses.into_iter().collect();
    if open {
        operation["security"] = json!([]);
    } else if let Some(may) = roles::allowed(operation) {
        operation["security"] = json!([{"bearer": []}, {"password": []}]);
        operation["x-roles"] = may.into();
        let granted = roles::granted(operation);
        if !granted.is_empty() {
            operation["x-granted-permissions"] = granted.into();
        }
    }
    if let Some(operation) = operation.as_object_mut() {
        operation.retain(|name, _| ![UNVERSIONED, IF_MATCH, NOT_IDEMPOTENT].contains(&name.as_str()));
    }
    if !parameters.is_empty() {
        match operation["parameters"].as_array_mut() {
            Some(known) => known.extend(parameters),
            None => operation["parameters"] = parameters.into(),
        }
    }
}

/// Whether the response has the job that carries out the request.
fn names_a_job(response: &Value) -> bool {
    response["content"]["application/json"]["schema"]["$ref"] == "#/components/schemas/Job"
}
