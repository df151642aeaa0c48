//! Free ports in place of those that documents show: who follows them here disturbs nobody, and nobody disturbs him.

use std::net::TcpListener;

use anyhow::{Context, Result};

/// The ports of a document, and those that are used for them.
#[derive(Clone, Debug)]
pub(crate) struct Ports(Vec<(u16, u16)>);

impl Ports {
    /// Takes a free port for each of those that are shown.
    pub(crate) fn free(shown: &[u16]) -> Result<Self> {
        let held: Result<Vec<_>> = shown.iter().map(|shown| Ok((*shown, held()?))).collect();
        // Let go only when all are there, so that none is given twice.
        let pairs: Result<Vec<_>> = held?
            .into_iter()
            .map(|(shown, held)| Ok((shown, held.local_addr().context("a free port")?.port())))
            .collect();
        Ok(Self(pairs?))
    }

    /// What is used for the port that is shown.
    pub(crate) fn used(&self, shown: u16) -> u16 {
        self.0.iter().find(|(one, _)| *one == shown).map_or(shown, |(_, used)| *used)
    }

    /// `text` of a document with the ports that are used.
    pub(crate) fn to_used(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, (shown, used)| replace(&text, *shown, *used))
    }

    /// What came out, with the ports that the document shows.
    pub(crate) fn to_shown(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, (shown, used)| replace(&text, *used, *shown))
    }
}

fn held() -> Result<TcpListener> {
    TcpListener::bind("127.0.0.1:0").context("find a free port")
}

/// Replaces a number where it is one: not within a word, a digest or a longer number.
fn replace(text: &str, from: u16, to: u16) -> String {
    let from = from.to_string();
    let in_number = |c: char| c.is_alphanumeric() || c == ',' || c == '_';
    let mut new = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(&from) {
        let (head, tail) = (&rest[..at], &rest[at + from.len()..]);
        let before = head.chars().next_back().or_else(|| new.chars().next_back());
        let is_port = matches!(before, None | Some(':' | ' ' | '\n')) && !tail.starts_with(in_number);
        new.push_str(head);
        new.push_str(if is_port { "" } else { &from });
        if is_port {
            new.push_str(&to.to_string());
        }
        rest = tail;
    }
    new + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    // A port becomes another one and back; a number that is none stays.
    #[test]
    fn ports_are_replaced_and_numbers_are_not() {
        let shown =
            "curl http://127.0.0.1:18080/x; python3 -m http.server 18080 --bind; a18080 118080 18080,1 18080f 1.18080";
        let used = replace(shown, 18080, 41234);
        assert_eq!(
            used,
            "curl http://127.0.0.1:41234/x; python3 -m http.server 41234 --bind; a18080 118080 18080,1 18080f 1.18080"
        );
        assert_eq!(replace(&used, 41234, 18080), shown);
        assert_eq!(replace("18080", 18080, 1), "1");
    }

    // Every port that is shown gets one of its own.
    #[test]
    fn free_ports_are_all_different() {
        let ports = Ports::free(&[8080, 9000]).unwrap();
        assert_ne!(ports.used(8080), ports.used(9000));
        assert_eq!(ports.to_shown(&ports.to_used("a:8080 b:9000")), "a:8080 b:9000");
        assert_eq!(ports.used(1), 1);
    }
}
