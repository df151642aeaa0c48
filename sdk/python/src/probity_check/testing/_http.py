"""Fake HTTP servers."""

from __future__ import annotations

import dataclasses
import json as _json
from typing import Any, Union

from .._errors import CapabilityError, ErrorKind
from .._tls import TlsInfo
from ..http import Request, Timing


@dataclasses.dataclass
class Reply:
    """What a fake server answers; ``json`` in place of ``body`` is sent with its content type."""

    status: int = 200
    body: Union[bytes, str, CapabilityError] = b""
    """An error makes reading it fail."""
    json: Any = None
    headers: dict[str, str] = dataclasses.field(default_factory=dict)
    trailers: dict[str, str] = dataclasses.field(default_factory=dict)
    total_ms: float = 1.0
    tls: TlsInfo | None = None


class FakeAnswer:
    """What a check holds of a :class:`Reply`."""

    def __init__(self, reply: Reply) -> None:
        self._reply = reply

    def status(self) -> int:
        return self._reply.status

    def version(self) -> str:
        return "1.1"

    def headers(self) -> list[tuple[str, bytes]]:
        headers = {name.lower(): value.encode() for name, value in self._reply.headers.items()}
        if self._reply.json is not None:
            headers.setdefault("content-type", b"application/json")
        return list(headers.items())

    def header(self, name: str) -> bytes | None:
        return dict(self.headers()).get(name.lower())

    def body(self) -> bytes:
        if self._reply.json is not None:
            return _json.dumps(self._reply.json).encode()
        if isinstance(self._reply.body, CapabilityError):
            raise self._reply.body
        return self._reply.body.encode() if isinstance(self._reply.body, str) else self._reply.body

    def trailers(self) -> list[tuple[str, bytes]]:
        return [(name.lower(), value.encode()) for name, value in self._reply.trailers.items()]

    def timing(self) -> Timing:
        return Timing(first_byte_ms=self._reply.total_ms, total_ms=self._reply.total_ms)

    def tls(self) -> TlsInfo | None:
        return self._reply.tls

    def remote_address(self) -> str | None:
        return "192.0.2.1:80"


class FakeHttp:
    """The capability `http`."""

    def __init__(self) -> None:
        self.replies: dict[str, list[Union[Reply, CapabilityError]]] = {}
        self.sent: list[Request] = []

    def send(self, request: Request) -> FakeAnswer:
        self.sent.append(request)
        url = request.url if request.endpoint is None else f"{request.endpoint}:{request.url}"
        replies = self.replies.get(f"{request.method} {url}")
        if not replies:
            raise CapabilityError(ErrorKind.REFUSED, f"connect to {url}: connection refused", "ECONNREFUSED")
        reply = replies.pop(0) if len(replies) > 1 else replies[0]
        if isinstance(reply, CapabilityError):
            raise reply
        return FakeAnswer(reply)

    def send_all(self, requests: list[Request]) -> list[Union[FakeAnswer, CapabilityError]]:
        return [self._one(request) for request in requests]

    def _one(self, request: Request) -> Union[FakeAnswer, CapabilityError]:
        try:
            return self.send(request)
        except CapabilityError as error:
            return error
