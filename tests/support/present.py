"""What has to be there: the value itself, where a type says that it may be missing."""

from typing import TypeVar

T = TypeVar("T")


def present(value: T | None) -> T:
    """Return a value that is not None; a test that calls this says so."""
    assert value is not None
    return value
