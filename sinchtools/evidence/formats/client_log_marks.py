"""
How the logs of HTTP clients mark a request, a response, their parts and their ends.

One row a spelling. `client_log` reads what stands between the marks; nothing else is known there of
any client.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_PARTS = {  # what stands for itself in the patterns below
    "METHOD": "(?:GET|POST|PUT|DELETE|PATCH|HEAD|OPTIONS)",
    "OUT": r"(?:-{2,4}>|={1,3}>|>{2,8}|→|⇒|➡\ufe0f?|⬆\ufe0f?|↑)",
    "IN": r"(?:<-{2,4}|<={1,3}|<{2,8}|←|⇐|⬅\ufe0f?|⬇\ufe0f?|↓)",
    "REQ": r"(?i:req|request)",
    "RES": r"(?i:res|resp|response)",
    "SENT": r"(?:(?i:outgoing|outbound|sent|sending|http|api|sms|sinch|raw|full|\w{0,20}client) )?",
    "GOT": r"(?:(?i:incoming|inbound|received|got|http|api|sms|sinch|raw|full|\w{0,9}client) )?",
    "RULE": r"[=~*#_+-]{2,}[\s=~*#+_-]*",
    "START": r"(?: (?i:begin|start))?:?[\s=~*#+_-]*",
    "TAIL": r"(?P<tail>.*)",
    "QUOTED": r"(?P<tail>\".*\")",
    "TAG": r"(?:\[[\w .-]{1,30}\] ?)?[\[(](?:[\w-]{1,40}[ :-]{1,3})?",
    "ID": r"(?:\[(?P<id>[0-9a-f]{4,16})\] (?:\[[\w/-]+\] )?)?",
    "WORDS": r"[\s*•\"]{0,6}(?:\w+[ _-]){0,3}",
}


class Mark(NamedTuple):
    """
    How one kind of line is known.

    Attributes
    ----------
    style
        The spelling it belongs to: lines of two styles may tell of one message.
    side
        What the line is about: ``request`` or ``response``; ``none`` when it only shows that the
        client was at work.
    kind
        How it is taken: a row of `client_log`'s table.
    signs
        Texts of which one stands in each such line.
    pattern
        What the message of the line looks like. ``tail`` is what it tells, ``id`` tells calls
        apart.
    """

    style: str
    side: str
    kind: str
    signs: tuple[str, ...]
    pattern: re.Pattern[str]


def _marks(table: str) -> tuple[Mark, ...]:
    """Return the marks of a table: style, side, kind, signs and pattern; a row may be folded."""
    marks = []
    for line in re.sub(r"\n    +", " ", table.replace("<SPACE>\n    ", " ")).splitlines():
        if line.strip() and not line.startswith("#"):
            style, side, kind, signs, pattern = line.split(maxsplit=4)
            for name, part in _PARTS.items():
                pattern = pattern.replace(f"<{name}>", part)
            texts = tuple(sign.replace("_", " ") for sign in signs.split("|"))
            marks.append(Mark(style, side, kind, texts, re.compile(pattern + "$")))
    return tuple(marks)


# signs: an underscore is a space
MARKS = _marks(r"""
# quoted text of the wire: Apache, Ruby, Python
wire      request  chunk  >>_"              (?:[\w-]*?(?P<id>\d+) )?>> <QUOTED>
wire      response chunk  <<_"              (?:[\w-]*?(?P<id>\d+) )?<< <QUOTED>
headers   request  chunk  http-outgoing-    http-outgoing-(?P<id>\d+) >> <TAIL>
headers   response chunk  http-outgoing-    http-outgoing-(?P<id>\d+) << <TAIL>
net-http  request  chunk  <-_"              <- <QUOTED>
net-http  response chunk  ->_"              -> <QUOTED>
net-http  none     nothing opening_|opened|SSL
    (?:opening connection to|opened$|starting SSL|SSL est).*
net-http  none     nothing reading_|read_|Conn_
    (?:reading \d+|read \d+ bytes|Conn (?:close|keep)).*
python    request  chunk  send:_b           send: (?P<tail>b['"].*)
python    response chunk  reply:_           reply: (?P<tail>['"].*)
python    response chunk  header:_          header: <TAIL>
# lines that are marked one by one
jersey    none     nothing  _*_Sending_     (?P<id>\d+) \* Sending client request.*
jersey    none     nothing  _*_Client_      (?P<id>\d+) \* Client response received.*
jersey    request  line   _>_               (?P<id>\d+) > <TAIL>
jersey    response line   _<_               (?P<id>\d+) < <TAIL>
toolbelt  request  line   <_                < (?P<tail><METHOD> \S+ HTTP/[\d.]+)
# one line for a call, or a part of one
urllib3   request  call    HTTP/
    (?P<host>https?://[^\s"/]+) "(?P<method><METHOD>) (?P<path>\S+) HTTP/[\d.]+"<SPACE>
    (?P<status>\d{3}) (?:\d+|None)
httpx     request  call    HTTP_Request:_
    HTTP Request: (?P<method><METHOD>) (?P<url>\S+) "HTTP/[\d.]+ (?P<status>\d{3})[^"]*"
httpcore  response call    receive_
    receive_response_headers\.complete return_value=\((?:b'HTTP/[\d.]+', )?(?P<status>\d{3}),<SPACE>
    (?:b'[^']*', )?(?P<headers>\[.*\])\)
httpcore  request  call    send_
    send_request_headers\.started request=<Request \[b'(?P<method><METHOD>)'\]>.*
httpcore  none     nothing .started|.complete|.failed
    [a-z_0-9]{3,40}\.(?:started|complete|failed)\b.*
# ends and failures
arrow     request  end    END_              <OUT> END .*
arrow     response end    END_              <IN> END HTTP<TAIL>
arrow     response failure  <-              <IN> (?:HTTP FAILED|ERROR):? <TAIL>
# wget
wget      request  address --
    --(?P<time>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)--  (?P<tail>\S+)
wget      response line    awaiting_response
    (?:HTTP|Proxy) request sent, awaiting response\.\.\. ?<TAIL>
wget      response again  _                 (?P<tail>[1-5]\d\d [A-Z][A-Za-z -]{1,30})
wget      none     nothing Wget|Resolving_|Connecting_to_
    (?:DEBUG output created by Wget|Resolving \S+\.\.\.|Connecting to \S+\.\.\.).*
wget      none     nothing socket|Closed_fd|SSL
    (?:Created socket|Releasing 0x|Closed fd|Registered socket|Initiating SSL).*
title     request  body   _data:_           \[(?:POST|BODY) data: <TAIL>\]
# Spring, .NET, java.net.http, the vendor's SDK
spring    request  line   HTTP_             <ID>HTTP (?P<tail><METHOD> .*)
spring    response line   Response_         <ID>Response (?P<tail>\d{3}\b.*)
spring    response body   Decoded_[         <ID>Decoded \[<TAIL>\]
spring    request  body    Writing_[|Encoding_[
    <ID>(?:Writing|Encoding) \[<TAIL>\](?: (?:as|with) .*)?
spring    none     nothing  Accept=[        <ID>Accept=\[.*\]
dotnet-end    response line  End_processing_    End processing HTTP request after <TAIL>
dotnet        response line  Received_HTTP_     Received HTTP response (?:headers )?after <TAIL>
dotnet        request  line  Sending_HTTP_      Sending HTTP request <TAIL>
dotnet-start  request  line  Start_processing_  Start processing HTTP request <TAIL>
words     request  headers  eaders:|EADERS: (?:HEADERS: )?<REQ> (?i:headers):
words     response headers  eaders:|EADERS: (?:HEADERS: )?<RES> (?i:headers):
words     request  line   nvoke_'           Invoke '(?P<tail><METHOD>' onto .*)
words     request  body   body:_            body: <TAIL>
# named parts of a block, in any order
label     request  label   ethod|METHOD|erb
    (?P<tail><WORDS>(?i:method|verb)\s*[:=]\W{0,3}(?:HttpMethod\(value=)?<METHOD>\b\W{0,3})
label     request  label   ://
    (?P<tail><WORDS>(?i:url|uri|endpoint|address|target)\s*[:=]>?\s*['"<]?https?://.*)
# home-made: arrows, brackets, titles, words
arrow     request  line   >|→|⇒|➡|⬆|↑       <OUT>\s*<TAIL>
arrow     response line   <|←|⇐|⬅|⬇|↓       <IN>\s*<TAIL>
bracket   request  line   ]|)               <TAG><REQ>[\])]:?\s*<TAIL>
bracket   response line   ]|)               <TAG><RES>[\])]:?\s*<TAIL>
title     request  title  =|~|*|#|-|_       <RULE><SENT><REQ><START>
title     response title  =|~|*|#|-|_       <RULE><GOT><RES><START>
title     none     end    =|~|*|#|-|_       <RULE>(?:<SENT>(?:<REQ>|<RES>) )?(?i:end)[\s=~*#+_-]*
words     request  line   eq|EQ             <SENT><REQ>\s*[:=]\s*<TAIL>
words     response line   es|ES             <GOT><RES>\s*[:=]\s*<TAIL>
label     request  more    ayload|ody|esponse|tatus|esult
    (?P<tail><WORDS>(?i:payload|body|response(?: details| code)?|status(?: ?code)?)\s*[:=].*)
""")
