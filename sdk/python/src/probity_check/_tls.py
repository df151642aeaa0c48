"""TLS sessions and certificates, as both `http` and `tls` know them."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True)
class Certificate:
    """A certificate."""

    subject: str = ""
    issuer: str = ""
    serial: str = ""
    """In hexadecimal."""
    not_before_unix: int = 0
    """Valid from, in seconds since 1970."""
    not_after_unix: int = 0
    """Valid until, in seconds since 1970."""
    dns_names: list[str] = dataclasses.field(default_factory=list)
    sha256: str = ""
    """Of its DER bytes, in hexadecimal."""

    def days_left(self, now_unix_ms: int) -> float:
        """Days until it expires, negative afterwards."""
        return (self.not_after_unix - now_unix_ms / 1000) / 86_400


@dataclasses.dataclass(frozen=True)
class TlsInfo:
    """A TLS session."""

    protocol: str = "TLSv1.3"
    cipher: str = ""
    alpn: str | None = None
    """The protocol agreed on by ALPN."""
    handshake_ms: float = 0.0
    chain: list[Certificate] = dataclasses.field(default_factory=list)
    """The certificates that lead to an authority, leaf first; all that were sent where none do."""
    distrust: str | None = None
    """Why the chain is not trusted; None when it is."""

    @property
    def verified(self) -> bool:
        """Whether the chain is trusted."""
        return self.distrust is None
