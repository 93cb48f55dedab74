//! Health checks, and metrics.

use std::fmt::Write;

use actix_web::web::{self, Data, ServiceConfig};
use actix_web::{HttpResponse, get};
use diesel::prelude::*;
use serde_json::json;

use crate::http::desk::Desk;
use crate::outbox::delivery;
use crate::problem::{Problem, Result};
use crate::webhooks::waiting;

pub fn routes(config: &mut ServiceConfig) {
    config.service(web::scope("/health").service(live).service(ready)).service(metrics);
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

/// The metrics of this copy of the server, for Prometheus, with the outbox if the database answers.
#[get("/metrics")]
async fn metrics(desk: Data<Desk>) -> HttpResponse {
    let connections = desk.db.state();
    let mut text = String::new();
    for (name, help, value) in [
        ("mesa_db_connections", "Connections to PostgreSQL that are open.", connections.connections),
        ("mesa_db_connections_idle", "Open connections that are not in use.", connections.idle_connections),
    ] {
        let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} gauge\n{name} {value}");
    }
    if let Ok(counts) = desk.db.run(delivery::counts).await {
        let help = format!("Messages of the outbox by status, counted up to {}.", delivery::COUNTED);
        let _ = writeln!(text, "# HELP mesa_messages {help}\n# TYPE mesa_messages gauge");
        for (status, count) in counts {
            let _ = writeln!(text, "mesa_messages{{status=\"{}\"}} {count}", status.as_str());
        }
    }
    if let Ok(waiting) = desk.db.run(waiting::read).await {
        let count = format!("Deliveries of webhooks that wait, counted up to {}.", waiting::COUNTED);
        let oldest = "How long the oldest of them has waited, in seconds.";
        for (name, help, value) in [
            ("mesa_webhook_deliveries_waiting", count.as_str(), waiting.count.to_string()),
            ("mesa_webhook_deliveries_oldest_seconds", oldest, format!("{:.3}", waiting.oldest_seconds)),
        ] {
            let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} gauge\n{name} {value}");
        }
    }
    let _ = write!(text, "{}", desk.traffic);
    HttpResponse::Ok().content_type("text/plain; version=0.0.4").body(text)
}
