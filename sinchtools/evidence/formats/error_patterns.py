r"""
List the errors of HTTP clients and of the vendor's SDKs as they are printed.

One row a message: who prints it, what each line with it holds (an underscore is a space, a bar
stands between several), and its pattern. ``<URL>``, ``<METHOD>``, ``<STATUS>`` and ``<REASON>``
stand for what they say; ``<BODY>`` marks where the body of the response begins, on this line or on
the next. What stands behind ``=>`` is the status or the failure that the message means by itself.
Numbers of lines, ports and durations are in no group, so they are never taken for a status.
"""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple

from sinchtools.evidence.pieces import METHODS
from sinchtools.evidence.row_tables import rows_of, signs_of, with_parts


class Printed(NamedTuple):
    """One message of one client."""

    source: str  # who prints it
    # texts of which one stands in each line with it; other lines are not looked at
    signs: tuple[str, ...]
    # a regular expression with named groups: status, reason (a status in words), code, text,
    # method, url, host, path, plan, failure, elapsed, body (empty: where a body begins)
    pattern: str
    # what the message means by itself, where no group says it
    status: int | None = None
    failure: str | None = None


TOKENS = {
    "URL": r"(?P<url>https?://[^\s\"'`<>\])}\\]+?)(?<![.,;:])(?=[.,;:]?(?:[\s\"'`<>\])}\\]|$))",
    "METHOD": f"(?P<method>{METHODS})",
    "STATUS": r"(?P<status>[1-5]\d\d)(?!\d|\.\d)",
    "ERROR": r"(?P<status>[345]\d\d)(?!\d|\.\d)",
    "REASON": r"(?P<reason>[A-Z][A-Za-z]{1,20}(?:[ -][A-Za-z]{1,20}){0,4})",
    "BODY": r"(?P<body>)",
    "TEXT": r"(?P<text>\S.{0,2000}?)",
    "CODE": r"(?P<code>[a-z]{2,30}(?:_[a-z]{1,30}){1,6})",
    "JAVA": r"(?<![\w$])(?:[a-z]\w{0,30}\.){0,9}",  # the package of a class
}


def printed(table: str) -> tuple[Printed, ...]:
    """Return the messages of a table: who prints it, its signs, its pattern ``=>`` its meaning."""
    return tuple(_printed(*row) for row in rows_of(table))


def _printed(row: str, folded: str) -> Printed:
    source, signs, *said = re.split(" {2,}", row, maxsplit=2)
    pattern, _, meaning = "".join((*said, folded)).partition(" => ")
    status = int(meaning) if meaning.isdigit() else None
    return Printed(source, signs_of(signs), pattern, status, None if status else meaning or None)


@cache
def compiled(row: Printed) -> re.Pattern[str]:
    """Return the pattern of a row, its tokens written out."""
    return with_parts(row.pattern, TOKENS)


PATTERNS = printed(r"""
# the vendor's SDKs (sms-api.md, 10.3)
Java SDK  ApiException{  ApiException\{code=<STATUS>, message=<CODE>: <TEXT>\}
Java SDK  ApiException{  ApiException\{code=<STATUS>, message=<TEXT>\}
Java SDK  ApiException:_  ApiException: (?:<STATUS>:? ?)?<CODE>: <TEXT>$
Java SDK  ApiAuthException  ApiAuthException(?:: (?P<text>.*))?$ => 401
Java XMS  .xms.Unauthorized  xms\.UnauthorizedException\b(?:: (?P<text>.*))? => 401
Java XMS  .xms.NotFound  xms\.NotFoundException\b(?:: (?P<text>.*))? => 404
XMS  ErrorResponseException  ErrorResponseException: <TEXT> \(<CODE>\)$
XMS  ErrorResponseException  ErrorResponseException: (?:<CODE>[:,] ?)?<TEXT>$
XMS  Failed_to_communicate_with_XMS  No resource found at [\"']?<URL>[\"']? => 404
XMS  No_resource_found_at  NotFoundException: No resource found at .?<URL> => 404
XMS  Failed_to_communicate_with_XMS
    Authentication failed with service plan .?(?P<plan>[\w-]{3,40})? => 401
PHP and Python XMS  UnauthorizedException
    UnauthorizedException\W{1,3}(?P<text>(?:Unauthorized access|Authentication failed).*?
    (?:service plan .?(?P<plan>[\w-]{3,40}).?)?)(?: in \S+:\d+)?$ => 401
XMS  Failed_to_communicate_with_XMS  with XMS: (?P<text>(?!No res|Auth).+)
.NET SDK  Api_Exception._Status
    Api Exception\. Status: (?:<CODE>|<STATUS>|<REASON>)\. Detailed message: <TEXT>$
.NET SDK  SinchApiException  SinchApiException: <REASON>: ?<TEXT>$
Node SDK  RequestFailedError  RequestFailedError.{0,80}?\b<ERROR>\b<BODY>
Node SDK  RequestFailedError:_[SDK]  RequestFailedError: \[SDK\] \[(?P<api>apiName)
Node SDK  [operationId:_  ^\s*\[operationId: (?P<operation>\w+)\]\s*$
Node SDK  [baseUrl:_
    \[baseUrl: (?:(?P<scheme>https?)://)?(?P<host>[\w.-]+)(?::(?P<port>\d{1,5}))?
    (?P<path>/[^\s\]]*)\].{0,60}?\[status: <STATUS>\]
Python SDK  SMSException:_  SMSException: <CODE>:?\s+(?:text: ?)?<TEXT>$
Python SDK  Error_while_parsing_json_response
    (?P<text>Error while parsing json response.*) => SinchException
Symfony bridge  Unable_to_send_the_SMS  Unable to send the SMS: <TEXT> \(<CODE>\)
Symfony bridge  not_reach_the_remote_Sinch
    (?P<text>Could not reach the remote Sinch server) => TransportException
# PHP
Guzzle  resulted_in_a_`
    (?:Client|Server) error: `<METHOD> <URL>` resulted in a `<STATUS>[^`]*` response:?<BODY>
Guzzle 5  [status_code]  \[status code\] <STATUS>
Guzzle 5  [reason_phrase]  \[url\] <URL>
Guzzle 5  [url]_http  ^\[url\] <URL>
Laravel  HTTP_request_returned  request returned status code <STATUS>:?<BODY>
Symfony  _returned_for_  HTTP/?[\d.]* +<STATUS>.{0,30}? returned for \"<URL>\"
PHP streams  HTTP_request_failed!  \((?:<URL>)?\)?.{0,60}HTTP request failed! HTTP/[\d.]+ <STATUS>
cURL in PHP  cURL_error_
    (?P<failure>cURL error \d+): (?P<text>.{0,400}?)(?: \(see [^)]*\))?(?: for <URL>|$)
cURL in PHP  url_error|curl
    (?i)curl(?:_| )error(?: ?[:(=] ?|: )\(?(?P<failure>\d{1,2})?\)?:? ?(?P<text>[A-Z].{5,})
     => cURL error
# Python
requests  _for_url:_  <STATUS> (?:Client|Server) Error: .{0,80} for url: <URL>
httpx  _for_url_'  '<STATUS> [^']{0,60}' for url '<URL>'
aiohttp  ,_message=  \b<STATUS>, message='[^']{0,200}', url=(?:URL\()?'<URL>'\)?
aiohttp  Cannot_connect_to_host
    (?P<text>Cannot connect to host (?P<host>[\w.-]+):\d+ ssl:.*) => ClientConnectorError
aiohttp  <ClientResponse(  <ClientResponse\(<URL>\) \[<STATUS>
requests and httpx  <Response_[  <Response \[<STATUS>(?: [^\]]*)?\]>
urllib  HTTP_Error_  HTTPError: HTTP Error <STATUS>: [\w -]+
urllib  <urlopen_error  (?P<text><urlopen error .{1,300}>) => URLError
OpenAPI client  ApiException  (?<!\w)ApiException: \(<STATUS>\)
OpenAPI client  HTTP_response_body  ^HTTP response body: ?<BODY>
urllib3  ConnectionPool(host=
    (?P<text>(?P<scheme>HTTPS?)ConnectionPool\(host='(?P<host>[\w.-]+)', port=(?P<port>\d+)\):
    (?: Max retries exceeded with url: (?P<path>\S+))?.{0,40}?
    (?:Caused by (?P<failure>\w+)|Read timed out|$).*)
urllib3, again  connection_broken_by  connection broken by '(?P<failure>\w+)(?P<text>.*)
pycurl  pycurl.error  (?P<failure>pycurl\.error): (?P<text>\(\d+, .*\))
httpx and requests  httpx.
    (?<![\w.$\\])httpx\.(?P<failure>(?:Connect|Read|Write|Pool)(?:Timeout|Error)
    |RemoteProtocolError|ProxyError)(?:: (?P<text>.*))?$
Python  Error
    ^(?:[\w.]+\.)?(?P<failure>(?:Connection|Proxy|SSL|NameResolution|Timeout|ServerDisconnected
    |ConnectionReset|ConnectionRefused|ClientOS|ServerTimeout|ChunkedEncoding|MaxRetry|NewConnection
    |ConnectTimeout|SSLCertVerification|Protocol|ClientConnector\w{0,20})Error|gaierror
    |RemoteDisconnected)(?:: (?P<text>.*))?$
Python  imeout
    ^(?:[\w.]+\.)(?P<failure>ConnectTimeout|ReadTimeout|timeout|Timeout|ConnectionTimeoutError)
    (?:: (?P<text>.*))?$
Python  gaierror  (?P<failure>gaierror)(?:: |\()(?P<text>.*)$
# JavaScript
Flurl, for .NET  Call_failed_with_status  status code <STATUS>[^:]{0,40}: <METHOD> <URL>
got and ky  Request_failed_with_status_code
    failed with status code <STATUS>(?: ?\(?[A-Z][A-Za-z -]{1,40}\)?)?: <METHOD> <URL>
axios  failed_with_status_code  failed with status code <STATUS><BODY>
axios  failed_with_status_code  failed with status code '?<REASON>'?\.?<BODY>
got  Response_code_  HTTPError: Response code <STATUS>
undici  ResponseStatusCodeError  Response status code <STATUS>
request-promise  StatusCodeError:_  StatusCodeError: <STATUS> - <BODY>
Angular  Http_failure_response_for
    Http failure response for <URL>:? (?:<ERROR> ?[\w -]*|(?P<failure>0 Unknown Error))
node-fetch  FetchError:_request_to  request to <URL> failed, reason:\s?(?P<text>.*) => FetchError
node-fetch  network_timeout_at  (?P<text>network timeout at: <URL>) => FetchError: timeout
node-fetch  invalid_json_response_body
    (?P<text>invalid json response body at <URL>,? reason: .*) => JSONDecodeError
fetch  etch|Load_failed
    TypeError: (?P<failure>fetch failed|Failed to fetch|Load failed
    |NetworkError when attempting to fetch resource)
fetch in React Native  Network_request_failed  TypeError: (?P<failure>Network request failed)
Node  _E
    (?P<text>(?:\b(?:getaddrinfo|connect|read|write|queryA))
     (?P<failure>E[A-Z_]{4,14}|UNABLE_\w+)\b.*)
Node  socket_hang_up  (?P<failure>socket hang up)
axios  Error:_Network_Error  Error: (?P<failure>Network Error)
axios  timeout_of_  (?P<text>timeout of \d+ms exceeded) => ECONNABORTED: timeout
got  imeout_awaiting  (?P<text>Timeout awaiting '.*) => TimeoutError
undici  Timeout
    (?P<failure>ConnectTimeoutError|HeadersTimeoutError|BodyTimeoutError
    |UND_ERR_\w+TIMEOUT)(?:: (?P<text>.*))?
fetch  AbortError:_  (?P<failure>AbortError): (?P<text>.*)
fetch  TimeoutError  (?P<text>\[(?P<failure>TimeoutError)\]: The operation .*)
undici  other_side_closed  SocketError: (?P<failure>other side closed)
Node  certificate
    Error: (?P<failure>certificate has expired|self[- ]signed certificate[\w ]*
    |unable to (?:verify the first|get local issuer) certificate)
# browsers
Chrome  net::ERR  <METHOD> <URL> (?P<failure>net::ERR_[A-Z0-9_]+)(?: <STATUS>)?
Chrome  net::ERR  (?P<failure>net::ERR_[A-Z0-9_]+)
Chrome  T_http|E_http|H_http|D_http|S_http
    (?<![^\s:>])<METHOD>\s{1,3}<URL>\s<STATUS>(?: \([\w -]*\))?$
Chrome  T_http|E_http|H_http|D_http|S_http
    ^<METHOD>\s{1,3}<URL> <STATUS>(?: \([\w -]*\))?(?! *\(?\d)
Firefox  [HTTP/  (?:XHR ?)?<METHOD>\s{0,3}<URL>\s*\[HTTP/[\d.]+ <STATUS>.*?(?P<elapsed>\d+) ?ms\]
Firefox  XHR  ^XHR ?<METHOD>\s?<URL>
Firefox  [HTTP/  \[HTTP/[\d.]+ <STATUS>.*?(?P<elapsed>\d+) ?ms\]
browsers  Failed_to_load_resource
    (?:(?P<url>https?://\S{1,2000}?)(?::\d{1,5})?\s{1,4})?Failed to load resource:
     the server responded with a status of <STATUS>
CORS  blocked_by_CORS_policy  (?P<text>Access to \S+ at '<URL>'.*blocked by CORS policy.*) => CORS
Firefox  Cross-Origin_Request_Blocked
    (?P<text>Cross-Origin Request Blocked:.*? at <URL>.*?
    (?:Status code: (?:<ERROR>|\(null\)).*)?)$ => CORS
Firefox  CORS_  ^(?P<text>CORS (?:[A-Z][a-z]+ ?){1,5})$ => CORS
Safari  Access-Control-Allow-Origin
    (?P<text>Origin \S+ is not allowed by Access-Control-Allow-Origin.*?
    (?:Status code: (?:<ERROR>|0).*)?)$ => CORS
Safari  due_to_access_control_checks
    (?P<text>(?:Fetch API|XMLHttpRequest) cannot load <URL>.*access control checks) => CORS
# the JVM
Spring  request_for_"  <STATUS> [\w -]{0,40} ?on <METHOD> request for \"<URL>\": ?<BODY>
Spring  rror_on_
    I/O error on <METHOD> request for \"<URL>\": (?P<text>[^;]*) => ResourceAccessException
Spring WebClient  ResponseException  : <STATUS> [\w -]{0,40} from <METHOD> <URL><BODY>
Spring  Exception
    (?:HttpClientError|HttpServerError|WebClientResponse|UnknownHttpStatusCode
    |RestClientResponse)Exception(?:\$\w+)?: <STATUS>(?: [A-Z][A-Za-z -]{0,40}| null)? ?:? ?<BODY>
Feign  during_[  \[<STATUS>[^\]]*\] during \[<METHOD>\] to \[<URL>\] \[[^\]]*\]: ?<BODY>
Feign  FeignException  FeignException.{0,40}: status <STATUS> reading.*?<BODY>$
Feign  _executing_  (?P<text>\S.{0,200} executing <METHOD> <URL>) => RetryableException
OkHttp  Response{protocol=  Response\{protocol=[^,]*, code=<STATUS>,.*url=<URL>\}
Retrofit and JAX-RS  Exception:_HTTP_  Exception: HTTP <STATUS>
Apache  reason_phrase  status code: <STATUS>, reason phrase: .*?<BODY>$
Apache and Google  HttpResponseException  HttpResponseException: <STATUS>
java.net.http  (  ^\W{0,3}\(<METHOD> <URL>\) <STATUS>$
java.net  HTTP_response_code  HTTP response code: <STATUS> for URL: <URL>
java.net  FileNotFoundException  io\.FileNotFoundException: <URL> => 404
Ktor  _invalid:_  request\(<METHOD> <URL>\) invalid: <STATUS>(?:[^.]{0,60}\. Text: <BODY>)?
JVM  Exception
    <JAVA>(?P<failure>UnknownHostException|ConnectException|SocketTimeoutException
    |SSLHandshakeException|SSLException|SSLPeerUnverifiedException|HttpConnectTimeoutException
    |HttpTimeoutException|ConnectTimeoutException|NoHttpResponseException|NoRouteToHostException
    |HttpHostConnectException|SocketException|ReadTimeoutException|SunCertPathBuilderException
    |ConnectionPoolTimeoutException|UnresolvedAddressException|ClosedChannelException
    |HttpRequestTimeoutException|CalloutException)(?:: (?P<text>.*))?$
# .NET and PowerShell
.NET  does_not_indicate_success  Response status code does not indicate success: <STATUS>
.NET  remote_server_returned_an_error  returned an error: \(<STATUS>\)
.NET in other languages  :_(4|:_(5
    (?i:fehler|erreur|error|errore|erro|fout|fel|fejl|błąd|ошибку|hata|エラー|错误|錯誤)
    [^():.]{0,30}? ?: \(<STATUS>\)
RestSharp  StatusCode:_  StatusCode: <REASON>, Content-Type: <BODY>
.NET  ReasonPhrase:_'  StatusCode: <STATUS>, ReasonPhrase: '
.NET  HttpRequestException
    (?P<failure>HttpRequestException)(?: \([^)]*\))?: (?P<text>(?!Response status).*)
.NET  TaskCanceledException  (?P<failure>TaskCanceledException|TimeoutException): (?P<text>.*)
.NET  SocketException_(  (?P<failure>SocketException) \(\w+\): (?P<text>.*)
.NET Framework and PowerShell  The_
    (?P<text>The (?P<failure>remote name could not be resolved|operation has timed out
    |underlying connection was closed|SSL connection could not be established
    |request was canceled due to the configured HttpClient\.Timeout).*)
.NET Framework and PowerShell  Unable_to_connect_to_the_remote
    (?P<failure>Unable to connect to the remote server)
WinHTTP  server_
    (?P<failure>(?:The server name or address|A connection with the server)
     could not be (?:resolved|established))
.NET  No_such_host_is_known  (?P<text>(?P<failure>No such host is known).*)
PowerShell  Invoke-  ^Invoke-(?:RestMethod|WebRequest) ?: (?=\{)<BODY>
# Go and Rust
Go  ":_  (?P<verb>Get|Post|Put|Delete|Patch|Head) \"<URL>\": (?P<text>(?P<failure>.{1,300}))$
Go  \":_  (?P<verb>Get|Post|Put|Delete|Patch|Head) \\\"<URL>\\\":
     (?P<text>(?P<failure>[^\"\\]{1,300}))\"
Go  status_4|status_5|status:_4|status:_5|code_4|code_5|code:_4|code:_5
    (?i:unexpected|bad|non-2xx|invalid|non-ok|non-200) (?:http )?(?:response )?status(?: code)?:?
     <STATUS>(?: [A-Z][A-Za-z -]{2,30})?(?: (?:for|from|on) (?:<METHOD> )?<URL>)?
    [,:;]?(?: (?:body|response)[:=])? ?<BODY>
Go  but_got  expected status.{1,40}but got <STATUS>(?:.{0,20}?Response: ?<BODY>)?
Go  status_code  (?i:status code)[:=] ?<STATUS>, (?:body|response)[:=] ?<BODY>
reqwest  _for_url_(  HTTP status \w+ error \(<STATUS>[^)]*\) for url \(<URL>\)
reqwest  error_sending_request_for_url
    (?P<text>error sending request for url \(<URL>\).*) => reqwest::Error
Go  :_1|:_2|:_3|:_4|:_5  <METHOD> <URL>: <STATUS>(?: [A-Z][a-z]+){0,4}:? ?<BODY>
reqwest  kind:_Status(
    kind: Status\(<STATUS>\b[^)]*\)(?:, url: \"<URL>\"
    |.*?Domain\(\"(?P<host>[\w.-]+)\"\).*?path: \"(?P<path>[^\"]+))?
# Ruby
Faraday  server_responded_with_status
    the server responded with status <STATUS>(?: for <METHOD> <URL>)?
RestClient  RestClient::  RestClient::\w+\W{1,4}<STATUS>
RestClient  (RestClient::  <STATUS> [\w ]{2,40} \(RestClient::\w+\)
Net::HTTP  #<Net::HTTP  #<Net::HTTP\w+ <STATUS>
Net::HTTP  Net::HTTP  Net::HTTP\w*Exception\W{1,3}<STATUS>
Net::HTTP  (Net::HTTP  <STATUS> \".{1,40}\" \(Net::HTTP
open-uri  OpenURI::HTTPError  <STATUS> [\w ]+ \(OpenURI
open-uri  OpenURI::HTTPError  OpenURI::HTTPError: <STATUS>
Ruby  ::
    (?P<failure>Faraday::(?:ConnectionFailed|TimeoutError|SSLError)|Net::(?:Open|Read|Write)Timeout
    |Errno::E[A-Z]+|OpenSSL::SSL::SSLError|RestClient::(?:Exceptions::\w*Timeout
    |ServerBrokeConnection)|HTTP::(?:Connection|Timeout)Error)(?:: | \((?P<text>.*)|\)|$)
Ruby  Failed_to_open_TCP_connection  (?P<text>Failed to open TCP connection to .*) => SocketError
# commands
curl  curl:_(22)  curl: \(22\) The requested URL returned error: <STATUS>
curl  curl:_(  (?P<failure>curl: \((?!22\))\d+\)) (?P<text>.*)
wget  ERROR_  ^[\d: -]{0,20}ERROR <STATUS>: [\w -]+\.?$
wget  unable_to_resolve_host  (?P<text>unable to resolve host address .*) => wget: unable to resolve
HTTPie  http:_error:_  https?: error: (?P<failure>\w+): (?P<text>.*)
LWP  _at_  ^<ERROR> [A-Z][A-Za-z ]{2,30} at \S+ line \d+
# other languages and platforms
Elixir  .Error)_  \((?P<failure>\w+\.\w*Error)\) (?P<text>:\w+|.*)$
Apps Script  Truncated_server_response
    Request failed for <URL> returned code <STATUS>\. Truncated server response: <BODY>
Dio  status_code_of_  status code of <STATUS>
Dio  Http_status_error  Http status error \[<STATUS>\]
Dart  Failed_host_lookup  (?P<text>(?P<failure>Failed host lookup): '(?P<host>[\w.-]+)'.*)
Alamofire  unacceptableStatusCode  unacceptableStatusCode\(code: <STATUS>
URLSession  NSURLErrorDomain
    (?P<text>Domain=(?P<failure>NSURLErrorDomain Code=-\d+)(?:.*?FailingURL\w*Key=<URL>)?.*)
httr  (HTTP_  \(HTTP <ERROR>\)\.?$
httr  Response_[  ^Response \[<URL>\]$
httr, its status  Status:_  ^ {2,4}Status: <STATUS>$
httr, its body  Size:_  ^ {2,4}Size: [\d.]+ k?B<BODY>
HTTP.jl  StatusError(  StatusError\(<STATUS>, \"<METHOD>\", \"(?P<url>/[^\"\s]{1,2000})\"
Apex  StatusCode=  HttpResponse\[Status=[^,]*, StatusCode=<STATUS>\]
Apex  HttpRequest[  HttpRequest\[Endpoint=<URL>, Method=<METHOD>\]
Clojure  :status_  \{.{0,400}?:status <STATUS>\b(?:.*?:body <BODY>)?
Erlang  {{"HTTP/  \{\{\"HTTP/[\d.]+\",<STATUS>,
Erlang  {http  \{http_error,<STATUS>,(?:<<)?<BODY>.*,\"<URL>\"\}
URLSession  NSHTTPURLResponse  \{ URL: <URL> \} \{ Status Code: <STATUS>,
Playwright  apiRequestContext.  apiRequestContext\.\w+: <STATUS> [A-Z]
Playwright  →_  → <METHOD> <URL>$
Zapier  _calling_  [Gg]ot <STATUS> calling <METHOD> <URL>
# what a test expected, and what came
Hurl  T_http|E_http|H_http  ^ {1,6}\| <METHOD> <URL>$
Hurl, its status  actual_value_is_<  actual value is <<STATUS>>
Karate  ,_expected:_
    status code was: <STATUS>, expected: \d{3}(?:,.{0,80}?\burl: <URL>)?(?:, response:<BODY>)?
assertions  xpected
    (?i:expected)\b.{0,40}?(?:(?i:status|response|http)\b|\d{3} [\"']).{0,40}?
    \b(?:but (?:was|got|received|actually found|found)|got|received)\W{0,4}<STATUS>
    (?! ?[a-z%€$])
# answers that are no JSON
JSON parsers  JSON|Json
    (?P<failure>JSONDecodeError|JsonParseException|JsonSyntaxException|JSON::ParserError
    |MismatchedInputException|Json\.JsonException|JsonReaderException|JsonException
    |NSCocoaErrorDomain Code=3840)(?:: (?P<text>.*))?$
JSON in JavaScript  SyntaxError:_
    (?P<text>SyntaxError: (?:Unexpected (?:token|end of JSON|non-whitespace)|JSON\.parse).*)
     => JSONDecodeError
JSON in Go  looking_for_beginning_of_value
    (?P<text>invalid character .{1,12} looking for beginning of value) => JSONDecodeError
""")
