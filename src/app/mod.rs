//! The HTTP application: routes, middleware, docs.

#[cfg(test)]
mod format_test;
mod problems;
#[cfg(test)]
mod schemas_test;

use std::sync::Arc;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, ETAG, IF_NONE_MATCH, LOCATION};
use actix_web::middleware::{Compress, DefaultHeaders, from_fn};
use actix_web::web::{self, Bytes, Data};
use actix_web::{App, Error, HttpRequest, HttpResponse};
use sha2::{Digest, Sha256};
use utoipa::openapi::OpenApi;
use utoipa_actix_web::{AppExt, scope};
use utoipa_swagger_ui::SwaggerUi;

use crate::events::feed::Feed;
use crate::http::cors::cors;
use crate::http::desk::Desk;
use crate::http::envelope::envelope;
use crate::http::limits::limit;
use crate::http::routes::Routes;
use crate::http::schemas::Schemas;
use crate::http::starting::wait_for_start;
use crate::http::{body, etag};
use crate::problem::{Code, Problem, Text};
use crate::system::metrics;
use crate::{
    account, audit, contract, desk, downloads, events, health, improvement, inbound, indicators, jobs,
    knowledge, mail, minutes, people, personal_data, reports, retention, service_accounts, staff, statistics,
    surveys, system, tickets, webhooks,
};

/// Everything under `/api/v1`.
fn api(routes: &mut Routes) {
    routes
        .configure(account::routes)
        .configure(desk::routes)
        .configure(tickets::routes)
        .configure(downloads::routes)
        .configure(knowledge::routes)
        .configure(inbound::routes)
        .configure(surveys::routes)
        .configure(mail::routes)
        .configure(audit::routes)
        .configure(statistics::routes)
        .configure(reports::routes)
        .configure(indicators::routes)
        .configure(minutes::routes)
        .configure(improvement::routes)
        .configure(people::routes)
        .configure(service_accounts::routes)
        .configure(personal_data::routes)
        .configure(staff::routes)
        .configure(retention::routes)
        .configure(events::routes)
        .configure(webhooks::routes)
        .configure(jobs::routes)
        .configure(system::routes);
}

/// The complete contract: the handlers' declarations and the common properties.
pub fn openapi() -> OpenApi {
    let app = App::new()
        .into_utoipa_app()
        .service(scope("/api/v1").configure(|config| api(&mut Routes::Describing(config))));
    let (_, openapi) = app.split_for_parts();
    contract::complete(openapi)
}

/// Read-only paths outside of the contract.
const READ_ALONE: [&str; 9] = [
    "/",
    "/openapi.json",
    "/docs",
    "/docs/{file:.*}",
    "/problems",
    "/problems/{code}",
    "/health/live",
    "/health/ready",
    "/metrics",
];

/// The contract in the form that the server sends, and the methods of each path.
pub struct Contract {
    /// Without white space.
    json: Bytes,
    etag: String,
    methods: Vec<(actix_web::dev::ResourceDef, String)>,
    schemas: Arc<Schemas>,
}

impl Contract {
    /// # Errors
    /// The contract is not valid: a fault of the build.
    pub fn new() -> Result<Self, String> {
        let openapi = openapi();
        let document = contract::document(&openapi)?;
        let schemas = Arc::new(Schemas::new(&document)?);
        let mut methods = Vec::new();
        for (path, item) in document["paths"].as_object().into_iter().flatten() {
            let mut allowed: Vec<String> =
                item.as_object().into_iter().flatten().map(|(method, _)| method.to_uppercase()).collect();
            if allowed.iter().any(|method| method == "GET") {
                allowed.push("HEAD".to_owned());
            }
            methods.push((actix_web::dev::ResourceDef::new(path.as_str()), allowed.join(", ")));
        }
        // A literal path takes precedence over one with a parameter in its place.
        methods.sort_by_key(|(resource, _)| resource.pattern().map_or(0, |path| path.matches('{').count()));
        for path in READ_ALONE {
            methods.push((actix_web::dev::ResourceDef::new(path), "GET, HEAD".to_owned()));
        }
        for path in ["/s/{token}", "/p/{token}"] {
            methods.push((actix_web::dev::ResourceDef::new(path), "GET, HEAD, POST".to_owned()));
        }
        let json = contract::for_clients(document).to_string();
        let etag = format!("\"{}\"", hex::encode(Sha256::digest(&json)));
        Ok(Contract { json: json.into(), etag, methods, schemas })
    }

    /// What requests are checked by.
    pub fn schemas(&self) -> &Arc<Schemas> {
        &self.schemas
    }

    /// The methods of a path, if it exists.
    fn allowed(&self, path: &str) -> Option<&str> {
        self.methods.iter().find(|(resource, _)| resource.is_match(path)).map(|(_, allowed)| allowed.as_str())
    }
}

/// The whole application, created once for each worker.
pub fn app(
    desk: Data<Desk>,
    contract: Data<Contract>,
    feed: Data<Feed>,
) -> App<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<impl MessageBody>,
        Error = Error,
        InitError = (),
    >,
> {
    App::new()
        .wrap(from_fn(limit))
        .wrap(from_fn(wait_for_start))
        .wrap(cors(&desk.config.cors_origins))
        .wrap(Compress::default())
        .wrap(from_fn(envelope))
        .app_data(Arc::clone(&desk.body_memory))
        .app_data(desk)
        .app_data(Arc::clone(&contract.schemas))
        .app_data(contract)
        .app_data(feed)
        .app_data(body::payload_config())
        // An invalid id is the id of no resource.
        .app_data(web::PathConfig::default().error_handler(|_, request| {
            let contract = request.app_data::<Data<Contract>>();
            contract.map_or_else(Problem::not_found, |contract| nothing_for(request, contract)).into()
        }))
        .service(
            web::scope("/api/v1")
                .configure(|config| api(&mut Routes::Serving(config)))
                .default_service(web::to(nothing_here)),
        )
        .route("/openapi.json", web::get().to(document))
        .route("/", web::get().to(to_docs))
        .route("/docs", web::get().to(to_docs))
        .service(
            web::scope("/docs")
                .wrap(DefaultHeaders::new().add((CONTENT_SECURITY_POLICY, DOCS_POLICY)))
                .route("/swagger-initializer.js", web::get().to(initializer))
                .service(SwaggerUi::new("/{_:.*}")),
        )
        .configure(surveys::page::routes)
        .configure(account::password_links::page::routes)
        .configure(problems::routes)
        .configure(health::routes)
        .configure(metrics::routes)
        .default_service(web::to(nothing_here))
}

/// Swagger UI may run its own scripts and connect only to this server, and not be embedded in other pages.
const DOCS_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
    connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The contract. It only changes with the version of the server: a client sends a conditional request and gets a 304
/// until then.
async fn document(request: HttpRequest, contract: Data<Contract>) -> HttpResponse {
    let known = request.headers().get(IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    let is_known = known.is_some_and(|known| etag::names(known, &contract.etag));
    let mut response = if is_known { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    response.insert_header((ETAG, contract.etag.as_str())).insert_header((CACHE_CONTROL, "no-cache"));
    if is_known {
        return response.finish();
    }
    response.content_type("application/json").body(contract.json.clone())
}

async fn to_docs() -> HttpResponse {
    HttpResponse::PermanentRedirect().insert_header((LOCATION, "/docs/")).finish()
}

/// The start script of Swagger UI, replacing the file of the same name that it includes.
async fn initializer() -> HttpResponse {
    let script = include_str!("swagger-initializer.js");
    HttpResponse::Ok().content_type("text/javascript; charset=utf-8").body(script)
}

/// 404, or 405 if the path has other methods.
async fn nothing_here(request: HttpRequest, contract: Data<Contract>) -> Result<HttpResponse, Problem> {
    match contract.allowed(request.path()) {
        Some(allowed) if request.method() == Method::OPTIONS => {
            Ok(HttpResponse::NoContent().insert_header((ALLOW, allowed)).finish())
        }
        _ => Err(nothing_for(&request, &contract)),
    }
}

fn nothing_for(request: &HttpRequest, contract: &Contract) -> Problem {
    let allowed = contract.allowed(request.path());
    let Some(allowed) = allowed.filter(|all| all.split(", ").all(|one| one != request.method().as_str()))
    else {
        return Problem::not_found();
    };
    let mut problem = Problem::new(
        Code::MethodNotAllowed,
        Text::made(format!("Esta ruta admite {allowed}."), format!("This path accepts {allowed}.")),
    );
    problem.allow = Some(allowed.to_owned());
    problem
}

/// Shared between the workers of one server.
pub fn shared(contract: Contract) -> Data<Contract> {
    Data::from(Arc::new(contract))
}
