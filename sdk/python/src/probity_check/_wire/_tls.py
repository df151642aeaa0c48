"""TLS sessions of the bindings."""

from typing import Any

from componentize_py_types import Err  # type: ignore[import-not-found]

from .._tls import Certificate, TlsInfo
from . import lift


def session(raw: Any) -> TlsInfo | None:
    if raw is None:
        return None
    distrust = raw.verified.value if isinstance(raw.verified, Err) else None
    chain = [lift(Certificate, each) for each in raw.chain]
    return TlsInfo(raw.protocol, raw.cipher, raw.alpn, raw.handshake_ms, chain, distrust)
