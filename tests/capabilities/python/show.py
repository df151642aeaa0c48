"""How what a call returned is shown."""

from __future__ import annotations

from typing import Any, Callable

from probity_check import Outcome
from probity_check.http import Response
from probity_check.tls import Certificate, TlsInfo


def measure(outcome: Outcome, prefix: str = "", **values: Any) -> None:
    """Measurements by their names, or the details `none`."""
    for name, value in values.items():
        name = prefix + name.replace("_", "-")
        if value is None:
            outcome.detail(name, "none")
        else:
            outcome.measure(name, value)


def detail(outcome: Outcome, prefix: str = "", **values: Any) -> None:
    """Details by their names: texts, bytes, statuses, or `none`."""
    for name, value in values.items():
        text = "none" if value is None else value.hex() if isinstance(value, bytes) else str(value)
        outcome.detail(prefix + name.replace("_", "-"), text)


def each(outcome: Outcome, prefix: str, items: list[Any], show: Callable[[Outcome, str, Any], None]) -> None:
    for number, item in enumerate(items, 1):
        show(outcome, f"{prefix}{number}-", item)


def session(outcome: Outcome, prefix: str, info: TlsInfo) -> None:
    detail(outcome, prefix, protocol=info.protocol, cipher=info.cipher, alpn=info.alpn, verified=info.distrust or "yes")
    measure(outcome, prefix, handshake_ms=info.handshake_ms, chain=len(info.chain))
    each(outcome, prefix, info.chain, certificate)


def certificate(outcome: Outcome, prefix: str, found: Certificate) -> None:
    names = ", ".join(found.dns_names)
    detail(outcome, prefix, subject=found.subject, issuer=found.issuer, serial=found.serial)
    measure(outcome, prefix, not_before_unix=found.not_before_unix, not_after_unix=found.not_after_unix)
    detail(outcome, prefix, dns_names=names, sha256=found.sha256)


def answer(outcome: Outcome, prefix: str, response: Response) -> None:
    timing, info = response.timing, response.tls
    measure(outcome, prefix, status=response.status)
    detail(outcome, prefix, version=response.version, headers=headers(response.headers))
    detail(outcome, prefix, content_type=response.header("Content-Type"), x_absent=response.header("x-absent"))
    detail(outcome, prefix, body=response.text(), trailers=headers(response.trailers))
    measure(outcome, prefix, dns_ms=timing.dns_ms, connect_ms=timing.connect_ms, tls_ms=timing.tls_ms)
    measure(outcome, prefix, first_byte_ms=timing.first_byte_ms, total_ms=timing.total_ms)
    detail(outcome, prefix, remote_address=response.remote_address)
    if info is None:
        detail(outcome, prefix, tls=None)
    else:
        session(outcome, f"{prefix}tls-", info)


def headers(found: list[tuple[str, bytes]]) -> str:
    return ", ".join(f"{name}: {value.decode()}" for name, value in found)
