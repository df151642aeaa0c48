//! `context`: facts about the run, and the configuration for guests without JSON.

use probity_core::SpanId;

use super::HostState;
use super::bindings::probity::check::context::{Host, PreviousRun};
use super::peers::told;

impl Host for HostState {
    fn check_id(&mut self) -> wasmtime::Result<String> {
        Ok(self.env.name.to_string())
    }

    fn run_id(&mut self) -> wasmtime::Result<String> {
        Ok(self.facts.id.to_string())
    }

    fn traceparent(&mut self) -> wasmtime::Result<Option<String>> {
        Ok(self.span().map(SpanId::traceparent))
    }

    fn remaining_ms(&mut self) -> wasmtime::Result<u32> {
        Ok(u32::try_from(self.remaining().as_millis()).unwrap_or(u32::MAX))
    }

    fn consecutive_failures(&mut self) -> wasmtime::Result<u32> {
        Ok(self.facts.consecutive_failures)
    }

    fn previous(&mut self) -> wasmtime::Result<Option<PreviousRun>> {
        Ok(self.facts.previous.as_ref().map(|previous| PreviousRun {
            status: told(previous.status()),
            message: previous.message().to_owned(),
            at_unix_ms: previous.started_unix_ms,
            duration_ms: previous.duration.as_secs_f64() * 1e3,
        }))
    }

    fn get(&mut self, pointer: String) -> wasmtime::Result<Option<String>> {
        use serde_json::Value;
        Ok(match self.env.config.pointer(&pointer) {
            Some(Value::String(text)) => Some(text.clone()),
            Some(Value::Bool(yes)) => Some(yes.to_string()),
            Some(Value::Number(number)) => Some(number.to_string()),
            Some(Value::Null | Value::Array(_) | Value::Object(_)) | None => None,
        })
    }
}
