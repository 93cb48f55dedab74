//! What is recorded of each request: a log line and metrics.

use std::time::Duration;

use actix_web::HttpMessage;
use actix_web::dev::ServiceResponse;
use actix_web::http::Method;
use actix_web::web::Data;

use super::credential::Credential;
use super::desk::Desk;
use super::traffic::{self, Waited, known_method};
use crate::problem::{Code, Reason};
use crate::telemetry::traceparent::TraceParent;
use crate::telemetry::traces::Span;

/// A request that was answered: its route instead of its path, so that it contains neither tokens nor ids of people, and
/// the id of the account that sent it.
pub struct Access<'a> {
    method: &'a Method,
    response: &'a ServiceResponse,
    route: Option<String>,
    taken: Duration,
    request_id: &'a str,
    trace_id: Option<String>,
    span: &'a Span,
}

impl<'a> Access<'a> {
    pub fn new(
        method: &'a Method,
        response: &'a ServiceResponse,
        taken: Duration,
        request_id: &'a str,
        parent: Option<&TraceParent>,
        span: &'a Span,
    ) -> Self {
        let route = response.request().match_pattern();
        let trace_id = span.trace_id().or_else(|| parent.map(|parent| parent.trace_id().to_owned()));
        Access { method, response, route, taken, request_id, trace_id, span }
    }

    pub fn record(&self) {
        self.count();
        self.trace();
        self.log();
    }

    fn count(&self) {
        let Some(desk) = self.response.request().app_data::<Data<Desk>>() else { return };
        let extensions = self.response.response().extensions();
        desk.traffic.answered(&traffic::Request {
            method: self.method,
            route: self.route.as_deref(),
            status: self.response.status().as_u16(),
            taken: (!extensions.contains::<Waited>()).then_some(self.taken),
            reason: extensions.get::<Reason>().copied(),
        });
    }

    fn trace(&self) {
        let method = known_method(self.method);
        self.span.set("http.request.method", method);
        if let Some(route) = &self.route {
            self.span.rename(|| format!("{method} {route}"));
            self.span.set("http.route", route.clone());
        }
        let status = self.response.status();
        self.span.set("http.response.status_code", i64::from(status.as_u16()));
        if status.is_server_error() {
            let code = self.response.response().extensions().get::<Code>().map(|code| code.as_str());
            self.span.fail(code.unwrap_or("internal"));
        }
    }

    fn log(&self) {
        let request = self.response.request();
        let account =
            request.extensions().get::<Credential>().map(|credential| credential.user_id.to_string());
        let account = account.as_deref().unwrap_or("-");
        let code = self.response.response().extensions().get::<Code>().map_or("-", |code| code.as_str());
        let (method, route) = (self.method.as_str(), self.route.as_deref().unwrap_or("-"));
        let (status, request_id) = (self.response.status().as_u16(), self.request_id);
        let duration_ms = (self.taken.as_secs_f64() * 10_000.0).round() / 10.0;
        let line = format!("{method} {route} {status} {duration_ms:.1}ms account={account} code={code}");
        match self.trace_id.as_deref() {
            None => log::info!(
                target: "mesa::access", method, route, status, duration_ms, account, code, request_id;
                "{line} request_id={request_id}"
            ),
            Some(trace_id) => log::info!(
                target: "mesa::access", method, route, status, duration_ms, account, code, request_id, trace_id;
                "{line} trace_id={trace_id} request_id={request_id}"
            ),
        }
    }
}
