"""What has to be there: the value itself, where a type says that it may be missing."""

import json
from typing import Any, TypeVar

T = TypeVar("T")


def present(value: T | None) -> T:
    """Return a value that is not None; a test that calls this says so."""
    assert value is not None
    return value


def parsed(body: str | bytes | None) -> Any:
    """Return the value of a body that is JSON."""
    assert body is not None
    return json.loads(body)
