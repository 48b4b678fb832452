"""Mails, copied texts and archives give what they are wrapped around."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import tarfile
import zipfile
from email.message import EmailMessage

import pytest

from sinchtools.evidence import read
from sinchtools.evidence.containers import links

URL = "https://us.sms.api.sinch.com/xms/v1/plan/batches"
BODY = '{"to":["46701234567"],"body":"Hi"}'
COMMAND = f"curl -X POST {URL} -H 'Content-Type: application/json' -d '{BODY}'"
WIRE = f"POST /xms/v1/plan/batches HTTP/1.1\nHost: us.sms.api.sinch.com\n\n{BODY}\n"


def mail(text: str, cte: str = "7bit") -> EmailMessage:
    made = EmailMessage()
    made["From"], made["Subject"] = "kim@shop.example", "It fails"
    made.set_content(text, subtype="plain", cte=cte)
    return made


def with_page() -> str:
    made = EmailMessage()
    made["Subject"] = "It fails"
    made.set_content(f"<p>We run</p><pre>{COMMAND}</pre><br>Kim", subtype="html", cte="base64")
    return made.as_string()


def with_forwarded() -> str:
    made = mail("See below.")
    made.add_attachment(mail(COMMAND, cte="quoted-printable"))
    return made.as_string()


def with_attachment() -> str:
    made = mail("See the file.")
    made.add_attachment(gzip.compress(WIRE.encode()), "application", "gzip", filename="call.gz")
    return made.as_string()


SAFE = "https://eur01.safelinks.protection.outlook.com/?url=https%3A%2F%2Fus.sms.api.sinch.com"
SLACK = COMMAND.replace(URL, f"<{URL}>").replace('"', "&quot;")
# each is one POST of the same body
COPIED = {
    "quoted-printable": mail(COMMAND, cte="quoted-printable").as_string(),
    "html": with_page(),
    "forwarded": with_forwarded(),
    "attachment": with_attachment(),
    "mailbox": f"From kim@shop.example Mon Mar  2 08:00:00 2026\n{mail(COMMAND).as_string()}",
    "quoted": "".join(f"> > {line}\n" for line in WIRE.splitlines()),
    "barred": "".join(f"| {line}".rstrip() + "\n" for line in WIRE.splitlines()),
    "one pane of a terminal": "".join(f"│{line}│\n" for line in WIRE.splitlines()),
    "ticket as JSON": json.dumps(
        {"ticket": {"id": 7, "comments": [{"html_body": f"<p>We run</p><pre>{COMMAND}</pre>"}]}}
    ),
    "twice": COMMAND.replace(URL, f"{URL}<{URL}>"),
    "safelink": COMMAND.replace(URL, f'"{SAFE}%2Fxms%2Fv1%2Fplan%2Fbatches&data=05"'),
    "markdown-link": COMMAND.replace(URL, f"[{URL}]({URL})"),
    "wrapped": COMMAND.replace(" -H ", " -H\n").replace(": app", ":\napp"),
    "wrapped-head": WIRE.replace("batches HTTP", "batches\nHTTP"),
    "copied from a PDF": COMMAND.replace("plan/", "plan/\n").replace(" -H", "\n-H"),
    "copied from a PDF, broken in a word": COMMAND.replace("/plan/", "/pl\nan/"),
    "copied from a PDF, in quotes": COMMAND.replace(URL, f'"{URL}"').replace("/plan", "/pl\nan"),
    "messages of Slack": json.dumps(
        [{"user": "U1", "ts": "1772438400.1", "text": f"We run\n```{SLACK}```"}]
    ),
    "messages of Telegram": json.dumps(
        {"messages": [{"id": 1, "from": "Kim", "text": ["We run\n", {"text": COMMAND}]}]}
    ),
    "messages of Teams": json.dumps(
        {"value": [{"id": "1", "body": {"contentType": "html", "content": f"<p>{COMMAND}</p>"}}]}
    ),
    "wiki": f"{{code:bash}}\n{COMMAND}\n{{code}}",
    "board": f"[code]{COMMAND}[/code]",
    "chat": f"`{COMMAND}`",
    "traced": f"+ {COMMAND}",
    "entities": COMMAND.replace("'", "&#39;").replace('"', "&quot;"),
}


@pytest.mark.parametrize("way", COPIED)
def test_what_was_mailed_is_read_as_it_was(way: str) -> None:
    (exchange,) = read(COPIED[way])
    assert (exchange.method, exchange.url, exchange.request_body) == ("POST", URL, BODY)


@pytest.mark.parametrize("said", ["${code}", "#{code}", "{{code}}", "{code}", "%{quote}", "[url]"])
@pytest.mark.parametrize("around", ["{}", "{{code:bash}}\n{}\n{{code}}", "See {{code}}{}{{code}}"])
def test_a_placeholder_named_like_a_tag_stays(said: str, around: str) -> None:
    command = COMMAND.replace("Hi", f"It is {said}, Kim")
    (exchange,) = read(around.format(command))
    assert f"It is {said}, Kim" in str(exchange.request_body)


def test_marks_that_a_chat_escapes_are_as_they_were_written() -> None:
    command = COMMAND.replace("Hi", "1 &lt; 2 &amp; 3")
    (chat,) = read(json.dumps([{"username": "kim", "ts": "1772438400.1", "text": command}]))
    assert '"1 < 2 & 3"' in str(chat.request_body)
    assert '"1 &lt; 2 &amp; 3"' in str(read(command)[0].request_body)


@pytest.mark.parametrize(
    "output", ["application/json", "Unauthorized", "./next.sh", "HTTP/1.1 401"]
)
def test_what_stands_below_a_whole_url_is_no_part_of_it(output: str) -> None:
    (exchange,) = read(f"curl -X DELETE {URL}\n{output}\n")
    assert exchange.url == URL


# kept: what looks like the marks of a mail and is none
KEPT = {
    "trace": "> GET /xms/v1/plan/batches HTTP/1.1\n> Host: a.example\n>\n< HTTP/1.1 404 None\n",
    "prompt": f"$ curl {URL} \\\n> -H 'X-Team: blue'\n",
    "lines": f"curl {URL} \\\n  -H 'X-Team: blue'\n\n-- \nKim\n",
}


@pytest.mark.parametrize("way", KEPT)
def test_marks_of_a_terminal_stay(way: str) -> None:
    (exchange,) = read(KEPT[way])
    assert exchange.url


@pytest.mark.parametrize(
    "link",
    [
        "https://urldefense.proofpoint.com/v2/url?u=https-3A__a.example_b-5Fc&d=DwIF",
        "https://urldefense.com/v3/__https://a.example/b_c__;!!abc!def$",
        "https://linkprotect.cudasvc.com/url?a=https%3a%2f%2fa.example%2fb_c&c=E,1,x",
        "https://www.google.com/url?q=https://a.example/b_c&source=gmail",
    ],
)
def test_a_rewritten_link(link: str) -> None:
    assert links.original(link) == "https://a.example/b_c"


def tarred() -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        member = tarfile.TarInfo("logs/call.txt")
        member.size = len(WIRE)
        archive.addfile(member, io.BytesIO(WIRE.encode()))
    return made.getvalue()


def fiddler() -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("_index.htm", "<html></html>")
        archive.writestr("raw/1_c.txt", WIRE)
        archive.writestr("raw/1_m.xml", '<Session ClientBeginRequest="2026-03-02T08:00:00Z"/>')
        archive.writestr("raw/1_s.txt", "HTTP/1.1 403 Forbidden\r\n\r\n")
    return made.getvalue()


PACKED = {
    "tar": tarred(),
    "tar.gz": gzip.compress(tarred()),
    "bz2": bz2.compress(WIRE.encode()) + bz2.compress(b"\n"),
    "xz": lzma.compress(WIRE.encode()),
}


@pytest.mark.parametrize("kind", PACKED)
def test_an_archive_gives_what_is_in_it(kind: str) -> None:
    (exchange,) = read(PACKED[kind])
    assert (exchange.url, exchange.request_body) == (URL, BODY)


def test_a_session_of_fiddler_is_one_row_with_its_time() -> None:
    (exchange,) = read(fiddler())
    assert (exchange.status, str(exchange.at)[:10]) == (403, "2026-03-02")


def netstring(value: object) -> bytes:
    """Return a value as mitmproxy writes it."""
    if isinstance(value, dict):
        pairs = (netstring(part) for pair in value.items() for part in pair)
        raw, kind = b"".join(pairs), b"}"
    elif isinstance(value, list):
        raw, kind = b"".join(map(netstring, value)), b"]"
    elif isinstance(value, bytes):
        raw, kind = value, b","
    else:
        kinds = {str: b";", int: b"#", float: b"^"}
        raw, kind = str(value).encode(), kinds[type(value)]
    return b"%d:%b%b" % (len(raw), raw, kind)


def test_flows_of_mitmproxy_are_rows_packed_and_cut_ones_too() -> None:
    answer = gzip.compress(b'{"code": "unknown_group"}')
    flow: dict[str, object] = {
        "response": {"status_code": 403, "headers": [[b"Content-Encoding", b"gzip"]],
                     "content": answer, "timestamp_end": 1772438400.25},
        "request": {"method": b"PUT", "scheme": b"https", "host": "203.0.113.9", "port": 443,
                    "path": b"/xms/v1/p/groups/g", "headers": [[b"Host", b"eu.example.com"]],
                    "content": BODY.encode(), "timestamp_start": 1772438400.0},
        "type": "http",
    }  # fmt: skip
    failed = {"request": flow["request"], "error": {"msg": "timed out"}, "type": "http"}
    saved = netstring(flow) + netstring(failed)
    first, second = read(saved)
    assert (first.method, first.url) == ("PUT", "https://eu.example.com/xms/v1/p/groups/g")
    assert (first.status, first.code, first.elapsed_ms) == (403, "unknown_group", 250.0)
    assert (first.request_body, second.status, second.failure) == (BODY, None, "timed out")
    assert [row.status for row in read(saved[:-9])] == [403]


@pytest.mark.parametrize("part", ["request", "response", "error"])
@pytest.mark.parametrize("odd", ["x", 7, b"x", [["x"]], {}])
def test_a_flow_of_another_shape_is_read_as_far_as_it_goes(part: str, odd: object) -> None:
    names = ("method", "port", "headers", "content", "timestamp_start", "timestamp_end", "msg")
    whole = {"method": b"GET", "host": "eu.example.com", "path": b"/xms/v1/p/batches"}
    flow: dict[str, object] = {"request": whole, "response": {"status_code": 200}, "type": "http"}
    for value in (odd, *({name: odd, "status_code": odd} | whole for name in names)):
        evidence = read(netstring(flow | {part: value}))
        assert len(evidence) + len(evidence.skipped) == 1


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"\x89PNG\r\n\x1a\n" + bytes(50), "image"),
        (b"%PDF-1.4 text only", "PDF"),
        (b"\x28\xb5\x2f\xfd" + bytes(9), "zst"),
        (b"-----BEGIN CERTIFICATE-----\nMIIB\n", "certificate"),
        (b"openapi: 3.0.0\npaths: {}\n", "OpenAPI"),
    ],
)
def test_what_is_no_evidence_is_refused_with_what_it_looks_like(content: bytes, word: str) -> None:
    evidence = read(content)
    assert not evidence
    assert word in evidence.skipped[0].reason


def test_packed_data_of_xz_and_tar_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    from sinchtools.evidence import unpacking

    monkeypatch.setattr(unpacking, "LARGEST", 5_000)
    for bomb in (lzma.compress(bytes(50_000)), bz2.compress(bytes(50_000)), tarred()[:600]):
        assert read(bomb).skipped
