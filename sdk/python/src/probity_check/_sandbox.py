"""What a component has not, refused where it is asked for: sockets, threads, processes, event loops, files.

Libraries that want them import well, and fail in a run with whatever the interpreter makes of a system without them; an
author would take that for news about the target. What is raised here is no :class:`Exception`, so that neither they nor
the check take it for an answer: the run ends as a trap that says what to use instead. In a component only.
"""

from __future__ import annotations

import builtins
import io
import sys
from typing import Any, Callable

SOCKETS = "sockets: ask through probity_check (http, tcp, udp, dns, tls, sql, redis, queue)"
THREADS = "threads: probity_check.http.send_all asks side by side"
PROCESSES = "processes: probity_check.system tells of those of the machine"
LOOPS = "event loops: functions of probity_check return when they are done, and http.send_all asks side by side"
FILES = "files: read it at the top of the module, which is part of the component; probity_check.state keeps values between runs"


class NotInAComponent(BaseException):
    """A component has no such thing."""


def close() -> None:
    """From now on: the author's module is imported, and what was done until then is in the snapshot."""
    _refuse("socket", SOCKETS, "getaddrinfo", "gethostbyname", "create_connection", "create_server", "socketpair")
    _refuse_of("socket", "socket", "__init__", SOCKETS)
    _refuse_of("threading", "Thread", "start", THREADS)
    _refuse_of("multiprocessing.process", "BaseProcess", "start", PROCESSES)
    _refuse_of("subprocess", "Popen", "__init__", PROCESSES)
    _refuse("os", PROCESSES, "system", "popen")
    _refuse("asyncio.events", LOOPS, "new_event_loop", "get_event_loop")
    builtins.open = io.open = _explained(io.open)  # type: ignore[assignment]


def hint(error: BaseException) -> str:
    """What an error of the interpreter means in a component; empty when nothing is to be said."""
    if isinstance(error, ModuleNotFoundError):
        return "import it at the top of the module: a component is a snapshot taken after the imports"
    if type(error).__name__ == "ZoneInfoNotFoundError":
        return "there are no files in a component: install tzdata in .venv, and make the zone at the top of the module"
    if isinstance(error, LookupError) and "unknown encoding" in str(error):
        return "there are no files in a component: use the encoding once at the top of the module"
    return ""


def _refusing(what: str, without: str) -> Callable[..., Any]:
    def refuse(*_: object, **__: object) -> Any:
        raise NotInAComponent(f"{what}: a component has no {without}")

    return refuse


def _refuse(module: str, without: str, *names: str) -> None:
    found = sys.modules.get(module)
    for name in names:
        if found is not None and hasattr(found, name):
            setattr(found, name, _refusing(f"{module}.{name}", without))


def _refuse_of(module: str, kind: str, method: str, without: str) -> None:
    found = getattr(sys.modules.get(module), kind, None)
    if found is not None:
        setattr(found, method, _refusing(f"{module}.{kind}", without))


def _explained(original: Callable[..., Any]) -> Callable[..., Any]:
    """Libraries look for files that may be missing and go on without: the error stays of its kind."""

    def open(file: Any, *args: Any, **options: Any) -> Any:
        try:
            return original(file, *args, **options)
        except OSError as error:
            raise type(error)(error.errno, f"{error.strerror}; a component has no {FILES}", error.filename) from None

    return open
