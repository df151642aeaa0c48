"""The capability `redis`: replies come as tokens in the order of the wire."""

from typing import Any, Iterator

from wit_world.imports import redis as raw  # type: ignore[import-not-found]

from .._errors import CapabilityError, ErrorKind
from ..redis import Pairs, ReplyError
from . import call

#: How deep replies nest; the host cuts off far earlier.
_DEPTH_MAX = 64


class Connection:
    """A connection that the host keeps."""

    def __init__(self, held: Any) -> None:
        self._held = held

    def ping(self) -> float:
        return call(self._held.ping)

    def command(self, name: str, args: list[bytes]) -> Any:
        tokens = iter(call(self._held.command, name, args))
        try:
            return _build(tokens, _DEPTH_MAX)
        except StopIteration:
            raise CapabilityError(ErrorKind.PROTOCOL, f"the reply to {name} is incomplete") from None


def open(name: str) -> Connection:
    return Connection(call(raw.Connection.open, name))


def _build(tokens: Iterator[Any], depth: int) -> Any:
    token = next(tokens) if depth else next(iter(()))
    if isinstance(token, raw.Token_Array):
        return _many(tokens, token.value, depth)
    if isinstance(token, raw.Token_Map):
        flat = _many(tokens, 2 * token.value, depth)
        return Pairs(zip(flat[::2], flat[1::2]))
    if isinstance(token, raw.Token_Error):
        return ReplyError(token.value)
    return getattr(token, "value", None)


def _many(tokens: Iterator[Any], count: int, depth: int) -> list[Any]:
    found = []
    for _ in range(count):
        found.append(_build(tokens, depth - 1))
    return found
