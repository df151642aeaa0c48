//! Entries of `sql`, `redis`, `queue`, `secrets` and `heartbeats`: something that the configuration declares by name, and
//! what may be done with it beyond looking.

use std::fmt;

use crate::is_name;

/// `orders-db`, or `orders-db:write`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedGrant {
    /// The name in the configuration.
    pub name: String,
    /// What follows the colon.
    pub also: Option<String>,
}

impl NamedGrant {
    /// An entry of `sql`: `NAME` reads, `NAME:write` also changes data.
    ///
    /// # Errors
    /// What was wrong and what is allowed.
    pub fn sql(text: &str) -> Result<Self, String> {
        Self::parse("sql", text, "`NAME` or `NAME:write`", |also| also == "write")
    }

    /// An entry of `redis`: `NAME` for the commands that only read, `NAME:COMMAND` for one more, `NAME:*` for all.
    ///
    /// # Errors
    /// As [`Self::sql`].
    pub fn redis(text: &str) -> Result<Self, String> {
        let command = |also: &str| also == "*" || (!also.is_empty() && also.bytes().all(is_command));
        let mut grant = Self::parse("redis", text, "`NAME`, `NAME:COMMAND` or `NAME:*`", command)?;
        grant.also = grant.also.map(|also| also.to_ascii_uppercase());
        Ok(grant)
    }

    /// An entry of `queue`: `NAME` inspects, `NAME:publish` also publishes.
    ///
    /// # Errors
    /// As [`Self::sql`].
    pub fn queue(text: &str) -> Result<Self, String> {
        Self::parse("queue", text, "`NAME` or `NAME:publish`", |also| also == "publish")
    }

    /// An entry of `secrets`: `NAME` is used by the host, `NAME:reveal` is handed out.
    ///
    /// # Errors
    /// As [`Self::sql`].
    pub fn secret(text: &str) -> Result<Self, String> {
        Self::parse("secrets", text, "`NAME` or `NAME:reveal`", |also| also == "reveal")
    }

    /// An entry of `heartbeats`: `NAME`.
    ///
    /// # Errors
    /// As [`Self::sql`].
    pub fn heartbeat(text: &str) -> Result<Self, String> {
        Self::parse("heartbeats", text, "`NAME`", |_| false)
    }

    fn parse(key: &str, text: &str, forms: &str, allowed: impl Fn(&str) -> bool) -> Result<Self, String> {
        let (name, also) = text.split_once(':').map_or((text, None), |(name, also)| (name, Some(also)));
        if !is_name(name) || also.is_some_and(|also| !allowed(also)) {
            return Err(format!("{key} grant `{text}`: write {forms}, with a name of the configuration"));
        }
        Ok(Self { name: name.to_owned(), also: also.map(str::to_owned) })
    }

    /// Whether one of `grants` names `name`.
    #[must_use]
    pub fn any(grants: &[Self], name: &str) -> bool {
        grants.iter().any(|grant| grant.name == name)
    }

    /// Whether one of `grants` allows `also` on `name`.
    #[must_use]
    pub fn any_also(grants: &[Self], name: &str, also: &str) -> bool {
        grants.iter().any(|grant| grant.name == name && grant.also.as_deref() == Some(also))
    }
}

fn is_command(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_')
}

impl fmt::Display for NamedGrant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.also {
            Some(also) => write!(f, "{}:{also}", self.name),
            None => f.write_str(&self.name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // What follows the colon is one of the words of that capability, and nothing else.
    #[test]
    fn permissions_are_words() {
        assert_eq!(NamedGrant::sql("orders-db:write").unwrap().also.as_deref(), Some("write"));
        assert_eq!(NamedGrant::redis("cache:config.get").unwrap().to_string(), "cache:CONFIG.GET");
        assert_eq!(NamedGrant::redis("cache:*").unwrap().also.as_deref(), Some("*"));
        for wrong in ["", "Orders", "db:", "db:read", "db:write:write", ":write", "db: write"] {
            let error = NamedGrant::sql(wrong).unwrap_err();
            assert!(error.contains(&format!("`{wrong}`")) && error.contains("`NAME:write`"), "{error}");
        }
        assert!(NamedGrant::heartbeat("backup:x").is_err() && NamedGrant::secret("key:write").is_err());
    }

    // A permission on one name says nothing about another.
    #[test]
    fn permissions_belong_to_names() {
        let grants = [NamedGrant::sql("a").unwrap(), NamedGrant::sql("b:write").unwrap()];
        assert!(NamedGrant::any(&grants, "a") && NamedGrant::any(&grants, "b") && !NamedGrant::any(&grants, "c"));
        assert!(NamedGrant::any_also(&grants, "b", "write") && !NamedGrant::any_also(&grants, "a", "write"));
    }
}
