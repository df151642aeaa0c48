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
import logging
import re
import threading
import time
import urllib.parse
from typing import Any, Callable, Literal, Union

__all__ = ["Answer", "Board", "Format"]

#: Bytes of the host's answer that are read; a board of thousands of checks is asked for its summary.
_BODY_BYTES_MAX = 1 << 20

PATHS = ("/health", "/ready", "/live", "/startup")

Format = Literal["json", "health+json", "spring", "microprofile", "xabaril", "nagios", "text"]
"""The shapes of ``/health?format=``, as the host has them."""

FORMATS = ("json", "health+json", "spring", "microprofile", "xabaril", "nagios", "text")

#: What a group may be called, as in the host's configuration.
_GROUP = re.compile(r"/health/[a-z0-9][a-z0-9_.-]{0,62}")

#: Answers that are kept: groups are named by whoever asks. Beyond that the one that was asked for first is forgotten.
_SLOTS_MAX = 64

_LOG = logging.getLogger("probity_check")

#: What a probe says in a word.
_WORDS = ("ok", "unhealthy", "starting", "draining", "unsupervised")


#: Nobody may keep the answer of a probe.
HEADERS = {"cache-control": "no-store"}
CONTENT_TYPE = "application/json"


@dataclasses.dataclass(frozen=True)
class Answer:
    """What the view answers."""

    status: int
    """The HTTP status: the host's own, or 503 when the host is away."""
    body: Union[dict[str, Any], str]
    """A text where another ``format`` was asked for."""
    content_type: str = CONTENT_TYPE

    def text(self) -> str:
        """The body as it is sent."""
        return self.body if isinstance(self.body, str) else json.dumps(self.body, ensure_ascii=False) + "\n"



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
        fetch: Callable[[str], tuple[int, bytes, str]] | None = None,
    ) -> None:
        self._url = urllib.parse.urlsplit(url)
        if self._url.scheme not in ("http", "https") or not self._url.hostname:
            raise ValueError(f"{url!r} is no address of a host: write http://127.0.0.1:8080")
        # For messages: without what may be secret in it.
        self._name = self._url._replace(netloc=self._url.netloc.rpartition("@")[2]).geturl()
        self._token = token
        self._ttl, self._max_age = ttl, max(max_age, ttl)
        self._patience, self._timeout = patience, timeout
        self._version = version
        self._fetch = fetch or self._ask
        self._lock = threading.Lock()
        self._slots: dict[str, _Slot] = {}
        self._draining = False
        #: What was asked for last without an answer.
        self._unanswered: set[str] = set()

    def drain(self) -> None:
        """Makes ``/ready`` 503 ``draining`` from now on, in this process.

        For a server that goes on answering for a while when it ends: call it first of all, in the handler of SIGTERM or
        the route of a ``preStop`` hook.
        """
        self._draining = True

    def answer(self, path: str, format: str | None = None) -> Answer:
        """The answer for ``/health``, ``/health/GROUP``, ``/ready``, ``/live`` or ``/startup``, after ``patience`` seconds
        at most. ``format`` is one of the host's shapes of ``/health``: ``spring``, ``nagios``, …"""
        if (known := self._known(path, format)) is not None:
            return known
        key = _key(path, format)
        refresh = self._refresh(key)
        if refresh is not None and not self._usable(key):
            concurrent.futures.wait([refresh], self._patience)
        return self._current(key)

    async def answer_async(self, path: str, format: str | None = None) -> Answer:
        """The same without holding up an event loop."""
        if (known := self._known(path, format)) is not None:
            return known
        key = _key(path, format)
        refresh = self._refresh(key)
        if refresh is not None and not self._usable(key):
            await asyncio.wait([asyncio.ensure_future(asyncio.wrap_future(refresh))], timeout=self._patience)
        return self._current(key)

    def _known(self, path: str, format: str | None) -> Answer | None:
        """What is answered without the host."""
        if self._drains(path):
            return self._drained()
        if path not in PATHS and not _GROUP.fullmatch(path):
            return Answer(404, self._versioned({"status": "unknown", "message": f"there is no {path}"}))
        if format is not None and format not in FORMATS:
            message = f"format {format!r} is not known; there are {', '.join(FORMATS)}"
            return Answer(400, self._versioned({"status": "unknown", "message": message}))
        return None

    def _drains(self, path: str) -> bool:
        return self._draining and path == "/ready"

    def _drained(self) -> Answer:
        return Answer(503, self._versioned({"status": "draining"}))

    def _versioned(self, body: dict[str, Any]) -> dict[str, Any]:
        return body if self._version is None else {**body, "version": self._version}

    def _usable(self, path: str) -> bool:
        slot = self._slots.get(path, _Slot())
        return slot.answer is not None and time.monotonic() - slot.at < self._max_age

    def _refresh(self, path: str) -> concurrent.futures.Future[None] | None:
        """The refresh that runs, started when the answer is no longer fresh; None while it is."""
        with self._lock:
            slot = self._slots.get(path)
            if slot is None:
                while len(self._slots) >= _SLOTS_MAX:
                    self._unanswered.discard(oldest := next(iter(self._slots)))
                    del self._slots[oldest]
                slot = self._slots[path] = _Slot()
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
            slot = self._slots.get(path, _Slot())
            slot.away = away
            if answer is not None:
                slot.answer, slot.at = answer, time.monotonic()
            was_away = bool(self._unanswered)
            (self._unanswered.add if away else self._unanswered.discard)(path)
            is_away = bool(self._unanswered)
        if is_away != was_away:
            self._tell(away)
        # A waiter may have given up and cancelled it.
        if done.set_running_or_notify_cancel():
            done.set_result(None)

    def _tell(self, away: str) -> None:
        """Once when the host goes away, and once when it is back; not for each probe."""
        if away:
            _LOG.warning("the health-check host at %s is away: %s", self._name, away)
        else:
            _LOG.info("the health-check host at %s is back", self._name)

    def _read(self, path: str) -> Answer:
        try:
            status, raw, content_type = self._fetch(path)
        except Exception as error:  # whatever it is, the host is not to be had
            raise _Away(f"{type(error).__name__}: {error}") from None
        if status == 404:
            return Answer(404, self._versioned({"status": "unknown", "message": f"the host has no {path}"}))
        if "?format=" in path:
            return Answer(status, raw.decode("utf-8", "replace"), content_type)
        body = _parse(raw)
        if body is None:
            raise _Away(f"{path} answered {status}, and not as a board does")
        return Answer(status, self._versioned(body))

    def _current(self, path: str) -> Answer:
        with self._lock:
            slot = self._slots.get(path, _Slot())
            if slot.answer is not None and time.monotonic() - slot.at < self._max_age:
                return slot.answer
            away = slot.away or "no answer in time"
        message = f"the health-check host at {self._name} is away: {away}"
        body = self._versioned({"status": "unknown", "message": message})
        # Whoever answers is alive. A missing host must not get every service restarted.
        return Answer(200 if path == "/live" else 503, body)

    def _ask(self, path: str) -> tuple[int, bytes, str]:
        kind = http.client.HTTPSConnection if self._url.scheme == "https" else http.client.HTTPConnection
        connection = kind(self._url.hostname or "", self._url.port, timeout=self._timeout)
        try:
            headers = {"accept": "application/json"}
            if self._token is not None:
                headers["authorization"] = f"Bearer {self._token}"
            connection.request("GET", self._url.path.rstrip("/") + path, headers=headers)
            response = connection.getresponse()
            return response.status, response.read(_BODY_BYTES_MAX), response.getheader("content-type") or CONTENT_TYPE
        finally:
            connection.close()


def board_of(board: str | Board, options: dict[str, Any]) -> Board:
    """A view's board: the one that was given, or one for this address."""
    if isinstance(board, str):
        return Board(board, **options)
    if options:
        raise TypeError(f"{', '.join(options)}: give the options to the Board")
    return board


def _key(path: str, format: str | None) -> str:
    """What the host is asked: its own shape needs no word, and probes have no other."""
    other = format is not None and format != "json" and path.startswith("/health")
    return f"{path}?{urllib.parse.urlencode({'format': format})}" if other else path


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
