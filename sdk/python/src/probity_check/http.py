"""HTTP client. The grant lists the URLs (``http = ["https://api.internal/*"]``) and endpoints that the check may use."""

from __future__ import annotations

import dataclasses
import json as _json
import re
from typing import Any, Union

from . import _backend
from ._codes import Codes
from ._errors import CapabilityError, ErrorKind
from ._tls import Certificate, TlsInfo
from ._units import Span, span

__all__ = ["Certificate", "Codes", "Request", "Response", "Timing", "TlsInfo", "get", "post", "send_all"]


@dataclasses.dataclass(frozen=True)
class Timing:
    """Milliseconds per phase; None where the phase did not happen."""

    dns_ms: float | None = None
    connect_ms: float | None = None
    tls_ms: float | None = None
    first_byte_ms: float = 0.0
    """From the connection being ready to the first byte of the answer."""
    total_ms: float = 0.0
    """From the start to the last byte of the answer, all hops included."""


@dataclasses.dataclass
class Request:
    """A request, sent with :meth:`send` or, several at once, :func:`send_all`.

    ``url`` is absolute, or a path when ``endpoint`` names one of the host's configuration: base URL, credentials,
    client certificate and proxy, which the check never sees.
    """

    method: str
    """In capitals."""
    url: str
    endpoint: str | None = None
    headers: dict[str, str | bytes] = dataclasses.field(default_factory=dict)
    body: bytes | str | None = None
    json: Any = None
    """Sent as JSON, with its content type, in place of ``body``."""
    timeout: Span | str | int | None = None
    """For the whole exchange: ``"500ms"``, or milliseconds; the host's cap applies as well."""
    max_redirects: int | None = None
    """By default a redirect is returned, not followed."""
    max_body_bytes: int | None = None
    """Refuse a body of more; the host's cap applies as well."""

    http2_only: bool = False
    """HTTP/2 and nothing else, to an ``http`` URL from the first byte ("prior knowledge"): what gRPC wants."""

    def send(self) -> Response:
        """Sends it and waits for the answer, whatever its status.

        Raises :class:`probity_check.CapabilityError` when there is no answer: ``refused``, ``timeout``, ``denied``, …
        """
        return Response(_host.send(self), self.url)

    def wire_headers(self) -> list[tuple[str, bytes]]:
        """Its headers as they are sent."""
        headers = [(name, value.encode() if isinstance(value, str) else value) for name, value in self.headers.items()]
        if self.json is not None and all(name.lower() != "content-type" for name, _ in headers):
            headers.append(("content-type", b"application/json"))
        return headers

    def wire_body(self) -> bytes | None:
        """Its body as it is sent."""
        if self.json is not None:
            return _json.dumps(self.json).encode()
        return self.body.encode() if isinstance(self.body, str) else self.body

    @property
    def timeout_ms(self) -> int | None:
        """Its timeout in milliseconds."""
        return None if self.timeout is None else span(self.timeout).timeout_ms


class Response:
    """An answer. Its parts are fetched from the host when asked for."""

    def __init__(self, raw: Any, url: str = "") -> None:
        self._raw = raw
        # For messages: without what may be secret in it.
        self._url = re.sub(r"//[^/@]*@", "//", re.split(r"[?#]", url)[0])

    @property
    def status(self) -> int:
        """The status code."""
        return int(self._raw.status())

    @property
    def version(self) -> str:
        """``1.1``, ``2``."""
        return str(self._raw.version())

    @property
    def headers(self) -> list[tuple[str, bytes]]:
        """All headers in order, names in lower case; a name may repeat."""
        return list(self._raw.headers())

    def header(self, name: str) -> str | None:
        """The first header of this name, in any case, as text; :attr:`headers` has all.

        Bytes that are not UTF-8 are replaced.
        """
        value = self._raw.header(name)
        return None if value is None else bytes(value).decode("utf-8", "replace")

    def body(self) -> bytes:
        """The body, with ``content-encoding`` undone and text in UTF-8.

        Raises :class:`probity_check.CapabilityError` when it broke off, took too long, or was too large.
        """
        return bytes(self._raw.body())

    def text(self) -> str:
        """The body as text. Raises as :meth:`body`, and ``protocol`` when it is not UTF-8."""
        try:
            return self.body().decode()
        except UnicodeDecodeError as error:
            raise CapabilityError(ErrorKind.PROTOCOL, f"body of {self._url}: {error}") from None

    def json(self) -> Any:
        """The body as JSON. Raises as :meth:`body`, and ``protocol`` when it is none, with the address that was asked."""
        body = self.body()
        try:
            return _json.loads(body)
        except ValueError as error:
            raise CapabilityError(ErrorKind.PROTOCOL, f"body of {self._url} is no JSON: {error}") from None

    @property
    def trailers(self) -> list[tuple[str, bytes]]:
        """What came after the body, in the form of :attr:`headers`."""
        return list(self._raw.trailers())

    @property
    def timing(self) -> Timing:
        """Milliseconds per phase."""
        found: Timing = self._raw.timing()
        return found

    @property
    def tls(self) -> TlsInfo | None:
        """The TLS session; None for plain HTTP."""
        found: TlsInfo | None = self._raw.tls()
        return found

    @property
    def remote_address(self) -> str | None:
        """The address that answered."""
        found: str | None = self._raw.remote_address()
        return found


_host = _backend.bind("http")


def get(url: str, **options: Any) -> Response:
    """Sends a GET; ``options`` are the fields of :class:`Request`.

    Raises :class:`probity_check.CapabilityError` when there is no answer.
    """
    return Request("GET", url, **options).send()


def post(url: str, **options: Any) -> Response:
    """Sends a POST; otherwise as :func:`get`."""
    return Request("POST", url, **options).send()


def send_all(requests: list[Request]) -> list[Union[Response, CapabilityError]]:
    """Sends all side by side; answers in the same order, each an answer or its error."""
    answers = _host.send_all(requests)
    return [
        answer if isinstance(answer, CapabilityError) else Response(answer, request.url)
        for request, answer in zip(requests, answers)
    ]
