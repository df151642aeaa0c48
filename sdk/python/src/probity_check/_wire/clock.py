"""The capability `clock`."""

from wit_world.imports.clock import monotonic_ns, now_unix_ms, sleep_ms  # type: ignore[import-not-found]

__all__ = ["monotonic_ns", "now_unix_ms", "sleep_ms"]
