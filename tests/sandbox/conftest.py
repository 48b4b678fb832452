"""A sandbox for each test, whose clock stands still."""

from datetime import UTC, datetime

import pytest

from sinchtools.sandbox import Sandbox

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)


@pytest.fixture
def sandbox(server: Sandbox) -> Sandbox:
    """The sandbox of the module, without what the test before left, at `NOW`."""
    server.reset()
    server.clock.freeze(NOW)
    return server
