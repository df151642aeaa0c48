"""The capability `log`."""

from wit_world.imports import log as raw  # type: ignore[import-not-found]

from ..log import Level

_LEVELS = {level: getattr(raw.Level, level.name) for level in Level}


def write(level: Level, message: str, fields: list[tuple[str, str]]) -> None:
    raw.write(_LEVELS[level], message, fields)
