"""The gate before every file that is handed over: bytes that hold a secret, or a person known to the case, are not written."""

from __future__ import annotations

import base64
import binascii
import html
import io
import re
import zipfile
import zlib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from sinchtools import seen
from sinchtools.aliases import BETWEEN, MASKED, NUMBER_ALIAS, SHORTEST_NUMBER, SHORTEST_TEXT, TEXT_ALIAS, People, grouped, national, people
from sinchtools.errors import LeakError, told_path
from sinchtools.files import put
from sinchtools.records import EXCHANGE_FIELDS, Exchange
from sinchtools.redact import MARKER, is_placeholder, secrets_in

MOST_UNPACKED = 256 * 2**20  # bytes of one compressed stream: what cannot be looked through is not written
DEEPEST = 4  # a stream in a stream in a stream ...
_DIGITS = re.compile(rf"\d(?:[\t{BETWEEN}]{{0,2}}\d){{7,}}")
_WORD = re.compile(r"\w+")
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|([\"'/\\])|([nrtbf]))")
_PERCENT = re.compile(r"(?:%[0-9a-fA-F]{2})+")
_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{14,}(?:\r?\n[ \t]*[A-Za-z0-9+/_-]{14,})*={0,2}")
_UTF16 = re.compile(rb"(?:[^\0]\0){6}|(?:\0[^\0]){6}")
_GZIP, _ZLIB, _ZIP = b"\x1f\x8b\x08", re.compile(rb"\x78[\x01\x5e\x9c\xda]"), b"PK\x05\x06"
_SMALL = 256
_PRINTABLE = re.compile(r"[^\x00-\x08\x0b-\x1f\x7f-\x9f\ufffd]*")
_PLAIN_AREA = re.compile(rb"(\xff\xff|\0\0)(?:\1){3,}")  # of a picture: no text has it
_PNG = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """
    The people of a case, ready to be looked for.

    Attributes
    ----------
    numbers
        Digits, with and without the country code; 8 and more.
    texts
        Message texts of 12 characters and more, white space folded.
    """

    numbers: frozenset[str] = frozenset()
    texts: frozenset[str] = frozenset()
    _sizes: tuple[int, ...] = field(init=False, repr=False)
    _anchors: dict[str, list[str]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        anchors: dict[str, list[str]] = defaultdict(list)
        for text in self.texts:
            anchors[_anchor(text.lower())].append(text)
        object.__setattr__(self, "_sizes", tuple(sorted({len(number) for number in self.numbers})))
        object.__setattr__(self, "_anchors", dict(anchors))

    @classmethod
    def of(cls, exchanges: Iterable[Exchange]) -> Known:
        """
        Return the people that occur in exchanges.

        Examples
        --------
        >>> sorted(Known.of([Exchange(request_body='{"to": ["+46701740605"], "body": "Your code is 1234"}')]).numbers)
        ['46701740605', '701740605']
        """
        return cls.among(people(exchanges))

    @classmethod
    def among(cls, found: People) -> Known:
        """Return those of the people who can be told from what stands anywhere by chance."""
        whole = {number for number in found.numbers if len(number) >= SHORTEST_NUMBER and not MASKED.fullmatch(number)}
        short = {bare for number in whole if len(bare := national(number)) >= SHORTEST_NUMBER}
        texts = {folded for text in found.texts if len(folded := _folded(text)) >= SHORTEST_TEXT}
        return cls(numbers=frozenset(whole | short), texts=frozenset(texts))

    def numbers_in(self, text: str) -> Iterator[int]:
        """Yield where a known number stands, also with spaces, dashes and dots between its digits."""
        for match in _DIGITS.finditer(text) if self.numbers else ():
            bare = re.sub(r"\D", "", match[0])
            if any(bare[at : at + size] in self.numbers for size in self._sizes for at in range(len(bare) - size + 1)):
                yield match.start()
        yield from (start for start, _, _ in grouped(text, self.numbers))

    def texts_in(self, text: str) -> list[str]:
        """Return the known message texts that stand in a text, whatever its white space and its capitals; the longest first."""
        if not self.texts:
            return []
        folded = _folded(text).lower()
        anchors = self._anchors.keys() & {"", *_WORD.findall(folded)}
        standing = (known for anchor in anchors for known in self._anchors[anchor] if known.lower() in folded)
        return sorted(standing, key=lambda found: (-len(found), found))


def gate(data: bytes, known: Known, *, where: str, rows: Iterable[Exchange] = ()) -> None:
    """
    Refuse bytes that hold a secret or a person known to the case, in whatever encoding.

    Looked through are the bytes as text and as UTF-16, behind URL, JSON and HTML escapes, in base64, and all of that within gzip,
    zip, PNG, PDF and bare zlib streams.

    Raises
    ------
    LeakError
        Something was found; the error names the place and the kind, never the value.

    Examples
    --------
    >>> gate(b"Authorization: Bearer 5c1e9a7b3d2f4e68", Known(), where="note.txt")
    Traceback (most recent call last):
    sinchtools.errors.LeakError: note.txt was not written: it holds a secret (authorization) at character 22. ...
    """
    for kind, place in _found(data, known, "", DEEPEST):
        raise LeakError(
            f"{where} was not written: it holds {kind}{place}.{_culprit(rows, known)}",
            hint="Take it out of the evidence or the note that it comes from; keep_people=True keeps people, never secrets.",
        )


def write(path: Path, data: bytes, known: Known, rows: Iterable[Exchange] = ()) -> Path:
    """
    Write a file whose bytes pass the gate, whole or not at all, readable by its owner only; a refusal names the row at fault, if one is.

    Raises
    ------
    LeakError
        The bytes hold a secret or a known person; the file is as it was before.
    WriteError
        It cannot be written there; the file is as it was before.
    """
    gate(data, known, where=path.name, rows=rows)
    return put(path, data)


def secrets_left(text: str) -> Iterator[tuple[str, str]]:
    """
    Yield the secrets in a text that people write, with their names: values, not the words of a sentence; and those removed elsewhere.

    Examples
    --------
    >>> list(secrets_left("The token: copy it again. The other token: 5c1e9a7b3d2f4e68"))
    [('token', '5c1e9a7b3d2f4e68')]
    """
    yield from ((name, value) for name, value in secrets_in(text) if _is_secret(name, value))
    yield from (("removed elsewhere", text[start:end]) for start, end in seen.spans(text))


# --- what is looked through ------------------------------------------------------------------------------------------


def _found(data: bytes, known: Known, place: str, depth: int) -> Iterator[tuple[str, str]]:
    for text, encoding in () if data.startswith(_PNG) else _texts(data):  # of a picture its parts: compressed bytes say anything by chance
        for kind, at in _in_text(text, known):
            yield kind, f"{at}{encoding}{place}"
    if depth:
        for part, name in _parts(data):
            yield from _found(part, known, f" of {name}{place}", depth - 1)


def _in_text(text: str, known: Known) -> Iterator[tuple[str, str]]:
    for name, value in secrets_left(text):
        yield f"a secret ({name})", f" at character {text.find(value)}"
    nobody = NUMBER_ALIAS.sub(_blank, text) if "•" in text else text
    yield from (("the number of a person", f" at character {at}") for at in known.numbers_in(nobody))
    yield from (("a message text", f" near character {_folded(text).lower().find(found.lower())}") for found in known.texts_in(text))


def _culprit(rows: Iterable[Exchange], known: Known) -> str:
    """Say in which field of which row something stands that must not be there; a row by its place, since its id may be what must not."""
    for place, row in enumerate(rows, start=1):
        for name in EXCHANGE_FIELDS:
            value = getattr(row, name)
            text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value or "")
            if any(_in_text(_unescaped(text), known)):
                return f" It stands in the {name} of row {place}."
    return ""


def _is_secret(name: str, value: str) -> bool:
    """Tell a value from a word of a sentence: `token: copy it again`."""
    bare = _PRINTABLE.match(value.strip().strip("'\"“”‘’").strip())[0]  # type: ignore[index]  # the bytes of a font are none
    is_name = name.endswith("cookie") and bare.endswith("=")  # the name of a cookie whose value is a marker
    if len(bare) < 6 or "[secret " in bare or is_name or TEXT_ALIAS.search(bare) or not re.search(r"\w{3}", bare):
        return False
    if is_placeholder(bare + "}" * (bare.count("{") - bare.count("}"))):  # `{token}`, whose end was not taken for a part of it
        return False
    if name == "userinfo":
        return not MARKER.search(value)
    if re.search(r"\s", bare):  # a sentence, unless one of its words is none
        return bool(re.search(r"(?=\w*[A-Za-z])(?=\w*\d)\w{12,}", bare[:200]))
    return bool(re.search(r"\d|[a-z][A-Z]|[^\w.,;:!?()'’<>-]|\w{20}", bare))


def _texts(data: bytes) -> Iterator[tuple[str, str]]:
    """Yield the data as text, and once more without the escapes; UTF-16 where it looks so."""
    raw = data.decode("utf-8", "replace")
    yield raw, ""
    if (plain := _unescaped(raw)) != raw:
        yield plain, " (behind escapes)"
    if _UTF16.search(data):
        for start, encoding in ((0, "utf-16-le"), (1, "utf-16-le"), (0, "utf-16-be"), (1, "utf-16-be")):
            decoded = data[start:].decode(encoding, "replace")
            if re.search(r"[\x20-\x7e]{6}", decoded):
                yield _unescaped(decoded), f" ({encoding.upper()})"


def _unescaped(text: str) -> str:
    for _ in range(3):
        before = text
        if "\\" in text:
            text = _ESCAPE.sub(_one_escape, text)
        if "&" in text:
            text = html.unescape(text)
        if "%" in text and _PERCENT.search(text):
            text = _PERCENT.sub(lambda match: bytes.fromhex(match[0].replace("%", "")).decode("utf-8", "replace"), text.replace("+", " "))
        if text == before:
            break
    return text.replace("\u200b", "").replace("\u2060", "").replace("\u00ad", "")


def _one_escape(match: re.Match[str]) -> str:
    code = match[1] or match[2]
    return chr(int(code, 16)) if code else match[3] or " "


def _parts(data: bytes) -> Iterator[tuple[bytes, str]]:
    """Yield what is packed or encoded within the data."""
    if data.startswith(_PNG):
        yield from _png(data)
        return
    if _ZIP in data:
        yield from _zip(data)
    for match in re.finditer(re.escape(_GZIP), data):
        yield from _inflated(data[match.start() :], 31, f"the gzip stream at byte {match.start()}")
    for match in _ZLIB.finditer(data):
        yield from _inflated(data[match.start() :], 15, f"the zlib stream at byte {match.start()}")
    small: list[bytes] = []  # many short runs, ids most of them: looked through together
    for match in _BASE64.finditer(data):
        if len(match[0]) > _SMALL:
            yield from _unbased(match[0], match.start())
        else:
            small += (part for part, _ in _unbased(match[0], 0))
    if small:
        yield b"\n".join(small), "what stands in base64"


def _png(data: bytes) -> Iterator[tuple[bytes, str]]:
    at, pixels = len(_PNG), []
    kind = b""
    while kind != b"IEND" and at + 12 + (size := int.from_bytes(data[at : at + 4], "big")) <= len(data):
        kind, chunk = data[at + 4 : at + 8], data[at + 8 : at + 8 + size]
        if kind == b"IDAT":
            pixels.append(chunk)
        else:
            yield chunk, f"the {kind.decode('latin-1')} chunk of the PNG"
        at += size + 12
    for part, name in _inflated(b"".join(pixels), 15, "the pixels of the PNG"):
        yield _PLAIN_AREA.sub(rb"\1", part), name
    yield data[at:], "what follows the PNG"


def _zip(data: bytes) -> Iterator[tuple[bytes, str]]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for member in archive.infolist():
                if member.file_size > MOST_UNPACKED:
                    raise LeakError(f"{told_path(member.filename)} is too large to be looked through.", hint="Leave it out.")
                yield archive.read(member), f"{member.filename[:60]!r}"
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, zlib.error, OSError):
        return


def _inflated(data: bytes, wbits: int, name: str) -> Iterator[tuple[bytes, str]]:
    unpacker = zlib.decompressobj(wbits=wbits)
    try:
        part = unpacker.decompress(data, MOST_UNPACKED)
    except zlib.error:
        return
    if unpacker.unconsumed_tail:
        raise LeakError(f"Nothing was written: {name} is too large to be looked through.", hint="Leave it out.")
    if len(part) >= SHORTEST_NUMBER:
        yield part, name


def _unbased(run: bytes, at: int) -> Iterator[tuple[bytes, str]]:
    letters = re.sub(rb"[\s=]", b"", run).translate(bytes.maketrans(b"-_", b"+/"))
    for start in range(4):
        whole = letters[start : start + (len(letters) - start) // 4 * 4 or None]
        rest = letters[start + len(whole) :]
        try:
            decoded = base64.b64decode(whole + (rest + b"=" * (-len(rest) % 4) if len(rest) > 1 else b""))
        except binascii.Error:
            continue
        yield decoded, f"the base64 at byte {at}"
        if decoded.startswith(_PNG):
            return


# --- small things ----------------------------------------------------------------------------------------------------


def _folded(text: str) -> str:
    return " ".join(text.replace("+", " ").split())  # a plus is a space in a form


def _anchor(text: str) -> str:
    """Return the longest word inside a text that stands between two others, or nothing: by it a text is looked for only where it can be."""
    words = _WORD.findall(text)
    inner = words[1:-1]
    return max(inner, key=len) if inner else ""


def _blank(match: re.Match[str]) -> str:
    return " " * len(match[0])
