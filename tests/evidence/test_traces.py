"""Dumps of the wire: each shows one call with its response."""

from __future__ import annotations

import pytest

from sinchtools.evidence import read

PATH = "/xms/v1/plan7/batches"
SENT, GOT = '{"to": ["46700000002"]}', '{"code": "unknown_group", "text": "x"}'
ASKED = f"PUT {PATH} HTTP/1.1\r\nHost: us.sms.api.sinch.com\r\n\r\n{SENT}"
ANSWER = f"HTTP/1.1 403 Forbidden\r\nContent-Type: application/json\r\n\r\n{GOT}"


def rows(text: str, form: str) -> str:
    """Return a text as rows of sixteen bytes."""
    cut = [text[at : at + 16] for at in range(0, len(text), 16)]
    return "\n".join(
        form.format(
            at=16 * number,
            hex=" ".join(f"{ord(letter):02x}" for letter in part),
            text="".join(letter if letter.isprintable() else "." for letter in part),
        )
        for number, part in enumerate(cut)
    )


NETTY = "|{at:08x}| {hex:<47} |{text:<16}|"
DUMPS = {
    "netty": f"10:15:02.1 DEBUG [a1b2c3d4, L:/10.0.0.5:4 - R:x/10.0.0.6:443] WRITE: {len(ASKED)}B\n"
    f"{rows(ASKED, NETTY)}\n10:15:02.2 DEBUG [a1b2c3d4, L:/10.0.0.5:4 - R:x/10.0.0.6:443] READ: "
    f"{len(ANSWER)}B\n{rows(ANSWER, NETTY)}\n",
    "a followed stream in hexadecimal": rows(ASKED, "{at:08X}  {hex:<47}   {text}")
    + "\n"
    + rows(ANSWER, "    {at:08X}  {hex:<47}   {text}"),
    "ngrep, each packet on a line": "T 10.0.0.5:4 -> 10.0.0.6:80 [AP] #4\n"
    + ASKED.replace("\r\n", "..")
    + "\n##\nT 10.0.0.6:80 -> 10.0.0.5:4 [AP] #6\n"
    + ANSWER.replace("\r\n", ".."),
    "ngrep by line": "T 10.0.0.5:4 -> 10.0.0.6:80 [AP] #4\n"
    + ASKED.replace("\r\n", ".\n")
    + "\n\nT 10.0.0.6:80 -> 10.0.0.5:4 [AP] #6\n"
    + ANSWER.replace("\r\n", ".\n"),
    "tshark": f"""Frame 4: 300 bytes on wire
    Arrival Time: Nov 30, 2026 10:15:02.100000000 UTC
Hypertext Transfer Protocol
    PUT {PATH} HTTP/1.1\\r\\n
    Host: us.sms.api.sinch.com\\r\\n
    \\r\\n
    [Full request URI: https://us.sms.api.sinch.com{PATH}]
JavaScript Object Notation: application/json
    {SENT}
Frame 6: 200 bytes on wire
Hypertext Transfer Protocol
    HTTP/1.1 403 Forbidden\\r\\n
    \\r\\n
    [Time since request: 0.084000000 seconds]
Line-based text data: application/json (1 lines)
    {GOT}
""",
}


@pytest.mark.parametrize("name", DUMPS)
def test_a_dump_is_one_row(name: str) -> None:
    evidence = read(DUMPS[name])
    seen = [(x.method, x.status, x.request_body, x.response_body) for x in evidence]
    assert seen == [("PUT", 403, SENT, GOT)], evidence.summary
    assert (evidence[0].url or "").endswith(f"us.sms.api.sinch.com{PATH}")
