//! Health checks.

use actix_web::web::{self, Data, ServiceConfig};
use actix_web::{HttpResponse, get};
use serde_json::json;

use crate::http::desk::{Desk, Phase};
use crate::problem::{Code, Problem, Result};

pub fn routes(config: &mut ServiceConfig) {
    config.service(web::scope("/health").service(live).service(ready));
}

/// The process answers: restart it only if this fails.
#[get("/live")]
async fn live() -> HttpResponse {
    HttpResponse::Ok().json(json!({"status": "live"}))
}

/// The database answers and accepts changes (if this copy only reads: it answers), and this copy is not about to stop:
/// send requests to it only if this succeeds.
#[get("/ready")]
async fn ready(desk: Data<Desk>) -> Result<HttpResponse> {
    if desk.phase() != Phase::Serving {
        // Expected, and so no error in the log.
        return Err(Problem::new(Code::Unavailable, Code::Unavailable.meaning()));
    }
    desk.db.check().await?;
    Ok(HttpResponse::Ok().json(json!({"status": "ready"})))
}
