"""TLS handshakes and stored certificates, to watch when they expire. The grant lists ``host:port`` targets and
``certificate:NAME``."""

from __future__ import annotations

from . import _backend
from ._tls import Certificate, TlsInfo

__all__ = ["Certificate", "TlsInfo", "inspect", "inspect_named", "inspect_trusting"]

_host = _backend.bind("tls")


def inspect(host: str, port: int = 443, server_name: str | None = None) -> TlsInfo:
    """Connects, shakes hands, hangs up. A certificate that is not trusted is an answer: see
    :attr:`TlsInfo.distrust`.

    ``server_name`` is what the server is asked for and its certificate is compared with; without it that is ``host``.
    Raises :class:`probity_check.CapabilityError`: ``dns``, ``refused``, ``unreachable``, ``timeout``, ``denied``; ``tls`` when
    there is no handshake at all.
    """
    found: TlsInfo = _host.inspect(host, port, server_name)
    return found


def inspect_trusting(host: str, port: int, authority: str, server_name: str | None = None) -> TlsInfo:
    """The same, trusting only the authorities in a file that the host's configuration declares: see
    :func:`inspect_named`. Raises as both."""
    found: TlsInfo = _host.inspect_trusting(host, port, server_name, authority)
    return found


def inspect_named(name: str) -> list[Certificate]:
    """The certificates in a file that the host's configuration declares.

    Raises :class:`probity_check.CapabilityError`: ``denied``, ``not-found``, ``protocol`` when it holds no certificate.
    """
    return list(_host.inspect_named(name))
