"""What a body says as JSON."""

from __future__ import annotations

import json
from typing import Any


def value_of(body: str | bytes | None) -> Any:
    """Return the JSON value of a body, or None when it is none."""
    try:
        return json.loads(body) if body else None
    except (ValueError, RecursionError):
        return None
