//! The contract: properties common to all operations are defined once and written into each.

mod answers;
pub(crate) mod bounds;
mod compositions;
mod descriptions;
mod directions;
mod examples;
mod names;
mod operations;
mod permissions;
mod problems;
mod references;
mod roles;
mod shared;

use serde_json::{Value, json};
use utoipa::openapi::OpenApi;

use crate::problem::ProblemDocument;
use crate::tickets::workflow::Step;

const DESCRIPTION: &str = "\
A headless service desk that carries out the procedure *Mesa de Servicios*: register, classify, assign, accept, \
attend, escalate, solve, learn, evaluate, report.

**First steps.** *Authorize* with email and password, or with the `access_token` of `POST /auth/login`. `GET /me` \
lists what the caller may do. `x-roles` of an operation names the roles that may call it, `x-granted-permissions` the \
permissions that allow it to people of any role, `x-mesa-permission` the action that it needs: a service account also \
needs it among its scopes.

**Errors** are always `application/problem+json` (RFC 9457): evaluate `code`, show `detail`. `errors` names all fields \
at fault, up to a hundred: `in` says whether `pointer` is about the `body`, the `query` or a `header`. `detail` is in \
Spanish, or in English by `Accept-Language: en`.

**Lists** return `items` and `next_cursor`; send it as `cursor` for the next page, or follow the `Link` header. A \
filter that can be repeated (`status=assigned&status=in_progress`) matches any of its values. `X_from`, \
`from_date` and `through_date` are inclusive, `X_before` is not.

**Changes.** `PATCH` is JSON Merge Patch. A resource that can change has an `ETag`, which belongs to this resource \
only: send it as `If-Match` with a change or a step, and a concurrent change results in a 412. A signature and the \
approval of a measurement require it: without `If-Match` they are a `428`. Send it as `If-None-Match` with a GET, and a \
304 saves the body.

**Retries.** Send a generated `Idempotency-Key` with a POST: for 24 hours, a request with the same key and body \
returns the first response again, with `Idempotency-Replayed: true`, and is not carried out twice.

**Bodies** are sent uncompressed: one with a `Content-Encoding` other than `identity` is a 415. A JSON body may have \
up to 1 MiB and take 30 s to arrive; without a token, 64 KiB and 10 s. Unknown fields and parameters are rejected.

**New versions.** Responses are open: ignore unknown fields, and treat an unknown value of an enumeration with \
`x-extensible-enum` as a text. A part that will be removed is `deprecated` in this contract at least 180 days before; \
the responses of a deprecated operation have the headers `Deprecation` and `Sunset`.

**Times** are RFC 3339 in UTC.";

/// The tags, in the order of the procedure.
const TAGS: &[(&str, &str)] = &[
    ("auth", "Sign-in"),
    ("me", "The caller's own account"),
    ("desk", "The entity, the languages and the limits of the desk"),
    ("tickets", "Activities 1, 2 and 9: register, read, follow"),
    ("ticket steps", "Activities 3 to 5 and 7: the steps of a ticket, each with a record"),
    ("followups", "Activity 6: public and private entries of a case"),
    ("attachments", "Files of tickets, followups, articles and improvement actions"),
    ("knowledge", "Activity 8: the knowledge base"),
    ("history", "Activity 9: the log of events and the verification of its integrity"),
    ("events", "All changes in the order of their commits, for other systems and live pages"),
    ("surveys", "Activity 10: the perception survey"),
    ("inbound emails", "Received mail and its processing"),
    ("messages", "Messages of the desk to people, with their delivery state"),
    ("statistics", "Activity 11: figures"),
    ("reports", "Activity 11: the quarterly report"),
    ("indicators", "Activity 11: FO-DE-15 Ficha de Indicadores, with measurements"),
    ("meeting minutes", "Activity 11: FO-DE-01 Acta of the Comité Primario"),
    ("improvement actions", "Activities 12 and 13: FO-EM-15 Plan de Mejoramiento"),
    ("risks", "Activities 12 and 13: FO-DE-11 Matriz de Riesgos"),
    ("users", "People and their roles"),
    ("shifts", "When staff work"),
    ("absences", "When staff do not work"),
    ("availability", "Who is available, and how much work they have"),
    ("service accounts", "Machines that act under their own name, and their keys"),
    ("webhooks", "Events sent to other systems"),
    ("jobs", "Work that takes longer than a request"),
    ("system", "The state of the installation"),
    ("units", "Administrative units and their heads"),
    ("categories", "Subjects of requests"),
    ("attention times", "How long each criticality may wait"),
    ("retention", "How long records are kept"),
    ("personal data", "The personal data of requesters: export and anonymization (Ley 1581 de 2012)"),
    ("calendars", "The opening hours by which attention is counted, and the computation of due times"),
    ("holidays", "The public holidays: those included in the product, and the entity's own"),
];

/// Completes the handlers' contract with the properties common to all operations.
pub fn complete(mut openapi: OpenApi) -> OpenApi {
    let info = &mut openapi.info;
    info.title = "Mesa".to_owned();
    info.version = env!("CARGO_PKG_VERSION").to_owned();
    info.description = Some(DESCRIPTION.to_owned());
    info.license = Some(utoipa::openapi::License::new("MIT"));
    info.contact = Some(utoipa::openapi::Contact::new());
    if let Some(contact) = &mut info.contact {
        contact.name = Some("The developers of Mesa".to_owned());
    }
    openapi
}

/// The document that `mesa openapi` prints, indented. The server sends the same document without white space.
///
/// # Errors
/// The document cannot be written as JSON: a fault of the build.
pub fn json(openapi: &OpenApi) -> Result<String, String> {
    let document = for_clients(document(openapi)?);
    let mut text = serde_json::to_string_pretty(&document).map_err(|error| error.to_string())?;
    text.push('\n');
    Ok(text)
}

/// The same as YAML.
///
/// # Errors
/// As for `json`.
pub fn yaml(openapi: &OpenApi) -> Result<String, String> {
    serde_norway::to_string(&for_clients(document(openapi)?)).map_err(|error| error.to_string())
}

/// The whole document, with the schemas that only the server reads and every parameter in its operation.
///
/// # Errors
/// As for `json`.
pub fn document(openapi: &OpenApi) -> Result<Value, String> {
    let mut document = serde_json::to_value(openapi).map_err(|error| error.to_string())?;
    document["info"]["license"] = json!({"name": "MIT", "identifier": "MIT"});
    document["servers"] = json!([{
        "url": "/", "x-internal": false,
        "description": "This server, whether local, staging or production"
    }]);
    document["security"] = json!([{"bearer": []}]);
    document["tags"] =
        TAGS.iter().map(|(name, description)| json!({"name": name, "description": description})).collect();
    let components = &mut document["components"];
    components["securitySchemes"] = json!({
        "bearer": {
            "type": "http", "scheme": "bearer", "bearerFormat": "JWT",
            "description": "The `access_token` of `POST /api/v1/auth/login`: a JWT as RFC8725 recommends, of one \
                algorithm, for 15 minutes. Or a key: of a service account (`mesa_sk_…`, `POST /api/v1/service-accounts/{service_account_id}/keys`) \
                or of a person (`mesa_pk_…`, `POST /api/v1/me/keys`)."
        },
        "password": {
            "type": "oauth2",
            "flows": {
                "password": {"tokenUrl": "/api/v1/auth/token", "refreshUrl": "/api/v1/auth/token", "scopes": {}},
                "clientCredentials": {"tokenUrl": "/api/v1/auth/token", "refreshUrl": "/api/v1/auth/token", "scopes": {}}
            },
            "description": "The same token (RFC8725) by OAuth 2. `password` is for Swagger UI only: applications call `POST /auth/login`, \
                since OAuth 2 advises against this grant (RFC 9700). `clientCredentials` is for service accounts. A token \
                request names no scopes: the role of the account, and the `scopes` of a service account, decide."
        }
    });
    add_schemas(components)?;
    components["responses"] = problems::responses();
    components["headers"] = operations::headers();
    components["schemas"]["Code"]["description"] = problems::codes().into();
    name_items(&mut document);
    make_patches(&mut document);
    answers::require(&mut document);
    descriptions::place(&mut document["components"]["schemas"]);
    compositions::merge(&mut document);
    let examples = examples::kept()?;
    for (path, item) in document["paths"].as_object_mut().into_iter().flatten() {
        for (method, operation) in item.as_object_mut().into_iter().flatten() {
            operations::complete(path, method, operation);
            permissions::describe(operation);
            operations::name_orders(operation);
            examples::show(operation, &examples);
        }
    }
    bounds::bound(&mut document);
    Ok(document)
}

/// The document for clients: without unused schemas, with closed requests and open responses, and with the parts that
/// several operations share stated once.
pub fn for_clients(mut document: Value) -> Value {
    names::publish(&mut document);
    directions::separate(&mut document);
    shared::share_parameters(&mut document);
    document
}

/// The schemas that no handler refers to.
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
    components["schemas"]["Problem"][answers::ANY_FIELD_LEFT_OUT] = true.into();
    let problem = &mut components["schemas"]["Problem"]["properties"];
    for (name, schema) in problems::problem_members().as_object().into_iter().flatten() {
        problem[name] = schema.clone();
    }
    Ok(())
}

/// The items of a page get a named schema, so that a client has one type for them instead of one for each list.
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

/// Every field of a JSON Merge Patch may be omitted.
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
    while let Some(name) = wanted.pop() {
        if !schemas[format!("{name}Patch")].is_null() {
            continue;
        }
        let mut patch = schemas[&name].clone();
        let required = patch["required"].take();
        if let Some(patch) = patch.as_object_mut() {
            patch.remove("required");
        }
        for (field, schema) in patch["properties"].as_object_mut().into_iter().flatten() {
            // Objects are merged as well.
            let reference = match schema.get("oneOf") {
                Some(_) => schema.pointer_mut("/oneOf/0/$ref"),
                None => schema.get_mut("$ref"),
            };
            if let Some(reference) = reference
                && let Some(name) = reference.as_str().and_then(|path| path.rsplit('/').next())
                && schemas[name]["required"].is_array()
            {
                wanted.push(name.to_owned());
                *reference = format!("#/components/schemas/{name}Patch").into();
            }
            // `null` removes an optional object. An enumeration has a default at the creation only.
            let needed = required.as_array().is_some_and(|all| all.iter().any(|one| one == field));
            let is_object = references::named(schema)
                .is_some_and(|name| schemas[name]["properties"].is_object() || name.ends_with("Patch"));
            if !needed && is_object {
                *schema = json!({"oneOf": [schema.take(), {"type": "null"}]});
            }
        }
        schemas[format!("{name}Patch")] = patch;
    }
}
