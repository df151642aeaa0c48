//! Headers that neither a check nor a connection may set.

/// Whether only the host may set the header `name`, which is in lower case: length, framing, the connection, and what is for
/// proxies. With these, two readers could see two requests, or credentials could go where they are not for.
#[must_use]
pub fn is_reserved_header(name: &str) -> bool {
    name.starts_with("proxy-")
        || matches!(
            name,
            "host"
                | "connection"
                | "content-length"
                | "transfer-encoding"
                | "upgrade"
                | "te"
                | "trailer"
                | "keep-alive"
                | "expect"
                | "http2-settings"
        )
}
