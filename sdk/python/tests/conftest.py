"""Checks in tests do not pile up in the registry of the one check of a component."""

import pytest

from probity_check import _check


@pytest.fixture(autouse=True)
def empty_registry():
    before = list(_check._registered)
    _check._registered.clear()
    yield
    _check._registered[:] = before
