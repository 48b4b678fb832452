"""
A secret that was removed in one place is removed wherever else it is quoted.

One that is broken into lines is removed whole.
"""

import json
import random
import re
import string
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from sinchtools.cases.case import Case
from sinchtools.cases.exporting import export
from sinchtools.cases.reports import report
from sinchtools.core.errors import LeakError
from sinchtools.core.records import Exchange
from sinchtools.evidence import read
from sinchtools.evidence.exports import to_jsonl
from sinchtools.notebook.savehook import clean
from sinchtools.playbooks.playbook import tips
from sinchtools.privacy import seen
from sinchtools.privacy.gate import Known, refuse_leaks
from sinchtools.privacy.redaction import Redactor
from sinchtools.privacy.unwrapping import unwrapped
from tests.conftest import FULL

TOKEN = "5e1f0a9b3d2f4e68a1b2c3d4e5f60718"
SENT = Exchange(
    id="sent",
    method="GET",
    url="https://us.sms.api.sinch.com/xms/v1/p/batches",
    request_headers={"Authorization": f"Bearer {TOKEN}"},
    status=200,
)
QUOTES = {
    "plain": "Credential {0} is unknown",
    "quoted": "Token '{0}' is not the one",
    "in brackets": "not accepted (see {0})",
    "with an underscore": "order_{0}_2",
    "with a dash": "try-{0}-again",
    "at a comma": "{0},{0}",
    "in a path": "https://x.example/hooks/{0}/in",
    "in a query": "https://x.example/?a=1&ref={0}&b=2",
    "after a space in a URL": "https://x.example/?q=is%20{0}%20valid",
    "in Markdown": "**{0}** and `{0}`",
    "in HTML": "<b>{0}</b>&quot;{0}&quot;",
    "behind a line break": "What I sent:\n{0}\nis unknown",
    "behind an escaped line break": r"What I sent:\n{0}\nis unknown",
    "in color": "\x1b[31m{0}\x1b[0m",
    "behind other letters": "å{0}é",
    "with padding": "{0}==",
    "at the end": "I tried {0}.",
}
each_quote = pytest.mark.parametrize("quoting", QUOTES.values(), ids=QUOTES)


def rows(*exchanges: Any) -> Any:
    return read(to_jsonl(exchanges).encode())


@each_quote
@pytest.mark.parametrize(
    "field",
    ["text", "response_body", "request_body", "url", "response_headers", "source", "failure"],
)
def test_no_row_quotes_a_secret_that_was_removed_in_another_one(field: str, quoting: Any) -> None:
    said = quoting.format(TOKEN)
    quoted: dict[str, Any] = {field: {"X-Said": said} if field == "response_headers" else said}
    before, after = (Exchange(id=name, status=401, **quoted) for name in ("before", "after"))
    found = rows(before, SENT, after)
    assert TOKEN not in to_jsonl(found)
    assert len(found) == 3 and found.secrets_removed >= 3


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-le", "latin-1"])
def test_no_body_of_bytes_quotes_it(encoding: str) -> None:
    first = Redactor().exchange(SENT)
    assert TOKEN not in to_jsonl([first])
    body = f"Credential {TOKEN} is \xfcnknown".encode(encoding)
    marked = Redactor().exchange(Exchange(response_body=body)).response_body
    assert marked == "Credential [secret opaque 32 #1] is \xfcnknown".encode(encoding)


@each_quote
def test_the_gate_finds_it(quoting: Any) -> None:
    rows(SENT)
    with pytest.raises(LeakError, match="a secret"):
        refuse_leaks(quoting.format(TOKEN).encode(), Known(), where="x.txt")


@pytest.mark.parametrize(
    "secret",
    [
        "p4ss+word/42==",
        "p&ss(w0rd)12",
        "k3y=with=signs",
        "$Tr0ng!pass",
        "pa55%2Fword%3D",
        "pa55;word",
        "pä55wörd-12",
    ],
)
@pytest.mark.parametrize(
    "written",
    [
        str,
        lambda s: quote(s, safe=""),
        lambda s: json.dumps(s)[1:-1],
        lambda s: s.replace("/", "\\/"),
    ],
)
def test_it_is_found_as_it_is_written_in_a_url_and_in_json(secret: str, written: Any) -> None:
    Redactor().headers({"X-Api-Key": secret})
    assert "[secret " in Redactor().text(f"got {written(secret)} here")


@pytest.mark.parametrize(
    "value",
    [
        "required",
        "invalid_token",
        "20261123",
        "46701740605",
        "hunter2",
        "2026-11-23T08:00:00Z",
        "https://x.example/v1",
    ],
)
def test_a_word_a_number_a_date_or_an_address_is_not_looked_for(value: str) -> None:
    Redactor().headers({"X-Api-Key": value})
    assert Redactor().text(f"it is {value}, says x") == f"it is {value}, says x"


def test_only_the_whole_secret_is_found() -> None:
    rows(SENT)
    for text in (TOKEN[:-1], f"{TOKEN}0", f"a{TOKEN}", TOKEN[8:], TOKEN.upper()):
        assert Redactor().text(f"id {text} x") == f"id {text} x"


@pytest.mark.parametrize("quoting", ["Credential {0} is unknown", "order_{0}_2", "I tried {0}."])
def test_a_case_knows_it_again_in_another_process(work: Path, quoting: str) -> None:
    said = quoting.format(TOKEN)
    early = Exchange(id="early", status=401, text=said)
    case = Case("4711", rows(early))
    case.note(said)
    assert TOKEN in (case.folder / "history.jsonl").read_text()  # nobody knew yet
    case.add(rows(SENT))
    seen.forget()
    seen_by_others(case)
    again = Case("4711")
    again.note(f"since Monday: {said}")
    walk = tips(again.evidence["early"])
    walk.answer("skipped", said)
    again.add_walk(walk)
    told = json.dumps([again.notes, again.walks, to_jsonl(again.evidence)])
    assert TOKEN not in told and told.count("[secret ") >= 4
    assert (case.folder / "history.jsonl").read_text().count(TOKEN) == said.count(TOKEN)
    assert TOKEN not in report(again, work / "x.html").read_text()
    assert TOKEN not in export(again.evidence, work / "x.jsonl").read_text()


def seen_by_others(case: Any) -> None:
    """Make the digests in the case those of another process, which had another key."""
    path = case.folder / "seen.jsonl"
    own = [
        digest
        for line in path.read_text().split("\n")
        if line
        for digest in seen.from_json(json.loads(line))
    ]
    key = b"k" * 32
    path.write_text(
        seen.as_lines(seen.Digest(key, digest.size, seen._digest(key, TOKEN)) for digest in own)
    )


def test_digests_are_readable_by_their_owner_only_and_hold_no_part_of_a_secret(work: Path) -> None:
    case = Case("4711", rows(SENT))
    path = case.folder / "seen.jsonl"
    assert path.stat().st_mode & 0o777 == 0o600
    assert not any(TOKEN[at : at + 6] in path.read_text() for at in range(len(TOKEN) - 6))
    assert [
        line["digests"][0][0]
        for line in map(json.loads, filter(None, path.read_text().split("\n")))
    ] == [32]


def test_a_new_process_has_another_key_and_finds_it_through_the_case(work: Path) -> None:
    Case(work / "c", rows(SENT))
    code = (
        "import sys, sinchtools as st; from sinchtools.privacy.redaction import Redactor;"
        "said = 'customer tried ' + sys.argv[2]; print(Redactor().text(said) == said);"
        "st.Case(sys.argv[1]); print(Redactor().text(said))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(work / "c"), TOKEN],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split("\n")[:2] == ["True", "customer tried [secret opaque 32 #1]"]


def test_rows_that_were_read_before_the_secret_was_known_are_exported_and_reported_without_it(
    tmp_path: Path,
) -> None:
    early = rows(Exchange(id="early", status=401, text=f"Credential {TOKEN} is unknown"))
    rows(SENT)
    for path in (
        report(early, tmp_path / "x.html"),
        report(early, tmp_path / "x.zip"),
        export(early, tmp_path / "x.sh"),
        export(early, tmp_path / "x.har"),
    ):
        assert TOKEN.encode() not in path.read_bytes()


def test_a_saved_notebook_quotes_no_secret_of_a_later_cell_or_of_a_case(work: Path) -> None:
    case = Case("4711", rows(SENT))
    seen.forget()
    seen_by_others(case)
    other = f"a1b2c3d4{TOKEN[8:]}"
    sources = [
        f"# tried {other} and {TOKEN}",
        f"st.read(\"curl https://x.example -H 'X-Api-Key: {other}'\")",
    ]
    model = {
        "type": "notebook",
        "content": {
            "cells": [{"cell_type": "code", "source": source, "outputs": []} for source in sources]
        },
    }
    clean(model)
    assert not any(secret in json.dumps(model) for secret in (TOKEN, other))


# --- broken into lines ----------------------------------------------------------------------------

REQUEST = "POST /xms/v1/p/batches HTTP/1.1\nHost: us.sms.api.sinch.com\n"
BODY = '{"to": ["+46701740605"], "body": "Hi"}'
REST = (
    f"Content-Type: application/json\n\n{BODY}\n\nHTTP/1.1 401 Unauthorized\nContent-Type: "
    f"application/json\n\n{{}}\n"
)
CURL = "curl https://us.sms.api.sinch.com/xms/v1/p/batches"
WRAPS = {
    "folded": REQUEST + "Authorization: Bearer {0}\n {1}\n" + REST,
    "folded with a tab": REQUEST + "Authorization: Bearer {0}\n\t{1}\n" + REST,
    "by a terminal": REQUEST + "Authorization: Bearer {0}\n{1}\n" + REST,
    "by a terminal, and CRLF": (REQUEST + "Authorization: Bearer {0}\n{1}\n" + REST).replace(
        "\n", "\r\n"
    ),
    "in a mail that is answered": "> "
    + (REQUEST + "Authorization: Bearer {0}\n{1}\n" + REST).replace("\n", "\n> "),
    "as quoted-printable": REQUEST + "Authorization: Bearer {0}=\n{1}\n" + REST,
    "behind the name": REQUEST + "Authorization:\nBearer {0}{1}\n" + REST,
    "behind the name, folded": REQUEST + "Authorization:\n  Bearer {0}{1}\n" + REST,
    "behind the scheme": REQUEST + "Authorization: Bearer\n{0}{1}\n" + REST,
    "behind the scheme, folded": REQUEST + "Authorization: Bearer\n {0}{1}\n" + REST,
    "an API key": REQUEST + "X-Api-Key: {0}\n{1}\n" + REST,
    "a cookie": REQUEST + "Cookie: a=1; session={0}\n {1}; b=2\n" + REST,
    "between cookies": REQUEST + "Cookie: a=1;\nsession={0}{1}; x=y\n" + REST,
    "between cookies, folded": REQUEST + "Cookie: a=1;\n session={0}{1}\n" + REST,
    "a new cookie": "HTTP/1.1 401 Unauthorized\nSet-Cookie: session={0}\n{1}; Path=/; "
    "HttpOnly\nContent-Type: text/plain\n\n{}",
    "curl -v": "> POST /xms/v1/p/batches HTTP/1.1\n> Host: x.example\n> Authorization: Bearer "
    "{0}\n{1}\n> Accept: */*\n>\n< HTTP/1.1 401 No\n<\n",
    "in double quotes": CURL + ' -H "Authorization: Bearer {0}\\\n{1}" -X DELETE',
    "in single quotes": CURL + " -H 'Authorization: Bearer {0}\n{1}' -X DELETE",
    "in an option": CURL + " --oauth2-bearer {0}\\\n{1} -X DELETE",
    "of a user": CURL + " -u plan:{0}\\\n{1} -X DELETE",
    "in a URL": "GET https://us.sms.api.sinch.com/xms/v1/p/batches?access_token={0}\n{1} "
    "HTTP/1.1\nHost: x\n\n",
    "in a sentence": "Error 401 since Monday on all of our servers: the token is "
    "{0}\n{1}\nplease help",
    "a variable": "GET https://x.example/a HTTP/1.1\n\n###\n@tok = {0}{1}\n\nGET "
    "https://x.example/b HTTP/1.1\nAuthorization: Bearer {{tok}}\n",
    "a variable by its use": "@me={0}{1}\n\nGET https://x.example/b HTTP/1.1\nX-Api-Key: "
    "{{me}}\n\n###\nx {0}{1}\n",
}


@pytest.mark.parametrize("cut", [8, 19, 26])
@pytest.mark.parametrize("wrap", WRAPS.values(), ids=WRAPS)
def test_a_secret_that_is_broken_into_lines_is_removed_whole_and_takes_nothing_with_it(
    wrap: str, cut: int
) -> None:
    seen.forget()
    parts = TOKEN[:cut], TOKEN[cut:]
    found = read("\n" + wrap.replace("{0}", parts[0]).replace("{1}", parts[1]))
    assert TOKEN not in Redactor().text(f"I tried {TOKEN}.")
    shown = to_jsonl(found) + repr(found.skipped)
    assert [part for part in parts if part in shown] == []
    assert len(found) >= 1
    if REST in wrap:
        assert (found[0].request_body, found[0].status) == (BODY, 401)
        assert found[0].request_headers["Content-Type"] == "application/json"


@pytest.mark.parametrize("cut", [17, 26])
@pytest.mark.parametrize("wrap", [wrap for name, wrap in WRAPS.items() if "variable" not in name])
def test_a_note_holds_no_half_of_it(wrap: Any, cut: int) -> None:
    said = Redactor().text(wrap.replace("{0}", TOKEN[:cut]).replace("{1}", TOKEN[cut:]))
    assert TOKEN[:cut] not in said and TOKEN[cut:] not in said


@pytest.mark.parametrize(
    "text",
    [
        f"{REQUEST}Authorization: Bearer {{{{token}}}}\n{REST}",
        f"{REQUEST}X-Request-Id: 5e1f0a9b3d2f4e68a1b2\n\nc3d4e5f60718a1b2\n",
        f"token={TOKEN}\nplease",
        f"token={TOKEN}\n\n{TOKEN[:9]}",
        f"TOKEN={TOKEN}\nPLAN=plan1234",
        f"token: {TOKEN}\nplan: plan1",
        f"Authorization: Bearer {TOKEN}\nAccept: */*",
        f"Authorization: Bearer {TOKEN}\n{{",
        f"Cookie: a={TOKEN}\n\nto=46701740605&body=x",
        f"{CURL} -H 'X-Api-Key: {TOKEN}' \\\n  --compressed",
        f"{CURL} -u plan:{TOKEN} \\\n  -X DELETE",
        "a=b\nc=d",
        "token\nis\nold",
    ],
)
def test_what_is_not_broken_stays_as_it_is(text: str) -> None:
    assert unwrapped(text) == text


# --- many of them ---------------------------------------------------------------------------------

ALPHABETS = [
    "0123456789abcdef",
    string.ascii_letters + string.digits,
    string.ascii_letters + string.digits + "-_",
]


@pytest.mark.long
def test_no_secret_of_any_shape_survives_quoted_or_broken_into_lines() -> None:
    chance = random.Random(20261129)
    for number in range(100_000 if FULL else 300):
        seen.forget()
        secret = made_up(chance)
        cut = chance.randrange(8, len(secret) - 7)
        quoting, wrap = chance.choice([*QUOTES.values()]), chance.choice([*WRAPS.values()])
        text = wrap.replace("{0}", secret[:cut]).replace("{1}", secret[cut:])
        read("\n" + text)
        shown = to_jsonl(read("\n" + text)) + Redactor().text(quoting.format(secret))
        assert secret not in shown and secret[:cut] not in shown and secret[cut:] not in shown, (
            number,
            text,
        )


def made_up(chance: Any) -> Any:
    """Return a secret whose every part of 8 characters can be told from a word."""
    while True:
        found = "".join(chance.choices(chance.choice(ALPHABETS), k=chance.choice([32, 40, 48, 64])))
        parts = [found[at : at + 8] for at in range(len(found) - 7)]
        if (
            found[0].isalnum()
            and found[-1].isalnum()
            and all(len(re.findall(r"[a-zA-Z](?=\d)|\d(?=[a-zA-Z])", part)) > 1 for part in parts)
        ):
            return found
