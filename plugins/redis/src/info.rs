//! The answer to `INFO`: lines of `field:value`, sections between them.

use std::collections::BTreeMap;

use probity_check::redis::Reply;
use probity_check::{Error, ErrorKind};

/// Its fields; none where it was refused.
#[derive(Default)]
pub(crate) struct Info(BTreeMap<String, String>);

impl Info {
    /// Reads it; `protocol` when the reply is no text.
    pub(crate) fn parse(reply: &Reply) -> Result<Self, Error> {
        let text = reply.as_text().ok_or_else(|| Error::new(ErrorKind::Protocol, "the reply to INFO is no text"))?;
        let fields = text.lines().filter_map(|line| line.trim_end().split_once(':'));
        Ok(Self(fields.map(|(field, value)| (field.to_owned(), value.to_owned())).collect()))
    }

    pub(crate) fn text(&self, field: &str) -> Option<&str> {
        self.0.get(field).map(String::as_str)
    }

    pub(crate) fn number(&self, field: &str) -> Option<f64> {
        self.text(field)?.parse().ok()
    }

    /// The lag, in seconds, of each replica that is online; none where it is not told.
    pub(crate) fn replicas(&self) -> Vec<Option<f64>> {
        let replicas = self.0.iter().filter(|(field, _)| {
            field.strip_prefix("slave").is_some_and(|index| index.bytes().all(|byte| byte.is_ascii_digit()))
        });
        let value = |text: &str, name: &str| {
            text.split(',')
                .filter_map(|part| part.split_once('='))
                .find(|(key, _)| *key == name)
                .map(|(_, value)| value.to_owned())
        };
        replicas
            .filter(|(_, text)| value(text, "state").is_some_and(|state| state == "online"))
            .map(|(_, text)| value(text, "lag")?.parse().ok())
            .collect()
    }
}
