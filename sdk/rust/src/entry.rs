//! From the contract's entry points to a [`Check`].

use serde::de::Error as _;

use crate::{Check, Failure, Metadata, Outcome};

/// [`Check::describe`], with the panic hook in place.
pub fn describe<C: Check>() -> Metadata {
    log_panics();
    C::describe()
}

/// Parses `config` and runs the check.
///
/// # Errors
/// [`Failure::InvalidConfig`] with the path of the value that does not fit;
/// otherwise what the check returned.
pub fn run<C: Check>(config: &str) -> Result<Outcome, Failure> {
    log_panics();
    C::run(&parse(config)?)
}

/// Parses a configuration document; nothing at all counts as an empty table.
pub(crate) fn parse<T: serde::de::DeserializeOwned>(config: &str) -> Result<T, Failure> {
    let config = if config.trim().is_empty() { "{}" } else { config };
    let mut json = serde_json::Deserializer::from_str(config);
    serde_path_to_error::deserialize(&mut json)
        .and_then(|value| {
            let end =
                json.end().map_err(|error| serde_json::Error::custom(format_args!("not one JSON document: {error}")));
            end.map(|()| value).map_err(|error| serde_path_to_error::Error::new(root(), error))
        })
        .map_err(|error| Failure::invalid_config(&pointer(error.path()), reason(error.inner())))
}

fn root() -> serde_path_to_error::Path {
    serde_path_to_error::Track::new().path()
}

/// `thresholds.warn[2]` as the JSON pointer `/thresholds/warn/2`.
fn pointer(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    let mut pointer = String::new();
    for segment in path {
        match segment {
            Segment::Seq { index } => pointer.push_str(&format!("/{index}")),
            Segment::Map { key } => pointer.push_str(&format!("/{}", key.replace('~', "~0").replace('/', "~1"))),
            Segment::Enum { variant } => pointer.push_str(&format!("/{variant}")),
            Segment::Unknown => {}
        }
    }
    if pointer.is_empty() { "/".to_owned() } else { pointer }
}

/// The parser's reason without its line and column: the document was made by
/// the host, so they would point into a text that nobody wrote.
fn reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.rfind(" at line ") {
        Some(end) => text[..end].to_owned(),
        None => text,
    }
}

/// Logs a panic's message before it ends the run: on a target without standard
/// error the host would see a trap and no reason.
#[cfg(target_arch = "wasm32")]
fn log_panics() {
    std::panic::set_hook(Box::new(|info| crate::log::error(&info.to_string())));
}

/// Natively the test runner shows panics.
#[cfg(not(target_arch = "wasm32"))]
fn log_panics() {}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Inner {
        warn: f64,
    }

    #[derive(Debug, Default, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields, default)]
    struct Config {
        targets: Vec<Inner>,
    }

    fn refused(config: &str) -> String {
        parse::<Config>(config).unwrap_err().to_string()
    }

    // A value of the wrong type is named by its path.
    #[test]
    fn wrong_type_is_named_by_path() {
        let text = refused(r#"{"targets":[{"warn":1},{"warn":"x"}]}"#);
        assert_eq!(text, "invalid config: at /targets/1/warn: invalid type: string \"x\", expected f64");
    }

    // An unknown key is named, with what was allowed.
    #[test]
    fn unknown_key_is_named() {
        let text = refused(r#"{"target":[]}"#);
        assert!(text.contains("unknown field `target`, expected `targets`"), "{text}");
    }

    // What is not JSON, or more than one document, is invalid configuration too.
    #[test]
    fn broken_documents_are_refused() {
        assert!(refused("{").starts_with("invalid config: at /: EOF"));
        assert!(refused("{} {}").contains("not one JSON document"));
    }

    // No document at all is an empty table: every key then has its default.
    #[test]
    fn nothing_is_an_empty_table() {
        assert_eq!(parse::<Config>("").unwrap(), Config::default());
    }
}
