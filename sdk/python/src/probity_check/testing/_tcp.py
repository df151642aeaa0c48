"""Fake peers of TCP connections."""

from __future__ import annotations

from typing import Union

from .._errors import CapabilityError, ErrorKind
from .._tls import TlsInfo


class Script:
    """What the other side of a fake connection does, in order.

    Script().sends(b"220 mail\\r\\n").expects(b"QUIT\\r\\n").sends(b"221 bye\\r\\n")
    """

    def __init__(self, connect_ms: float = 1.0) -> None:
        self.connect_ms = connect_ms
        self.session: TlsInfo | None = None
        self.steps: list[tuple[str, Union[bytes, CapabilityError]]] = []

    def sends(self, data: bytes) -> Script:
        """Then sends these bytes."""
        self.steps.append(("sends", data))
        return self

    def expects(self, data: bytes) -> Script:
        """Then waits for exactly these bytes; until they came, reading times out."""
        self.steps.append(("expects", data))
        return self

    def starts_tls(self, info: TlsInfo) -> Script:
        """Then waits for the check to turn the connection into TLS."""
        self.session = info
        return self

    def fails(self, error: CapabilityError) -> Script:
        """Then fails reading with this error, for good."""
        self.steps.append(("fails", error))
        return self


class FakeTcp:
    """The capability `tcp`."""

    def __init__(self) -> None:
        self.targets: dict[str, Union[Script, CapabilityError]] = {}
        self.written: dict[str, bytearray] = {}

    def connect(self, host: str, port: int, _: int | None) -> FakeSocket:
        target = f"{host}:{port}"
        script = self.targets.get(target)
        if script is None:
            raise CapabilityError(ErrorKind.REFUSED, f"connect to {target}: connection refused", "ECONNREFUSED")
        if isinstance(script, CapabilityError):
            raise script
        return FakeSocket(script, self.written.setdefault(target, bytearray()))


class FakeSocket:
    """A connection to a :class:`Script`."""

    def __init__(self, script: Script, written: bytearray) -> None:
        self._script, self._all = script, written
        self._steps = list(script.steps)
        self._unread = b""
        self._pending = b""

    def connect_ms(self) -> float:
        return self._script.connect_ms

    def remote_address(self) -> str:
        return "192.0.2.1:1"

    def write(self, data: bytes) -> None:
        self._all += data
        self._unread += data

    def read(self, max: int, _: int | None) -> bytes:
        if max == 0:
            raise CapabilityError(ErrorKind.INVALID_ARGUMENT, "max is 0")
        if not self._pending and not self._advance():
            return b""
        given, self._pending = self._pending[:max], self._pending[max:]
        return given

    def read_until(self, delimiter: bytes, max: int, _: int | None) -> bytes:
        if not delimiter:
            raise CapabilityError(ErrorKind.INVALID_ARGUMENT, "the delimiter is empty")
        while delimiter not in self._pending:
            if len(self._pending) >= max:
                raise CapabilityError(ErrorKind.TOO_LARGE, f"no delimiter within {max} bytes")
            if not self._advance():
                raise CapabilityError(ErrorKind.PROTOCOL, "the stream ended before the delimiter")
        end = self._pending.index(delimiter) + len(delimiter)
        if end > max:
            raise CapabilityError(ErrorKind.TOO_LARGE, f"no delimiter within {max} bytes")
        given, self._pending = self._pending[:end], self._pending[end:]
        return given

    def start_tls(self, _server_name: str | None, _authority: str | None, _timeout_ms: int | None) -> TlsInfo:
        if self._pending:
            raise CapabilityError(ErrorKind.PROTOCOL, "something was said that is not read yet")
        if self._script.session is None:
            raise CapabilityError(ErrorKind.TLS, "the other side speaks no TLS")
        return self._script.session

    def _advance(self) -> bool:
        """Makes more readable; False at the end of the stream."""
        while self._steps:
            step, what = self._steps[0]
            if isinstance(what, CapabilityError):
                raise what
            if step == "expects":
                if not self._unread.startswith(what):
                    raise CapabilityError(ErrorKind.TIMEOUT, "the other side waits for something else")
                self._unread = self._unread[len(what) :]
                self._steps.pop(0)
                continue
            self._pending += what
            self._steps.pop(0)
            return True
        return False
