"""What a service says about itself, pushed to the host as a heartbeat: ``POST /heartbeats/NAME``.

    pulse = Pulse("http://127.0.0.1:8080", "shop", token="…", pool=lambda: (pool.checkedout(), pool.size()))
    app.wsgi_app = pulse.wsgi(app.wsgi_app)      # counts requests; starts with the first one, in each worker
    app.add_middleware(pulse.asgi)               # the same for ASGI; measures the event loop as well

A daemon thread sends one line of JSON every few seconds, from each worker process. It goes on when the event loop is
blocked or all workers are busy: that is what it has to tell. Nothing is ever queued, and a host that is away costs one
short attempt per beat.

The line holds ``pid``, ``rss`` in bytes, ``busy`` and ``capacity`` (requests now, and how many this process can take),
``busy_ms`` (how long the oldest of them runs), ``lag_ms`` (how late the event loop is; none without one), ``pool``
(connections in use, and how many there can be) and ``ready`` (false once the process was told to end).
"""

from __future__ import annotations

import asyncio
import http.client
import itertools
import json
import os
import sys
import threading
import time
import urllib.parse
from typing import Any, Awaitable, Callable

Pool = Callable[[], "tuple[int, int]"]


class Pulse:
    """The heart of one process.

    ``name`` is the heartbeat of the host's configuration, ``token`` what opens it. ``every`` is in seconds.
    ``capacity`` is how many requests the process can take at once (a sync worker of gunicorn: 1). ``pool`` tells
    connections in use and in all; an exception it raises counts as not known.
    """

    def __init__(
        self,
        url: str,
        name: str,
        *,
        token: str | None = None,
        every: float = 2.0,
        capacity: int = 1,
        pool: Pool | None = None,
        timeout: float = 1.0,
    ) -> None:
        self._url = urllib.parse.urlsplit(url)
        self._path = f"{self._url.path.rstrip('/')}/heartbeats/{urllib.parse.quote(name)}"
        self._token = token
        self._every, self._timeout = every, timeout
        self._capacity, self._pool = capacity, pool
        self._lock = threading.Lock()
        self._numbers = itertools.count()
        self._running: dict[int, float] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._answered = 0.0
        self._asked: float | None = None
        self._thread: threading.Thread | None = None
        self._pid = 0
        self._stop = threading.Event()
        self._ready = True

    def start(self, loop: asyncio.AbstractEventLoop | None = None) -> None:
        """Starts the thread of this process, once; after a fork the new process starts its own."""
        if self._pid == os.getpid() and (loop is None or self._loop is loop):
            return
        with self._lock:
            self._loop = loop or self._loop
            if self._pid == os.getpid():
                return
            self._pid = os.getpid()
            self._running.clear()
            self._stop = threading.Event()
            self._thread = threading.Thread(target=self._beat, name="probity-pulse", daemon=True)
            self._thread.start()

    def drain(self) -> None:
        """Says from the next beat on, which follows at once, that this process takes no more work."""
        self._ready = False
        self._push()

    def stop(self) -> None:
        """Ends the thread."""
        self._stop.set()

    def wsgi(self, app: Callable[..., Any]) -> Callable[..., Any]:
        """``app``, with its requests counted."""

        def counted(environ: Any, start_response: Any) -> Any:
            self.start()
            number = self._begin()
            try:
                return app(environ, start_response)
            finally:
                self._running.pop(number, None)

        return counted

    def asgi(self, app: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
        """``app``, with its requests counted and its event loop measured from the start."""

        async def counted(scope: Any, receive: Any, send: Any) -> None:
            self.start(asyncio.get_running_loop())
            if scope["type"] != "http":
                await app(scope, receive, send)
                return
            number = self._begin()
            try:
                await app(scope, receive, send)
            finally:
                self._running.pop(number, None)

        return counted

    def facts(self) -> dict[str, Any]:
        """What the next beat says."""
        now = time.monotonic()
        # A copy in one step: requests come and go while this reads.
        running = list(self._running.values())
        facts: dict[str, Any] = {
            "pid": os.getpid(),
            "busy": len(running),
            "capacity": self._capacity,
            "busy_ms": round(max((now - start for start in running), default=0.0) * 1000),
            "ready": self._ready,
        }
        rss = rss_bytes()
        if rss is not None:
            facts["rss"] = rss
        lag = self._lag(now)
        if lag is not None:
            facts["lag_ms"] = round(lag * 1000, 1)
        used = self._used()
        if used is not None:
            facts["pool"] = {"used": used[0], "size": used[1]}
        return facts

    def _begin(self) -> int:
        number = next(self._numbers)
        self._running[number] = time.monotonic()
        return number

    def _lag(self, now: float) -> float | None:
        """How late the event loop answered the last question, or how long it owes an answer by now."""
        loop = self._loop
        if loop is None or loop.is_closed():
            return None
        if self._asked is not None:
            return now - self._asked
        lag = self._answered
        self._asked = now

        def answer() -> None:
            asked, self._asked = self._asked, None
            self._answered = time.monotonic() - asked if asked is not None else 0.0

        try:
            loop.call_soon_threadsafe(answer)
        except RuntimeError:  # closed in this moment
            self._asked = None
        return lag

    def _used(self) -> tuple[int, int] | None:
        try:
            return self._pool() if self._pool is not None else None
        except Exception:  # a service's own code; a beat without it is better than none
            return None

    def _beat(self) -> None:
        stop = self._stop
        while not stop.is_set():
            self._push()
            stop.wait(self._every)

    def _push(self) -> None:
        kind = http.client.HTTPSConnection if self._url.scheme == "https" else http.client.HTTPConnection
        connection = kind(self._url.hostname or "", self._url.port, timeout=self._timeout)
        headers = {"content-type": "text/plain"}
        if self._token is not None:
            headers["authorization"] = f"Bearer {self._token}"
        try:
            connection.request("POST", self._path, json.dumps(self.facts()), headers)
            connection.getresponse().read(1024)
        except (OSError, http.client.HTTPException):
            pass  # the host notices that the beat is missing
        finally:
            connection.close()


def rss_bytes() -> int | None:
    """Resident memory of this process; None where the platform does not tell."""
    try:
        with open("/proc/self/statm", encoding="ascii") as statm:
            return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError):
        pass
    try:
        import resource
    except ImportError:
        return None
    # The most it ever was: better than nothing where there is no /proc.
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
