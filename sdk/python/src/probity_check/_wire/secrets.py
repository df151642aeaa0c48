"""The capability `secrets`."""

from wit_world.imports import secrets as raw  # type: ignore[import-not-found]

from . import call


def hmac_sha256(name: str, data: bytes) -> bytes:
    return call(raw.hmac_sha256, name, data)


def matches(name: str, candidate: bytes) -> bool:
    return call(raw.matches, name, candidate)


def reveal(name: str) -> str:
    return call(raw.reveal, name)
