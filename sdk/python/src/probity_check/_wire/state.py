"""The capability `state`."""

from wit_world.imports import state as raw  # type: ignore[import-not-found]

from . import call


def get(key: str) -> bytes | None:
    return call(raw.get, key)


def set(key: str, value: bytes, ttl_ms: int | None) -> None:
    call(raw.set, key, value, ttl_ms)


def delete(key: str) -> None:
    call(raw.delete, key)


def increment(key: str, delta: int) -> int:
    return call(raw.increment, key, delta)


def keys(prefix: str) -> list[str]:
    return call(raw.keys, prefix)
