"""Author kit for Probity checks in Python.

A check is a decorated function. Its capabilities are modules, and a component asks for those that it imports and no
other, so what it imports is what an operator must grant::

    from dataclasses import dataclass

    from probity_check import AtMost, Outcome, check, setting, system


    @dataclass
    class Config:
        load: AtMost = setting(AtMost(warn=1.5), doc="One-minute load per CPU.")


    @check(name="load", version="0.1.0", description="Is the machine overloaded?")
    def load(config: Config) -> Outcome:
        per_cpu = system.load().one / system.cpu().logical
        return Outcome.healthy("load is fine").judge("load", per_cpu, "1", config.load)

The same check, natively, against fake capabilities::

    from probity_check import Status
    from probity_check.testing import Host

    outcome = Host().load(6.0, 2.0, 1.0).cpus(2).run(load, {"load": {"warn": 1.5}})
    assert outcome.status == Status.DEGRADED

Bad news has three shapes: ``Outcome.unhealthy`` is a judgement about the system; a :class:`Failure` that is raised says
that no judgement was possible (the host reports ``unknown``); any other exception ends the run as a trap, with its
traceback in the log.

Modules: :mod:`probity_check.http`, :mod:`~probity_check.udp`, :mod:`~probity_check.sql`, :mod:`~probity_check.redis`, :mod:`~probity_check.state`,
:mod:`~probity_check.system`, :mod:`~probity_check.queue`, :mod:`~probity_check.dns`, :mod:`~probity_check.tcp`, :mod:`~probity_check.tls`,
:mod:`~probity_check.secrets`, :mod:`~probity_check.heartbeats`, :mod:`~probity_check.peers`, :mod:`~probity_check.clock`,
:mod:`~probity_check.context`, :mod:`~probity_check.log`; :mod:`~probity_check.json` has rules for documents. For services there are :mod:`probity_check.flask`, :mod:`probity_check.fastapi`,
:mod:`probity_check.django` and :mod:`probity_check.pulse`.
"""

from ._check import Check, Metadata, check
from ._errors import CapabilityError, ConfigError, ErrorKind, Failure
from ._fields import setting
from ._outcome import Measurement, Observed, Outcome, Status
from ._threshold import AtLeast, AtMost, Judge
from ._units import Size, Span

__all__ = [
    "AtLeast",
    "AtMost",
    "CapabilityError",
    "Check",
    "ConfigError",
    "ErrorKind",
    "Failure",
    "Judge",
    "Measurement",
    "Metadata",
    "Observed",
    "Outcome",
    "Size",
    "Span",
    "Status",
    "check",
    "setting",
]

__version__ = "0.1.0"
