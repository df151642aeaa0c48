//! What each protocol says when it is greeted, and how to take leave of it.

use serde::Deserialize;

/// A protocol whose server speaks first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Protocol {
    /// Mail transfer.
    Smtp,
    /// Mailboxes.
    Imap,
    /// Mailboxes, older.
    Pop3,
    /// Secure shell.
    Ssh,
    /// File transfer.
    Ftp,
}

impl Protocol {
    /// The protocol's own port; another one where TLS begins at once.
    pub(crate) const fn port(self, tls: bool) -> u16 {
        match (self, tls) {
            (Self::Smtp, false) => 25,
            (Self::Smtp, true) => 465,
            (Self::Imap, false) => 143,
            (Self::Imap, true) => 993,
            (Self::Pop3, false) => 110,
            (Self::Pop3, true) => 995,
            (Self::Ftp, false) => 21,
            (Self::Ftp, true) => 990,
            (Self::Ssh, _) => 22,
        }
    }

    /// Asks for TLS; none where there is none.
    pub(crate) const fn starttls(self) -> Option<&'static str> {
        match self {
            Self::Smtp => Some("STARTTLS\r\n"),
            Self::Imap => Some("a0 STARTTLS\r\n"),
            Self::Pop3 => Some("STLS\r\n"),
            Self::Ftp => Some("AUTH TLS\r\n"),
            Self::Ssh => None,
        }
    }

    /// Whether `line` is the last of an answer to [`Self::starttls`], and whether the server agreed.
    pub(crate) fn agrees(self, line: &str) -> Option<bool> {
        match self {
            Self::Smtp | Self::Ftp => self.last(line, false),
            Self::Imap => line.strip_prefix("a0 ").map(|rest| rest.starts_with("OK")),
            Self::Pop3 => Some(line.starts_with("+OK")),
            Self::Ssh => None,
        }
    }

    /// How a greeting starts that says "come in".
    pub(crate) const fn welcome(self) -> &'static str {
        match self {
            Self::Smtp | Self::Ftp => "220",
            Self::Imap => "* OK",
            Self::Pop3 => "+OK",
            Self::Ssh => "SSH-",
        }
    }

    /// Asks what the server can do; none where the protocol has no such question.
    pub(crate) fn question(self, ehlo: &str) -> Option<String> {
        match self {
            Self::Smtp => Some(format!("EHLO {ehlo}\r\n")),
            Self::Imap => Some("a1 CAPABILITY\r\n".to_owned()),
            Self::Pop3 => Some("CAPA\r\n".to_owned()),
            Self::Ftp => Some("FEAT\r\n".to_owned()),
            Self::Ssh => None,
        }
    }

    /// Whether `line` is the last of an answer to [`Self::question`], and whether the server agreed.
    pub(crate) fn last(self, line: &str, first: bool) -> Option<bool> {
        match self {
            // "250-SIZE" goes on, "250 HELP" ends; FTP's lines between have no code.
            Self::Smtp | Self::Ftp => {
                let (code, rest) = line.split_at_checked(3)?;
                let is_code = code.bytes().all(|byte| byte.is_ascii_digit());
                (is_code && !rest.starts_with('-')).then(|| code.starts_with('2'))
            }
            Self::Imap => line.strip_prefix("a1 ").map(|rest| rest.starts_with("OK")),
            Self::Pop3 if first && line.starts_with("-ERR") => Some(false),
            Self::Pop3 => (line == ".").then_some(true),
            Self::Ssh => Some(true),
        }
    }

    /// Said before hanging up, so that the server's log does not complain.
    pub(crate) const fn farewell(self) -> &'static str {
        match self {
            Self::Smtp | Self::Pop3 | Self::Ftp => "QUIT\r\n",
            Self::Imap => "a2 LOGOUT\r\n",
            // As check_ssh: a client that names itself, then leaves.
            Self::Ssh => "SSH-2.0-probity\r\n",
        }
    }

    /// Whether more lines of the greeting follow `line`.
    pub(crate) fn greeting_goes_on(self, line: &str) -> bool {
        match self {
            Self::Smtp | Self::Ftp => {
                // "220-" and, in FTP, anything up to the line with the code.
                line.as_bytes().get(3) == Some(&b'-') || !line.starts_with(|c: char| c.is_ascii_digit())
            }
            // A server may say what it likes before its version.
            Self::Ssh => !line.starts_with("SSH-"),
            Self::Imap | Self::Pop3 => false,
        }
    }
}
