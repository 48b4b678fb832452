"""
Say what a file looks like that holds no HTTP data, and how to get what is read instead.

Two tables of signs: how the bytes of a binary file begin, and what stands in a text.
"""

from __future__ import annotations

import re

from sinchtools.core.json import value_of
from sinchtools.evidence.row_tables import rows_of

_LOOKED_AT = 20_000  # characters of a text in which a sign is searched
BINARY = "binary data, no text"
_COPY_TEXT = "copy the text out of it, or ask for the request as curl or HAR"
_AS_EML = "save the mail as .eml, or copy its text"

# how a file begins, and what it is with the better way; the longer marks first
_OF_BYTES: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG\r\n", f"an image (PNG): {_COPY_TEXT}"),
    (b"\xff\xd8\xff", f"an image (JPEG): {_COPY_TEXT}"),
    (b"RIFF", "an image, sound or film: copy the text that it shows"),
    (b"GIF8", f"an image (GIF): {_COPY_TEXT}"),
    (b"%PDF-", f"a PDF document: {_COPY_TEXT}"),
    (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        f"an Outlook message (.msg) or old Office file: {_AS_EML}",
    ),
    (b"{\\rtf", f"a document in Rich Text Format: {_COPY_TEXT}"),
    (b"\x28\xb5\x2f\xfd", "packed with Zstandard (zst): decompress it first (unzstd FILE)"),
    (b"\x04\x22\x4d\x18", "packed with LZ4: decompress it first (unlz4 FILE)"),
    (b"\x1f\x9d", "packed with compress (.Z): decompress it first (uncompress FILE)"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive: unpack it first, or pack it as zip"),
    (b"Rar!\x1a\x07", "a RAR archive: unpack it first, or pack it as zip"),
    (b"SQLite format 3\0", "a database: export the table as CSV or JSON Lines"),
    (b"PAR1", "a Parquet file: st.scan reads it, or export it as CSV"),
    (b"Obj\x01", "an Avro file: export it as JSON Lines"),
    (
        b"bplist00",
        "a binary property list or Safari web archive: export a HAR from the Network tab",
    ),
    (b"\x7fELF", "a program, no evidence"),
    (b"MZ\x90", "a program, no evidence"),
    (b"ElfFile\0", "a Windows event log (.evtx): save it as text, CSV or XML in the Event Viewer"),
    (b"regf", "a registry file, no evidence"),
    (b"\0asm", "a WebAssembly module, no evidence"),
    (b"\xca\xfe\xba\xbe", "a Java class or a program, no evidence"),
    (b"!BDN", f"an Outlook mailbox (.pst): {_AS_EML}"),
)
_CAPTURES = (
    b"\xd4\xc3\xb2\xa1",
    b"\xa1\xb2\xc3\xd4",
    b"\x4d\x3c\xb2\xa1",
    b"\xa1\xb2\x3c\x4d",
    b"\x0a\x0d\x0d\x0a",
)
_CAPTURE = (
    "a packet capture (pcap): TLS hides the HTTP data in it; export the stream as text in "
    "Wireshark (Follow, HTTP stream), or take a HAR"
)


# a file within a zip archive that tells what the archive is
_OF_MEMBERS = {
    "word/document.xml": f"a Word document: {_COPY_TEXT}",
    "ppt/presentation.xml": f"a PowerPoint presentation: {_COPY_TEXT}",
    "xl/workbook.xml": "an Excel workbook: save the sheet as CSV",
    "META-INF/MANIFEST.MF": "a Java archive, no evidence",
    "AndroidManifest.xml": "an Android app, no evidence",
}


_JSON = "JSON without a call: no method, URL or status in any of the known places"


def _sign(row: str, folded: str) -> tuple[str, re.Pattern[str]]:
    reason, _, pattern = row.partition(" =>")
    whole = re.compile(pattern[1:] + folded, re.IGNORECASE | re.MULTILINE)
    return reason.replace("<COPY TEXT>", _COPY_TEXT), whole


# what a text without HTTP data looks like, the surest signs first
_OF_TEXT = tuple(
    _sign(*row)
    for row in rows_of(r"""
a certificate or a key, no HTTP data: never send a private key =>
    -----BEGIN [A-Z ]{0,30}(?:PRIVATE KEY|CERTIFICATE|PUBLIC KEY)
PGP data, no HTTP data: decrypt it first => -----BEGIN PGP<SPACE>
a description of an API (OpenAPI), no calls: send the request that failed, as curl or HAR =>
    ^\s{0,20}(?:\{\s{0,20})?['\"]?(?:openapi|swagger|asyncapi)['\"]?\s?:\s?['\"]?\d
a schema, no calls: send the request that failed, as curl or HAR =>
    <(?:wsdl:)?definitions\b|<xs:schema\b|\"\$schema\"\s?:\s?\"http
an error of the program itself: no call is in it => ^Traceback \(most recent call last\)
an error of the program itself (a Java stack trace): no call is in it =>
    ^Exception in thread|^[ \t]+at [\w.$]+\([\w$]+\.(?:java|kt|scala):\d+\)|^Caused by:<SPACE>
an error of the program itself (a JavaScript stack trace): no call is in it =>
    ^[ \t]+at .{1,200}(?:\.[jt]sx?|node:[\w/]+):\d+:\d+\)?$
an image as base64: <COPY TEXT> => ^data:image/|;base64,iVBOR|^iVBORw0KGgo
a web page: save the network log as HAR instead => ^\s{0,20}<(?:!doctype html|html)\b
an image (SVG): <COPY TEXT> => ^\s{0,20}<svg\b
a contact or a calendar entry, no HTTP data => ^BEGIN:V(?:CARD|CALENDAR)
a patch, no HTTP data: send the call itself => ^diff --git |^--- a/.{1,200}\n\+\+\+ b/
SQL, no HTTP data: export the rows as CSV or JSON Lines =>
    \A\s{0,20}(?:CREATE|INSERT INTO|SELECT|ALTER|DROP)\s
a configuration file, no calls: send the log of the program, or the call as curl =>
    ^(?:apiVersion|kind): \w|^FROM [\w./:-]+(?: AS \w+)?$|^services:\s*$|^\[tool\.
settings (environment variables), no calls: send the call as curl, without the secrets =>
    \A(?:[ \t]*#.*\n|[ \t]*\n|(?:export )?[A-Z][A-Z0-9_]{1,60}=.*\n?){1,200}\Z
a style sheet, no HTTP data =>
    \A\s{0,20}(?:@(?:import|media|charset)\b|[.#\w*:,> -]{1,80}\{\s{0,9}[\w-]{1,40}:[^{};]{1,99};)
a list of packages, no calls: send the log of the program, or the call as curl =>
    \"(?:devD|d)ependencies\"\s?:|^\s{0,9}<project\b.{0,200}POM|\"lockfileVersion\"
a test report (JUnit), no calls: export the run as JSON, or send the call as curl => ^<testsuites?\b
the sums of a load test: no single calls are in them; export its samples =>
    \"scenariosCreated\"|^Type,Name,(?:Request Count|# requests)|http_req_duration\.{3}
""")
)


def of_bytes(data: bytes) -> str:
    """Return what binary data looks like, and how to get it as text."""
    return sign_of_bytes(data) or BINARY


def sign_of_bytes(data: bytes) -> str:
    """
    Return what data that is surely of a binary kind looks like, or nothing.

    Examples
    --------
    >>> sign_of_bytes(b"%PDF-1.7")[:14]
    'a PDF document'
    """
    if data.startswith(_CAPTURES):
        return _CAPTURE
    if data.startswith(b"ftyp", 4):
        return f"an image or a film of a phone: {_COPY_TEXT}"
    return next((reason for mark, reason in _OF_BYTES if data.startswith(mark)), "")


def of_members(names: set[str]) -> str:
    """Return what a zip archive with these files looks like when it is no archive of evidence."""
    return next((reason for name, reason in _OF_MEMBERS.items() if name in names), "")


def of_text(text: str) -> str:
    """
    Return what a text without HTTP data looks like, or nothing.

    Examples
    --------
    >>> of_text("openapi: 3.1.0")[:26]
    'a description of an API (O'
    """
    start = text[:_LOOKED_AT]
    found = next((reason for reason, pattern in _OF_TEXT if pattern.search(start)), "")
    return found or (_JSON if _is_json(text) else "")


def _is_json(text: str) -> bool:
    is_document = text.strip()[:1] in ("{", "[") and len(text) <= _LOOKED_AT
    return is_document and value_of(text) is not None
