"""The capability `tcp`."""

from typing import Any

from wit_world.imports import tcp as raw  # type: ignore[import-not-found]

from .._tls import TlsInfo
from . import call
from ._tls import session


class Socket:
    """A connection that the host keeps."""

    def __init__(self, held: Any) -> None:
        self._held = held
        self.connect_ms = held.connect_ms
        self.remote_address = held.remote_address

    def write(self, data: bytes) -> None:
        call(self._held.write, data)

    def read(self, max: int, timeout_ms: int | None) -> bytes:
        return call(self._held.read, max, timeout_ms)

    def read_until(self, delimiter: bytes, max: int, timeout_ms: int | None) -> bytes:
        return call(self._held.read_until, delimiter, max, timeout_ms)

    def start_tls(self, server_name: str | None, authority: str | None, timeout_ms: int | None) -> TlsInfo | None:
        return session(call(self._held.start_tls, server_name, authority, timeout_ms))


def connect(host: str, port: int, timeout_ms: int | None) -> Socket:
    return Socket(call(raw.Socket.connect, host, port, timeout_ms))
