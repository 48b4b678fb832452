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
    retries,
    sdk_log,
    sentences,
    tables,
    told_call,
    tools,
    traces,
    xml_tools,
)
from sinchtools.evidence.found import Finder, Found, Role
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
# What may stand anywhere in a text, in the order in which lines are taken: who knows more of a call
# comes first. `before` names the finders further down that would take the same lines and know less.
FINDERS: dict[str, Finder] = {
    # a log throughout: no other finder needs to look at its lines
    "server-log": Finder(access_log.find_server_log, before="access-log sentence"),
    "log-of-pairs": Finder(log_lines.find_log_of_pairs, before="logfmt"),
    # files of requests: each of their lines alone is a label, a request line or a body of HTTP
    "bruno": Finder(http_file.find_bruno, before="panel client-log object"),
    "hurl": Finder(hurl.find, before="http", role=Role.SCRIPT),
    "http-file": Finder(http_file.find, before="http told-call"),
    # runs and records: their lines look like an access log's, or like labels of a window
    "newman": Finder(newman.find, before="access-log sentence"),
    "postman-console": Finder(newman.find_console),
    "trace": Finder(traces.find),
    "database": Finder(database.find, before="client-log panel document"),
    "values": Finder(log_lines.find_values, before="document error object client-log"),
    # attempts of one call, which the finders below would take for several
    "urllib3-retry": Finder(retries.find, before="error client-log sdk-log access-log sentence"),
    "printed-call": Finder(
        printed_calls.find, before="http access-log told-call sentence document"
    ),
    # an error has a body, a stack and causes below it, which are JSON, objects or code to others
    "error": Finder(
        errors.find, before="code client-log sdk-log access-log http sentence object document"
    ),
    # commands and code hold bodies and quoted URLs, which are objects or words to others
    "curl": Finder(
        curl.find, before="code access-log told-call sentence object document", role=Role.COMMAND
    ),
    "code": Finder(code.find, before="told-call sentence object document", role=Role.CODE),
    # blocks: labels or marks join lines that look like single calls, raw HTTP or objects
    "panel": Finder(panel.find, before="client-log http told-call object document"),
    "framework-log": Finder(access_log.find_blocks, before="access-log sentence"),
    "client-log": Finder(
        client_log.find, before="sdk-log access-log told-call sentence object document"
    ),
    "sdk-log": Finder(sdk_log.find, before="access-log sentence"),
    "command": Finder(commands.find, role=Role.COMMAND),
    "http": Finder(http_message.find, before="told-call object document"),
    # one call a line: columns and names say more of it than words do
    "text-table": Finder(tables.find, before="access-log sentence"),
    "logfmt": Finder(log_lines.find_pairs),
    "access-log": Finder(access_log.find, before="sentence document"),
    "report": Finder(callback.find, before="object"),
    # words: a request, then a status, each with the JSON in it
    "told-call": Finder(told_call.find, before="object"),
    "sentence": Finder(sentences.find, before="object document"),
    # what is left: an object of any kind, and JSON last
    "object": Finder(objects.find, before="document", role=Role.PRINTED),
    "list": Finder(objects.find_lists),
    "document": Finder(find_documents),
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
