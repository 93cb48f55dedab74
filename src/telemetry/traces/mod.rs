//! Traces by OpenTelemetry (OTLP over HTTP as protobuf), if an address for them is configured. Without one nothing is
//! started and no span is made.
//!
//! Spans have no personal data: no paths, queries, addresses, titles or texts of errors.

mod exporter;
mod span;

use std::sync::OnceLock;
use std::time::Duration;

use opentelemetry::trace::TracerProvider;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};

use self::exporter::Exporter;
pub use self::span::{Caller, Kind, Span};

/// The tracer of this process.
static TRACER: OnceLock<SdkTracer> = OnceLock::new();

/// How long the last spans may take to be sent when the server stops.
const END: Duration = Duration::from_secs(3);

/// Sends spans in batches, on a thread of its own, until it is dropped.
pub struct Traces(SdkTracerProvider);

impl Traces {
    /// `endpoint`: the address of the receiver without `/v1/traces`.
    ///
    /// # Errors
    /// A text: the address cannot be used.
    pub fn start(endpoint: &str) -> Result<Self, String> {
        let exporter = Exporter::new(endpoint)?;
        let resource = Resource::builder()
            .with_service_name("mesa")
            .with_attribute(opentelemetry::KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
            .build();
        let provider =
            SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource).build();
        // A second server in the same process uses the first one's.
        let _ = TRACER.set(provider.tracer("mesa"));
        Ok(Traces(provider))
    }
}

impl Drop for Traces {
    fn drop(&mut self) {
        if let Err(error) = self.0.shutdown_with_timeout(END) {
            log::warn!("the last traces were not sent: {error}");
        }
    }
}
