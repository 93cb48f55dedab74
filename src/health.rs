//! Health checks.

use actix_web::web::{self, Data, ServiceConfig};
use actix_web::{HttpResponse, get};
use serde_json::json;

use crate::db::session;
use crate::http::desk::{Desk, Phase};
use crate::problem::{Problem, Result};

pub fn routes(config: &mut ServiceConfig) {
    config.service(web::scope("/health").service(live).service(ready));
}

/// The process answers: restart it only if this fails.
#[get("/live")]
async fn live() -> HttpResponse {
    HttpResponse::Ok().json(json!({"status": "live"}))
}

/// The database answers and accepts changes, and this copy is not about to stop: send requests to it only if this
/// succeeds.
#[get("/ready")]
async fn ready(desk: Data<Desk>) -> Result<HttpResponse> {
    if desk.phase() != Phase::Serving {
        return Err(Problem::unavailable("the server is not serving"));
    }
    desk.db.read(|db| session::check_changeable(db).map_err(Problem::unavailable)).await?;
    Ok(HttpResponse::Ok().json(json!({"status": "ready"})))
}
