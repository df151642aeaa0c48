//! Which commands a grant covers.

use probity_config::Grants;
use probity_config::grants::NamedGrant;
use probity_core::check::Capability;

use crate::{CallError, ErrorKind};

/// Characters of a command's name.
const NAME_BYTES_MAX: usize = 64;

/// Commands that only read, cannot block the server for long on their own account, and show no credentials: what
/// `NAME` allows. Commands with subcommands are written with a dot.
const READING: [&str; 58] = [
    "CLUSTER.INFO",
    "CLUSTER.MYID",
    "COMMAND.COUNT",
    "DBSIZE",
    "ECHO",
    "EXISTS",
    "EXPIRETIME",
    "GET",
    "GETRANGE",
    "HEXISTS",
    "HGET",
    "HGETALL",
    "HKEYS",
    "HLEN",
    "HMGET",
    "HSTRLEN",
    "INFO",
    "LASTSAVE",
    "LATENCY.HISTORY",
    "LATENCY.LATEST",
    "LINDEX",
    "LLEN",
    "LPOS",
    "LRANGE",
    "MEMORY.STATS",
    "MEMORY.USAGE",
    "MGET",
    "OBJECT.ENCODING",
    "OBJECT.FREQ",
    "OBJECT.IDLETIME",
    "OBJECT.REFCOUNT",
    "PEXPIRETIME",
    "PING",
    "PTTL",
    "PUBSUB.NUMPAT",
    "PUBSUB.NUMSUB",
    "ROLE",
    "SCARD",
    "SISMEMBER",
    "SLOWLOG.LEN",
    "SMISMEMBER",
    "STRLEN",
    "TIME",
    "TTL",
    "TYPE",
    "XINFO.CONSUMERS",
    "XINFO.GROUPS",
    "XINFO.STREAM",
    "XLEN",
    "XPENDING",
    "XRANGE",
    "XREVRANGE",
    "ZCARD",
    "ZCOUNT",
    "ZRANGE",
    "ZRANK",
    "ZSCORE",
    "ZREVRANGE",
];

/// Commands that change what the connection is, for whoever gets it next: never allowed.
const SESSION: [&str; 33] = [
    "ASKING",
    "AUTH",
    "CLIENT.CACHING",
    "CLIENT.NO-EVICT",
    "CLIENT.NO-TOUCH",
    "CLIENT.REPLY",
    "CLIENT.SETINFO",
    "CLIENT.SETNAME",
    "CLIENT.TRACKING",
    "DISCARD",
    "EXEC",
    "HELLO",
    "MONITOR",
    "MULTI",
    "PSUBSCRIBE",
    "PSYNC",
    "PUNSUBSCRIBE",
    "QUIT",
    "READONLY",
    "READWRITE",
    "REPLCONF",
    "RESET",
    "SCRIPT.DEBUG",
    "SELECT",
    "SSUBSCRIBE",
    "SUBSCRIBE",
    "SUNSUBSCRIBE",
    "SYNC",
    "UNSUBSCRIBE",
    "UNWATCH",
    "WATCH",
    "CLIENT",
    "SCRIPT",
];

/// Commands whose first argument says what they do.
const CONTAINERS: [&str; 17] = [
    "ACL", "CLIENT", "CLUSTER", "COMMAND", "CONFIG", "DEBUG", "FUNCTION", "LATENCY", "MEMORY", "MODULE", "OBJECT",
    "PUBSUB", "SCRIPT", "SENTINEL", "SLOWLOG", "XGROUP", "XINFO",
];

/// A command that is allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allowed {
    /// Whether it only reads, so that it may be sent again when the connection turns out to be dead.
    pub reads: bool,
}

/// The name as grants write it: `GET`, `CONFIG.GET`.
///
/// # Errors
/// `invalid-argument` for what is no command's name.
pub fn full_name(name: &str, args: &[Vec<u8>]) -> Result<String, CallError> {
    let is_word = |word: &[u8]| {
        (1..=NAME_BYTES_MAX).contains(&word.len())
            && word.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'))
    };
    if !is_word(name.as_bytes()) {
        let shown: String = name.chars().take(NAME_BYTES_MAX).collect();
        let message = format!("`{}` is no command: write one word, and the rest as arguments", shown.escape_debug());
        return Err(CallError::new(ErrorKind::InvalidArgument, message));
    }
    let name = name.to_ascii_uppercase();
    match args.first() {
        Some(sub) if CONTAINERS.contains(&name.as_str()) && is_word(sub) => {
            Ok(format!("{name}.{}", String::from_utf8_lossy(sub).to_ascii_uppercase()))
        }
        _ => Ok(name),
    }
}

/// Whether `grants` allow the command of this full name on the connection.
///
/// # Errors
/// `denied`, with the line to add where there is one.
pub fn check(grants: &Grants, connection: &str, full: &str) -> Result<Allowed, CallError> {
    if SESSION.contains(&full) {
        let message = format!("{full} changes the connection itself, which checks share: no grant allows it");
        return Err(CallError::new(ErrorKind::Denied, message));
    }
    let reads = READING.contains(&full);
    let container = full.split_once('.').map(|(container, _)| container).filter(|name| CONTAINERS.contains(name));
    let also = |what| NamedGrant::any_also(&grants.redis, connection, what);
    if reads || also("*") || also(full) || container.is_some_and(also) {
        return Ok(Allowed { reads });
    }
    let line = Grants::line_for(Capability::Redis, &format!("{connection}:{full}"));
    let message = format!("{full} is not among the commands that only read; to allow it, add: {line}");
    Err(CallError::new(ErrorKind::Denied, message))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(grant: &str, command: &str) -> Result<bool, String> {
        let grants = Grants { redis: vec![NamedGrant::redis(grant).unwrap()], ..Grants::default() };
        let mut words = command.split(' ');
        let name = words.next().unwrap_or_default();
        let args: Vec<Vec<u8>> = words.map(|word| word.as_bytes().to_vec()).collect();
        let full = full_name(name, &args).map_err(|error| error.message)?;
        check(&grants, "cache", &full).map(|allowed| allowed.reads).map_err(|error| error.message)
    }

    // A bare grant reads, in whatever case the command is written; nothing else.
    #[test]
    fn bare_grants_read() {
        for command in ["GET k", "get k", "INFO", "memory usage k", "XINFO GROUPS s", "Cluster Info"] {
            assert_eq!(verdict("cache", command), Ok(true), "{command}");
        }
        for command in
            ["SET k v", "CONFIG GET *", "KEYS *", "MEMORY PURGE", "CLIENT LIST", "EVAL x 0", "CLUSTER", "DEL k"]
        {
            assert!(verdict("cache", command).unwrap_err().contains("to allow it, add"), "{command}");
        }
        assert!(verdict("cache", "CONFIG GET *").unwrap_err().ends_with("grants = { redis = [\"cache:CONFIG.GET\"] }"));
    }

    // A grant of one command is of that one; of a command with subcommands, of all of them.
    #[test]
    fn commands_are_granted_one_by_one() {
        assert_eq!(verdict("cache:set", "SET k v"), Ok(false));
        assert_eq!(verdict("cache:config.get", "CONFIG GET maxmemory"), Ok(false));
        assert_eq!(verdict("cache:config", "CONFIG SET a b"), Ok(false));
        assert_eq!(verdict("cache:*", "FT.SEARCH i q"), Ok(false));
        assert!(verdict("cache:config.get", "CONFIG SET a b").is_err());
        assert!(verdict("other:*", "SET k v").is_err());
    }

    // What changes the session is not allowed by any grant.
    #[test]
    fn sessions_stay_as_they_are() {
        for command in [
            "AUTH x",
            "hello 3",
            "SELECT 1",
            "MULTI",
            "SUBSCRIBE c",
            "MONITOR",
            "CLIENT REPLY OFF",
            "client tracking on",
        ] {
            let error = verdict("cache:*", command).unwrap_err();
            assert!(error.ends_with("no grant allows it"), "{error}");
        }
    }

    // A name with blanks or line breaks is refused before it is compared.
    #[test]
    fn names_are_words() {
        for name in ["", "GET\r\nSET", "CLIENT\tREPLY", "ÄUTH"] {
            assert_eq!(full_name(name, &[]).unwrap_err().kind, ErrorKind::InvalidArgument, "{name:?}");
        }
    }
}
