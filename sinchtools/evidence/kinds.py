"""The kinds of evidence that are known, each with what finds it and what reads it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

from sinchtools.core.records import Exchange
from sinchtools.evidence.containers import mail, notebooks, prefixes, stores
from sinchtools.evidence.formats import (
    access_log,
    bare_body,
    callback,
    client_log,
    code,
    commands,
    curl,
    database,
    errors,
    har,
    http_file,
    http_message,
    hurl,
    jsonl,
    log_lines,
    nested,
    newman,
    objects,
    panel,
    postman,
    printed_calls,
    sdk_log,
    sentences,
    tables,
    told_call,
    tools,
    traces,
    urllib3_retries,
    xml_tools,
)
from sinchtools.evidence.found import Found
from sinchtools.evidence.mixed import Finder
from sinchtools.evidence.pieces import Piece, json_values

Container = Callable[[Piece], Iterable[Piece] | None]


class Format(NamedTuple):
    """How a format is known and how it is parsed."""

    sniff: Callable[[Piece], bool]
    parse: Callable[[Piece], Iterator[Exchange]]


# formats of a whole text, in the order in which they are tried
FORMATS: dict[str, Format] = {
    "har": Format(har.sniff, har.parse),
    "tool-export": Format(tools.sniff, tools.parse),
    "tool-xml": Format(xml_tools.sniff, xml_tools.parse),
    "postman": Format(postman.sniff, postman.parse),
    "postman-environment": Format(postman.sniff_environment, postman.parse_environment),
    "callback": Format(callback.sniff, callback.parse),
    "error-object": Format(objects.sniff, objects.parse),
    "error-body": Format(http_message.sniff_error_body, http_message.parse_error_body),
    "bare-body": Format(bare_body.sniff, bare_body.parse),
    "jsonl": Format(jsonl.sniff, jsonl.parse),
    "table": Format(tables.sniff, tables.parse),
    "yaml": Format(nested.sniff_yaml, nested.parse_yaml),
}


def find_documents(piece: Piece) -> Iterator[Found]:
    """Yield the rows of each JSON document that stands in a text."""
    for start, end, value in json_values(piece.text):
        if not value:
            continue
        part = piece.with_text(piece.text[start:end])
        part.document = value
        name = format_of(part)
        if name in (None, "bare-body"):  # among words, it may be an example of one
            continue
        for exchange in FORMATS[name].parse(part):
            yield Found(piece.line_of(start), piece.line_of(end), exchange, name)


# those that are looked for before what a text is wrapped in: nothing else looks like them
OF_TOOLS = {
    name: FORMATS[name]
    for name in ("har", "tool-export", "tool-xml", "postman", "postman-environment")
}
# what may stand anywhere in a text, in the order in which lines are taken
FINDERS: dict[str, Finder] = {
    "server-log": access_log.find_server_log,
    "log-of-pairs": log_lines.find_log_of_pairs,
    "bruno": http_file.find_bruno,
    "hurl": hurl.find,
    "http-file": http_file.find,
    "newman": newman.find,
    "postman-console": newman.find_console,
    "trace": traces.find,
    "database": database.find,
    "values": log_lines.find_values,
    "urllib3-retry": urllib3_retries.find,
    "printed-call": printed_calls.find,
    "error": errors.find,
    "curl": curl.find,
    "code": code.find,
    "panel": panel.find,
    "framework-log": access_log.find_blocks,
    "client-log": client_log.find,
    "sdk-log": sdk_log.find,
    "command": commands.find,
    "http": http_message.find,
    "text-table": tables.find,
    "logfmt": log_lines.find_pairs,
    "access-log": access_log.find,
    "report": callback.find,
    "told-call": told_call.find,
    "sentence": sentences.find,
    "object": objects.find,
    "list": objects.find_lists,
    "document": find_documents,
}
# what evidence is wrapped in, in the order in which they are tried
CONTAINERS: dict[str, Container] = {
    "notebook": notebooks.unwrap,
    "mail": mail.unwrap,
    "copied": mail.repaired,
    "log-store": stores.unwrap,
    "log-prefix": prefixes.unwrap,
}


def format_of(piece: Piece, formats: Mapping[str, Format] | None = None) -> str | None:
    """Return the name of the first format that the whole text has, or None."""
    for name, form in (FORMATS if formats is None else formats).items():
        try:
            if form.sniff(piece):
                return name
        except (RecursionError, ValueError, TypeError, AttributeError):
            continue
    return None
