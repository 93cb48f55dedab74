//! `/metrics`, for Prometheus.

use actix_web::web::{Data, ServiceConfig};
use actix_web::{HttpResponse, get};
use prometheus::core::Collector;
use prometheus::proto::MetricFamily;
use prometheus::{Encoder, Gauge, GaugeVec, Opts, TEXT_FORMAT, TextEncoder};

use super::waiting::{self, COUNTED, Waiting};
use crate::http::desk::Desk;
use crate::outbox::MessageStatus;
use crate::problem::{Problem, Result};

pub fn routes(config: &mut ServiceConfig) {
    config.service(read);
}

/// The metrics of this copy of the server, with what waits in the database if it answers.
#[get("/metrics")]
async fn read(desk: Data<Desk>) -> Result<HttpResponse> {
    let waiting = desk.db.read(waiting::read).await.ok();
    let text = text(&desk, waiting.as_ref()).map_err(Problem::internal)?;
    Ok(HttpResponse::Ok().content_type(TEXT_FORMAT).body(text))
}

fn text(desk: &Desk, waiting: Option<&Waiting>) -> prometheus::Result<Vec<u8>> {
    let mut families = desk.traffic.families();
    let (open, idle) = desk.db.connections();
    families.extend(gauge("mesa_db_connections", "Connections to PostgreSQL that are open.", open)?);
    families.extend(gauge("mesa_db_connections_idle", "Open connections that are not in use.", idle)?);
    if let Some(waiting) = waiting {
        families.extend(of_database(waiting)?);
    }
    families.sort_by(|one, other| one.name().cmp(other.name()));
    let mut text = Vec::new();
    TextEncoder::new().encode(&families, &mut text)?;
    Ok(text)
}

/// The same at each copy of the server.
fn of_database(waiting: &Waiting) -> prometheus::Result<Vec<MetricFamily>> {
    let help = format!("Messages of the outbox by status, counted up to {COUNTED}.");
    let messages = GaugeVec::new(Opts::new("mesa_messages", help), &["status"])?;
    for (status, count) in
        [(MessageStatus::Waiting, waiting.messages), (MessageStatus::Failed, waiting.failed_messages)]
    {
        messages.with_label_values(&[status.as_str()]).set(exact(count));
    }
    let mut families = messages.collect();
    families.extend(gauge(
        "mesa_messages_oldest_waiting_seconds",
        "How long the oldest message that waits has waited; 0 if none waits.",
        waiting.oldest_message,
    )?);
    families.extend(gauge(
        "mesa_webhook_deliveries_waiting",
        &format!("Deliveries of webhooks that wait, counted up to {COUNTED}."),
        exact(waiting.deliveries),
    )?);
    families.extend(gauge(
        "mesa_webhook_deliveries_oldest_seconds",
        "How long the oldest delivery that waits has waited; 0 if none waits.",
        waiting.oldest_delivery,
    )?);
    families.extend(gauge(
        "mesa_jobs_unfinished",
        &format!("Jobs that wait or run, counted up to {COUNTED}."),
        exact(waiting.jobs),
    )?);
    families.extend(gauge(
        "mesa_jobs_oldest_seconds",
        "The age of the oldest job that waits or runs; 0 if there is none.",
        waiting.oldest_job,
    )?);
    Ok(families)
}

fn gauge(name: &str, help: &str, value: impl Into<f64>) -> prometheus::Result<Vec<MetricFamily>> {
    let gauge = Gauge::new(name, help)?;
    gauge.set(value.into());
    Ok(gauge.collect())
}

/// Counts are far below what a number with a fraction represents exactly.
fn exact(count: i64) -> f64 {
    i32::try_from(count).unwrap_or(i32::MAX).into()
}
