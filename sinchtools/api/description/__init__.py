"""
What the SMS API accepts: endpoints, fields, limits and hosts as data.

One description for client, sandbox and diagnosis.
"""

from sinchtools.api.description.endpoints import (
    BY_TEMPLATE,
    CONTROL,
    ENDPOINTS,
    PATH_WORDS,
    PREFIX,
    Endpoint,
    field_names,
    route,
    routes,
)
from sinchtools.api.description.exchanges import (
    complete,
    derived,
    error_of,
)
from sinchtools.api.description.fields import (
    BATCH_TYPES,
    BINARY_BYTES,
    KINDS,
    LIST_WINDOW_HOURS,
    MAX_VALIDITY_DAYS,
    PARAMETER_KEY,
    PARAMETER_VALUE_CHARACTERS,
    PLACEHOLDER,
    RETENTION_DAYS,
    SCHEMAS,
    STATUSES,
    Field,
    schema_of,
    substituted,
)
from sinchtools.api.description.urls import (
    LEGACY_HOSTS,
    OLD_HOSTS,
    TOKEN_PATH,
    Place,
    endpoint_of,
    is_loopback,
    is_token_endpoint,
    locate,
    other_api,
    split_url,
)

__all__ = [
    "BATCH_TYPES",
    "BINARY_BYTES",
    "BY_TEMPLATE",
    "CONTROL",
    "ENDPOINTS",
    "KINDS",
    "LEGACY_HOSTS",
    "LIST_WINDOW_HOURS",
    "MAX_VALIDITY_DAYS",
    "OLD_HOSTS",
    "PARAMETER_KEY",
    "PARAMETER_VALUE_CHARACTERS",
    "PATH_WORDS",
    "PLACEHOLDER",
    "PREFIX",
    "RETENTION_DAYS",
    "SCHEMAS",
    "STATUSES",
    "TOKEN_PATH",
    "Endpoint",
    "Field",
    "Place",
    "complete",
    "derived",
    "endpoint_of",
    "error_of",
    "field_names",
    "is_loopback",
    "is_token_endpoint",
    "locate",
    "other_api",
    "route",
    "routes",
    "schema_of",
    "split_url",
    "substituted",
]
