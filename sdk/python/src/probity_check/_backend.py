"""Who answers the calls of a capability: the host's bindings in a component, a fake in a test.

Bindings are found when a capability's module is imported, which in a component happens while it is built: what is not
imported then is not in the component.
"""

from __future__ import annotations

import importlib
from typing import Any

try:
    import wit_world  # type: ignore[import-not-found]  # there in a component only

    IN_COMPONENT = wit_world is not None
except ModuleNotFoundError:
    IN_COMPONENT = False

#: The fake that :class:`probity_check.testing.Host` installs for a run; it has an attribute for each capability.
installed: Any = None


class _Fake:
    """Passes calls on to the installed fake."""

    def __init__(self, capability: str) -> None:
        self._capability = capability

    def __getattr__(self, name: str) -> Any:
        if installed is None:
            raise RuntimeError(
                f"probity_check.{self._capability} needs a host: run the check in a component, or with probity_check.testing.Host"
            )
        return getattr(getattr(installed, self._capability), name)


def bind(capability: str) -> Any:
    """The functions of a capability."""
    if IN_COMPONENT:
        return importlib.import_module(f"probity_check._wire.{capability}")
    return _Fake(capability)
