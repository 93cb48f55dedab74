//! Health checks.

use actix_web::web::{self, Data, ServiceConfig};
use actix_web::{HttpResponse, get};
use diesel::prelude::*;
use serde_json::json;

use crate::http::desk::Desk;
use crate::problem::{Problem, Result};

pub fn routes(config: &mut ServiceConfig) {
    config.service(web::scope("/health").service(live).service(ready));
}

/// The process answers: restart it only if this fails.
#[get("/live")]
async fn live() -> HttpResponse {
    HttpResponse::Ok().json(json!({"status": "live"}))
}

/// The database answers: send requests to this copy only if this succeeds.
#[get("/ready")]
async fn ready(desk: Data<Desk>) -> Result<HttpResponse> {
    desk.db.run(|db| diesel::sql_query("SELECT 1").execute(db).map_err(Problem::unavailable)).await?;
    Ok(HttpResponse::Ok().json(json!({"status": "ready"})))
}
