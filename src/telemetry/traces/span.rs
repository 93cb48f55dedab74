//! The spans of requests, of work with the database, of tasks and of deliveries.

use std::time::SystemTime;

use opentelemetry::context::FutureExt;
use opentelemetry::trace::{
    SpanContext, SpanId, SpanKind, Status, TraceContextExt, TraceFlags, TraceId, TraceState, Tracer,
};
use opentelemetry::{Context, KeyValue, Value};

use super::TRACER;
use crate::telemetry::traceparent::TraceParent;

/// Who takes part in what a span measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A request to this server.
    Server,
    /// A request of this server to another.
    Client,
    /// Work within this server.
    Internal,
}

impl From<Kind> for SpanKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Server => SpanKind::Server,
            Kind::Client => SpanKind::Client,
            Kind::Internal => SpanKind::Internal,
        }
    }
}

/// A span that has begun and ends when it is dropped; nothing without a receiver of traces.
pub struct Span(Option<Context>);

impl Span {
    /// A request, within the trace of its sender if that has one.
    pub fn of_request(method: &'static str, parent: Option<&TraceParent>) -> Self {
        Self::begin(method, Kind::Server, || parent.and_then(remote).unwrap_or_default())
    }

    /// The beginning of a trace.
    pub fn root(name: &'static str, kind: Kind) -> Self {
        Self::begin(name, kind, Context::new)
    }

    fn begin(name: &'static str, kind: Kind, parent: impl FnOnce() -> Context) -> Self {
        let Some(tracer) = TRACER.get() else { return Span(None) };
        let parent = parent();
        let builder = tracer.span_builder(name).with_kind(kind.into());
        Span(Some(parent.with_span(tracer.build_with_context(builder, &parent))))
    }

    /// Sets an attribute. Never personal data.
    pub fn set(&self, name: &'static str, value: impl Into<Value>) {
        if let Some(context) = &self.0 {
            context.span().set_attribute(KeyValue::new(name, value));
        }
    }

    pub fn rename(&self, name: impl FnOnce() -> String) {
        if let Some(context) = &self.0 {
            context.span().update_name(name());
        }
    }

    /// Marks it as failed. `error`: a word of the program, not a text with data.
    pub fn fail(&self, error: &'static str) {
        if let Some(context) = &self.0 {
            context.span().set_attribute(KeyValue::new("error.type", error));
            context.span().set_status(Status::error(""));
        }
    }

    /// The id of its trace: 32 hexadecimal digits.
    pub fn trace_id(&self) -> Option<String> {
        let context = self.0.as_ref()?;
        Some(context.span().span_context().trace_id().to_string())
    }

    /// Runs the future as a part of it.
    pub async fn around<F: Future>(&self, act: F) -> F::Output {
        match &self.0 {
            Some(context) => act.with_context(context.clone()).await,
            None => act.await,
        }
    }

    /// Runs the work as a part of it.
    pub fn within<T>(&self, act: impl FnOnce() -> T) -> T {
        let _attached = self.0.clone().map(Context::attach);
        act()
    }
}

impl Drop for Span {
    fn drop(&mut self) {
        if let Some(context) = &self.0 {
            context.span().end();
        }
    }
}

/// The span that was current where work was asked for, for the thread that carries it out.
pub struct Caller(Option<(Context, SystemTime)>);

impl Caller {
    pub fn current() -> Self {
        let is_traced = TRACER.get().is_some() && Context::current().span().span_context().is_valid();
        Caller(is_traced.then(|| (Context::current(), SystemTime::now())))
    }

    /// Records that the work has waited until now.
    pub fn waited(&self, name: &'static str) {
        let (Some(tracer), Some((context, since))) = (TRACER.get(), &self.0) else { return };
        let builder = tracer.span_builder(name).with_kind(SpanKind::Internal).with_start_time(*since);
        drop(tracer.build_with_context(builder, context));
    }

    /// A part of the caller's span; nothing if it has none.
    pub fn span(&self, name: &'static str, kind: Kind) -> Span {
        match &self.0 {
            Some((context, _)) => Span::begin(name, kind, || context.clone()),
            None => Span(None),
        }
    }
}

fn remote(parent: &TraceParent) -> Option<Context> {
    let flags = if parent.sampled() { TraceFlags::SAMPLED } else { TraceFlags::NOT_SAMPLED };
    let trace_id = TraceId::from_hex(parent.trace_id()).ok()?;
    let span_id = SpanId::from_hex(parent.span_id()).ok()?;
    let context = SpanContext::new(trace_id, span_id, flags, true, TraceState::NONE);
    Some(Context::new().with_remote_span_context(context))
}
