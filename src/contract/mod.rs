//! The contract: what holds for every operation, said once and written into each.

mod answers;
mod bounds;
mod examples;
mod roles;

use std::collections::BTreeMap;

use serde_json::{Value, json};
use utoipa::openapi::OpenApi;

use crate::auth::policy::Role;
use crate::problem::{Code, ProblemDocument};
use crate::tickets::workflow::Step;

const DESCRIPTION: &str = "\
A headless service desk that carries out the procedure *Mesa de Servicios*: register, classify, assign, accept, \
attend, escalate, solve, learn, evaluate, report.

**First steps.** *Authorize* with email and password, or with the `access_token` of `POST /auth/login`. `GET /me` says \
what you may do.

**Errors** are `application/problem+json` (RFC 9457) without exception: look at `code`, show `detail`. Fields at \
fault are named in `errors`, all at once, up to a hundred. `detail` is in Spanish, or in English by `Accept-Language: en`.

**Lists** answer `items` and `next_cursor`; give it as `cursor` for the next page, or follow the `Link` header. A \
filter that can be repeated (`status=assigned&status=in_progress`) matches any of its values.

**Changes.** `PATCH` is JSON Merge Patch. Every single resource has an `ETag`: send it as `If-Match` with a change or \
a step, and a 412 tells you that somebody was faster; send it as `If-None-Match` with a GET, and a 304 saves the body.

**Retries.** Send an `Idempotency-Key` of your own making with a POST: for 24 hours the same key and body get the \
first answer again and nothing is done twice.

**Times** are RFC 3339 in UTC. Unknown fields are refused.";

/// The tags, in the order of the procedure.
const TAGS: &[(&str, &str)] = &[
    ("auth", "Signing in, and one's own account"),
    ("tickets", "Activities 1, 2 and 9: register, read, follow"),
    ("steps", "Activities 3 to 5 and 7: what is done to a ticket, each a record"),
    ("followups", "Activity 6: public and private entries of a case"),
    ("attachments", "Files of tickets, followups and articles"),
    ("knowledge", "Activity 8: the knowledge base"),
    ("history", "Activity 9: who did what, and whether the record is whole"),
    ("surveys", "Activity 10: the perception survey"),
    ("inbound mail", "Mail that came in, and what became of it"),
    ("messages", "What the desk mails to people, and how its sending stands"),
    ("statistics", "Activity 11: figures"),
    ("reports", "Activity 11: the quarterly report"),
    ("indicators", "Activity 11: FO-DE-15 Ficha de Indicadores, and what was measured"),
    ("minutes", "Activity 11: FO-DE-01 Acta of the Comité Primario"),
    ("improvement actions", "Activities 12 and 13: FO-EM-15 Plan de Mejoramiento"),
    ("risks", "Activities 12 and 13: FO-DE-11 Matriz de Riesgos"),
    ("users", "People and their roles"),
    ("staff", "Shifts, absences, and who is available"),
    ("units", "Administrative units and their heads"),
    ("categories", "What requests are about"),
    ("attention times", "How long each criticality may wait"),
    ("calendars", "On which time attention is counted, and how a due time is reckoned"),
];

/// The handlers' contract with what holds for all of them.
pub fn complete(mut openapi: OpenApi) -> OpenApi {
    let info = &mut openapi.info;
    info.title = "Mesa".to_owned();
    info.version = env!("CARGO_PKG_VERSION").to_owned();
    info.description = Some(DESCRIPTION.to_owned());
    info.license = Some(utoipa::openapi::License::new("MIT"));
    info.contact = Some(utoipa::openapi::Contact::new());
    if let Some(contact) = &mut info.contact {
        contact.name = Some("The makers of Mesa".to_owned());
    }
    openapi
}

/// The document as the server answers it and `mesa openapi` prints it.
///
/// # Errors
/// What cannot be written as JSON: a fault of the build.
pub fn json(openapi: &OpenApi) -> Result<String, String> {
    text(document(openapi)?)
}

/// The same as YAML.
///
/// # Errors
/// As `json`.
pub fn yaml(openapi: &OpenApi) -> Result<String, String> {
    let document: Value = serde_json::from_str(&json(openapi)?).map_err(|error| error.to_string())?;
    serde_norway::to_string(&document).map_err(|error| error.to_string())
}

/// The whole document, with the schemas that only the server itself reads.
///
/// # Errors
/// As `json`.
pub fn document(openapi: &OpenApi) -> Result<Value, String> {
    let mut document = serde_json::to_value(openapi).map_err(|error| error.to_string())?;
    document["info"]["license"] = json!({"name": "MIT", "identifier": "MIT"});
    document["servers"] = json!([{
        "url": "/", "x-internal": false,
        "description": "This server, be it local, staging or production"
    }]);
    document["security"] = json!([{"bearer": []}]);
    document["tags"] =
        TAGS.iter().map(|(name, description)| json!({"name": name, "description": description})).collect();
    let components = &mut document["components"];
    let scopes: BTreeMap<&str, &str> = Role::ALL.iter().map(|role| (role.as_str(), told(*role))).collect();
    components["securitySchemes"] = json!({
        "bearer": {
            "type": "http", "scheme": "bearer", "bearerFormat": "JWT",
            "description": "The `access_token` of `POST /api/v1/auth/login`: a JWT as RFC8725 recommends, of one \
                algorithm, for 15 minutes."
        },
        "password": {
            "type": "oauth2",
            "flows": {"password": {"tokenUrl": "/api/v1/auth/token", "refreshUrl": "/api/v1/auth/token", "scopes": scopes}},
            "description": "The same token (RFC8725), for tools that fetch it themselves by email and password. The scopes of an \
                operation are the roles that may call it."
        }
    });
    add_schemas(components)?;
    components["responses"] = responses();
    components["headers"] = headers();
    components["schemas"]["Code"]["description"] = codes().into();
    name_items(&mut document);
    make_patches(&mut document);
    answers::require(&mut document);
    let schemas = document["components"]["schemas"].clone();
    let examples = examples::kept()?;
    for (path, item) in document["paths"].as_object_mut().into_iter().flatten() {
        for (method, operation) in item.as_object_mut().into_iter().flatten() {
            complete_operation(path, method, operation);
            name_orders(operation);
            name_fields(operation, &schemas);
            examples::show(operation, &examples);
        }
    }
    bounds::bound(&mut document);
    Ok(document)
}

/// Who has a role. One has it by one's account: no scope has to be asked for.
fn told(role: Role) -> &'static str {
    match role {
        Role::Requester => {
            "A public servant or contractor who asks for support; nothing to tick: the account says the role"
        }
        Role::Technician => "Staff of the first level of support",
        Role::Professional => "Staff of the second level, who also manage the desk",
        Role::Director => "Answers for the desk, and is its third level",
    }
}

/// The document for clients: without the schemas that it does not refer to.
///
/// # Errors
/// As `json`.
pub fn text(mut document: Value) -> Result<String, String> {
    loop {
        let written = document.to_string();
        let unused = |name: &String| !written.contains(&format!("\"#/components/schemas/{name}\""));
        let Some(schemas) = document["components"]["schemas"].as_object_mut() else { break };
        let before = schemas.len();
        schemas.retain(|name, _| !unused(name));
        if schemas.len() == before {
            break;
        }
    }
    let mut text = serde_json::to_string_pretty(&document).map_err(|error| error.to_string())?;
    text.push('\n');
    Ok(text)
}

/// The schemas that no handler names by itself.
fn add_schemas(components: &mut Value) -> Result<(), String> {
    use utoipa::{PartialSchema, ToSchema};
    let mut found = vec![
        (ProblemDocument::name().into_owned(), ProblemDocument::schema()),
        (Step::name().into_owned(), Step::schema()),
    ];
    ProblemDocument::schemas(&mut found);
    for (name, schema) in found {
        components["schemas"][name] = serde_json::to_value(schema).map_err(|error| error.to_string())?;
    }
    let problem = &mut components["schemas"]["Problem"]["properties"];
    for (name, schema) in problem_members().as_object().into_iter().flatten() {
        problem[name] = schema.clone();
    }
    Ok(())
}

/// The codes with their statuses, as a table.
fn codes() -> String {
    let mut table =
        "What went wrong, as a client's program may tell it apart; each code comes with one status, and \
        `/problems/{code}` is a page about it.\n\n| code | status | meaning |\n|---|---|---|\n"
            .to_owned();
    for code in Code::ALL {
        let (name, status) = (code.as_str(), code.status().as_u16());
        table.push_str(&format!("| `{name}` | {status} | {} |\n", code.meaning().en));
    }
    table
}

/// What a problem says besides, by its `code`: of features that errors themselves know nothing of.
fn problem_members() -> Value {
    let ticket =
        |description: &str| json!({"type": "integer", "format": "int64", "description": description});
    json!({
        "state": {"$ref": "#/components/schemas/Status", "description": "`step_not_allowed`: where the ticket stands."},
        "allowed_steps": {
            "type": "array", "maxItems": Step::ALL.len(), "items": {"$ref": "#/components/schemas/Step"},
            "description": "`step_not_allowed`: what can be done to it."
        },
        "assignee_id": {
            "type": ["string", "null"], "format": "uuid",
            "description": "`already_assigned`: who has the ticket; `null` where nobody has it any more."
        },
        "next_available_at": {
            "type": ["string", "null"], "format": "date-time",
            "description": "`nobody_available`: when somebody is; `null` where nobody will be."
        },
        "next_available_user": {
            "oneOf": [{"$ref": "#/components/schemas/Person"}, {"type": "null"}],
            "description": "`nobody_available`: who that is."
        },
        "error": {"type": "string", "maxLength": 50, "description": "`POST /auth/token`: as RFC 6749 names it, `invalid_grant`."},
        "error_description": {"type": "string", "maxLength": 2000, "description": "`POST /auth/token`: the `detail` in English."},
        "record_status": {
            "type": "string", "maxLength": 20, "description": "`wrong_state`: where the record stands."
        },
        "ticket_id": ticket("`nobody_available` on a handover: the ticket that nobody can take."),
        "resubmitted_as": ticket("`already_exists` on a resubmission: the ticket that it was presented as."),
    })
}

/// The items of a page are a schema of their own, so that a client gets one type for them and not one a list.
fn name_items(document: &mut Value) {
    let Some(schemas) = document["components"]["schemas"].as_object_mut() else { return };
    let mut named = Vec::new();
    for (page, schema) in schemas.iter_mut() {
        let Some(name) = page.strip_prefix("Page_") else { continue };
        let items = &mut schema["properties"]["items"]["items"];
        let reference = json!({"$ref": format!("#/components/schemas/{name}")});
        named.push((name.to_owned(), std::mem::replace(items, reference)));
    }
    for (name, schema) in named {
        schemas.entry(name).or_insert(schema);
    }
}

/// A JSON Merge Patch may leave out every field of what it changes.
fn make_patches(document: &mut Value) {
    let mut wanted = Vec::new();
    for (_, item) in document["paths"].as_object_mut().into_iter().flatten() {
        let schema = item.pointer_mut("/patch/requestBody/content/application~1merge-patch+json/schema");
        if let Some(reference) = schema.and_then(|schema| schema.get_mut("$ref"))
            && let Some(name) = reference.as_str().and_then(|path| path.rsplit('/').next()).map(str::to_owned)
        {
            *reference = format!("#/components/schemas/{name}Patch").into();
            wanted.push(name);
        }
    }
    let schemas = &mut document["components"]["schemas"];
    for name in wanted {
        let mut patch = schemas[&name].clone();
        let required = patch["required"].take();
        if let Some(patch) = patch.as_object_mut() {
            patch.remove("required");
        }
        // `null` takes away what need not be there.
        for (field, schema) in patch["properties"].as_object_mut().into_iter().flatten() {
            let needed = required.as_array().is_some_and(|all| all.iter().any(|one| one == field));
            if !needed && schema.get("$ref").is_some() {
                *schema = json!({"oneOf": [schema.take(), {"type": "null"}]});
            }
        }
        schemas[format!("{name}Patch")] = patch;
    }
}

/// Status, name and words of the problems that more than one operation answers.
const PROBLEMS: &[(&str, &str, &str)] = &[
    ("400", "BadRequest", "`bad_request`, `invalid_query` or `invalid_cursor`"),
    ("401", "Unauthenticated", "`unauthenticated`: no valid access token"),
    ("403", "Forbidden", "`forbidden` or `not_the_assignee`"),
    ("404", "NotFound", "`not_found`: there is none, or it is not yours to see"),
    ("408", "RequestTimeout", "`request_timeout`: the body did not arrive in time"),
    (
        "409",
        "Conflict",
        "`request_in_progress`: the first request with this `Idempotency-Key` is not answered yet; try again",
    ),
    ("412", "PreconditionFailed", "`precondition_failed`: it has changed since the `ETag` of `If-Match`"),
    ("413", "TooLarge", "`too_large`"),
    ("415", "UnsupportedMediaType", "`unsupported_media_type`"),
    (
        "422",
        "Invalid",
        "`invalid_body`: `errors` names every field at fault; or, with an `Idempotency-Key` that came with something \
        else, `idempotency_key_reused`",
    ),
    ("429", "TooManyRequests", "`too_many_requests`: try again after `Retry-After` seconds"),
    ("500", "Internal", "`internal`: give the `request_id` when you report it"),
    ("503", "Unavailable", "`unavailable`: try again after `Retry-After` seconds"),
];

fn problem_content() -> Value {
    json!({"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}})
}

fn responses() -> Value {
    let mut responses = serde_json::Map::new();
    for (status, name, description) in PROBLEMS {
        let mut response = json!({"description": description, "content": problem_content()});
        response["headers"] = answer_headers(status);
        responses.insert((*name).to_owned(), response);
    }
    Value::Object(responses)
}

fn headers() -> Value {
    let always = |description: &str, schema: Value| json!({"description": description, "required": true, "schema": schema});
    let sometimes = |description: &str, schema: Value| json!({"description": description, "schema": schema});
    let text = |max_length: u64| json!({"type": "string", "maxLength": max_length});
    json!({
        "ETag": always("The version of the resource, for `If-Match` and `If-None-Match`", text(100)),
        "Location": always("The path of what was made", json!({"type": "string", "format": "uri-reference"})),
        "Link": sometimes("The next page, `rel=\"next\"`; not on the last one", text(4000)),
        "Content-Disposition": always("A download, with the file's name", text(1000)),
        "Content-Security-Policy": always("Keeps a browser from running what is in the file", text(200)),
        "Retry-After": always(
            "After how many seconds to try again", json!({"type": "integer", "minimum": 1, "maximum": 86_400})
        ),
        "WWW-Authenticate": always("How to authenticate", text(100)),
        "Content-Language": always("The language of `title` and `detail`", json!({"type": "string", "enum": ["es", "en"]})),
        "RateLimit": sometimes(
            "How many requests are left (`r`), and in how many seconds all are there again (`t`); not where the desk has \
             no limit",
            text(100),
        ),
        "RateLimit-Policy": sometimes("How many requests (`q`) in how many seconds (`w`) one client may make", text(100)),
        "X-Request-Id": always("The request's `X-Request-Id`, or one that was made; the log has it too", text(128)),
        "Server-Timing": always("How long it took in milliseconds: in all, and with the database", text(200)),
        "Access-Control-Allow-Origin": sometimes(
            "For a page of another site, where the desk is configured to let it in", text(500)
        ),
    })
}

/// The headers of every answer, and those that this status comes with.
fn answer_headers(status: &str) -> Value {
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
        "429" | "503" => add("Retry-After"),
        _ => {}
    }
    Value::Object(headers)
}

/// Visible characters, as a client makes them up, and blanks between them.
const KEY: &str = "^[!-~]([ -~]{0,253}[!-~])?$";
/// One ETag or several, or `*`: visible words.
const ETAGS: &str = "^[!-~][ -~]{0,499}$";

/// A header that a client may send.
fn request_header(name: &str, description: &str, pattern: &str, max_length: usize) -> Value {
    json!({
        "name": name, "in": "header", "required": false, "description": description,
        "schema": {"type": "string", "pattern": pattern, "minLength": 1, "maxLength": max_length}
    })
}

/// What answers neither a list nor a resource that can be read by itself, so that it has no `ETag`.
const WITHOUT_VERSION: [&str; 17] = [
    "addImprovementFollowup",
    "applyAttentionTimes",
    "downloadAttachment",
    "downloadInboundEmail",
    "downloadRiskMatrix",
    "downloadTickets",
    "escalateTicket",
    "getCalendarDue",
    "getRiskMatrix",
    "getStatistics",
    "getTicketAttention",
    "handOver",
    "listAttentionTimes",
    "listSuggestions",
    "reckonAttention",
    "relateTickets",
    "verifyHistory",
];

/// What a success is, where the handler says no more than what it answers.
fn described(status: &str) -> &'static str {
    match status {
        "201" => "As it was made",
        "204" => "Done",
        _ => "As it is now",
    }
}

/// Names for the orders of a list, which generators of clients cannot make of `-received_at`.
fn name_orders(operation: &mut Value) {
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

/// Which fields the items of a list have, for `fields`; an item that is one of several kinds is answered whole.
fn name_fields(operation: &mut Value, schemas: &Value) {
    let resolve = |schema: &Value| match schema["$ref"].as_str().and_then(|path| path.rsplit('/').next()) {
        Some(name) => schemas[name].clone(),
        None => schema.clone(),
    };
    let page = resolve(&operation["responses"]["200"]["content"]["application/json"]["schema"]);
    let item = resolve(&page["properties"]["items"]["items"]);
    let names: Vec<&String> = item["properties"].as_object().into_iter().flat_map(|all| all.keys()).collect();
    let Some(parameters) = operation.get_mut("parameters").and_then(Value::as_array_mut) else { return };
    if names.is_empty() {
        parameters.retain(|parameter| parameter["name"] != "fields");
    }
    for parameter in parameters.iter_mut().filter(|parameter| parameter["name"] == "fields") {
        parameter["schema"]["items"]["enum"] = json!(names);
    }
}

/// What is done to a resource that is no ticket, by the end of its path.
const STEPS: [&str; 6] = [
    "/{email_id}/processing",
    "/{message_id}/retry",
    "/{action_id}/completion",
    "/{action_id}/verification",
    "/{measurement_id}/approval",
    "/{minutes_id}/signature",
];

fn complete_operation(path: &str, method: &str, operation: &mut Value) {
    let open = operation["security"] == json!([{}]);
    let has_body = operation.get("requestBody").is_some();
    let has_path = path.contains('{');
    // A request that cannot be read is a 400 wherever it was meant to go.
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
    // A body that may be left out is still none that may be `null`.
    let contents = operation.pointer_mut("/requestBody/content").and_then(Value::as_object_mut);
    for content in contents.into_iter().flat_map(|all| all.values_mut()) {
        if let Some([body, null]) = content["schema"]["oneOf"].as_array().map(Vec::as_slice)
            && *null == json!({"type": "null"})
        {
            content["schema"] = body.clone();
        }
    }
    let mut parameters: Vec<Value> = Vec::new();
    let is_list =
        operation["parameters"].as_array().is_some_and(|all| all.iter().any(|p| p["name"] == "cursor"));
    let reckoned = operation["operationId"].as_str().is_some_and(|id| WITHOUT_VERSION.contains(&id));
    let single = method == "get" && !is_list && !reckoned;
    let changes_one = matches!(method, "patch" | "put" | "delete");
    // All but signing in: a survey that a link opens is a resource too.
    let answers_one = changes_one || (method == "post" && (!open || has_path) && !reckoned);
    // A repeated change of password comes with a token that has ended.
    if method == "post" && !open && operation["operationId"] != "changeMyPassword" {
        statuses.extend(["409", "422"]);
        if let Some(Value::String(conflict)) = operation.pointer_mut("/responses/409/description") {
            conflict
                .push_str("; or `request_in_progress`: the first request with this key is not answered yet");
        }
        parameters.push(request_header(
            "Idempotency-Key",
            "Of the client's making; for 24 hours the same key and body get the first answer again",
            KEY,
            255,
        ));
    }
    let is_step =
        path.starts_with("/api/v1/tickets/{ticket_id}/") || STEPS.iter().any(|step| path.ends_with(step));
    if changes_one || (method == "post" && is_step) {
        statuses.push("412");
        parameters.push(request_header("If-Match", "The `ETag` that the change is based on", ETAGS, 500));
    }
    if single && !open {
        parameters.push(request_header(
            "If-None-Match",
            "The `ETag` that is known already: 304 if it still holds",
            ETAGS,
            500,
        ));
    }
    let known = operation["responses"].as_object().cloned().unwrap_or_default();
    let mut responses: BTreeMap<String, Value> = known.into_iter().collect();
    for (status, response) in &mut responses {
        if response.get("$ref").is_none() && response["description"].as_str().is_none_or(str::is_empty) {
            response["description"] = described(status).into();
        }
        if status.starts_with('4') && response.get("content").is_none() {
            response["content"] = problem_content();
        }
        let mut headers = answer_headers(status);
        let mut add = |name: &str| headers[name] = json!({"$ref": format!("#/components/headers/{name}")});
        if status.starts_with('2') {
            if single || answers_one && status != "204" {
                add("ETag");
            }
            if status == "201" {
                add("Location");
            }
            if method == "get" && is_list {
                add("Link");
            }
            // What is kept as it came in.
            let is_file = |id: &str| id.starts_with("download") || id == "getQuarterlyReport";
            if operation["operationId"].as_str().is_some_and(is_file) {
                add("Content-Disposition");
                add("Content-Security-Policy");
            }
        }
        if response.get("$ref").is_none() {
            response["headers"] = headers;
        }
    }
    if single && !open {
        responses.entry("304".to_owned()).or_insert_with(|| {
            let mut headers = answer_headers("304");
            headers["ETag"] = json!({"$ref": "#/components/headers/ETag"});
            json!({"description": "It is as `If-None-Match` knows it", "headers": headers})
        });
    }
    for (status, name, _) in PROBLEMS.iter().filter(|(status, _, _)| statuses.contains(status)) {
        responses
            .entry((*status).to_owned())
            .or_insert_with(|| json!({"$ref": format!("#/components/responses/{name}")}));
    }
    operation["responses"] = responses.into_iter().collect();
    if open {
        operation["security"] = json!([]);
    } else if let Some(may) = operation["operationId"].as_str().and_then(roles::of) {
        operation["security"] = json!([{"bearer": []}, {"password": may}]);
    }
    if !parameters.is_empty() {
        match operation["parameters"].as_array_mut() {
            Some(known) => known.extend(parameters),
            None => operation["parameters"] = parameters.into(),
        }
    }
}
