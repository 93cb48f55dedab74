//! Sends spans to the receiver, and reports in the log whether it answers.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use opentelemetry_otlp::{Protocol, WithExportConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SpanData, SpanExporter};

/// How long the receiver may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub struct Exporter {
    inner: opentelemetry_otlp::SpanExporter,
    fails: AtomicBool,
}

impl Exporter {
    /// # Errors
    /// A text: the address cannot be used.
    pub fn new(endpoint: &str) -> Result<Self, String> {
        let inner = opentelemetry_otlp::SpanExporter::builder()
            .with_http()
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(format!("{}/v1/traces", endpoint.trim_end_matches('/')))
            .with_timeout(PATIENCE)
            .build();
        Ok(Exporter { inner: inner.map_err(|error| error.to_string())?, fails: AtomicBool::new(false) })
    }
}

impl SpanExporter for Exporter {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let done = self.inner.export(batch).await;
        let failed_before = self.fails.swap(done.is_err(), Ordering::Relaxed);
        match &done {
            Err(error) if !failed_before => log::warn!("traces are not sent and are dropped: {error}"),
            Ok(()) if failed_before => log::info!("traces are sent again"),
            _ => {}
        }
        done
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.inner.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
    }
}
