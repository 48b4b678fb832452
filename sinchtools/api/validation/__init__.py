"""
Check requests against the description of the API.

Each violation has its rule, the response that it causes, and its place.
"""

from sinchtools.api.validation.address import path_violations, query_violations
from sinchtools.api.validation.body import body_violations, content_type_violation, parse_json
from sinchtools.api.validation.forms import (
    instant_of,
    is_group_id,
    is_url,
    msisdn_defect,
    number_violation,
)
from sinchtools.api.validation.names import NAMES_OF_FIELDS
from sinchtools.api.validation.violation import CONSTRAINT, FORMAT, JSON, STAGES, Violation

__all__ = [
    "CONSTRAINT",
    "FORMAT",
    "JSON",
    "NAMES_OF_FIELDS",
    "STAGES",
    "Violation",
    "body_violations",
    "content_type_violation",
    "instant_of",
    "is_group_id",
    "is_url",
    "msisdn_defect",
    "number_violation",
    "parse_json",
    "path_violations",
    "query_violations",
]
