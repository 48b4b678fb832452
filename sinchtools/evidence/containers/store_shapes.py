"""The records in what log stores, tracers and error trackers answer: how each lays them out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

_LOOKED_AT = 100


def single(value: Any) -> Any:
    """Return what stands alone in a list, and anything else as it is."""
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def is_pairs(values: list[Any]) -> bool:
    """Tell whether a list is fields with their values: ``[{"key": "a", "value": 1}]``."""
    names = {"key", "field", "name"}
    return bool(values) and all(
        isinstance(one, Mapping) and "value" in one and names & one.keys()
        for one in values[:_LOOKED_AT]
    )


def from_pairs(values: Any) -> dict[str, Any]:
    """Return fields that are listed with their values as an object."""
    if isinstance(values, Mapping):
        return dict(values)
    return {
        str(one.get("key", one.get("field", one.get("name")))): _plain(one.get("value"))
        for one in values or []
        if isinstance(one, Mapping)
    }


def _plain(value: Any) -> Any:
    """Return a value of OTLP without its type: ``{"stringValue": "x"}``."""
    if isinstance(value, Mapping) and len(value) == 1:
        name, inner = next(iter(value.items()))
        if name in ("stringValue", "intValue", "doubleValue", "boolValue", "bytesValue"):
            return inner
        if name == "kvlistValue":
            return from_pairs(inner.get("values"))
    return value


def _span(start: Any, factor: float, length: Any, unit: float, tags: Any) -> dict[str, Any]:
    fields = from_pairs(tags)
    try:
        begun, took = float(start) * factor, float(length) * unit
    except (TypeError, ValueError):
        return fields
    return {"timestamp": begun, "duration_ms": round(took, 6), **fields}


def _otlp(value: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for resource in value.get("resourceSpans") or value.get("batches") or []:
        scopes = resource.get("scopeSpans") or resource.get("instrumentationLibrarySpans") or []
        for span in (span for scope in scopes for span in scope.get("spans", [])):
            yield from _span_alone(span)


def _otlp_logs(value: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for resource in value["resourceLogs"]:
        for scope in resource.get("scopeLogs") or resource.get("instrumentationLibraryLogs") or []:
            for record in scope.get("logRecords", []):
                body = _plain(record.get("body"))
                fields = from_pairs(record.get("attributes"))
                body = {"message": body} if not isinstance(body, Mapping) else body
                at = record.get("timeUnixNano") or record.get("observedTimeUnixNano")
                yield {"timestamp": at, **fields, **body}


def _jaeger(value: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for span in value["spans"]:
        yield _span(span.get("startTime"), 1e-6, span.get("duration"), 1e-3, span.get("tags") or {})


def _zipkin(value: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield _span(value["timestamp"], 1e-6, value.get("duration"), 1e-3, value.get("tags") or {})


def _span_alone(value: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    start, end = int(value["startTimeUnixNano"]), int(value.get("endTimeUnixNano") or 0)
    yield _span(start, 1e-9, max(0, end - start), 1e-6, value.get("attributes"))


def _span_printed(value: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield a span as OpenTelemetry for Python prints it."""
    begun, ended = map(datetime.fromisoformat, (value["start_time"], value["end_time"]))
    took = (ended - begun).total_seconds()
    yield _span(begun.timestamp(), 1, took, 1e3, value["attributes"])


def _datadog_span(value: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield _span(value["start"], 1e-9, value["duration"], 1e-6, value["meta"])


def _loki(value: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for pair in value["values"]:
        yield {"timestamp": pair[0], "line": pair[1]}


def _columns(names: Iterable[Any], rows: Iterable[Any]) -> Iterator[Mapping[str, Any]]:
    plain = [
        str(name.get("name") or name.get("ColumnName") if isinstance(name, Mapping) else name)
        for name in names
    ]
    yield from (dict(zip(plain, row, strict=False)) for row in rows if isinstance(row, list))


def _tables(value: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for table in value.get("tables") or value.get("Tables") or []:
        yield from _columns(
            table.get("columns") or table.get("Columns"), table.get("rows") or table.get("Rows")
        )


def _frame(value: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the rows of a data frame of Grafana."""
    names = value["schema"]["fields"]
    yield from _columns(names, map(list, zip(*value["data"]["values"], strict=False)))


def _hits(value: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    hits = value["hits"]
    for hit in hits.get("hits", []) if isinstance(hits, Mapping) else hits:
        fields = hit.get("_source") or hit.get("fields") or hit
        yield {name: single(field) for name, field in fields.items()}


def _sentry(value: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the calls among the breadcrumbs of an event."""
    crumbs = value.get("breadcrumbs")
    for entry in value.get("entries") or []:
        if isinstance(entry, Mapping) and entry.get("type") == "breadcrumbs":
            crumbs = entry.get("data")
    crumbs = crumbs.get("values") if isinstance(crumbs, Mapping) else crumbs
    for crumb in crumbs or []:
        data = crumb.get("data")
        if isinstance(data, Mapping) and ("url" in data or "http.method" in data):
            yield {"timestamp": crumb.get("timestamp"), **data}


def _datadog(value: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield a log of Datadog with what it keeps below its attributes."""
    fields = value.get("attributes") or value["content"]
    inner = fields.get("attributes") if isinstance(fields.get("attributes"), Mapping) else {}
    yield {"timestamp": fields.get("timestamp"), "message": fields.get("message"), **inner}


SHAPES: tuple[tuple[set[str], Callable[[Mapping[str, Any]], Iterator[Mapping[str, Any]]]], ...] = (
    ({"resourceSpans"}, _otlp),
    ({"batches", "metrics"}, _otlp),
    ({"resourceLogs"}, _otlp_logs),
    ({"traceID", "spans"}, _jaeger),
    ({"traceId", "timestamp", "localEndpoint"}, _zipkin),
    ({"traceId", "timestamp", "tags", "id"}, _zipkin),
    ({"startTimeUnixNano", "endTimeUnixNano"}, _span_alone),
    ({"start_time", "end_time", "context", "attributes"}, _span_printed),
    ({"span_id", "start", "duration", "meta"}, _datadog_span),
    ({"stream", "values"}, _loki),
    ({"tables"}, _tables),
    ({"Tables"}, _tables),
    ({"fields", "rows"}, lambda value: _columns(value["fields"], value["rows"])),
    ({"columns", "rows"}, lambda value: _columns(value["columns"], value["rows"])),
    ({"schema", "data"}, _frame),
    ({"hits"}, _hits),
    ({"event_id", "breadcrumbs"}, _sentry),
    ({"eventID", "entries"}, _sentry),
    ({"breadcrumbs", "platform"}, _sentry),
    ({"id", "attributes", "type"}, _datadog),
    ({"id", "content"}, _datadog),
)
