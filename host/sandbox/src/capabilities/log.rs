//! `log`: lines from guests, bounded per run and cleaned before anything sees them.

use probity_core::check::{Level, LogLine};
use probity_core::text::clean;

use super::HostState;
use super::bindings::probity::check::log::{Host, Level as GuestLevel};

/// Fields of one line, and bytes of each key and value.
const FIELDS_MAX: usize = 16;
const FIELD_BYTES_MAX: usize = 256;

/// Bytes kept of the last error, lines and all; the log has it on one line.
const SAID_BYTES_MAX: usize = 4 << 10;

impl Host for HostState {
    fn write(&mut self, level: GuestLevel, message: String, fields: Vec<(String, String)>) -> wasmtime::Result<()> {
        let level = match level {
            GuestLevel::Trace => Level::Trace,
            GuestLevel::Debug => Level::Debug,
            GuestLevel::Info => Level::Info,
            GuestLevel::Warn => Level::Warn,
            GuestLevel::Error => Level::Error,
        };
        self.log(level, &message, &fields);
        if level == Level::Error {
            // Where it was, for kits that say so beside the message.
            let place = fields.iter().find(|(key, _)| key == "at").map(|(_, at)| format!("\n    at {at}"));
            let mut said = message + &place.unwrap_or_default();
            said.truncate(said.floor_char_boundary(SAID_BYTES_MAX));
            self.record.said = Some(said);
        }
        Ok(())
    }
}

impl HostState {
    /// Keeps one line if the run's `log-lines` and `log-bytes` still allow it.
    pub(crate) fn log(&mut self, level: Level, message: &str, fields: &[(String, String)]) {
        let limits = &self.env.limits;
        let left = (limits.log_bytes as usize).saturating_sub(self.record.log_bytes);
        if self.record.log.len() >= limits.log_lines as usize || left == 0 {
            self.record.log_dropped = self.record.log_dropped.saturating_add(1);
            return;
        }
        let secrets = &self.env.secrets;
        let field = |text: &str| clean(&secrets.redact(text), FIELD_BYTES_MAX);
        let line = LogLine {
            level,
            message: clean(&secrets.redact(message), left.min(limits.message_bytes as usize)),
            fields: fields.iter().take(FIELDS_MAX).map(|(key, value)| (field(key), field(value))).collect(),
        };
        let bytes = line.message.len() + line.fields.iter().map(|(key, value)| key.len() + value.len()).sum::<usize>();
        self.record.log_bytes += bytes.max(1);
        if self.record.log.is_empty() {
            // Most checks log one line, and the board keeps it for each of them.
            self.record.log.reserve_exact(1);
        }
        self.record.log.push(line);
    }

    /// Says in the log itself that lines are missing from it.
    pub(crate) fn log_truncation(&mut self) {
        let dropped = self.record.log_dropped;
        if dropped > 0 {
            let message = format!("{dropped} further lines were dropped (keys `log-lines`, `log-bytes`)");
            self.record.log.push(LogLine { level: Level::Warn, message, fields: Vec::new() });
        }
    }
}
