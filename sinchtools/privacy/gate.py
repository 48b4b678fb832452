"""
Check every file before it is handed over.

Bytes with a secret, or with a person known to the case, are not written.
"""

from __future__ import annotations

import base64
import binascii
import io
import re
import zipfile
import zlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from urllib.parse import quote

from sinchtools.core.errors import LeakError, told_path
from sinchtools.core.files import write_atomically
from sinchtools.core.placeholders import is_placeholder
from sinchtools.core.records import EXCHANGE_FIELDS, Exchange
from sinchtools.privacy import folding, seen
from sinchtools.privacy.alias_forms import NUMBER_ALIAS, TEXT_ALIAS
from sinchtools.privacy.aliases import Aliases, Hiding, People, people
from sinchtools.privacy.markers import MARKER
from sinchtools.privacy.numbers import MASKED, SHORTEST_NUMBER, Numbers, national
from sinchtools.privacy.quotes import Quotes
from sinchtools.privacy.redaction import Redactor
from sinchtools.privacy.spans import secrets_in

MOST_UNPACKED = (
    256 * 2**20
)  # bytes of one compressed stream: what cannot be looked through is not written
DEEPEST = 4  # a stream in a stream in a stream ...
_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{14,}(?:\r?\n[ \t]*[A-Za-z0-9+/_-]{14,})*={0,2}")
_SAYS = re.compile(  # what base64 may be read for: words, in whatever encoding, or something packed
    rb"[\x20-\x7e]{6}|(?:[\xc2-\xf4][\x80-\xbf]{1,3}){4}|(?:[^\0]\0){6}|(?:\0[^\0]){6}"
    rb"|\x1f\x8b\x08|\x78[\x01\x5e\x9c\xda]|PK|\x89PNG"
)
_UTF16 = re.compile(rb"(?:[^\0]\0){6}|(?:\0[^\0]){6}")
_GZIP, _ZLIB, _ZIP = b"\x1f\x8b\x08", re.compile(rb"\x78[\x01\x5e\x9c\xda]"), b"PK\x05\x06"
_BASE64_TEXT = re.compile(_BASE64.pattern.decode("ascii"))
_SMALL = 256
_PRINTABLE = re.compile(r"[^\x00-\x08\x0b-\x1f\x7f-\x9f\ufffd]*")
_PLAIN_AREA = re.compile(rb"(\xff\xff|\0\0)(?:\1){3,}")  # of a picture: no text has it
_PNG = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True, kw_only=True)
class Known:
    """The people of a case, ready to be looked for."""

    numbers: frozenset[str] = frozenset()  # digits, with and without the country code; 8 and more
    # message texts, in parts where something stands between that is none
    texts: frozenset[str] = frozenset()

    @cached_property
    def _numbers(self) -> Numbers:
        return Numbers(self.numbers)

    @cached_property
    def _quotes(self) -> Quotes:
        return Quotes(self.texts)

    @cached_property
    def _wholes(self) -> dict[str, str]:
        return {national(number): number for number in sorted(self.numbers)}

    @classmethod
    def of(cls, exchanges: Iterable[Exchange]) -> Known:
        """
        Return the people that occur in exchanges.

        Examples
        --------
        >>> body = '{"to": ["+46701740605"], "body": "Your code is 1234"}'
        >>> sorted(Known.of([Exchange(request_body=body)]).numbers)
        ['46701740605', '701740605']
        """
        return cls.among(people(exchanges))

    @classmethod
    def together(cls, some: Sequence[Known]) -> Known:
        """Return the people of several."""
        if len(some) == 1:
            return some[0]
        return cls(
            numbers=frozenset[str]().union(*(one.numbers for one in some)),
            texts=frozenset[str]().union(*(one.texts for one in some)),
        )

    @classmethod
    def among(cls, found: People) -> Known:
        """Return those of the people who can be told from what stands anywhere by chance."""
        whole = {
            number
            for number in found.numbers
            if len(number) >= SHORTEST_NUMBER and not MASKED.fullmatch(number)
        }
        short = {bare for number in whole if len(bare := national(number)) >= SHORTEST_NUMBER}
        return cls(numbers=frozenset(whole | short), texts=frozenset(found.texts))

    def numbers_in(self, text: str) -> Iterator[int]:
        """
        Yield where a known number is, in any script.

        There may be spaces, dashes and dots between its digits.
        """
        return (start for start, _, _ in self._numbers.spans(folding.folded(text)))

    def texts_in(self, text: str) -> list[str]:
        """
        Return the known message texts that a text quotes, whole or four words in a row.

        The longest comes first.
        """
        found = {known for _, _, known in self._quotes.spans(folding.folded(text))}
        return sorted(found, key=lambda known: (-len(known), known))

    def replaced(self, text: str, hiding: Hiding) -> str:
        """
        Return a text with the known people in it hidden.

        Like the gate, it looks behind escapes and in base64.

        A secret that shows only behind escapes becomes its marker.

        Examples
        --------
        >>> known = Known(numbers=frozenset(["46701740605"]))
        >>> known.replaced("order_46701740605", Aliases(b"the key of a case"))[:12]
        'order_+46 7•'
        """
        text = _without_hidden_secrets(text)
        if not (self.numbers or self.texts):
            return text

        def found(plain: str) -> Iterator[tuple[int, int, str]]:
            kept = (match.span() for match in NUMBER_ALIAS.finditer(plain)) if "•" in plain else ()
            people = (
                (*_with_prefix(plain, start, end), self._hidden(digits, hiding))
                for start, end, digits in self._numbers.spans(plain)
            )
            said = (
                (start, end, hiding.text(known)) for start, end, known in self._quotes.spans(plain)
            )
            yield from sorted([*said, *folding.outside(people, kept)])

        return self._without_base64(folding.rewritten_text(text, found, quote))

    def _hidden(self, digits: str, hiding: Hiding) -> str:
        whole = self._wholes.get(digits, digits)
        return hiding.number(f"+{whole}" if national(whole) != whole else whole)

    def _without_base64(self, text: str) -> str:
        """Blank what base64 packs a person into; its length stays."""

        def blanked(match: re.Match[str]) -> str:
            run = match[0].encode("ascii")
            packed = any(
                any(_people_in(folding.unescaped(plain), self))
                for part, _ in _unbased(run, 0)
                for plain, _ in _texts(part)
            )
            return (
                "A" * len(match[0].rstrip("=")) + "=" * match[0].count("=") if packed else match[0]
            )

        return _BASE64_TEXT.sub(blanked, text)

    def replaced_in(self, exchange: Exchange, aliases: Aliases) -> Exchange:
        """Return the exchange with its people and the known ones as aliases."""
        return aliases.exchange(exchange, lambda text: self.replaced(text, aliases))


def aliased(exchanges: Iterable[Exchange], aliases: Aliases) -> tuple[list[Exchange], Known]:
    """
    Return exchanges as they are handed over, and who must not be in the file.

    People of one row are aliases in each other row, too.
    """
    rows = list(exchanges)
    shown = [aliases.exchange(row) for row in rows]
    known = Known.among(aliases.people_seen())
    clean: set[str] = set()  # the same headers come again and again
    for place, row in enumerate(shown):
        words = {text for _, text in _words_of(row)} - clean
        if any(_left_in_words(words, known)):
            shown[place] = known.replaced_in(rows[place], aliases)
        else:
            clean.update(text for text in words if len(text) < _SMALL)
    return shown, known


def _with_prefix(text: str, start: int, end: int) -> tuple[int, int]:
    """Return the place of a number with its plus or its zeros."""
    while start and text[start - 1] in "+0" and end - start < 20:
        start -= 1
    return start, end


def refuse_leaks(data: bytes, known: Known, *, where: str, rows: Iterable[Exchange] = ()) -> None:
    """
    Refuse bytes that hold a secret or a person known to the case, in whatever encoding.

    Looked through are the bytes as text and as UTF-16, behind URL, JSON and HTML escapes, in
    base64, and all of that within gzip, zip, PNG, PDF and bare zlib streams.

    Raises
    ------
    LeakError
        Something was found; the error names the place and the kind, never the value.

    Examples
    --------
    >>> refuse_leaks(b"Authorization: Bearer 5c1e9a7b3d2f4e68", Known(), where="note.txt")
    Traceback (most recent call last):
    sinchtools.core.errors.LeakError: note.txt was not written: it contains a secret (authorization)
    at character 22. ...
    """
    for kind, place in _found(data, known, "", DEEPEST):
        raise LeakError(
            f"{where} was not written: it contains {kind}{place}.{_culprit(rows, known)}",
            hint="Leave out the row, note or chart that it comes from: report([row for row in "
            "evidence if row.id != ...], path, key=case.key). "
            "export(..., keep_people=True) keeps people, never secrets.",
        )


def write_checked(path: Path, data: bytes, known: Known, rows: Iterable[Exchange] = ()) -> Path:
    """
    Write a file whose bytes pass the gate, whole or not at all, readable by its owner only.

    A refusal names the row at fault, if one is.

    Raises
    ------
    LeakError
        The bytes hold a secret or a known person; the file is as it was before.
    WriteError
        It cannot be written there; the file is as it was before.
    """
    refuse_leaks(data, known, where=path.name, rows=rows)
    return write_atomically(path, data)


def secrets_left(text: str) -> Iterator[tuple[str, str]]:
    """
    Yield the secrets in a text that people write, with their names.

    Values count, the words of a sentence do not. Secrets removed elsewhere count too.

    Examples
    --------
    >>> list(secrets_left("The token: copy it again. The other token: 5c1e9a7b3d2f4e68"))
    [('token', '5c1e9a7b3d2f4e68')]
    """
    yield from ((name, value) for name, value in secrets_in(text) if _is_secret(name, value))
    yield from (("removed elsewhere", text[start:end]) for start, end in seen.spans(text))


# --- what is looked through -----------------------------------------------------------------------


def _found(data: bytes, known: Known, place: str, depth: int) -> Iterator[tuple[str, str]]:
    for text, encoding in (
        () if data.startswith(_PNG) else _texts(data)
    ):  # of a picture its parts: compressed bytes say anything by chance
        for kind, at in _in_text(text, known):
            yield kind, f"{at}{encoding}{place}"
    if depth:
        for part, name in _parts(data):
            yield from _found(part, known, f" of {name}{place}", depth - 1)


def _in_text(text: str, known: Known) -> Iterator[tuple[str, str]]:
    for name, value in secrets_left(text):
        yield f"a secret ({name})", f" at character {text.find(value)}"
    yield from _people_in(text, known)


def _people_in(text: str, known: Known) -> Iterator[tuple[str, str]]:
    plain = folding.folded(text)
    nobody = NUMBER_ALIAS.sub(_blank, plain) if "•" in plain else plain
    yield from (
        ("the number of a person", f" at character {at}")
        for at, _, _ in known._numbers.spans(nobody)
    )
    yield from (
        ("a message text", f" near character {at}") for at, _, _ in known._quotes.spans(plain)
    )


_APART = "\n\n<>\n\n"  # between words that do not belong together


def _left_in_words(words: Collection[str], known: Known) -> Iterator[tuple[str, str]]:
    text = _APART.join(words)
    yield from _people_in(text, known)
    if behind := _APART.join(plain for word in words if (plain := folding.unescaped(word)) != word):
        yield from secrets_left(behind)
        yield from _people_in(behind, known)
    for match in _BASE64_TEXT.finditer(text):
        if not match[0].islower():  # no digits and no words are packed in small letters alone
            packed = (
                inner
                for part, _ in _unbased(match[0].encode("ascii"), 0)
                for inner, _ in _texts(part)
            )
            yield from (found for inner in packed for found in _people_in(inner, known))


def _without_hidden_secrets(text: str) -> str:
    """
    Return a text with secrets that the door did not see, since they stood behind escapes.

    As markers.
    """
    if (plain := folding.unescaped(text)) == text or not any(secrets_left(plain)):
        return text
    redactor = Redactor(max((int(match["number"]) for match in MARKER.finditer(text)), default=0))

    def found(read: str) -> Iterator[tuple[int, int, str]]:
        places = sorted((read.find(value), value) for _, value in secrets_left(read))
        yield from (
            (at, at + len(value), redactor.headers({"Authorization": value})["Authorization"])
            for at, value in places
            if at >= 0
        )

    return folding.rewritten_text(text, found, str)


def _words_of(row: Exchange) -> Iterator[tuple[str, str]]:
    for name in EXCHANGE_FIELDS:
        value = getattr(row, name)
        if isinstance(value, Mapping):
            yield from ((name, text) for pair in value.items() for text in pair)
        elif isinstance(value, bytes):
            yield name, value.decode("utf-8", "surrogateescape")
        elif isinstance(value, str):
            yield name, value


def _culprit(rows: Iterable[Exchange], known: Known) -> str:
    """
    Say which field of which row contains what must not be there.

    A row is named by its place, because its ID may be what must not be there.
    """
    for place, row in enumerate(rows, start=1):
        for name, text in _words_of(row):
            if any(_in_text(folding.unescaped(text), known)):
                return f" It is in the {name} of row {place}."
    return ""


def _is_secret(name: str, value: str) -> bool:
    """Tell a value from a word of a sentence: `token: copy it again`."""
    printable = _PRINTABLE.match(value.strip().strip("'\"“”‘’`").strip())
    bare = printable[0] if printable else ""  # the bytes of a font are none
    # the name of a cookie whose value is a marker
    is_name = name.endswith("cookie") and bare.endswith("=")
    if (
        len(bare) < 6
        or "[secret " in bare
        or is_name
        or TEXT_ALIAS.search(bare)
        or not re.search(r"\w{3}", bare)
    ):
        return False
    if is_placeholder(
        bare + "}" * (bare.count("{") - bare.count("}"))
    ):  # `{token}`, whose end was not taken for a part of it
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
    if (plain := folding.unescaped(raw)) != raw:
        yield plain, " (behind escapes)"
    if _UTF16.search(data):
        for start, encoding in (
            (0, "utf-16-le"),
            (1, "utf-16-le"),
            (0, "utf-16-be"),
            (1, "utf-16-be"),
        ):
            decoded = data[start:].decode(encoding, "replace")
            if re.search(r"[\x20-\x7e]{6}", decoded):
                yield folding.unescaped(decoded), f" ({encoding.upper()})"


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
        yield b"\n".join(small), "what is in base64"


def _png(data: bytes) -> Iterator[tuple[bytes, str]]:
    at, pixels = len(_PNG), []
    kind = b""
    while kind != b"IEND" and at + 12 + (size := int.from_bytes(data[at : at + 4], "big")) <= len(
        data
    ):
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
                    raise LeakError(
                        f"{told_path(member.filename)} is too large to be looked through.",
                        hint="Leave it out.",
                    )
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
        raise LeakError(
            f"Nothing was written: {name} is too large to be looked through.", hint="Leave it out."
        )
    if len(part) >= SHORTEST_NUMBER:
        yield part, name


def _unbased(run: bytes, at: int) -> Iterator[tuple[bytes, str]]:
    letters = re.sub(rb"[\s=]", b"", run).translate(bytes.maketrans(b"-_", b"+/"))
    for start in range(4):
        whole = letters[start : start + (len(letters) - start) // 4 * 4 or None]
        rest = letters[start + len(whole) :]
        try:
            decoded = base64.b64decode(
                whole + (rest + b"=" * (-len(rest) % 4) if len(rest) > 1 else b"")
            )
        except binascii.Error:
            continue
        if _SAYS.search(decoded):
            yield decoded, f"the base64 at byte {at}"
        if decoded.startswith(_PNG):
            return


# --- small things ---------------------------------------------------------------------------------


def _blank(match: re.Match[str]) -> str:
    return " " * len(match[0])
