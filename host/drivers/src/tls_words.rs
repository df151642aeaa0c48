//! What went wrong in TLS, in words for people, and a word for guests to branch on.
//!
//! The library's own words are names of its types. None of them gets past this file.

use std::io;

use jiff::Timestamp;
use probity_config::grants::Host;
use rustls::pki_types::UnixTime;
use rustls::{AlertDescription, CertificateError, PeerIncompatible};

use super::net::io_error;
use super::{CallError, ErrorKind};

/// Names of a certificate that a message lists.
const NAMES_SHOWN_MAX: usize = 5;

/// What went wrong in a handshake.
pub(super) fn tls_error(error: &io::Error, host: &Host) -> CallError {
    let mut error = io_error(error, &format!("TLS handshake with {host}"));
    // A server that does not speak TLS hangs up.
    if error.kind == ErrorKind::Protocol {
        error.kind = ErrorKind::Tls;
    }
    error
}

/// What TLS itself found wrong; none when it was the connection below. In TLS 1.3 a server refuses a client's
/// certificate only after the client takes the handshake for done.
pub(super) fn session_error(error: &io::Error, doing: &str) -> Option<CallError> {
    let inner = error.get_ref()?.downcast_ref::<rustls::Error>()?;
    let error = CallError::new(ErrorKind::Tls, format!("{doing}: {}", sentence(inner)));
    Some(match code(inner) {
        Some(code) => error.with_code(code),
        None => error,
    })
}

/// A word to branch on.
pub(super) fn code(error: &rustls::Error) -> Option<&'static str> {
    Some(match error {
        rustls::Error::InvalidCertificate(error) => match error {
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => "expired",
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => "not-valid-yet",
            CertificateError::UnknownIssuer => "unknown-issuer",
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => "wrong-name",
            CertificateError::Revoked => "revoked",
            _ => "bad-certificate",
        },
        rustls::Error::AlertReceived(alert) => match alert {
            AlertDescription::CertificateRequired | AlertDescription::NoCertificate => "certificate-required",
            AlertDescription::BadCertificate
            | AlertDescription::UnsupportedCertificate
            | AlertDescription::CertificateRevoked
            | AlertDescription::CertificateExpired
            | AlertDescription::CertificateUnknown
            | AlertDescription::UnknownCA
            | AlertDescription::AccessDenied => "certificate-refused",
            AlertDescription::UnrecognisedName => "unknown-name",
            AlertDescription::ProtocolVersion | AlertDescription::InappropriateFallback => "protocol-version",
            AlertDescription::NoApplicationProtocol => "no-application-protocol",
            _ => "refused",
        },
        _ => return None,
    })
}

/// One sentence, without its subject's address: "its certificate expired on 2026-02-03 (301 days ago)".
pub(super) fn sentence(error: &rustls::Error) -> String {
    use rustls::Error;
    match error {
        Error::InvalidCertificate(error) => certificate(error),
        Error::AlertReceived(alert) => self::alert(*alert).to_owned(),
        Error::NoCertificatesPresented => "the server shows no certificate".to_owned(),
        Error::UnsupportedNameType => "the server cannot be asked for by this name".to_owned(),
        Error::InvalidMessage(_)
        | Error::InappropriateMessage { .. }
        | Error::InappropriateHandshakeMessage { .. }
        | Error::PeerSentOversizedRecord => "what the server says is not TLS as it should be".to_owned(),
        Error::PeerMisbehaved(_) => "the server breaks the rules of TLS".to_owned(),
        Error::PeerIncompatible(what) => incompatible(what).to_owned(),
        Error::DecryptError => "what the server sent was changed on the way, or is for another key".to_owned(),
        Error::NoApplicationProtocol => "the server speaks none of the protocols that were offered".to_owned(),
        Error::FailedToGetCurrentTime => "this machine does not tell the time".to_owned(),
        Error::FailedToGetRandomBytes => "this machine gives no random numbers".to_owned(),
        Error::HandshakeNotComplete => "the handshake was not complete".to_owned(),
        _ => "TLS failed for a reason that has no name here".to_owned(),
    }
}

fn certificate(error: &CertificateError) -> String {
    match error {
        CertificateError::ExpiredContext { time, not_after } => {
            format!("its certificate expired on {} ({})", day(*not_after), days(*not_after, *time, "ago"))
        }
        CertificateError::Expired => "its certificate has expired".to_owned(),
        CertificateError::NotValidYetContext { time, not_before } => {
            format!("its certificate is not valid before {} ({})", day(*not_before), days(*time, *not_before, "from now"))
        }
        CertificateError::NotValidYet => "its certificate is not valid yet".to_owned(),
        CertificateError::UnknownIssuer => "no trusted authority signed its certificate".to_owned(),
        CertificateError::NotValidForNameContext { expected, presented } => {
            format!("its certificate is not valid for {}{}", expected.to_str(), only_for(presented))
        }
        CertificateError::NotValidForName => "its certificate is not valid for the name that was asked for".to_owned(),
        CertificateError::Revoked => "its certificate was revoked".to_owned(),
        CertificateError::BadSignature => {
            "a signature is wrong: its certificate was changed, or signed by another authority of the same name, or the \
             server does not have its key"
                .to_owned()
        }
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            "its certificate is not meant for servers".to_owned()
        }
        CertificateError::UnsupportedSignatureAlgorithmContext { .. }
        | CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => {
            "its certificate is signed in a way that is not accepted (too old, or not known)".to_owned()
        }
        CertificateError::UnhandledCriticalExtension => {
            "its certificate demands something that the host does not know".to_owned()
        }
        CertificateError::BadEncoding => "its certificate cannot be read".to_owned(),
        CertificateError::Other(other) => match other.0.downcast_ref::<webpki::Error>() {
            Some(webpki::Error::CaUsedAsEndEntity) => {
                "it shows the certificate of an authority as its own: to trust exactly that one, name its file as the \
                 authority"
                    .to_owned()
            }
            Some(webpki::Error::UnsupportedCertVersion) => {
                "its certificate is of an old version (X.509 v1), which names no server".to_owned()
            }
            Some(webpki::Error::NameConstraintViolation) => {
                "its authority may not sign certificates for this name".to_owned()
            }
            Some(webpki::Error::PathLenConstraintViolated | webpki::Error::EndEntityUsedAsCa) => {
                "its certificate was signed by one that may not sign others".to_owned()
            }
            _ => "its certificate is not as it should be".to_owned(),
        },
        _ => "its certificate is not as it should be".to_owned(),
    }
}

fn only_for(presented: &[String]) -> String {
    // The library writes "DnsName(\"shop.test\")".
    let names: Vec<&str> = presented.iter().filter_map(|name| name.split('"').nth(1)).take(NAMES_SHOWN_MAX).collect();
    let more = presented.len().saturating_sub(names.len());
    match (names.is_empty(), more) {
        (true, _) => String::new(),
        (false, 0) => format!(", only for {}", names.join(", ")),
        (false, more) => format!(", only for {} and {more} more", names.join(", ")),
    }
}

fn day(time: UnixTime) -> String {
    let stamp = i64::try_from(time.as_secs()).ok().and_then(|seconds| Timestamp::from_second(seconds).ok());
    stamp.map_or_else(|| "an unknown day".to_owned(), |stamp| stamp.strftime("%Y-%m-%d").to_string())
}

fn days(from: UnixTime, until: UnixTime, word: &str) -> String {
    match until.as_secs().saturating_sub(from.as_secs()) / 86_400 {
        0 => format!("less than a day {word}"),
        1 => format!("1 day {word}"),
        days => format!("{days} days {word}"),
    }
}

const fn alert(alert: AlertDescription) -> &'static str {
    match alert {
        AlertDescription::CertificateRequired | AlertDescription::NoCertificate => {
            "the server wants a client certificate, and was shown none"
        }
        AlertDescription::BadCertificate
        | AlertDescription::UnsupportedCertificate
        | AlertDescription::CertificateUnknown => "the server does not take the client certificate, or wants one",
        AlertDescription::CertificateRevoked => "the server says that the client certificate was revoked",
        AlertDescription::CertificateExpired => "the server says that the client certificate has expired",
        AlertDescription::UnknownCA => "the server does not know who signed the client certificate",
        AlertDescription::AccessDenied => "the server does not let this client in",
        AlertDescription::UnrecognisedName => "the server does not know the name that it was asked for",
        AlertDescription::ProtocolVersion | AlertDescription::InappropriateFallback => {
            "the server speaks no version of TLS that is safe: 1.2 and 1.3 are offered"
        }
        AlertDescription::HandshakeFailure | AlertDescription::InsufficientSecurity => {
            "the server takes none of the ciphers and keys that were offered, or wants a client certificate"
        }
        AlertDescription::NoApplicationProtocol => "the server speaks none of the protocols that were offered",
        AlertDescription::InternalError => "the server says that it has an error of its own",
        AlertDescription::CloseNotify | AlertDescription::UserCanceled => "the server ended the handshake",
        _ => "the server refused the handshake",
    }
}

const fn incompatible(what: &PeerIncompatible) -> &'static str {
    match what {
        PeerIncompatible::ServerDoesNotSupportTls12Or13
        | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig
        | PeerIncompatible::Tls12NotOffered
        | PeerIncompatible::Tls12NotOfferedOrEnabled => {
            "the server speaks no version of TLS that is safe: 1.2 and 1.3 are offered"
        }
        _ => "the server takes none of the ways to be safe that were offered",
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rustls::pki_types::ServerName;

    use super::*;

    fn at(seconds: u64) -> UnixTime {
        UnixTime::since_unix_epoch(Duration::from_secs(seconds))
    }

    fn said(error: CertificateError) -> String {
        sentence(&rustls::Error::InvalidCertificate(error))
    }

    // What is wrong with a certificate reads as a sentence, with its day.
    #[test]
    fn certificates_are_told_in_words() {
        const DAY: u64 = 86_400;
        let late =
            CertificateError::ExpiredContext { time: at(1_800_000_000), not_after: at(1_800_000_000 - 301 * DAY) };
        assert_eq!(said(late), "its certificate expired on 2026-03-20 (301 days ago)");
        let early =
            CertificateError::NotValidYetContext { time: at(1_800_000_000), not_before: at(1_800_000_000 + DAY) };
        assert_eq!(said(early), "its certificate is not valid before 2027-01-16 (1 day from now)");
        let expected = ServerName::try_from("shop.test").unwrap();
        let other = CertificateError::NotValidForNameContext {
            expected: expected.clone(),
            presented: vec!["DnsName(\"other.test\")".into(), "DnsName(\"www.other.test\")".into()],
        };
        assert_eq!(said(other), "its certificate is not valid for shop.test, only for other.test, www.other.test");
        let nobody = CertificateError::NotValidForNameContext { expected, presented: vec![] };
        assert_eq!(said(nobody), "its certificate is not valid for shop.test");
    }

    // No message is the name of a type: words are lower case, or have a meaning of their own.
    #[test]
    fn no_debug_words() {
        let alerts = (0..=u8::MAX).map(|alert| rustls::Error::AlertReceived(alert.into()));
        let certificates = [
            CertificateError::Expired,
            CertificateError::NotValidYet,
            CertificateError::UnknownIssuer,
            CertificateError::NotValidForName,
            CertificateError::Revoked,
            CertificateError::BadSignature,
            CertificateError::InvalidPurpose,
            CertificateError::UnhandledCriticalExtension,
            CertificateError::BadEncoding,
            CertificateError::ApplicationVerificationFailure,
            CertificateError::UnknownRevocationStatus,
        ];
        let others = [
            rustls::Error::DecryptError,
            rustls::Error::General("UnexpectedThing".into()),
            rustls::Error::NoCertificatesPresented,
            rustls::Error::PeerIncompatible(PeerIncompatible::Tls12NotOffered),
            rustls::Error::InappropriateMessage { expect_types: vec![], got_type: rustls::ContentType::Alert },
        ];
        let all = alerts.chain(certificates.map(rustls::Error::InvalidCertificate)).chain(others);
        for error in all {
            let said = sentence(&error);
            // `TLS` and `X.509` may stand; `UnknownIssuer` may not.
            let is_camel = |word: &str| {
                let bytes = word.as_bytes();
                bytes.windows(2).any(|pair| pair[0].is_ascii_lowercase() && pair[1].is_ascii_uppercase())
            };
            assert!(!said.split(' ').any(is_camel), "{error:?}: {said}");
            assert!(!said.contains("peer") && !said.contains("alert"), "{error:?}: {said}");
            let code = code(&error).unwrap_or_default();
            assert!(!code.bytes().any(|byte| byte.is_ascii_uppercase()), "{code}");
        }
    }
}
