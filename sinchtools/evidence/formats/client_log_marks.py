"""
How the logs of HTTP clients mark a request, a response, their parts and their ends.

One row a spelling. `client_log` reads what stands between the marks; nothing else is known there of
any client.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from sinchtools.evidence.pieces import METHODS
from sinchtools.evidence.row_tables import rows_of, signs_of, with_parts

_PARTS = {  # what stands for itself in the patterns below
    "METHOD": f"(?:{METHODS})",
    "OUT": r"(?:-{2,4}>|={1,3}>|>{2,8}|→|⇒|➡\ufe0f?|⬆\ufe0f?|↑)",
    "IN": r"(?:<-{2,4}|<={1,3}|<{2,8}|←|⇐|⬅\ufe0f?|⬇\ufe0f?|↓)",
    "REQ": r"(?i:req|request)",
    "RES": r"(?i:res|resp|response)",
    "SENT": r"(?:(?i:outgoing|outbound|sent|sending|http|api|sms|sinch|raw|full|\w{0,20}client) )?",
    "GOT": r"(?:(?i:incoming|inbound|received|got|http|api|sms|sinch|raw|full|\w{0,9}client) )?",
    "RULE": r"[<>=~*#_+-]{2,}+[\s<>=~*#+_-]*+",
    "START": r"(?: (?i:begin|start))?:?[\s<>=~*#+_-]*+",
    "TAIL": r"(?P<tail>.*)",
    "JSON": r"(?P<tail>(?:\{\s*\"|\[\s*[\"{\[]|\").*)",
    "PRINTED": r"(?P<tail>(?:\{\s*[\"\w]|\[\s*[\"{\[]|\"|[A-Z]\w{0,60}[({\[]\w+=).*)",
    "QUOTED": r"(?P<tail>\".*\")",
    "TAG": r"(?:\[[^\]\n]{1,30}\] ?)?[\[(](?:(?P<id>[\w-]{1,40})[ :-]{1,6})?",
    "PEER": r"(?P<id>[\w.:\[\]-]{3,60}:\d{2,5})",
    "NUMBER": r"(?P<tail>[1-5]\d\d[^=\n]{0,60}?)?",
    "ID": r"(?:\[(?P<id>[0-9a-f]{4,16})\] (?:\[[\w/-]+\] )?)?",
    "WORDS": r"[\s*•\"]{0,6}(?:[^\W_]{1,40}[ _-]){0,3}",
}


class Mark(NamedTuple):
    """How one kind of line is known."""

    style: str  # the spelling it belongs to: lines of two styles may tell of one message
    # what the line is about: ``request`` or ``response``; ``none`` when it only shows that the
    # client was at work
    side: str
    kind: str  # how it is taken: a row of `client_log`'s table
    signs: tuple[str, ...]  # texts of which one stands in each such line
    # what the message of the line looks like. ``tail`` is what it tells, ``id`` tells calls apart
    pattern: re.Pattern[str]


def _mark(row: str, folded: str) -> Mark:
    style, side, kind, signs, *start = row.split(maxsplit=4)
    pattern = "".join((*start, folded)) + "$"
    return Mark(style, side, kind, signs_of(signs), with_parts(pattern, _PARTS))


# style, side, kind, signs and pattern
MARKS = tuple(
    _mark(*row)
    for row in rows_of(r"""
# quoted text of the wire: Apache, Ruby, Python
wire      request  chunk  >>_"              (?:[\w/ -]*?(?P<id>\d+) )?>> <QUOTED>
wire      response chunk  <<_"              (?:[\w/ -]*?(?P<id>\d+) )?<< <QUOTED>
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
# Indy, for Delphi
indy      request  chunk  Sent_             Sent \S+ \d[\d:]+(?: [AP]M)?: (?P<tail>.*)
indy      response chunk  Recv_             Recv \S+ \d[\d:]+(?: [AP]M)?: (?P<tail>.*)
# reqwest's verbose connections; a whole message that was printed as one quoted text
reqwest   request  chunk  write
    (?:reqwest::[\w:]{1,60}: )?(?:(?P<id>[0-9a-f]{4,16}) )?write(?: \(vectored\))?:<SPACE>
    (?P<tail>b["'].*)
reqwest   response chunk  read:_b
    (?:reqwest::[\w:]{1,60}: )?(?:(?P<id>[0-9a-f]{4,16}) )?read: (?P<tail>b["'].*)
quoted    request  chunk  HTTP/
    (?:[A-Za-z][\w ]{0,30}[:=] ?)?(?P<tail>b?(?:"<METHOD> \S+ HTTP/[\d.]+\\r\\n.*"
    |'<METHOD> \S+ HTTP/[\d.]+\\r\\n.*'))
quoted    response chunk  HTTP/
    (?:[A-Za-z][\w ]{0,30}[:=] ?)?(?P<tail>b?(?:"HTTP/[\d.]+ \d{3}[^\\"]{0,40}\\r\\n.*"
    |'HTTP/[\d.]+ \d{3}[^\\']{0,40}\\r\\n.*'))
# what a program wrote and read, as strace shows it
strace    request  chunk  write(|send(|sendto(
    (?:\[pid \d+\] )?(?:SSL_)?(?:write|send(?:to)?)\(\w+,<SPACE>
    (?P<tail>"(?:[A-Z]+ \S+ HTTP/|[{\[]).*")(?:, .*)?
strace    response chunk  read(|recv(|recvfrom(
    (?:\[pid \d+\] )?(?:SSL_)?(?:read|recv(?:from)?)\(\w+,<SPACE>
    (?P<tail>"(?:HTTP/|[{\[]).*")(?:, .*)?
# lines that are marked one by one
jersey    none     nothing  _*_Sending_     (?P<id>\d+) \* Sending client request.*
jersey    none     nothing  _*_Client_      (?P<id>\d+) \* Client response received.*
jersey    request  line   _>_               (?P<id>\d+) > <TAIL>
jersey    response line   _<_               (?P<id>\d+) < <TAIL>
toolbelt  request  line   <_                < (?P<tail><METHOD> \S+ HTTP/[\d.]+)
toolbelt  request  rest   <                 <(?: |$)<TAIL>
toolbelt  response reply  >                 >(?: |$)<TAIL>
httr      request  line   ->_               -> (?P<tail><METHOD> \S+ HTTP/[\d.]+)
httr      request  rest   ->|>>             (?:->|>>)(?: |$)<TAIL>
httr      response reply  <-|<<             (?:<-|<<)(?: |$)<TAIL>
marked    request  line   >_                -?> (?P<tail><METHOD> https?://\S+)
marked    response line   <_|<-_            <-? (?P<tail>[1-5]\d\d(?: [A-Z][\w -]*)?)
marked    request  prefixed  >_             >(?: |$)<TAIL>
marked    response prefixed  <_             <(?: |$)<TAIL>
# Robot Framework's RequestsLibrary
robot     request  line   Request_:_url=    (?P<tail><METHOD> Request : url=.*)
robot     response title  Response_:_url=   <METHOD> Response : url=(?:.*)
# one line for a call, or a part of one
urllib3   request  call    _"GET|_"POST|_"PUT|_"DELETE|_"PATCH|_"HEAD|_"OPTIONS
    (?P<host>https?://[^\s"/]+) "(?P<method><METHOD>) (?P<path>\S+) HTTP/[\d.]+"<SPACE>
    (?P<status>\d{3}) (?:\d+|None)
httpx     request  call    HTTP_Request:_
    HTTP Request: (?P<method><METHOD>) (?P<url>\S+) "HTTP/[\d.]+ (?P<status>\d{3})[^"]*"
httpcore  response call    receive
    receive_response_headers\.complete return_value=\((?:b'HTTP/[\d.]+', )?(?P<status>\d{3}),<SPACE>
    (?:b'[^']*', )?(?P<headers>\[.*\])\)
httpcore  request  call    send
    send_request_headers\.started request=<Request \[b'(?P<method><METHOD>)'\]>.*
httpcore  none     nothing .started|.complete|.failed
    [a-z_0-9]{3,40}\.(?:started|complete|failed)\b.*
httparty  request  call    "GET|"POST|"PUT|"DELETE|"PATCH|"HEAD|"OPTIONS
    (?P<status>\d{3}) "(?P<method><METHOD>) (?P<url>https?://\S+)" \S+ ?
rest-client  request  call    RestClient.
    RestClient\.(?P<method>[a-z]+) "(?P<url>[^"]+)"(?:, (?P<body>"(?:[^"\\]|\\.)*+")(?!=>))?
    (?:, (?P<headers>"[^"]+"=>.*))?
rest-client  response line    #_=>_             # => (?P<tail>\d{3} .*)
mitmproxy request  line    :_GET|:_POST|:_PUT|:_DELETE|:_PATCH|:_HEAD|:_OPTIONS
    <PEER>: (?P<tail><METHOD> https?://\S+(?: HTTP/[\d.]+)?)
undici    request  line    sending_request_
    (?:[A-Z]{4,8} \d+: )?sending request to (?P<tail><METHOD> .*)
undici    response line    received_resp
    (?:[A-Z]{4,8} \d+: )?received response to (?P<tail><METHOD> .*)
undici    none     nothing connect|trailers
    (?:[A-Z]{4,8} \d+: )?(?:connecting to|connected to|trailers received) .*
# ends and failures
arrow     request  end    END_              <OUT> END .*
arrow     response end    END_              <IN> END HTTP<TAIL>
arrow     response failure  <-              <IN> (?:HTTP FAILED|ERROR):? <TAIL>
# Apache HttpClient repeats a request by itself
apache    response failure  caught_when_proc
    I/O exception \((?P<tail>[\w.$]+)\) caught when (?:processing|connecting).*
apache    none     nothing  Retrying_request|Retrying_connect  Retrying (?:request|connect) to .*
# wget
wget      request  address --
    --(?P<time>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)--  (?P<tail>\S+)
wget      response line    awaiting_response
    (?:HTTP|Proxy) request sent, awaiting response\.\.\. ?<TAIL>
wget      response again   Forb|Unauth|Not_F|Bad_|_OK|Created|Error|Many|Gate|Unav|Confl
    (?P<tail>[1-5]\d\d:? [A-Z][A-Za-z -]{1,30})\.?
wget      none     nothing Wget|Resolving_|Connecting_to_|Setting_--|Length:_|Saving_to:|HSTS|URI_
    (?:DEBUG output created by Wget|Resolving \S+.{0,80}\.\.\.|Connecting to \S+.{0,80}\.\.\.
    |Setting --\S+ \(|Length: |Saving to: |Reading HSTS|URI encoding).*
wget      none     nothing socket|Closed_fd|SSL|saved_[|refcount|unused
    (?:Created socket|Releasing 0x|Closed fd|Registered socket|Initiating SSL|Deleting unused
    |\([\d.]+ .?B/s\) - ).*
title     request  body   _data:_           \[(?:POST|BODY) data: <TAIL>\]
# Spring, .NET, java.net.http, the vendor's SDK
spring    request  line   HTTP_             <ID>HTTP (?P<tail><METHOD> .*)
spring    response line   Response_         <ID>Response (?P<tail>\d{3}\b.*)
spring    response body   Decoded_[         <ID>Decoded \[<JSON>\]
spring    request  body    Writing_[|Encoding_[
    <ID>(?:Writing|Encoding) \[<PRINTED>\](?: (?:as|with) .*)?
spring    none     nothing  Writing_[|Reading_   <ID>(?:Writing|Reading to|Reading) \[.*\](?: .*)?
spring    none     nothing  Accept=[        <ID>Accept=\[.*\]
dotnet-end    response line  End_processing_    End processing HTTP request after <TAIL>
dotnet        response line  Received_HTTP_     Received HTTP response (?:headers )?after <TAIL>
dotnet        request  line  Sending_HTTP_      Sending HTTP request <TAIL>
dotnet-start  request  line  Start_processing_  Start processing HTTP request <TAIL>
java      none     nothing CHANNEL:|MISC:|FRAME:  (?:CHANNEL|MISC|FRAME): .*
headers   request  headers  eaders:|EADERS: (?:HEADERS: )?<REQ> (?i:headers):
headers   response headers  eaders:|EADERS: (?:HEADERS: )?<RES> (?i:headers):
words     response line   resulted_in       (?P<tail><METHOD> request for .* resulted in .*)
words     request  line   RequestUri        Method: (?P<tail><METHOD>, RequestUri: .*)
words     request  line   nvoke_'           Invoke '(?P<tail><METHOD>' onto .*)
words     request  body   body:_            body: <TAIL>
# named parts of a block, in any order
label     request  label   ethod|METHOD|erb
    (?P<tail><WORDS>(?i:method|verb)\s*[:=]\s*(?:HttpMethod\(value=)?<METHOD>\b\)?\s*)
label     request  label   rl:|rl_|rl=|RL|ri:|ri_|ri=|URI|Uri|ndpoint|ddress|arget|POINT|DRESS|ARGET
    (?P<tail><WORDS>(?i:url|uri|endpoint|address|target)\s*[:=]\s*<?https?://.*(?<![,;]))
# home-made: arrows, brackets, titles, words
arrow     request  line   ->|=>|>>|→|⇒|➡|⬆|↑       <OUT>\s*<TAIL>
arrow     response line   <-|<=|<<|←|⇐|⬅|⬇|↓       <IN>\s*<TAIL>
bracket   request  line    eq]|est]|EQ]|EST]|eq)|est)|EQ)|EST)
    <TAG><REQ>[\])]:?\s*<TAIL>
bracket   none     nothing ]==|]--
    <TAG>(?:<REQ>|<RES>)[\])]\W{0,40}(?i:start|end|begin)\W{0,40}
bracket   response line    es]|esp]|nse]|ES]|ESP]|NSE]|rror]|es)|nse)|ES)|NSE)
    <TAG>(?:<RES>|[Ee]rror(?!. <METHOD> ))[\])]:?\s*<TAIL>
title     request  title  ==|~~|**|##|--|++|>>    <RULE><SENT><REQ><START>
title     response title  ==|~~|**|##|--|++|<<
    <RULE><GOT><RES><START>(?:[(: ]*<NUMBER>[): ]*)?[\s=~*#+_-]*+
title     request  title  REQ|Outbound      (?:REQ_OUT|Outbound Message)
title     response title  RESP|Inbound      (?:RESP_IN|Inbound Message)
title     request  title  ==|--|**|##       <RULE>(?i:start)[\s=~*#+_-]*+
title     none     end     ==|~~|**|##|--|++
    <RULE>(?:<SENT>(?:<REQ>|<RES>) )?(?i:end)[\s=~*#+_-]*+
words     request  line    equest|EQUEST|eq:|EQ:|eq=|EQ=
    <SENT><REQ>\s*(?:[:=]|(?=\[))\s*<TAIL>
words     response line    esponse|ESPONSE|es:|ES:|esp:|ESP:|es=
    <GOT><RES>\s*(?:[:=]|(?=\[))\s*<TAIL>
words     request  line    end|ent_|all|xec|aking|erform|tart|ssu|equest|reated|oing|nitiat|ispatch
    (?P<tail>(?i:created?|send(?:ing)?|sent|call(?:ing)?|exec\w+|making|perform\w*|starting|issu\w+
    |request\w*(?! finished)|do(?:ing)?|initiating|dispatch\w*)\b[^{}]{0,40}<METHOD>\b.*)
sentence  response answer eceived|Got_|got_|nding_|inished|ompleted|esponse|API|erver|equest
    (?i:received|got|ending|end|finished|completed|api|server|response|request)\b
    (?P<tail>[^{}]{0,200}(?:\{.*|\[.*)?)
bare      request  prefixed T_http|E_http|H_http|D_http
    (?P<tail><METHOD> https?://\S+(?: HTTP/[\d.]+)?(?: (?:-{1,2}>|=>|→) .*)?)
label     request  more    ayload|ody|esponse|tatus|esult
    (?P<tail><WORDS>(?i:payload|body|response(?: details| code)?|status(?: ?code)?)\s*[:=].*)
""")
)
