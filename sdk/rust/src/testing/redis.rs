//! The fake of `redis`: commands with the replies they get.

use super::{TestHost, host};
use crate::redis::{Reply, Token};
use crate::{Error, ErrorKind};

/// What a fake connection answers.
#[derive(Clone, Debug, Default)]
pub(crate) struct FakeRedis {
    /// Fails `open`.
    refuses: Option<Error>,
    ping_ms: f64,
    replies: Vec<(String, Result<Reply, Error>)>,
}

impl TestHost {
    /// Declares a connection whose round trips take `ping_ms`; others are `not-found`.
    #[must_use]
    pub fn redis(self, connection: &str, ping_ms: f64) -> Self {
        self.redis_with(connection, |redis| redis.ping_ms = ping_ms)
    }

    /// Answers a command, written with its arguments as in `"GET jobs:last"`, with `reply`; others are `remote` errors.
    #[must_use]
    pub fn redis_reply(self, connection: &str, command: &str, reply: Reply) -> Self {
        self.redis_with(connection, |redis| redis.replies.push((command.to_owned(), Ok(reply))))
    }

    /// Fails a command with `error`.
    #[must_use]
    pub fn redis_command_error(self, connection: &str, command: &str, error: Error) -> Self {
        self.redis_with(connection, |redis| redis.replies.push((command.to_owned(), Err(error))))
    }

    /// Fails opening the connection with `error`.
    #[must_use]
    pub fn redis_error(self, connection: &str, error: Error) -> Self {
        self.redis_with(connection, |redis| redis.refuses = Some(error))
    }

    fn redis_with(self, connection: &str, change: impl FnOnce(&mut FakeRedis)) -> Self {
        self.with(|fake| change(fake.redis.entry(connection.to_owned()).or_default()))
    }
}

/// An open fake connection.
#[derive(Debug)]
pub(crate) struct RedisConnection(FakeRedis);

impl RedisConnection {
    pub(crate) fn open(name: &str) -> Result<Self, Error> {
        let missing = || Error::new(ErrorKind::NotFound, format!("the test host has no connection {name:?}"));
        let redis = host::fake(|fake| fake.redis.get(name).cloned()).ok_or_else(missing)?;
        redis.refuses.clone().map_or(Ok(Self(redis)), Err)
    }

    #[expect(clippy::unnecessary_wraps, reason = "the signature of the component side")]
    pub(crate) fn ping(&self) -> Result<f64, Error> {
        Ok(self.0.ping_ms)
    }

    pub(crate) fn command(&self, name: &str, args: &[Vec<u8>]) -> Result<Vec<Token>, Error> {
        let words = args.iter().map(|arg| String::from_utf8_lossy(arg));
        let line = words.fold(name.to_owned(), |line, word| line + " " + &word);
        let found = self.0.replies.iter().find(|(command, _)| *command == line);
        let Some((_, reply)) = found else {
            return Err(Error {
                kind: ErrorKind::Remote,
                message: format!("the test host has no reply to {line:?}"),
                code: Some("ERR".to_owned()),
            });
        };
        let mut tokens = Vec::new();
        flatten(&reply.clone()?, &mut tokens);
        Ok(tokens)
    }
}

fn flatten(reply: &Reply, tokens: &mut Vec<Token>) {
    let count = |items: usize| u32::try_from(items).expect("replies of tests are small");
    match reply {
        Reply::Nil => tokens.push(Token::Nil),
        Reply::Integer(value) => tokens.push(Token::Integer(*value)),
        Reply::Double(value) => tokens.push(Token::Double(*value)),
        Reply::Boolean(value) => tokens.push(Token::Boolean(*value)),
        Reply::Simple(text) => tokens.push(Token::Simple(text.clone())),
        Reply::Bulk(bytes) => tokens.push(Token::Bulk(bytes.clone())),
        Reply::Error(text) => tokens.push(Token::Error(text.clone())),
        Reply::Array(items) => {
            tokens.push(Token::Array(count(items.len())));
            items.iter().for_each(|item| flatten(item, tokens));
        }
        Reply::Map(pairs) => {
            tokens.push(Token::Map(count(pairs.len())));
            for (key, value) in pairs {
                flatten(key, tokens);
                flatten(value, tokens);
            }
        }
    }
}
