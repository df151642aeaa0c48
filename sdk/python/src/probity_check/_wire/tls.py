"""The capability `tls`."""

from wit_world.imports import tls as raw  # type: ignore[import-not-found]

from .._tls import Certificate, TlsInfo
from . import call, lift
from ._tls import session


def inspect(host: str, port: int, server_name: str | None) -> TlsInfo | None:
    return session(call(raw.inspect, host, port, server_name))


def inspect_trusting(host: str, port: int, server_name: str | None, authority: str) -> TlsInfo | None:
    return session(call(raw.inspect_trusting, host, port, server_name, authority))


def inspect_named(name: str) -> list[Certificate]:
    return [lift(Certificate, each) for each in call(raw.inspect_named, name)]
