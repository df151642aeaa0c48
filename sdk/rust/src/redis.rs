//! Redis and Valkey through a connection that the host's configuration
//! declares. Address and credentials stay in the host.

use std::borrow::Cow;

use crate::{Error, ErrorKind, host};

/// A connection of the host; it is given back when dropped.
#[derive(Debug)]
pub struct Connection(host::RedisConnection);

impl Connection {
    /// Takes the connection `name`.
    ///
    /// # Errors
    /// `denied` without a grant, `not-found` for a name that is not declared;
    /// refused, timeout, tls, dns, unreachable, auth when there is no connection.
    pub fn open(name: &str) -> Result<Self, Error> {
        host::RedisConnection::open(name).map(Self)
    }

    /// The time of one `PING`, in milliseconds.
    ///
    /// # Errors
    /// An [`Error`] when the server does not answer, or with an error.
    pub fn ping(&self) -> Result<f64, Error> {
        self.0.ping()
    }

    /// Sends a command: `command("HGET", &["orders", "open"])`. Without a further
    /// grant only commands that read are allowed.
    ///
    /// # Errors
    /// `denied` for a command that is not granted; `remote` with the error's
    /// prefix as code when the server answers with one; otherwise as
    /// [`Connection::open`].
    pub fn command<A: AsRef<[u8]>>(&self, name: &str, args: &[A]) -> Result<Reply, Error> {
        let args: Vec<Vec<u8>> = args.iter().map(|arg| arg.as_ref().to_vec()).collect();
        let mut tokens = self.0.command(name, &args)?.into_iter();
        let reply = build(&mut tokens).filter(|_| tokens.next().is_none());
        reply.ok_or_else(|| Error::new(ErrorKind::Protocol, format!("the reply to {name} is incomplete")))
    }
}

/// A part of a reply as the contract carries it: containers announce how many
/// items follow.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Token {
    Nil,
    Integer(i64),
    Double(f64),
    Boolean(bool),
    Simple(String),
    Bulk(Vec<u8>),
    Error(String),
    Array(u32),
    Map(u32),
}

/// What a server answered.
#[derive(Clone, Debug, PartialEq)]
pub enum Reply {
    /// There is nothing.
    Nil,
    /// A whole number.
    Integer(i64),
    /// A number.
    Double(f64),
    /// True or false.
    Boolean(bool),
    /// A word of the protocol: `OK`.
    Simple(String),
    /// Bytes, most often text.
    Bulk(Vec<u8>),
    /// An error inside a container; one in place of the reply is an [`Error`].
    Error(String),
    /// Several replies.
    Array(Vec<Reply>),
    /// Pairs of key and value.
    Map(Vec<(Reply, Reply)>),
}

impl Reply {
    /// A [`Reply::Bulk`] of this text.
    pub fn bulk(text: &str) -> Self {
        Self::Bulk(text.as_bytes().to_vec())
    }

    /// The text of a word or of bytes.
    pub fn as_text(&self) -> Option<Cow<'_, str>> {
        match self {
            Self::Simple(text) => Some(Cow::Borrowed(text)),
            Self::Bulk(bytes) => Some(String::from_utf8_lossy(bytes)),
            _ => None,
        }
    }

    /// A whole number, also one that came as text.
    pub fn as_integer(&self) -> Option<i64> {
        match self {
            Self::Integer(value) => Some(*value),
            _ => self.as_text()?.trim().parse().ok(),
        }
    }

    /// The items of an array; none of anything else.
    pub fn items(&self) -> &[Self] {
        match self {
            Self::Array(items) => items,
            _ => &[],
        }
    }

    /// Keys and values of a map, also of one that came as an array in which
    /// they take turns, as servers before Redis 6 send it.
    pub fn pairs(&self) -> Vec<(&Self, &Self)> {
        match self {
            Self::Map(pairs) => pairs.iter().map(|(key, value)| (key, value)).collect(),
            Self::Array(items) => items.chunks_exact(2).map(|pair| (&pair[0], &pair[1])).collect(),
            _ => Vec::new(),
        }
    }

    /// The value of `key` among [`Reply::pairs`].
    pub fn get(&self, key: &str) -> Option<&Self> {
        let found = self.pairs().into_iter().find(|(name, _)| name.as_text().is_some_and(|name| name == key));
        found.map(|(_, value)| value)
    }
}

/// How deep replies nest; the host cuts off far earlier.
const DEPTH_MAX: usize = 64;

fn build(tokens: &mut impl Iterator<Item = Token>) -> Option<Reply> {
    fn nested(tokens: &mut impl Iterator<Item = Token>, depth: usize) -> Option<Reply> {
        let next = |tokens: &mut _| if depth == 0 { None } else { nested(tokens, depth - 1) };
        Some(match tokens.next()? {
            Token::Nil => Reply::Nil,
            Token::Integer(value) => Reply::Integer(value),
            Token::Double(value) => Reply::Double(value),
            Token::Boolean(value) => Reply::Boolean(value),
            Token::Simple(text) => Reply::Simple(text),
            Token::Bulk(bytes) => Reply::Bulk(bytes),
            Token::Error(text) => Reply::Error(text),
            Token::Array(count) => Reply::Array((0..count).map(|_| next(tokens)).collect::<Option<_>>()?),
            Token::Map(count) => {
                Reply::Map((0..count).map(|_| Some((next(tokens)?, next(tokens)?))).collect::<Option<_>>()?)
            }
        })
    }
    nested(tokens, DEPTH_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    // Containers take as many of the following tokens as they announce.
    #[test]
    fn tokens_become_a_tree() {
        let tokens = [Token::Map(1), Token::Bulk(b"a".to_vec()), Token::Array(2), Token::Integer(1), Token::Nil];
        let reply = build(&mut tokens.into_iter()).unwrap();
        assert_eq!(reply.get("a"), Some(&Reply::Array(vec![Reply::Integer(1), Reply::Nil])));
        assert_eq!(build(&mut [Token::Array(2), Token::Nil].into_iter()), None);
    }

    // A map reads the same in either version of the protocol.
    #[test]
    fn arrays_of_turns_are_maps() {
        let array = Reply::Array(vec![Reply::bulk("lag"), Reply::bulk("7")]);
        assert_eq!(array.get("lag").and_then(Reply::as_integer), Some(7));
    }
}
