"""Logs of HTTP clients and dumps of the wire: each call is one row, with its own response."""

from __future__ import annotations

from string import Template

import pytest

from sinchtools.evidence import read
from sinchtools.evidence.formats import client_log
from sinchtools.evidence.formats.client_log_lines import prefix_of
from sinchtools.evidence.formats.client_log_marks import MARKS, Mark
from sinchtools.evidence.pieces import Piece

PATH = "/xms/v1/acme/batches"
URL = f"https://us.sms.api.sinch.com{PATH}"
SENT = '{"from":"46700000001","to":["46700000002"],"body":"Hej"}'
GOT = '{"code":"unknown_group","text":"No group k3"}'
PLACES = {"PATH": PATH, "URL": URL, "SENT": SENT, "GOT": GOT, "HOST": "us.sms.api.sinch.com"}
QUOTED = {name: text.replace('"', '\\"') for name, text in (("QSENT", SENT), ("QGOT", GOT))}

TEXTS = PLACES | QUOTED
CALLS = {  # each tells of one call: POST, 403, with both bodies
    "OkHttp": """
--> POST $URL
Content-Type: application/json; charset=UTF-8
Authorization: Bearer abc

$SENT
--> END POST (56-byte body)
<-- 403 Forbidden $URL (231ms)
content-type: application/json

$GOT
<-- END HTTP (45-byte body)
""",
    "OkHttp in logcat": """
11-30 10:15:02.101  4321  4399 D OkHttp  : --> POST $URL
11-30 10:15:02.101  4321  4399 D OkHttp  : Content-Type: application/json
11-30 10:15:02.101  4321  4399 D OkHttp  :
11-30 10:15:02.101  4321  4399 D OkHttp  : $SENT
11-30 10:15:02.101  4321  4399 D OkHttp  : --> END POST (56-byte body)
11-30 10:15:02.301  4321  4399 D OkHttp  : <-- 403 $URL (231ms)
11-30 10:15:02.301  4321  4399 D OkHttp  :
11-30 10:15:02.301  4321  4399 D OkHttp  : $GOT
11-30 10:15:02.301  4321  4399 D OkHttp  : <-- END HTTP (45-byte body)
""",
    "Feign": """
[SinchApi#send] ---> POST $URL HTTP/1.1
[SinchApi#send] Content-Type: application/json
[SinchApi#send]
[SinchApi#send] $SENT
[SinchApi#send] ---> END HTTP (56-byte body)
[SinchApi#send] <--- HTTP/1.1 403 Forbidden (231ms)
[SinchApi#send] content-type: application/json
[SinchApi#send]
[SinchApi#send] $GOT
[SinchApi#send] <--- END HTTP (45-byte body)
""",
    "Apache": """
10:15:02.1 [main] DEBUG org.apache.http.wire - http-outgoing-3 >> "POST $PATH HTTP/1.1[\\r][\\n]"
10:15:02.1 [main] DEBUG org.apache.http.wire - http-outgoing-3 >> "Host: $HOST[\\r][\\n]"
10:15:02.1 [main] DEBUG org.apache.http.wire - http-outgoing-3 >> "[\\r][\\n]"
10:15:02.1 [main] DEBUG org.apache.http.wire - http-outgoing-3 >> "$SENT"
10:15:02.1 [main] DEBUG org.apache.http.wire - http-outgoing-3 << "HTTP/1.1 403 Forbidden[\\r][\\n]"
10:15:02.1 [main] DEBUG org.apache.http.wire - http-outgoing-3 << "[\\r][\\n]"
10:15:02.1 [main] DEBUG org.apache.http.wire - http-outgoing-3 << "$GOT"
""",
    "Jersey": """
INFO: 1 * Sending client request on thread main
1 > POST $URL
1 > Content-Type: application/json
$SENT

INFO: 1 * Client response received on thread main
1 < 403
1 < Content-Type: application/json
$GOT
""",
    "CXF": """
INFO: Outbound Message
---------------------------
ID: 1
Address: $URL
Http-Method: POST
Headers: {Accept=[application/json]}
Payload: $SENT
--------------------------------------
INFO: Inbound Message
----------------------------
ID: 1
Response-Code: 403
Headers: {content-type=[application/json]}
Payload: $GOT
--------------------------------------
""",
    "an interceptor of Spring": """
c.a.Log : =====================request begin=====================
c.a.Log : URI         : $URL
c.a.Log : Method      : POST
c.a.Log : Headers     : [Accept:"application/json", Content-Type:"application/json"]
c.a.Log : Request body: $SENT
c.a.Log : =====================request end=======================
c.a.Log : =====================response begin====================
c.a.Log : Status code  : 403 FORBIDDEN
c.a.Log : Headers      : [Content-Type:"application/json"]
c.a.Log : Response body: $GOT
c.a.Log : =====================response end======================
""",
    "Net::HTTP": """
opening connection to us.sms.api.sinch.com:443...
opened
<- "POST $PATH HTTP/1.1\\r\\nContent-Type: application/json\\r\\nHost: $HOST\\r\\n\\r\\n"
<- "$QSENT"
-> "HTTP/1.1 403 Forbidden\\r\\n"
-> "Content-Type: application/json\\r\\n"
-> "\\r\\n"
reading 45 bytes...
-> "$QGOT"
read 45 bytes
Conn close
""",
    "Faraday": """
I, [2026-11-30T10:15:02.1 #77]  INFO -- request: POST $URL
I, [2026-11-30T10:15:02.1 #77]  INFO -- request: User-Agent: "Faraday v2"
Content-Type: "application/json"
I, [2026-11-30T10:15:02.1 #77]  INFO -- request: $SENT
I, [2026-11-30T10:15:02.3 #77]  INFO -- response: Status 403
I, [2026-11-30T10:15:02.3 #77]  INFO -- response: content-type: "application/json"
I, [2026-11-30T10:15:02.3 #77]  INFO -- response: $GOT
""",
    "Guzzle": """
>>>>>>>>
POST $PATH HTTP/1.1
Host: us.sms.api.sinch.com

$SENT
<<<<<<<<
HTTP/1.1 403 Forbidden
Content-Type: application/json

$GOT
--------
""",
    "requests-toolbelt": """
< POST $PATH HTTP/1.1
< Host: us.sms.api.sinch.com
<
< $SENT
> HTTP/1.1 403 Forbidden
> Content-Type: application/json
>
$GOT
""",
    "httr": """
-> POST $PATH HTTP/2
-> Host: us.sms.api.sinch.com
-> Content-Type: application/json
->
>> $SENT

<- HTTP/2 403
<- content-type: application/json
<-
<< $GOT
""",
    "Dio": """
I/flutter (12345): *** Request ***
I/flutter (12345): uri: $URL
I/flutter (12345): method: POST
I/flutter (12345): headers:
I/flutter (12345):  content-type: application/json
I/flutter (12345): data:
I/flutter (12345): $SENT
I/flutter (12345):
I/flutter (12345): *** Response ***
I/flutter (12345): statusCode: 403
I/flutter (12345): Response Text:
I/flutter (12345): $GOT
""",
    "a followed stream": """
POST $PATH HTTP/1.1
Host: us.sms.api.sinch.com

${SENT}HTTP/1.1 403 Forbidden
Content-Type: application/json

$GOT
""",
    "tcpdump": """
10:15:02.1 IP 10.0.0.5.51234 > 203.0.113.9.80: Flags [P.], length 202: HTTP: POST $PATH HTTP/1.1
E....c@.@......P....POST $PATH HTTP/1.1
Host: us.sms.api.sinch.com

$SENT
10:15:02.3 IP 203.0.113.9.80 > 10.0.0.5.51234: Flags [P.], length 99: HTTP: HTTP/1.1 403 Forbidden
E....c@.@......P....HTTP/1.1 403 Forbidden
Content-Type: application/json

$GOT
""",
    "XML": """
<Trace><Request><Verb>POST</Verb><URI>$URL</URI><Content>$SENT</Content></Request>
<Response><StatusCode>403</StatusCode><Content>$GOT</Content></Response></Trace>
""",
    "strace": r"""
write(5, "POST $PATH HTTP/1.1\r\nHost: us.sms.api.sinch.com\r\n\r\n$QSENT", 180) = 180
read(5, "HTTP/1.1 403 Forbidden\r\nContent-Type: application/json\r\n\r\n$QGOT", 4096) = 139
""",
    "sentences": """
10:15:02 INFO Sender - Sending POST request to $URL with body $SENT
10:15:02 ERROR Sender - Received response 403: $GOT
""",
    "named parts": """
URL: $URL
Method: POST
Headers: {"Content-Type": "application/json"}
Body: $SENT
Status: 403
Response: $GOT
""",
    "one line each": """
2026-11-30 10:15:02.101 [REQ] POST $URL body=$SENT
2026-11-30 10:15:02.301 [RES] 403 body=$GOT (200 ms)
""",
    "reqwest's verbose connections": """
TRACE reqwest::connect::verbose: 5f3a1c2b write: b"POST $PATH HTTP/1.1\\r\\nhost: $HOST\\r\\n\\r\\n"
TRACE reqwest::connect::verbose: 5f3a1c2b write: b'$SENT'
TRACE reqwest::connect::verbose: 5f3a1c2b read: b'HTTP/1.1 403 Forbidden\\r\\n\\r\\n$GOT'
""",
    "messages printed with their escapes": """
2026/11/30 10:15:02 'POST $PATH HTTP/1.1\\r\\nHost: $HOST\\r\\n\\r\\n$SENT'
2026/11/30 10:15:02 'HTTP/1.1 403 Forbidden\\r\\nServer: x\\r\\n\\r\\n$GOT'
""",
    "arrows": """
10:15:02 ==> POST $URL $SENT
10:15:02 <== 403 $GOT
""",
}


# one line for each mark that the calls above don't show
MARKED = (
    r"""
http-outgoing-0 >> Host: us.sms.api.sinch.com
http-outgoing-0 << HTTP/1.1 403 Forbidden
send: b'POST /xms/v1/acme/batches HTTP/1.1\r\n'
reply: 'HTTP/1.1 403 Forbidden\r\n'
header: Content-Type: application/json
reqwest::connect::verbose: 4f3a1c2b write: b"POST /xms/v1/acme/batches HTTP/1.1\r\nhost: x\r\n\r\n"
6f3b1c2a read: b"HTTP/1.1 403 Forbidden\r\n\r\n"
dump = "POST /xms/v1/acme/batches HTTP/1.1\r\nHost: us.sms.api.sinch.com\r\n\r\n{}"
Response: "HTTP/1.1 403 Forbidden\r\nContent-Type: application/json\r\n\r\n{}"
Sent 04/03/2026 08:09:10: GET /xms/v1/acme/groups HTTP/1.1<EOL>Host: x<EOL><EOL>
Recv 04/03/2026 08:09:11: HTTP/1.1 403 Forbidden<EOL><EOL>
I/O exception (java.net.SocketException) caught when processing request to {s}->https://x: reset
Retrying request to {s}->https://us.sms.api.sinch.com:443
> POST $URL
< 403 Forbidden
> Content-Type: application/json
< Content-Type: application/json
https://us.sms.api.sinch.com:443 "POST /xms/v1/acme/batches HTTP/1.1" 403 60
HTTP Request: POST $URL "HTTP/1.1 403 Forbidden"
receive_response_headers.complete return_value=(b'HTTP/1.1', 403, b'Forbidden', [(b'A', b'b')])
send_request_headers.started request=<Request [b'POST']>
connect_tcp.started host='us.sms.api.sinch.com' port=443
[HTTParty] [2026-03-02 08:00:00 +0000] 403 "POST $URL" 60
RestClient.post "$URL", "{}", "Accept"=>"*/*"
# => 403 Forbidden | application/json 60 bytes
10.0.0.1:51234: POST $URL
UNDICI 4711: sending request to POST https://us.sms.api.sinch.com//xms/v1/acme/batches
UNDICI 4711: received response to POST https://us.sms.api.sinch.com//xms/v1/acme/batches - HTTP 403
UNDICI 4711: connecting to us.sms.api.sinch.com using https:h1
<-- HTTP FAILED: java.net.SocketTimeoutException: timeout
--2026-03-02 08:00:00--  $URL
HTTP request sent, awaiting response... 403 Forbidden
403 Forbidden
Resolving us.sms.api.sinch.com (us.sms.api.sinch.com)... 203.0.113.9
Registered socket 4 for persistent reuse.
[POST data: {"to":["46700000002"]}]
[6f3b1c2a] HTTP POST $URL
[6f3b1c2a] Response 403 FORBIDDEN
[6f3b1c2a] Decoded [{"code":"unknown_group"}]
[6f3b1c2a] Writing [{"to":["46700000002"]}]
Accept=[application/json]
End processing HTTP request after 85.1ms - 403
Received HTTP response headers after 84.2ms - 403
Sending HTTP request POST $URL
Start processing HTTP request POST $URL
CHANNEL: reading 60 bytes
Request Headers:
HEADERS: RESPONSE HEADERS:
POST request for "$URL" resulted in 403 (Forbidden)
Method: POST, RequestUri: '$URL', Version: 1.1
Invoke 'POST' onto $URL
body: {"to":["46700000002"]}
[response]== end ==
==== START ====
POST $URL HTTP/1.1
POST Request : url=$URL
POST Response : url=$URL
""".strip()
    .replace("$URL", URL)
    .splitlines()
)


def marks_in(line: str) -> set[Mark]:
    reader = client_log._Reader(Piece("paste", line), [*MARKS])
    marks = [mark for mark in MARKS if any(sign in line for sign in mark.signs)]
    return {hit.mark for hit in reader.marked(1, line, prefix_of(line), marks)}


@pytest.mark.parametrize("line", MARKED)
def test_a_line_of_a_client_has_a_mark(line: str) -> None:
    assert marks_in(line)


def test_every_mark_is_shown() -> None:
    lines = [
        line for call in CALLS.values() for line in Template(call).substitute(TEXTS).split("\n")
    ]
    left = {*MARKS}.difference(*map(marks_in, (*MARKED, *lines)))
    shown = sorted(f"{mark.style} {mark.pattern.pattern}" for mark in left)
    assert not left, f"Add a call to CALLS or a line to MARKED in test_client_log.py for {shown}"


@pytest.mark.parametrize("name", CALLS)
def test_log_of_one_call_is_one_row(name: str) -> None:
    evidence = read(Template(CALLS[name]).substitute(TEXTS))
    rows = [(x.method, x.url, x.request_body, x.status, x.response_body) for x in evidence]
    assert rows == [("POST", URL, SENT, 403, GOT)], evidence.summary


def test_calls_of_two_threads_keep_their_own_responses() -> None:
    lines = (
        f"[t-1] DEBUG okhttp : --> POST {URL}",
        f"[t-2] DEBUG okhttp : --> GET {URL}/1",
        f"[t-1] DEBUG okhttp : {SENT}",
        "[t-2] DEBUG okhttp : --> END GET",
        "[t-2] DEBUG okhttp : <-- 404 Not Found (3ms)",
        "[t-1] DEBUG okhttp : <-- 403 Forbidden (9ms)",
    )
    rows = read("\n".join(f"10:15:02 {line}" for line in lines))
    assert [(x.method, x.status, x.elapsed_ms) for x in rows] == [("POST", 403, 9), ("GET", 404, 3)]


@pytest.mark.parametrize("line", [f"[web] -> PUT {URL}", f"[web] PUT {URL}"])
def test_a_thin_arrow_tells_the_status(line: str) -> None:
    (row,) = read(f"{line}\n[web] <- 404")
    assert (row.method, row.url, row.status) == ("PUT", URL, 404)


def test_responses_that_may_be_of_either_request_are_of_none() -> None:
    evidence = read(f">>> POST {URL} {SENT}\n>>> GET {URL}\n<<< 201\n<<< 403 {GOT}")
    assert [(x.method, x.status) for x in evidence] == [("POST", None), ("GET", None)]
    assert "several requests" in evidence.skipped[0].reason


def test_labels_in_labels_and_long_rules_come_to_an_end() -> None:
    block = f"URL: {URL}\nMethod: POST\nBody: "
    for text in (block + "Body: " * 5000, block + "=" * 20_000, "-" * 20_000 + "\n" + block):
        assert read(text).summary
