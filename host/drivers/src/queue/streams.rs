//! Lists and streams of Redis.

use std::time::Instant;

use probity_config::QueueSource;

use super::Stats;
use crate::redis::RedisClient;
use crate::redis::resp::{Caps, Token};
use crate::{CallError, ErrorKind};

/// Parts of one reply.
const TOKENS_MAX: usize = 20_000;

pub(super) async fn inspect(
    redis: &RedisClient,
    connection: &str,
    source: &QueueSource,
    bytes_max: u64,
    deadline: Instant,
) -> Result<Stats, CallError> {
    let caps = Caps { bytes: bytes_max, tokens: TOKENS_MAX };
    let mut lease = redis.lease(connection, deadline).await?;
    let mut ask = async |words: &[&[u8]]| lease.run(words, true, caps, deadline).await;
    match source {
        QueueSource::RedisList { key } => {
            let length = ask(&[b"LLEN", key.as_bytes()]).await?;
            Ok(Stats { depth: length.first().and_then(Token::as_u64), ..Stats::default() })
        }
        QueueSource::RedisStream { key, group: None } => {
            let length = ask(&[b"XLEN", key.as_bytes()]).await?;
            let first = ask(&[b"XRANGE", key.as_bytes(), b"-", b"+", b"COUNT", b"1"]).await?;
            let now = ask(&[b"TIME"]).await?;
            let depth = length.first().and_then(Token::as_u64);
            Ok(Stats { depth, oldest_age_ms: age(&now, &first), ..Stats::default() })
        }
        QueueSource::RedisStream { key, group: Some(group) } => {
            let groups = ask(&[b"XINFO", b"GROUPS", key.as_bytes()]).await?;
            let Some(fields) = group_fields(&groups, group) else {
                let message = format!("stream `{key}` has no group `{group}`");
                return Err(CallError::new(ErrorKind::Remote, message).with_code("NOGROUP"));
            };
            // `(` means after: what the group has not been given yet.
            let after = format!("({}", fields.last_delivered.as_deref().unwrap_or("0-0"));
            let next = ask(&[b"XRANGE", key.as_bytes(), after.as_bytes(), b"+", b"COUNT", b"1"]).await?;
            let now = ask(&[b"TIME"]).await?;
            let consumers = fields.consumers.and_then(|count| u32::try_from(count).ok());
            let oldest_age_ms = age(&now, &next);
            // Servers before 7.0 do not count the lag; that nothing is left they tell all the same.
            let lag = fields.lag.or_else(|| (next == [Token::Array(0)]).then_some(0));
            Ok(Stats { depth: lag, in_flight: fields.pending, consumers, oldest_age_ms, lag })
        }
        QueueSource::Amqp { .. } | QueueSource::JetStream { .. } => Err(mismatch()),
    }
}

pub(super) async fn publish(
    redis: &RedisClient,
    connection: &str,
    source: &QueueSource,
    payload: &[u8],
    deadline: Instant,
) -> Result<(), CallError> {
    let words: [&[u8]; 5] = match source {
        QueueSource::RedisList { key } => [b"RPUSH", key.as_bytes(), payload, b"", b""],
        QueueSource::RedisStream { key, .. } => [b"XADD", key.as_bytes(), b"*", b"payload", payload],
        QueueSource::Amqp { .. } | QueueSource::JetStream { .. } => return Err(mismatch()),
    };
    let count = if matches!(source, QueueSource::RedisList { .. }) { 3 } else { 5 };
    let mut lease = redis.lease(connection, deadline).await?;
    lease.run(&words[..count], false, Caps { bytes: 1 << 10, tokens: 4 }, deadline).await.map(|_| ())
}

fn mismatch() -> CallError {
    CallError::new(ErrorKind::Other, "the queue is not one of Redis")
}

/// What a server says of one group.
#[derive(Debug, Default, PartialEq, Eq)]
struct GroupFields {
    consumers: Option<u64>,
    pending: Option<u64>,
    last_delivered: Option<String>,
    lag: Option<u64>,
}

/// The fields of `group` in a reply to `XINFO GROUPS`: an array of maps, in the older protocol of arrays.
fn group_fields(reply: &[Token], group: &str) -> Option<GroupFields> {
    let (Token::Array(_), mut rest) = reply.split_first()? else { return None };
    while let Some((head, after)) = rest.split_first() {
        let items = match head {
            Token::Map(pairs) => *pairs as usize * 2,
            Token::Array(items) => *items as usize,
            _ => return None,
        };
        let items = after.get(..items)?;
        rest = &after[items.len()..];
        let get = |name: &str| items.chunks_exact(2).find(|pair| pair[0].as_text() == Some(name)).map(|pair| &pair[1]);
        if get("name").and_then(Token::as_text) == Some(group) {
            return Some(GroupFields {
                consumers: get("consumers").and_then(Token::as_u64),
                pending: get("pending").and_then(Token::as_u64),
                last_delivered: get("last-delivered-id").and_then(Token::as_text).map(str::to_owned),
                lag: get("lag").and_then(Token::as_u64),
            });
        }
    }
    None
}

/// From the first entry of a reply to `XRANGE` to the server's `TIME`, in milliseconds: both by the server's clock.
fn age(now: &[Token], entries: &[Token]) -> Option<u64> {
    // Array of entries, array of an entry, its id.
    let id = entries.get(2)?.as_text()?;
    let added_ms: u64 = id.split('-').next()?.parse().ok()?;
    let (seconds, micros) = (now.get(1)?.as_u64()?, now.get(2)?.as_u64()?);
    Some((seconds * 1_000 + micros / 1_000).saturating_sub(added_ms))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bulk(text: &str) -> Token {
        Token::Bulk(text.as_bytes().to_vec())
    }

    // A group is found by its name, in either version of the protocol.
    #[test]
    fn groups_are_found() {
        let fields = |name: &str, lag: Token| {
            [bulk("name"), bulk(name), bulk("consumers"), Token::Integer(2), bulk("pending"), Token::Integer(3)]
                .into_iter()
                .chain([bulk("last-delivered-id"), bulk("5-1"), bulk("lag"), lag])
        };
        let maps: Vec<Token> = [Token::Array(2), Token::Map(5)]
            .into_iter()
            .chain(fields("a", Token::Integer(9)))
            .chain([Token::Array(10)])
            .chain(fields("b", Token::Nil))
            .collect();
        let expected =
            GroupFields { consumers: Some(2), pending: Some(3), last_delivered: Some("5-1".into()), lag: Some(9) };
        assert_eq!(group_fields(&maps, "a"), Some(expected));
        assert_eq!(group_fields(&maps, "b").unwrap().lag, None);
        assert_eq!(group_fields(&maps, "c"), None);
        assert_eq!(group_fields(&[Token::Array(1), Token::Map(9)], "a"), None);
    }

    // Ages are by the server's own clock; an empty stream has none.
    #[test]
    fn ages_are_the_servers() {
        let now = [Token::Array(2), bulk("1700000000"), bulk("500000")];
        let entries = [Token::Array(1), Token::Array(2), bulk("1699999999000-0"), Token::Array(0)];
        assert_eq!(age(&now, &entries), Some(1_500));
        assert_eq!(age(&now, &[Token::Array(0)]), None);
    }
}
