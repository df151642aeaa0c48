//! Entries of `peers`.

use std::fmt;

use crate::is_name;

/// One entry of `peers`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PeerGrant {
    /// `orders-db`: the latest result of this check.
    Check(String),
    /// `group:orders`: those of every check in this group.
    Group(String),
    /// `*`: every check and group.
    Any,
}

impl PeerGrant {
    /// Parses one entry.
    ///
    /// # Errors
    /// What was wrong and what is allowed.
    pub fn parse(text: &str) -> Result<Self, String> {
        match text.strip_prefix("group:") {
            _ if text == "*" => Ok(Self::Any),
            Some(group) if is_name(group) => Ok(Self::Group(group.to_owned())),
            None if is_name(text) => Ok(Self::Check(text.to_owned())),
            _ => Err(format!("peers grant `{text}`: write the name of a check, `group:NAME` or `*`")),
        }
    }

    /// Whether the check `name`, which is in `groups`, may be looked at.
    pub fn allows_check<'a>(&self, name: &str, mut groups: impl Iterator<Item = &'a str>) -> bool {
        match self {
            Self::Check(own) => own == name,
            Self::Group(own) => groups.any(|group| group == own),
            Self::Any => true,
        }
    }

    /// Whether the group `name` may be listed.
    #[must_use]
    pub fn allows_group(&self, name: &str) -> bool {
        match self {
            Self::Check(_) => false,
            Self::Group(own) => own == name,
            Self::Any => true,
        }
    }
}

impl fmt::Display for PeerGrant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Check(name) => f.write_str(name),
            Self::Group(name) => write!(f, "group:{name}"),
            Self::Any => f.write_str("*"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // A group's grant covers its members and the group itself; a check's covers that check alone.
    #[test]
    fn groups_cover_members() {
        let group = PeerGrant::parse("group:orders").unwrap();
        assert!(group.allows_check("db", ["orders"].into_iter()) && group.allows_group("orders"));
        assert!(!group.allows_check("db", ["billing"].into_iter()) && !group.allows_group("billing"));
        let check = PeerGrant::parse("db").unwrap();
        assert!(check.allows_check("db", std::iter::empty()) && !check.allows_group("db"));
        assert!(PeerGrant::parse("*").unwrap().allows_check("x", std::iter::empty()));
        for wrong in ["", "group:", "Group:x", "a b", "**"] {
            assert!(PeerGrant::parse(wrong).unwrap_err().contains("group:NAME"), "{wrong}");
        }
    }
}
