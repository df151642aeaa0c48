//! Runs as traces, sent to a collector: a run is a span, and so is each of its calls into capabilities
//! ([`probity_core::SpanId`]).

mod export;
mod otlp;

pub use export::{Exporter, Spans, channel};
pub use otlp::Finished;
