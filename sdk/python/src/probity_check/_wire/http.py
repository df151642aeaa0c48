"""The capability `http`."""

from typing import Any

from componentize_py_types import Ok  # type: ignore[import-not-found]
from wit_world.imports import http as raw  # type: ignore[import-not-found]

from .._errors import CapabilityError
from .._tls import TlsInfo
from ..http import Request, Timing
from . import call, error, lift
from ._tls import session


class Answer:
    """An answer that the host holds."""

    def __init__(self, held: Any) -> None:
        self._held = held
        self.status = held.status
        self.version = held.version
        self.headers = held.headers
        self.header = held.header
        self.trailers = held.trailers
        self.remote_address = held.remote_address

    def body(self) -> bytes:
        return call(self._held.body)

    def timing(self) -> Timing:
        return lift(Timing, self._held.timing())

    def tls(self) -> TlsInfo | None:
        return session(self._held.tls())


def send(request: Request) -> Answer:
    with _lower(request) as lowered:
        return Answer(call(lowered.send))


def send_all(requests: list[Request]) -> list[Answer | CapabilityError]:
    answers = raw.send_all([_lower(request) for request in requests])
    return [Answer(each.value) if isinstance(each, Ok) else error(each.value) for each in answers]


def _lower(request: Request) -> Any:
    lowered = raw.Request(request.method, request.url)
    if request.endpoint is not None:
        call(lowered.use_endpoint, request.endpoint)
    for name, value in request.wire_headers():
        call(lowered.set_header, name, value)
    if request.http2_only:
        lowered.require_http2()
    body = request.wire_body()
    if body is not None:
        lowered.set_body(body)
    if request.timeout_ms is not None:
        lowered.set_timeout_ms(request.timeout_ms)
    if request.max_redirects is not None:
        lowered.set_max_redirects(request.max_redirects)
    if request.max_body_bytes is not None:
        lowered.set_max_body_bytes(request.max_body_bytes)
    return lowered
