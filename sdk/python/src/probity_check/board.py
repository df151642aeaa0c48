"""What a service shows of Probity's board: a cached answer, refreshed by one background thread, never waited for long.

:func:`probity_check.flask.blueprint`, :func:`probity_check.fastapi.router` and :func:`probity_check.django.urls` take the host's address with
the options of a :class:`Board`, or a board, where the service wants to keep it::

    board = Board("http://127.0.0.1:8080", version="1.4.2")
    app.include_router(probity_check.fastapi.router(board))
    ...
    board.drain()
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import dataclasses
import http.client
import json
import threading
import time
import urllib.parse
from typing import Any, Callable

__all__ = ["Answer", "Board"]

#: Bytes of the host's answer that are read; a board of thousands of checks is asked for its summary.
_BODY_BYTES_MAX = 1 << 20

PATHS = ("/health", "/ready", "/live")

#: What a probe says in a word.
_WORDS = ("ok", "unhealthy", "starting", "draining", "unsupervised")


@dataclasses.dataclass(frozen=True)
class Answer:
    """What the view answers."""

    status: int
    """The HTTP status: the host's own, or 503 when the host is away."""
    body: dict[str, Any]

    def text(self) -> str:
        """The body as JSON."""
        return json.dumps(self.body, ensure_ascii=False) + "\n"


#: Nobody may keep the answer of a probe.
HEADERS = {"cache-control": "no-store"}
CONTENT_TYPE = "application/json"


class _Away(Exception):
    """The host did not answer, or not as a board does."""


@dataclasses.dataclass
class _Slot:
    """What is known of one path."""

    answer: Answer | None = None
    at: float = 0.0
    away: str = "no answer yet"
    refresh: concurrent.futures.Future[None] | None = None


class Board:
    """The host's board as this process sees it.

    ``url`` is the host's address, ``token`` one of its tokens where details are for the authorised only. An answer
    counts as fresh for ``ttl`` seconds; an older one is still given, and renewed in the background, until it is
    ``max_age`` seconds old. Only then, and the first time, does a request wait for the host: at most ``patience``
    seconds. After that the answer is 503 and ``unknown``, with the reason.

    ``version`` is the service's own and goes into each body. Threads are started when first needed, so a board that
    was made before a server forks its workers works in each of them.
    """

    def __init__(
        self,
        url: str = "http://127.0.0.1:8080",
        *,
        token: str | None = None,
        ttl: float = 1.0,
        max_age: float = 5.0,
        patience: float = 0.25,
        timeout: float = 2.0,
        version: str | None = None,
        fetch: Callable[[str], tuple[int, bytes]] | None = None,
    ) -> None:
        self._url = urllib.parse.urlsplit(url)
        if self._url.scheme not in ("http", "https") or not self._url.hostname:
            raise ValueError(f"{url!r} is no address of a host: write http://127.0.0.1:8080")
        self._token = token
        self._ttl, self._max_age = ttl, max(max_age, ttl)
        self._patience, self._timeout = patience, timeout
        self._version = version
        self._fetch = fetch or self._ask
        self._lock = threading.Lock()
        self._slots = {path: _Slot() for path in PATHS}
        self._draining = False

    def drain(self) -> None:
        """Makes ``/ready`` 503 ``draining`` from now on, in this process.

        For a server that goes on answering for a while when it ends: call it first of all, in the handler of SIGTERM or
        the route of a ``preStop`` hook.
        """
        self._draining = True

    def answer(self, path: str) -> Answer:
        """The answer for ``/health``, ``/ready`` or ``/live``, after ``patience`` seconds at most."""
        if self._drains(path):
            return self._drained()
        refresh = self._refresh(path)
        if refresh is not None and not self._usable(path):
            concurrent.futures.wait([refresh], self._patience)
        return self._current(path)

    async def answer_async(self, path: str) -> Answer:
        """The same without holding up an event loop."""
        if self._drains(path):
            return self._drained()
        refresh = self._refresh(path)
        if refresh is not None and not self._usable(path):
            await asyncio.wait([asyncio.ensure_future(asyncio.wrap_future(refresh))], timeout=self._patience)
        return self._current(path)

    def _drains(self, path: str) -> bool:
        return self._draining and path == "/ready"

    def _drained(self) -> Answer:
        return Answer(503, self._versioned({"status": "draining"}))

    def _versioned(self, body: dict[str, Any]) -> dict[str, Any]:
        return body if self._version is None else {**body, "version": self._version}

    def _usable(self, path: str) -> bool:
        slot = self._slots[path]
        return slot.answer is not None and time.monotonic() - slot.at < self._max_age

    def _refresh(self, path: str) -> concurrent.futures.Future[None] | None:
        """The refresh that runs, started when the answer is no longer fresh; None while it is."""
        with self._lock:
            slot = self._slots[path]
            if slot.refresh is not None and not slot.refresh.done():
                return slot.refresh
            if slot.answer is not None and time.monotonic() - slot.at < self._ttl:
                return None
            slot.refresh = concurrent.futures.Future()
            threading.Thread(target=self._renew, args=(path, slot.refresh), name="probity-board", daemon=True).start()
            return slot.refresh

    def _renew(self, path: str, done: concurrent.futures.Future[None]) -> None:
        try:
            answer, away = self._read(path), ""
        except _Away as error:
            answer, away = None, str(error)
        with self._lock:
            slot = self._slots[path]
            slot.away = away
            if answer is not None:
                slot.answer, slot.at = answer, time.monotonic()
        # A waiter may have given up and cancelled it.
        if done.set_running_or_notify_cancel():
            done.set_result(None)

    def _read(self, path: str) -> Answer:
        try:
            status, raw = self._fetch(path)
        except Exception as error:  # whatever it is, the host is not to be had
            raise _Away(f"{type(error).__name__}: {error}") from None
        body = _parse(raw)
        if body is None:
            raise _Away(f"{path} answered {status}, and not as a board does")
        return Answer(status, self._versioned(body))

    def _current(self, path: str) -> Answer:
        with self._lock:
            slot = self._slots[path]
            if slot.answer is not None and time.monotonic() - slot.at < self._max_age:
                return slot.answer
            away = slot.away or "no answer in time"
        body = self._versioned({"status": "unknown", "message": f"the health-check host is away: {away}"})
        # Whoever answers is alive. A missing host must not get every service restarted.
        return Answer(200 if path == "/live" else 503, body)

    def _ask(self, path: str) -> tuple[int, bytes]:
        kind = http.client.HTTPSConnection if self._url.scheme == "https" else http.client.HTTPConnection
        connection = kind(self._url.hostname or "", self._url.port, timeout=self._timeout)
        try:
            headers = {"accept": "application/json"}
            if self._token is not None:
                headers["authorization"] = f"Bearer {self._token}"
            connection.request("GET", self._url.path.rstrip("/") + path, headers=headers)
            response = connection.getresponse()
            return response.status, response.read(_BODY_BYTES_MAX)
        finally:
            connection.close()


def board_of(board: str | Board, options: dict[str, Any]) -> Board:
    """A view's board: the one that was given, or one for this address."""
    if isinstance(board, str):
        return Board(board, **options)
    if options:
        raise TypeError(f"{', '.join(options)}: give the options to the Board")
    return board


def _parse(raw: bytes) -> dict[str, Any] | None:
    """The host's answer as JSON, which of a probe is one word; None when it is no board's."""
    word = raw[:32].decode("ascii", "replace").strip()
    if word in _WORDS:
        return {"status": word}
    try:
        body = json.loads(raw)
    except ValueError:
        return None
    return body if isinstance(body, dict) and isinstance(body.get("status"), str) else None
