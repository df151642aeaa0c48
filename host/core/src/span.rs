//! A run and its calls as spans of a trace.
//!
//! Ids follow from the run's own, so that tracing stores nothing and draws nothing: the trace's id is the run's without
//! its dashes, which finds one by the other; the run's span has the half of it that is random, and the call at place n of
//! the report is n + 1 spans further. [W3C Trace Context](https://www.w3.org/TR/trace-context/) is how others are told.

/// A span of a run: itself, or one of its calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpanId {
    trace: u128,
    span: u64,
}

impl SpanId {
    /// The span of a run.
    #[must_use]
    pub const fn of_run(run: uuid::Uuid) -> Self {
        let (_, low) = run.as_u64_pair();
        Self { trace: run.as_u128(), span: low }
    }

    /// The span of the call that the run's report has at place `at`.
    #[must_use]
    pub const fn call(self, at: usize) -> Self {
        // No id is zero: the half starts with the two bits of the variant, `10`, which no number of calls carries over.
        Self { span: self.span.wrapping_add(at as u64 + 1), ..self }
    }

    /// What the header `traceparent` says for work that this span asked for.
    #[must_use]
    pub fn traceparent(self) -> String {
        // Sampled, whether or not we export: the answer is looked for where the question led.
        format!("00-{:032x}-{:016x}-01", self.trace, self.span)
    }

    /// The trace's id in hexadecimal.
    #[must_use]
    pub fn trace_hex(self) -> String {
        format!("{:032x}", self.trace)
    }

    /// The span's id in hexadecimal.
    #[must_use]
    pub fn span_hex(self) -> String {
        format!("{:016x}", self.span)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Form and lengths are those of the standard, no id is zero, and calls differ from each other and the run.
    #[test]
    fn ids_are_those_of_the_standard() {
        let run = uuid::Uuid::now_v7();
        let span = SpanId::of_run(run);
        let all: Vec<SpanId> = std::iter::once(span).chain((0..64).map(|at| span.call(at))).collect();
        for (at, id) in all.iter().enumerate() {
            let text = id.traceparent();
            let parts: Vec<&str> = text.split('-').collect();
            assert_eq!(parts.iter().map(|part| part.len()).collect::<Vec<_>>(), [2, 32, 16, 2], "{text}");
            assert_eq!((parts[0], parts[1], parts[3]), ("00", run.simple().to_string().as_str(), "01"));
            assert!(parts[2].bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) && id.span != 0, "{text}");
            assert!(!all[..at].contains(id), "{text} twice");
        }
    }
}
