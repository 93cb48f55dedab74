//! The metrics of this copy of the server, for Prometheus.

use std::time::Duration;

use actix_web::http::Method;
use chrono::{DateTime, SubsecRound, Utc};
use prometheus::core::Collector;
use prometheus::proto::MetricFamily;
use prometheus::{
    Gauge, GaugeVec, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, Opts, Registry, Result,
};

use crate::problem::Reason;

/// The upper bounds of the durations of requests that are told apart, in seconds.
const SECONDS: [f64; 8] = [0.01, 0.025, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];

/// Extension of the response to a request that waited for something to happen: it is not measured.
pub struct Waited;

/// A request that was answered, for the metrics.
pub struct Request<'a> {
    pub method: &'a Method,
    /// The template of the path; `None` if no route has this path.
    pub route: Option<&'a str>,
    pub status: u16,
    /// Until the response began; `None` for a request that waited for an event.
    pub taken: Option<Duration>,
    /// Why it was refused, for a 429 or a 503.
    pub reason: Option<Reason>,
}

/// Requests, tasks and verified passwords since the start of the process.
#[derive(Debug)]
pub struct Traffic {
    started_at: DateTime<Utc>,
    registry: Registry,
    responses: IntCounterVec,
    seconds: HistogramVec,
    rejected: IntCounterVec,
    passwords: IntCounter,
    task_successes: GaugeVec,
    task_seconds: GaugeVec,
    task_runs: IntCounterVec,
    task_failures: IntCounterVec,
}

impl Traffic {
    /// `others`: metrics of parts of the server that count for themselves. `schema`: the last migration of this version.
    ///
    /// # Errors
    /// Two metrics have the same name.
    pub fn new(schema: &str, others: Vec<Box<dyn Collector>>) -> Result<Self> {
        let counters =
            |name: &str, help: &str, labels: &[&str]| IntCounterVec::new(Opts::new(name, help), labels);
        let gauges = |name: &str, help: &str, labels: &[&str]| GaugeVec::new(Opts::new(name, help), labels);
        let seconds = HistogramOpts::new(
            "mesa_http_request_duration_seconds",
            "How long requests took until their response began, by the template of their path; without those that \
             waited for events (`wait`). A stream of events counts until it began.",
        );
        let build =
            gauges("mesa_build_info", "The version of the server and its schema.", &["version", "schema"])?;
        build.with_label_values(&[env!("CARGO_PKG_VERSION"), schema]).set(1.0);
        let started_at = Utc::now().trunc_subsecs(3);
        let start = Gauge::new("process_start_time_seconds", "When the process started, as Unix time.")?;
        start.set(unix_time(started_at));
        let traffic = Traffic {
            started_at,
            registry: Registry::new(),
            responses: counters(
                "mesa_http_responses_total",
                "Responses by the class of their status.",
                &["class"],
            )?,
            seconds: HistogramVec::new(seconds.buckets(SECONDS.to_vec()), &["method", "route", "status"])?,
            rejected: counters(
                "mesa_http_rejected_total",
                "Requests that were refused for now with 429 or 503, by the reason.",
                &["status", "reason"],
            )?,
            passwords: IntCounter::new("mesa_passwords_total", "Verified passwords of sign-ins.")?,
            task_successes: gauges(
                "mesa_task_last_success_timestamp_seconds",
                "When a background task last succeeded in this copy of the server, as Unix time.",
                &["task"],
            )?,
            task_seconds: gauges(
                "mesa_task_last_duration_seconds",
                "How long the last run of a background task took in this copy of the server.",
                &["task"],
            )?,
            task_runs: counters(
                "mesa_task_runs_total",
                "Runs of a background task in this copy of the server.",
                &["task"],
            )?,
            task_failures: counters(
                "mesa_task_failures_total",
                "Failed runs of a background task in this copy of the server.",
                &["task"],
            )?,
        };
        for class in ["1xx", "2xx", "3xx", "4xx", "5xx"] {
            traffic.responses.with_label_values(&[class]);
        }
        for reason in Reason::ALL {
            for status in reason.statuses() {
                traffic.rejected.with_label_values(&[status, reason.as_str()]);
            }
        }
        let own: [Box<dyn Collector>; 10] = [
            Box::new(start),
            Box::new(build),
            Box::new(traffic.responses.clone()),
            Box::new(traffic.seconds.clone()),
            Box::new(traffic.rejected.clone()),
            Box::new(traffic.passwords.clone()),
            Box::new(traffic.task_successes.clone()),
            Box::new(traffic.task_seconds.clone()),
            Box::new(traffic.task_runs.clone()),
            Box::new(traffic.task_failures.clone()),
        ];
        for metric in own.into_iter().chain(others) {
            traffic.registry.register(metric)?;
        }
        Ok(traffic)
    }

    /// Counts one more verified password.
    pub fn password(&self) {
        self.passwords.inc();
    }

    /// Counts a response that was sent without a request that could be read.
    pub fn count(&self, status: u16) {
        self.responses.with_label_values(&[class(status)]).inc();
    }

    /// Counts a request that was answered.
    pub fn answered(&self, request: &Request<'_>) {
        let status = request.status.to_string();
        self.count(request.status);
        if let Some(taken) = request.taken {
            let route = request.route.unwrap_or("unmatched");
            let labels = [known_method(request.method), route, &status];
            self.seconds.with_label_values(&labels).observe(taken.as_secs_f64());
        }
        if matches!(request.status, 429 | 503) {
            let reason = request.reason.unwrap_or(Reason::Other);
            self.rejected.with_label_values(&[&status, reason.as_str()]).inc();
        }
    }

    /// Counts a run of a background task that ended now.
    pub fn task_ended(&self, task: &str, duration: Duration, succeeded: bool) {
        self.task_runs.with_label_values(&[task]).inc();
        self.task_seconds.with_label_values(&[task]).set(duration.as_secs_f64());
        let failures = self.task_failures.with_label_values(&[task]);
        if succeeded {
            self.task_successes.with_label_values(&[task]).set(unix_time(Utc::now()));
        } else {
            failures.inc();
        }
    }

    /// When this copy of the server started.
    pub fn started_at(&self) -> DateTime<Utc> {
        self.started_at
    }

    /// All metrics, by name.
    pub fn families(&self) -> Vec<MetricFamily> {
        self.registry.gather()
    }
}

/// In seconds.
#[expect(clippy::cast_precision_loss, reason = "a time of this millennium is exact")]
fn unix_time(time: DateTime<Utc>) -> f64 {
    time.timestamp_millis() as f64 / 1000.0
}

/// One of the methods of HTTP: a client may send any word.
pub fn known_method(method: &Method) -> &'static str {
    const KNOWN: [&str; 8] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"];
    KNOWN.into_iter().find(|known| *known == method.as_str()).unwrap_or("other")
}

fn class(status: u16) -> &'static str {
    match status / 100 {
        1 => "1xx",
        2 => "2xx",
        3 => "3xx",
        4 => "4xx",
        _ => "5xx",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_client_invents_makes_no_series_of_its_own() {
        let traffic = Traffic::new("1", Vec::new()).unwrap();
        for word in ["FOO", "BAR", "PROPFIND"] {
            let method = Method::from_bytes(word.as_bytes()).unwrap();
            let taken = Some(Duration::from_millis(20));
            traffic.answered(&Request { method: &method, route: None, status: 404, taken, reason: None });
        }
        let waited =
            Request { method: &Method::GET, route: Some("/a"), status: 200, taken: None, reason: None };
        traffic.answered(&waited);
        let families = traffic.families();
        let named = |name: &str| families.iter().find(|family| family.name() == name).unwrap().get_metric();
        let durations = named("mesa_http_request_duration_seconds");
        assert_eq!(durations.len(), 1);
        assert_eq!(durations[0].get_histogram().get_sample_count(), 3);
        let values: Vec<&str> = durations[0].get_label().iter().map(|label| label.value()).collect();
        assert_eq!(values, ["other", "unmatched", "404"]);
        let counted: f64 =
            named("mesa_http_responses_total").iter().map(|one| one.get_counter().get_value()).sum();
        assert_eq!(counted, 4.0);
    }
}
