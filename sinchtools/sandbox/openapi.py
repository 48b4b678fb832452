"""Describe the API as an OpenAPI 3.1 document, so that other tools can use the sandbox."""

from __future__ import annotations

from typing import Any

from sinchtools.api.description import (
    BATCH_TYPES,
    ENDPOINTS,
    KINDS,
    PREFIX,
    SCHEMAS,
    STATUSES,
    Endpoint,
    Field,
)

_ERRORS = ("400", "401", "403", "404", "405", "413", "415", "429", "431", "500", "503")
_JSON = "application/json"
_ID = _TEXT = {"type": "string"}
_INTEGER = {"type": "integer"}
_INSTANT = dict(KINDS["instant"].schema)
_BATCH = {
    "id": _ID,
    "to": {"type": "array", "items": _TEXT},
    "from": _TEXT,
    "canceled": {"type": "boolean"},
    "type": {"enum": list(BATCH_TYPES)},
    "body": {"type": ["string", "object"]},
    "created_at": _INSTANT,
    "modified_at": _INSTANT,
    "delivery_report": _TEXT,
    "expire_at": _INSTANT,
}
_GROUP = {
    "id": _ID,
    "name": _TEXT,
    "size": _INTEGER,
    "created_at": _INSTANT,
    "modified_at": _INSTANT,
    "child_groups": {"type": "array", "items": _ID},
}
_COUNT = {
    "code": _INTEGER,
    "status": {"enum": list(STATUSES)},
    "count": {"type": "integer", "minimum": 1},
    "recipients": {"type": "array", "items": _TEXT},
}
_INBOUND = {
    "id": _ID,
    "from": _TEXT,
    "to": _TEXT,
    "type": _TEXT,
    "received_at": _INSTANT,
    "body": {"type": ["string", "object"]},
}
_RECIPIENT = {
    "type": _TEXT,
    "batch_id": _ID,
    "recipient": _TEXT,
    "code": _INTEGER,
    "status": {"enum": list(STATUSES)},
    "at": _INSTANT,
}
_DRY = {
    "recipient": _TEXT,
    "body": _TEXT,
    "number_of_parts": _INTEGER,
    "encoding": {"enum": ["text", "unicode"]},
}


def openapi(server: str = "http://127.0.0.1:8080") -> dict[str, Any]:
    """
    Return the OpenAPI document.

    Examples
    --------
    >>> sorted(openapi()["paths"]["/batches/{batch_id}"])
    ['delete', 'get', 'parameters', 'post', 'put']
    """
    paths: dict[str, Any] = {}
    for endpoint in ENDPOINTS:
        names = [part[1:-1] for part in endpoint.path.split("/") if part.startswith("{")]
        inside = [
            {
                "name": name,
                "in": "path",
                "required": True,
                "schema": {"type": "string", "minLength": 1},
            }
            for name in names
        ]
        paths.setdefault(endpoint.path, {"parameters": inside} if inside else {})[
            endpoint.method.lower()
        ] = _operation(endpoint)
    base = {
        "url": f"{server}{PREFIX}/{{service_plan_id}}",
        "variables": {"service_plan_id": {"default": "your-service-plan"}},
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": "SMS REST API, as sinchtools' sandbox plays it", "version": "1"},
        "servers": [base],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": _components(),
        },
    }


def _operation(endpoint: Endpoint) -> dict[str, Any]:
    answer = _answer(endpoint)
    good = {"description": "Success"} | ({"content": {_JSON: {"schema": answer}}} if answer else {})
    refusal = {"description": "Refused", "content": {_JSON: {"schema": _ref("error")}}}
    bad = {
        status: refusal if status in {"400", "403"} else {"description": "Refused, without a body"}
        for status in (*_ERRORS, "409")
    }
    operation: dict[str, Any] = {
        "operationId": endpoint.operation,
        "responses": {str(endpoint.success): good, **bad},
    }
    if endpoint.query:
        operation["parameters"] = [
            {"name": name, "in": "query", "schema": _field(spec)}
            for name, spec in endpoint.query.items()
        ]
    if endpoint.body:
        operation["requestBody"] = {
            "required": True,
            "content": {_JSON: {"schema": _body(endpoint.body)}},
        }
    return operation


def _body(name: str) -> dict[str, Any]:
    return (
        {"anyOf": [_ref(f"{name}.{kind}") for kind in BATCH_TYPES]}
        if name.startswith("batch")
        else _ref(name)
    )


def _answer(endpoint: Endpoint) -> dict[str, Any] | None:
    resource, _, name = endpoint.operation.partition(".")
    if name in {"send_delivery_feedback", "delete"}:
        return None
    special = {
        "batches.dry_run": "dry_run",
        "delivery_reports.get": "report",
        "delivery_reports.get_for_number": "recipient_report",
    }
    if endpoint.operation == "groups.list_members":
        return {"type": "array", "items": _TEXT}
    if name == "list":
        return _ref(f"{resource}_page")
    return _ref(
        special.get(
            endpoint.operation,
            {"batches": "batch", "groups": "group_object", "inbounds": "inbound"}.get(resource, ""),
        )
    )


def _components() -> dict[str, Any]:
    fields = {
        name.replace(":", "."): _object(
            {key: _field(spec) for key, spec in schema.items()},
            [k for k, s in schema.items() if s.required],
        )
        for name, schema in SCHEMAS.items()
    }
    page = {"count": _INTEGER, "page": _INTEGER, "page_size": _INTEGER}
    items = {
        "batches": "batch",
        "groups": "group_object",
        "inbounds": "inbound",
        "delivery_reports": "recipient_report",
    }
    pages = {
        f"{name}_page": _object({**page, name: {"type": "array", "items": _ref(item)}})
        for name, item in items.items()
    }
    group = {name: spec for name, spec in _GROUP.items() if name != "name"}
    report = {
        "type": _TEXT,
        "batch_id": _ID,
        "total_message_count": _INTEGER,
        "statuses": {"type": "array", "items": _object(_COUNT, list(_COUNT)[:3])},
    }
    dry = {
        "number_of_recipients": _INTEGER,
        "number_of_messages": _INTEGER,
        "per_recipient": {"type": "array", "items": _object(_DRY)},
    }
    return {
        **fields,
        **pages,
        "batch": _object(_BATCH, [name for name in _BATCH if name != "from"]),
        "group_object": _object(_GROUP, list(group)),
        "inbound": _object(_INBOUND),
        "recipient_report": _object(_RECIPIENT),
        "report": _object(report),
        "dry_run": _object(dry, list(dry)[:2]),
        "error": _object({"code": _TEXT, "text": _TEXT}),
    }


def _field(spec: Field) -> dict[str, Any]:
    if spec.kind in SCHEMAS:
        return _ref(spec.kind)
    schema = dict(KINDS[spec.kind].schema)
    low, high = {"integer": ("minimum", "maximum"), "array": ("minItems", "maxItems")}.get(
        schema["type"], ("minLength", "maxLength")
    )
    limits = {
        low: spec.low,
        high: spec.high,
        "default": spec.default,
        "enum": list(spec.choices) if spec.kind == "choice" else None,
    }
    return schema | {name: value for name, value in limits.items() if value is not None}


def _object(properties: dict[str, Any], required: list[str] | None = None) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties) if required is None else required,
    }


def _ref(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}
