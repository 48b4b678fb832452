"""What holds a secret or a person known to the case is not written, however it is wrapped."""

import base64
import gzip
import html
import io
import json
import random
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus, unquote

import pytest

from sinchtools.core.errors import LeakError
from sinchtools.core.records import Exchange
from sinchtools.evidence import read
from sinchtools.evidence.exports import to_jsonl
from sinchtools.privacy.aliases import Aliases
from sinchtools.privacy.gate import Known, refuse_leaks, write_checked
from tests.support.samples import short_samples
from tests.support.words import NUMBER_OF_A_PERSON

NUMBER, TEXT = "46701740605", "Hi Anna, your parcel waits"
SENT = Exchange(request_body=json.dumps({"to": [f"+{NUMBER}"], "body": TEXT}))
KNOWN = Known.of([SENT])
SECRETS = {
    "bearer": "Authorization: Bearer 5c1e9a7b3d2f4e68",
    "basic": "Authorization: Basic cGxhbjpzM2NyM3Q5OQ==",
    "jwt": "see eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
    "json-key": '{"client_secret": "s3cr3t-v4lue"}',
    "query": "https://x.example/?access_token=s3cr3tv4lue9",
    "user-info": "https://plan:s3cr3tv4lue9@x.example/",
}
LEAKS = {
    **SECRETS,
    "number": f"to {NUMBER}.",
    "national": "call 0701740605 now",
    "text": f"said {TEXT}!",
}


def png(data: Any, kind: Any = b"tEXt") -> bytes:
    def chunk(name: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        )

    pixels = zlib.compress(data if kind == b"IDAT" else b"\0\xff\xff\xff")
    half = len(pixels) // 2
    extra = b"" if kind == b"IDAT" else chunk(b"tEXt", b"Title\0" + data)
    image = chunk(b"IDAT", pixels[:half]) + chunk(b"IDAT", pixels[half:]) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", b"\0" * 13) + extra + image


def zipped(data: Any, method: Any = zipfile.ZIP_DEFLATED) -> Any:
    with io.BytesIO() as buffer:
        with zipfile.ZipFile(buffer, "w", method) as archive:
            archive.writestr("inner.txt", data)
        return buffer.getvalue()


WRAPS: dict[str, Callable[[bytes], bytes]] = {
    "raw": lambda data: b"before " + data + b" after",
    "url": lambda data: quote(data, safe="").encode(),
    "form": lambda data: quote_plus(data).encode(),
    "base64": base64.b64encode,
    "base64-second-alignment": lambda data: base64.b64encode(b"x" + data),
    "base64-third-alignment": lambda data: base64.b64encode(b"xy" + data),
    "base64-glued": lambda data: b"Q" + base64.b64encode(data),
    "base64url": lambda data: base64.urlsafe_b64encode(b"??>" + data),
    "base64-lines": lambda data: base64.encodebytes(b"x" * 80 + data),
    "json": lambda data: json.dumps({"x": data.decode()}).encode(),
    "json-in-json": lambda data: json.dumps(json.dumps({"x": data.decode()})).encode(),
    "json-u-escapes": lambda data: "".join(f"\\u{ord(c):04x}" for c in data.decode()).encode(),
    "html": lambda data: html.escape(data.decode()).encode(),
    "html-numeric": lambda data: "".join(f"&#{ord(c)};" for c in data.decode()).encode(),
    "utf-16": lambda data: data.decode().encode("utf-16"),
    "utf-16-le": lambda data: data.decode().encode("utf-16-le"),
    "utf-16-be": lambda data: b"x" + data.decode().encode("utf-16-be"),
    "gzip": lambda data: gzip.compress(data),
    "zlib": lambda data: b"head" + zlib.compress(data),
    "zip": zipped,
    "zip-stored": lambda data: zipped(data, zipfile.ZIP_STORED),
    "zip-in-zip": lambda data: zipped(zipped(data)),
    "png-text": png,
    "png-pixels": lambda data: png(data, b"IDAT"),
    "png-in-html": lambda data: (
        b'<img src="data:image/png;base64,' + base64.b64encode(png(data)) + b'">'
    ),
    "pdf": lambda data: (
        b"%PDF-1.7\n1 0 obj<</Filter/FlateDecode>>stream\n" + zlib.compress(data) + b"\nendstream"
    ),
    "utf-16-in-base64-in-gzip": lambda data: gzip.compress(
        base64.b64encode(data.decode().encode("utf-16"))
    ),
}


@pytest.mark.parametrize("wrap", WRAPS)
@pytest.mark.parametrize("leak", LEAKS)
def test_a_leak_is_refused_in_every_wrapping_and_never_quoted(leak: str, wrap: str) -> None:
    with pytest.raises(LeakError) as caught:
        refuse_leaks(WRAPS[wrap](LEAKS[leak].encode()), KNOWN, where="case.html")
    said = str(caught.value)
    assert said.startswith("case.html was not written: it contains ")
    assert not any(
        value in said for value in (NUMBER, "0701740605", "Anna", "5c1e9a7b", "s3cr3t", "c2lnbmF0")
    )


SPACED = [
    "46 701 740 605",
    "4670-174-06-05",
    "+46.70.174.06.05",
    "(+46) 70/174 06 05",
    "4 6 7 0 1 7 4 0 6 0 5",
    "x46701740605y",
]
SPACED += [
    "+46\u202f70\u202f174\u202f06\u202f05",
    "+46\u201170\u2011174\u20110605",
    "46\u2009701\u2009740605",
    "46_70_174_06_05",
    "+46   70   174 06 05",
    "46,701,740,605",
    "46 (0)70 - 174 06 05",
    "46\n701740605",
]
NOT_THE_NUMBER = [
    "[4,6,7,0,1,7,4,0,6,0,5]",
    "46;701740,605",
    "46.70, 1.74, 0.60, 5",
    "46    701    740605",
]


@pytest.mark.parametrize("written", NOT_THE_NUMBER)
def test_lists_and_other_numbers_are_not_taken_for_it(written: str) -> None:
    refuse_leaks(written.encode(), Known(numbers=frozenset([NUMBER])), where="x")


@pytest.mark.parametrize("written", SPACED)
def test_a_number_is_found_with_separators(written: str) -> None:
    with pytest.raises(LeakError, match=NUMBER_OF_A_PERSON):
        refuse_leaks(f"to {written}".encode(), KNOWN, where="x")


@pytest.mark.parametrize(
    "written",
    [
        "Hi Anna,\n   your parcel\twaits",
        TEXT.upper(),
        "Hi Anna,<br>your parcel waits".replace("<br>", "\u00a0"),
    ],
)
def test_a_text_is_found_whatever_its_white_space(written: str) -> None:
    with pytest.raises(LeakError, match="a message text"):
        refuse_leaks(written.encode(), KNOWN, where="x")


LONG = "Dear Anna Svensson, your café parcel waits at the kiosk"
QUOTED = [
    "begins with 'Dear Anna Svensson, your caf",
    "Dear Anna Svensson - your",
    "**Dear** _Anna_ *Svensson*; your",
    "DEAR ANNA SVENSSON YOUR",
    "your cafe\u0301 parcel waits",
    "your cafe parcel waits",
    "ｙｏｕｒ　café　parcel　waits",
    "your\u200b café par\u00adcel waits",
    "parcel | waits, at: the",
    "parcel\nwaits\nat\nthe",
    "…parcel waits at the kiosk!",
    "parcel waits\u00a0at  the",
    r"your caf\u00e9 parcel waits",
    "your%20caf%C3%A9%20parcel%20waits",
    "your&#32;caf&eacute; parcel waits",
    "«Anna Svensson, your café»",
]


@pytest.mark.parametrize("written", QUOTED)
def test_four_words_of_a_text_are_found_and_replaced(written: str) -> None:
    known, aliases = Known(texts=frozenset([LONG])), Aliases(b"key of a case")
    with pytest.raises(LeakError, match="a message text"):
        refuse_leaks(written.encode(), known, where="x")
    shown = known.replaced(written, aliases)
    refuse_leaks(shown.encode(), known, where="x")
    assert aliases.text(LONG) in unquote(shown)


SHORT = [
    "'Hi Anna'",
    '"hi anna"',
    "Hi Anna",
    "<td>Hi Anna</td>",
    "said: Hi, Anna!",
    "**Hi Anna**",
    "“Hi Anna”",
    "x\nHi Anna\ny",
    "(Hi  Anna)",
    "a | Hi Anna | b",
]


@pytest.mark.parametrize("written", SHORT)
def test_a_short_text_is_found_where_it_stands_alone(written: str) -> None:
    known = Known(texts=frozenset(["Hi Anna"]))
    with pytest.raises(LeakError, match="a message text"):
        refuse_leaks(written.encode(), known, where="x")
    refuse_leaks(known.replaced(written, Aliases(b"key of a case")).encode(), known, where="x")


@pytest.mark.parametrize(
    "written",
    [
        "Hi Anna was here",
        "say hi annabel",
        '{"hi": "anna"}',
        '["hi", "anna"]',
        "hi=1&anna=2",
        "<b>hi</b><i>anna</i>",
        "oh hi anna x",
        "anna hi",
    ],
)
def test_words_of_a_short_text_in_other_company_are_not_it(written: str) -> None:
    refuse_leaks(written.encode(), Known(texts=frozenset(["Hi Anna"])), where="x")


@pytest.mark.parametrize(
    "written",
    [
        "Dear Anna, your parcel",
        '{"dear": "anna", "svensson": "your"}',
        "waits the kiosk at",
        "Dear Anna Svensson",
    ],
)
def test_fewer_words_or_several_values_are_no_part_of_a_text(written: str) -> None:
    refuse_leaks(written.encode(), Known(texts=frozenset([LONG])), where="x")


WRITTEN = [
    f"order_{NUMBER}",
    f"u{NUMBER}x",
    f"{NUMBER}_2026",
    "4670174060599",
    "46:701:740605",
    "46|701|740|605",
    "46~701~740605",
    "４６７０１７４０６０５",
    "٤٦٧٠١٧٤٠٦٠٥",
    "४६७०१७४०६०५",
    "4\u200d6\u200d7\u200d0\u200d1\u200d7\u200d4\u200d0\u200d6\u200d0\u200d5",
    "46701\u00ad740605",
    "0701740605",
    "701 740 605",
    r"\u0034\u0036\u0037\u0030\u0031\u0037\u0034\u0030\u0036\u0030\u0035",
    "%34%36701740605",
    "%EF%BC%94%EF%BC%966701740605",
    "&#52;6701740605",
    "+46%20701%20740%20605",
    *SPACED,
]


@pytest.mark.parametrize("written", WRITTEN)
def test_what_the_gate_would_find_of_a_number_can_be_replaced(written: str) -> None:
    for said in (
        written,
        f"to {written}.",
        json.dumps({"x": written}),
        html.escape(f"<{written}>"),
        f"https://x.example/{quote(written)}",
    ):
        with pytest.raises(LeakError, match=NUMBER_OF_A_PERSON):
            refuse_leaks(said.encode(), KNOWN, where="x")
        shown = KNOWN.replaced(said, Aliases(b"key of a case"))
        refuse_leaks(shown.encode(), KNOWN, where="x")
        assert "•" in unquote(shown)


def utf_16_in_base64(data: bytes) -> bytes:
    return base64.b64encode(data.decode().encode("utf-16"))


@pytest.mark.parametrize(
    "packed",
    [
        "base64",
        "base64-second-alignment",
        "base64-third-alignment",
        "base64-glued",
        "base64url",
        "utf-16-in-base64",
    ],
)
@pytest.mark.parametrize("leak", ["number", "text"])
def test_base64_that_holds_a_person_is_blanked_and_keeps_its_length(leak: str, packed: str) -> None:
    wrap = WRAPS.get(packed, utf_16_in_base64)
    said = wrap(LEAKS[leak].encode()).decode()
    shown = KNOWN.replaced(said, Aliases(b"key of a case"))
    assert (len(shown), set(shown) - set("A=")) == (len(said), set())


HIDDEN = [
    "https://x.example/password%3A%20Xk29ab77",
    "https://x.example/%74oken=Xk29ab77cd",
    "?a=client_secret%3DXk29ab77cd",
    r"pass\u0077ord: Xk29ab77",
    r"password\u003a Xk29ab77",
    "password&#58; Xk29ab77",
    "pass&#119;ord: Xk29ab77cd",
    r"{\"password\": \"Xk29ab77\"}",
    "password%253A%2520Xk29ab77",
    "a%20b password%3A Xk29ab77",
    "api_key%3DXk29ab77cd&x=1",
]


@pytest.mark.parametrize("said", HIDDEN)
def test_a_secret_that_shows_only_behind_escapes_becomes_its_marker(said: str) -> None:
    shown = KNOWN.replaced(said, Aliases(b"key of a case"))
    refuse_leaks(shown.encode(), KNOWN, where="x")
    assert "Xk29ab77" not in shown and "[secret opaque " in shown


@pytest.mark.parametrize(
    "clean",
    [
        "",
        "to 46701740604",
        "2026-11-23T08:00:00Z",
        "[secret opaque 9 #2]",
        '{"a": "%zz"}',
        "+46 7• k3f9qd2",
        "&amp;",
    ],
)
def test_replacing_leaves_what_names_nobody(clean: str) -> None:
    assert KNOWN.replaced(clean, Aliases(b"key of a case")) == clean


@pytest.mark.parametrize(
    "clean",
    [
        "Bearer [secret opaque 16 #1]",
        "Authorization: Bearer {token}",
        "token=$TOKEN",
        "-H 'Authorization: Bearer {{bearerToken}}'",
        '"password": "[secret opaque 9 #2 quoted]"',
        "Send the header Authorization: Bearer <token> with the API token of this service plan.",
        "The token: copy it again.",
        "Basic authentication and bearer tokens",
        "+46 7• k3f9qd2",
        "[text k3f9qd2 26 characters GSM-7 1 part]",
        "46701740604",
        "2026-11-23T08:00:00Z",
        "password: wrong",
        "",
        '{"token": null, "secret": ""}',
    ],
)
def test_markers_placeholders_aliases_and_sentences_pass(clean: str) -> None:
    for wrap in ("raw", "base64", "json", "html", "utf-16", "gzip", "zip"):
        refuse_leaks(WRAPS[wrap](clean.encode()), KNOWN, where="x")


def test_the_place_is_named() -> None:
    with pytest.raises(
        LeakError,
        match=r"the number of a person at character 3 of 'inner.txt' of (what is in base64"
        r"|the base64 at byte 2)",
    ):
        refuse_leaks(b"x " + base64.b64encode(zipped(f"to {NUMBER}".encode())), KNOWN, where="x")


def test_short_numbers_are_not_looked_for() -> None:
    assert Known.of([Exchange(request_body='{"to": ["+4670123"], "body": ""}')]) == Known()


def test_what_the_gate_refuses_is_not_written_and_nothing_is_left_of_it(tmp_path: Path) -> None:
    path = tmp_path / "case.html"
    write_checked(path, b"first", KNOWN)
    with pytest.raises(LeakError):
        write_checked(path, f"to {NUMBER}".encode(), KNOWN)
    assert path.read_bytes() == b"first"
    assert list(tmp_path.iterdir()) == [path]


def test_what_cannot_be_looked_through_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sinchtools.privacy.gate.MOST_UNPACKED", 1000)
    for packed in (zlib.compress(b"\0" * 5000), zipped(b"\0" * 5000), gzip.compress(b"\0" * 5000)):
        with pytest.raises(LeakError, match="too large to be looked through"):
            refuse_leaks(packed, KNOWN, where="x")


def test_the_sample_case_passes_with_aliases_and_not_without(tmp_path: Path) -> None:
    evidence = read(short_samples(tmp_path / "samples"))
    known, aliases = Known.of(evidence), Aliases(b"key of the sample case")
    refuse_leaks(to_jsonl(aliases.exchange(x) for x in evidence).encode(), known, where="x")
    with pytest.raises(LeakError):
        refuse_leaks(to_jsonl(evidence[-40:]).encode(), known, where="x")


def test_bytes_that_are_no_text_hold_no_secret_by_chance_but_text_among_them_does() -> None:
    noise = random.Random(1).randbytes(60)
    for name in (b"pw=", b"jwt: ", b" token="):
        refuse_leaks(
            noise[:30].replace(b"e", b"") + name + b"\x8e9\xd1" + noise[30:], Known(), where="x"
        )
        with pytest.raises(LeakError, match="a secret"):
            refuse_leaks(
                noise[:30] + name + b"5e1f0a9b3d2f\x00\x8e" + noise[30:], Known(), where="x"
            )


def test_compressed_pixels_are_no_text_and_what_stands_beside_them_is_looked_at() -> None:
    def chunk(kind: Any, data: Any) -> Any:
        checksum = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + checksum

    head = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
    refuse_leaks(
        head + chunk(b"IDAT", b" token=5e1f0a9b3d2f4e68 ") + chunk(b"IEND", b""), Known(), where="x"
    )  # no stream of zlib: nothing is drawn by it
    for picture in (
        head + chunk(b"tEXt", b"Comment\x00token=5e1f0a9b3d2f4e68") + chunk(b"IEND", b""),
        head + chunk(b"IEND", b"") + b" token=5e1f0a9b3d2f4e68",
        head + b" token=5e1f0a9b3d2f4e68",
    ):
        with pytest.raises(LeakError, match="a secret"):
            refuse_leaks(picture, Known(), where="x")
