"""The capability `dns`."""

from wit_world.imports import dns as raw  # type: ignore[import-not-found]

from ..dns import Answer
from . import call, lift


def resolve(name: str, record_type: str, server: str | None) -> list[Answer]:
    return [lift(Answer, each) for each in call(raw.resolve, name, record_type, server)]
