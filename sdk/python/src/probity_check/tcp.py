"""Raw TCP: banners and line protocols. The grant lists ``host:port`` targets.

Timeouts are written ``"500ms"``, or in milliseconds; None means what is left of the run.
"""

from __future__ import annotations

from typing import Any, Union

from . import _backend
from ._tls import TlsInfo
from ._units import Span, span

Timeout = Union[Span, str, int, None]


class Socket:
    """An open connection; closed when dropped, at the latest with the run."""

    def __init__(self, raw: Any) -> None:
        self._raw = raw

    @property
    def connect_ms(self) -> float:
        """How long connecting took, in milliseconds."""
        return float(self._raw.connect_ms())

    @property
    def remote_address(self) -> str:
        """The address that answered."""
        return str(self._raw.remote_address())

    def write(self, data: bytes | str) -> None:
        """Writes all bytes.

        Raises :class:`probity_check.CapabilityError` when the other side went away or the run's time is up.
        """
        self._raw.write(data.encode() if isinstance(data, str) else bytes(data))

    def read(self, max: int, timeout: Timeout = None) -> bytes:
        """Reads at least one byte and at most ``max``; nothing at the end of the stream. Raises for instance
        ``timeout``."""
        return bytes(self._raw.read(max, _ms(timeout)))

    def read_until(self, delimiter: bytes | str, max: int, timeout: Timeout = None) -> bytes:
        """Reads through ``delimiter``, which is part of what is returned. Raises ``too-large`` when it does not come
        within ``max`` bytes; otherwise as :meth:`read`."""
        delimiter = delimiter.encode() if isinstance(delimiter, str) else delimiter
        return bytes(self._raw.read_until(delimiter, max, _ms(timeout)))

    def start_tls(
        self, server_name: str | None = None, authority: str | None = None, timeout: Timeout = None
    ) -> TlsInfo:
        """Turns the connection into TLS, after both sides agreed on it (STARTTLS) or at once. A certificate that is not
        trusted is an answer: look at :attr:`TlsInfo.distrust` before saying what not everybody may hear.

        ``server_name`` is what the server is asked for and its certificate is compared with; without it that is the
        host. ``authority`` names a declared file whose authorities are trusted instead of the system's; it needs the
        grant ``tls = ["certificate:NAME"]``. Raises ``tls`` when there is no handshake, ``protocol`` when something was
        said that is not read yet; ``denied`` and ``not-found`` for an authority.
        """
        found: TlsInfo = self._raw.start_tls(server_name, authority, _ms(timeout))
        return found


_host = _backend.bind("tcp")


def connect(host: str, port: int, timeout: Timeout = None) -> Socket:
    """Resolves ``host``, connects.

    Raises :class:`probity_check.CapabilityError`: ``dns``, ``refused``, ``unreachable``, ``timeout``, ``denied``.
    """
    return Socket(_host.connect(host, port, _ms(timeout)))


def _ms(timeout: Timeout) -> int | None:
    return None if timeout is None else span(timeout).timeout_ms
