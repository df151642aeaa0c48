//! What is wrong with a configuration, told the way rustc does: what, where, the line, what to do.
//!
//! No secret value gets into an [`Error`]: messages quote text as typed, lines are masked, and all of it is redacted
//! with the secrets known by then.

use std::fmt;
use std::path::Path;

use serde::Serialize;

use super::secrets::Secrets;
use super::source::{Place, Quote, Source};

/// Everything that is wrong, in the order of the files. Never empty.
#[derive(Clone, Debug, Serialize)]
#[serde(transparent)]
pub struct Errors(Vec<Error>);

/// One thing that is wrong.
#[derive(Clone, Debug, Serialize)]
pub struct Error {
    /// The file, as it was named to the host; empty when no file is at fault.
    pub file: String,
    /// Line, from 1; none when the file as a whole is meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// Column in characters, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<u32>,
    /// What is wrong and what is allowed; lower case, no full stop.
    pub message: String,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
    /// A second place that belongs to it: `probity.toml:3:8: first declared here`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub also: Option<String>,
    #[serde(skip)]
    quote: Option<Quote>,
}

impl Error {
    /// Something wrong with a whole file.
    pub fn of_file(path: &Path, message: String) -> Self {
        let file = path.display().to_string();
        Self { file, line: None, column: None, message, help: None, also: None, quote: None }
    }

    /// With what to do about it.
    pub fn with_help(self, help: &str) -> Self {
        Self { help: Some(help.to_owned()), ..self }
    }
}

impl Errors {
    /// Errors kept; a file with more has one cause that the first hundred show.
    pub const MAX: usize = 100;

    /// Takes what is wrong with files as a whole, at least one thing.
    pub(super) fn of_files(errors: Vec<Error>) -> Self {
        Self(errors)
    }

    /// One thing that is wrong at a stretch of a file that is no configuration.
    pub fn at(source: &Source, span: std::ops::Range<usize>, message: &str, help: Option<String>) -> Self {
        let fault = Fault::at(Place { source: 0, start: span.start, end: span.end }, message);
        let fault = Fault { help, ..fault };
        Self::render(vec![fault], std::slice::from_ref(source), &Secrets::default())
    }

    /// Renders faults against their sources and takes the secrets out.
    pub(super) fn render(mut faults: Vec<Fault>, sources: &[Source], secrets: &Secrets) -> Self {
        faults.sort_by_key(|fault| fault.place);
        faults.dedup();
        let dropped = faults.len().saturating_sub(Self::MAX);
        let mut errors: Vec<Error> =
            faults.into_iter().take(Self::MAX).map(|fault| fault.render(sources, secrets)).collect();
        if dropped > 0 {
            let message = format!("{dropped} further errors are not shown");
            errors.push(Error::of_file(Path::new(""), message));
        }
        Self(errors)
    }

    /// The errors, in the order of the files.
    pub fn iter(&self) -> std::slice::Iter<'_, Error> {
        self.0.iter()
    }

    /// How many there are, at least one.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "never empty")]
    pub fn len(&self) -> usize {
        self.0.len()
    }
}

impl<'a> IntoIterator for &'a Errors {
    type Item = &'a Error;
    type IntoIter = std::slice::Iter<'a, Error>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl From<Error> for Errors {
    fn from(error: Error) -> Self {
        Self(vec![error])
    }
}

impl IntoIterator for Errors {
    type Item = Error;
    type IntoIter = std::vec::IntoIter<Error>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl std::error::Error for Errors {}
impl std::error::Error for Error {}

impl fmt::Display for Errors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n\n")?;
            }
            error.fmt(f)?;
        }
        Ok(())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}", self.message)?;
        let gutter = self.line.map_or(0, |line| line.to_string().len());
        match (self.line, self.column) {
            (Some(line), Some(column)) => write!(f, "\n{:gutter$}--> {}:{line}:{column}", "", self.file)?,
            _ if !self.file.is_empty() => write!(f, "\n --> {}", self.file)?,
            _ => {}
        }
        if let (Some(line), Some(quote)) = (self.line, &self.quote) {
            write!(f, "\n{:gutter$} |\n{line} | {}", "", quote.text)?;
            write!(f, "\n{:gutter$} | {:column$}{:^<width$}", "", "", "", column = quote.column, width = quote.width)?;
        }
        if let Some(also) = &self.also {
            write!(f, "\n{:gutter$}::: {also}", "")?;
        }
        if let Some(help) = &self.help {
            write!(f, "\nhelp: {help}")?;
        }
        Ok(())
    }
}

/// An error before rendering.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    place: Option<Place>,
    message: String,
    help: Option<String>,
    also: Option<(Place, String)>,
}

impl Fault {
    /// `message` about `place`.
    pub(super) fn at(place: impl Into<Option<Place>>, message: impl Into<String>) -> Self {
        Self { place: place.into(), message: message.into(), help: None, also: None }
    }

    /// What to do about it.
    pub(super) fn help(self, help: impl Into<String>) -> Self {
        Self { help: Some(help.into()), ..self }
    }

    /// A second place that belongs to it.
    pub(super) fn also(self, place: Place, what: impl Into<String>) -> Self {
        Self { also: Some((place, what.into())), ..self }
    }

    fn render(self, sources: &[Source], secrets: &Secrets) -> Error {
        let redact = |text: String| secrets.redact(&text).into_owned();
        let place = self.place.and_then(|place| Some((place, sources.get(place.source)?)));
        let position = place.map(|(place, source)| source.position(place.start));
        Error {
            file: place.map(|(_, source)| source.path.display().to_string()).unwrap_or_default(),
            line: position.map(|(line, _)| line),
            column: position.map(|(_, column)| column),
            message: redact(self.message),
            help: self.help.map(redact),
            also: self.also.and_then(|(place, what)| {
                let source = sources.get(place.source)?;
                let (line, column) = source.position(place.start);
                Some(redact(format!("{}:{line}:{column}: {what}", source.path.display())))
            }),
            quote: place.map(|(place, source)| {
                let quote = source.quote(&place);
                Quote { text: secrets.star(&quote.text), ..quote }
            }),
        }
    }
}

/// `did you mean …?` when one of `allowed` is near to what was typed.
pub fn nearest<'a>(typed: &str, allowed: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let folded = typed.to_lowercase().replace('_', "-");
    allowed
        .into_iter()
        .map(|word| (strsim::damerau_levenshtein(&folded, word), word))
        .filter(|(distance, word)| {
            *distance <= (word.len() / 3).max(1) || word.starts_with(&folded) && folded.len() > 2
        })
        .min()
        .map(|(_, word)| word)
}

/// `` `a`, `b`, `c` ``
pub(super) fn listed<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    words.into_iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}
