"""Runs a check natively against fake capabilities.

A :class:`Host` answers what it was told to; everything else is an error of the kind the real host would give
(``refused`` for an unknown address, ``not-found`` for an unknown path), so that a forgotten fake fails a test loudly::

    host = Host().http("GET", "http://shop.test/health", Reply(500))
    assert host.run(up).status == Status.UNHEALTHY
    assert len(host.requests) == 1
"""

from ._fake import LogRecord
from ._host import Host
from ._http import Reply
from ._sql import Database
from ._tcp import Script

__all__ = ["Database", "Host", "LogRecord", "Reply", "Script"]
