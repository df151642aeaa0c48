//! An answer over HTTP, as tests look at it.

use serde_json::Value;

/// What a host or a service answered.
#[derive(Debug)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// The body as text.
    pub body: String,
}

impl Answer {
    /// The body as JSON.
    ///
    /// # Panics
    /// When it is not.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("not JSON ({error}): {}", self.body))
    }

    /// Whether this is the HTTP status, and `word` the body's.
    ///
    /// # Panics
    /// When it has this status and is not JSON.
    #[must_use]
    pub fn says(&self, status: u16, word: &str) -> bool {
        self.status == status && self.json()["status"] == word
    }
}
