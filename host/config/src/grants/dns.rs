//! Entries of `dns`.

use std::fmt;

use crate::is_name;

/// One entry of `dns`: which names may be asked for, and of whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DnsGrant {
    /// `example.org`: this name.
    Name(String),
    /// `*.example.org`: names below; `*`: every name.
    Below(String),
    /// `resolver:internal`: this resolver of the configuration, beside the host's own.
    Resolver(String),
}

/// Characters of a name in the domain name system.
const NAME_CHARS_MAX: usize = 253;

impl DnsGrant {
    /// Parses one entry.
    ///
    /// # Errors
    /// What was wrong and what is allowed.
    pub fn parse(text: &str) -> Result<Self, String> {
        if let Some(name) = text.strip_prefix("resolver:").filter(|name| is_name(name)) {
            return Ok(Self::Resolver(name.to_owned()));
        }
        if text == "*" {
            return Ok(Self::Below(String::new()));
        }
        let canonical = |name: &str| canonical(name).filter(|name| !name.is_empty());
        match text.strip_prefix("*.") {
            Some(zone) => canonical(zone).map(Self::Below),
            None => canonical(text).map(Self::Name),
        }
        .ok_or_else(|| format!("dns grant `{text}`: write `example.org`, `*.example.org`, `*` or `resolver:NAME`"))
    }

    /// Whether `name`, in the form of [`canonical`], may be asked for.
    #[must_use]
    pub fn allows_name(&self, name: &str) -> bool {
        match self {
            Self::Name(own) => own == name,
            Self::Below(zone) if zone.is_empty() => true,
            Self::Below(zone) => name.strip_suffix(zone.as_str()).is_some_and(|rest| rest.ends_with('.')),
            Self::Resolver(_) => false,
        }
    }

    /// Whether the resolver `name` may be asked.
    #[must_use]
    pub fn allows_resolver(&self, name: &str) -> bool {
        matches!(self, Self::Resolver(own) if own == name)
    }
}

/// A name in lower case without its trailing dot; none when it cannot be one. Names that are not host names (`_sip._tcp`)
/// can be asked for, too.
#[must_use]
pub fn canonical(name: &str) -> Option<String> {
    let name = name.strip_suffix('.').unwrap_or(name);
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    (name.len() <= NAME_CHARS_MAX && name.split('.').all(label)).then(|| name.to_ascii_lowercase())
}

impl fmt::Display for DnsGrant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Below(zone) if zone.is_empty() => f.write_str("*"),
            Self::Below(zone) => write!(f, "*.{zone}"),
            Self::Resolver(name) => write!(f, "resolver:{name}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Names are compared by whole labels, in any case, with or without the trailing dot.
    #[test]
    fn names_by_label() {
        let allows = |grant: &str, name: &str| {
            canonical(name).is_some_and(|name| DnsGrant::parse(grant).unwrap().allows_name(&name))
        };
        assert!(allows("Example.org.", "example.ORG") && !allows("example.org", "www.example.org"));
        assert!(allows("*.example.org", "_sip._tcp.example.org.") && !allows("*.example.org", "badexample.org"));
        assert!(!allows("*.example.org", "example.org") && allows("*", "anything.at.all"));
        for wrong in ["", "a..b", "a b", "*.", "*.*.org", "resolver:", "exämple.org"] {
            assert!(DnsGrant::parse(wrong).unwrap_err().contains("resolver:NAME"), "{wrong}");
        }
    }

    // A grant prints in a form that parses to itself.
    #[test]
    fn display_parses_back() {
        for text in ["example.org", "*.example.org", "*", "resolver:internal"] {
            assert_eq!(DnsGrant::parse(text).unwrap().to_string(), text);
        }
    }
}
