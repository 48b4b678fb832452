"""What clients print, in our own words: text, then method, URL, status, code, whether it failed."""

from __future__ import annotations

from typing import Any

URL = "https://br.sms.api.sinch.com/xms/v1/plan7/batches"
BODY = '{"code": "unknown_group", "text": "No group \'01AB\' here"}'
PARSED = {"code": "unknown_group", "text": "No group '01AB' here"}
REFUSED = (None, None, 403, "unknown_group", False)
CODE_ONLY = (None, None, None, "unknown_group", False)
SILENT = (None, None, None, None, True)


def at(status: Any, method: Any = None, code: Any = None) -> tuple[Any, Any, Any, Any, bool]:
    return (method, URL, status, code, False)


ERRORS = {
    "requests": (f"401 Client Error: Unauthorized for url: {URL}", at(401)),
    "requests with its traceback": (
        'Traceback (most recent call last):\n  File "/srv/sms.py", line 401, in send\n'
        "    raise HTTPError(message, response=self)\n"
        f"requests.exceptions.HTTPError: 404 Client Error: Not Found for url: {URL}",
        at(404),
    ),
    "httpx": (f"httpx.HTTPStatusError: Client error '403 Forbidden' for url '{URL}'", at(403)),
    "httr": (
        f"Response [{URL}]\n  Date: 2026-03-02 08:00\n  Status: 403\n  Size: 63 B\n{BODY}",
        (None, URL, 403, "unknown_group", False),
    ),
    "Hurl": (
        "error: Assert status code\n  --> sms.hurl:9:6\n   |\n"
        f"   | POST {URL}\n   | ...\n 9 | HTTP 201\n   |      ^^^ actual value is <403>\n   |\n",
        at(403, "POST"),
    ),
    "Karate": (
        f"sms.feature:9 - status code was: 403, expected: 201, response time: 9, url: {URL}, "
        f"response: \n{BODY}",
        at(403, code="unknown_group"),
    ),
    "HTTP.jl with its message": (
        'ERROR: HTTP.Exceptions.StatusError(403, "POST", "/xms/v1/plan7/batches", '
        f'HTTP.Messages.Response:\n"""\nHTTP/1.1 403 Forbidden\nServer: x\n\n{BODY}""")',
        ("POST", "/xms/v1/plan7/batches", 403, "unknown_group", False),
    ),
    "requests, no connection": (
        "requests.exceptions.ConnectTimeout: HTTPSConnectionPool(host='br.sms.api.sinch.com', "
        "port=443): Max retries exceeded with url: /xms/v1/plan7/batches (Caused by "
        "ConnectTimeoutError(<urllib3.connection.HTTPSConnection object at 0x7f00>, 'timed out'))",
        (None, URL, None, None, True),
    ),
    "PowerShell in Italian": (
        "irm : Errore del server remoto: (403) Accesso negato.",
        (None, None, 403, None, False),
    ),
    "PowerShell in Japanese": (
        "irm : リモート サーバーがエラーを返しました: (404) 見つかりません",
        (None, None, 404, None, False),
    ),
    "reqwest, printed": (f'reqwest::Error {{ kind: Status(429, None), url: "{URL}" }}', at(429)),
    "a response in the console": (">>> r\n<Response [401]>", (None, None, 401, None, False)),
    "OpenAPI client": (
        f"my.rest.ApiException: (403)\nReason: Forbidden\nHTTP response body: {BODY}",
        REFUSED,
    ),
    "no JSON": (
        "requests.exceptions.JSONDecodeError: Expecting value: line 1 column 1 (char 0)",
        SILENT,
    ),
    "axios with config": (
        "AxiosError: Request failed with status code 403\n"
        "    at settle (/srv/node_modules/axios/lib/core/settle.js:19:12) {\n"
        "  code: 'ERR_BAD_REQUEST',\n  config: {\n    headers: Object [AxiosHeaders] {\n"
        "      Authorization: 'Bearer 4f1b9c0d2e7a48f69b3c5d1e0f8a7b6c'\n    },\n"
        f"    method: 'post',\n    url: '{URL}',\n"
        '    data: \'{"from":"15557770000","to":["46700000001"]}\'\n  },\n'
        "  request: <ref *1> ClientRequest { _events: [Object: null prototype] {} },\n"
        "  response: {\n    status: 403,\n    data: {\n      code: 'unknown_group',\n"
        "      text: \"No group '01AB' here\"\n    }\n  }\n}",
        at(403, "POST", "unknown_group"),
    ),
    "axios without config": (
        "Error: Request failed with status code 500\n    at f (a.js:404:1)",
        (None, None, 500, None, False),
    ),
    "node": (
        "TypeError: fetch failed\n    at async send (/srv/a.js:404:15) {\n  [cause]: Error: connect"
        " ECONNREFUSED 10.0.0.1:443\n      at x (node:net:1555:16) {\n    errno: -111,\n"
        "    code: 'ECONNREFUSED'\n  }\n}",
        SILENT,
    ),
    "superagent": (
        "Error: Forbidden\n    at Request.callback (/srv/index.js:845:17) {\n  status: 403,\n"
        "  response: Response {\n    text: `" + BODY + "`\n  }\n}",
        REFUSED,
    ),
    "Chrome": (
        f"sms.js:404        POST {URL} 401 (Unauthorized)\nsend @ sms.js:404",
        at(401, "POST"),
    ),
    "Firefox": (f"XHRPOST {URL}\n[HTTP/2 401 Unauthorized 93ms]", at(401, "POST")),
    "CORS": (
        f"Access to fetch at '{URL}' from origin 'https://shop.example' has been blocked by CORS "
        f"policy: No 'Access-Control-Allow-Origin' header is present.\n"
        f"POST {URL} net::ERR_FAILED",
        ("POST", URL, None, None, True),
    ),
    "Spring": (
        f'x.HttpClientErrorException$Forbidden: 403 Forbidden on POST request for "{URL}": '
        f'"{BODY}"\n\tat a.B.c(B.java:404)',
        at(403, "POST", "unknown_group"),
    ),
    "Feign": (
        f"feign.FeignException$Forbidden: [403 Forbidden] during [POST] to [{URL}] [A#b()]: "
        f"[{BODY}]",
        at(403, "POST", "unknown_group"),
    ),
    "OkHttp": (
        f"java.io.IOException: Unexpected code Response{{protocol=h2, code=401, message=, "
        f"url={URL}}}",
        at(401),
    ),
    "JVM, no connection": (
        "java.net.UnknownHostException: br.sms.api.sinch.com\n\tat a.B.c(B.java:404)",
        SILENT,
    ),
    "Java SDK": (
        "ApiException{code=403, message=unknown_group: No group}",
        REFUSED,
    ),
    ".NET SDK": (
        "Sinch.SinchApiException: Unauthorized:No such token",
        (None, None, 401, None, False),
    ),
    ".NET": (
        "System.Net.Http.HttpRequestException: No such host is known. (br.sms.example:443)\n"
        " ---> System.Net.Sockets.SocketException (11001): No such host is known.\n"
        "   at A.B() in C:\\src\\a.cs:line 404",
        SILENT,
    ),
    "Guzzle": (
        f"Client error: `POST {URL}` resulted in a `401 Unauthorized` response in /srv/a.php:404",
        at(401, "POST"),
    ),
    "Guzzle, cut": (
        f"Client error: `POST {URL}` resulted in a `403 Forbidden` response:\n"
        '{"code":"unknown_group","text":"No group \'01 (truncated...)\n in /srv/a.php:404',
        at(403, "POST", "unknown_group"),
    ),
    "Guzzle in the log of Laravel, cut": (
        f"[2026-02-03 10:00:01] local.ERROR: Client error: `POST {URL}` resulted in a "
        "`403 Forbidden` response:\n"
        '{"code":"unknown_group","text":"No group \'01 (truncated...)\n {"exception":"[object] '
        "(GuzzleHttp\\\\Exception\\\\ClientException(code: 403): Client error: "
        f"`POST {URL}` resulted in a `403 Forbidden` response:\n"
        '{"code":"unknown_group","text":"No group \'01 (truncated...)\n at /srv/a.php:404)\n'
        '[stacktrace]\n#0 /srv/b.php(401): send()\n"}',
        at(403, "POST", "unknown_group"),
    ),
    "Symfony bridge": ("Unable to send the SMS: No group (unknown_group).", REFUSED),
    "Go": (f'Post "{URL}": dial tcp: lookup x: no such host', ("POST", URL, None, None, True)),
    "Go, status": (f"2026/02/03 10:00:01 unexpected status 403: {BODY}", REFUSED),
    "Ruby": (
        f"Faraday::Error: the server responded with status 403 for POST {URL}",
        at(403, "POST"),
    ),
    "curl": ("curl: (6) Could not resolve host: br.sms.example", SILENT),
    "curl -f": ("curl: (22) The requested URL returned error: 401", (None, None, 401, None, False)),
    "an application": (f"ERROR send failed: HTTP 403 - {BODY}", REFUSED),
    "an application, code": ("ERROR send failed: 403 unknown_group No group", REFUSED),
    "status and object": ("403 { code: 'unknown_group', text: 'No group' }", REFUSED),
    "a status alone, then a body": (f"403\n{BODY}", REFUSED),
    "a Go error of a client": (
        f"POST {URL}: 403 Forbidden: {BODY}",
        at(403, "POST", "unknown_group"),
    ),
    "a Go struct": ('&api.Error{Code:"unknown_group", Text:"No group", Status:403}', REFUSED),
    "an axios error without a message": (
        "{\n  name: 'AxiosError',\n  config: {\n    baseURL: 'https://br.sms.api.sinch.com',\n"
        "    url: '/xms/v1/plan7/batches',\n    method: 'get'\n  },\n  status: 404\n}",
        at(404, "GET"),
    ),
    "WordPress, on one line": (
        f"Array ( [body] => {BODY} [response] => Array ( [code] => 403 [message] => Forbidden ) )",
        REFUSED,
    ),
    "an exception, logged and traced": (
        f"Task failed: HTTPError('403 Client Error: Forbidden for url: {URL}')\n"
        'Traceback (most recent call last):\n  File "/srv/a.py", line 500, in f\n    f()\n'
        f"requests.exceptions.HTTPError: 403 Client Error: Forbidden for url: {URL}",
        at(403),
    ),
    "Format-List": ("code : unknown_group\ntext : No group", CODE_ONLY),
    "Format-Table": ("code          text\n----          ----\nunknown_group No group", CODE_ONLY),
    "a gateway's body": (
        '{"timestamp": "2026-01-01T00:00:00Z", "status": 400, "error": "Bad Request", '
        '"path": "/xms/v1/plan7/batches/a b"}',
        (None, "/xms/v1/plan7/batches/a b", 400, None, False),
    ),
}
OBJECTS = {
    "Python": (
        "{'code': 'unknown_group', 'text': \"No group '01AB' here\", 'n': None, 'b': b'x'}",
        PARSED | {"n": None, "b": "x"},
    ),
    "JavaScript": (
        "{\n  code: 'unknown_group',\n  text: `No group` +\n    \" '01AB' here\",\n  a: [ 1, 2 ],\n"
        "  f: [Function: f],\n  o: [Object]\n}",
        PARSED | {"a": [1, 2], "f": None, "o": None},
    ),
    "Ruby": ('{"code"=>"unknown_group", :text=>"No group \'01AB\' here"}', PARSED),
    "print_r": (
        "Array\n(\n    [code] => unknown_group\n    [text] => No group '01AB' here\n"
        "    [to] => Array\n        (\n            [0] => 46700000001\n        )\n\n)\n",
        PARSED | {"to": {"0": 46700000001}},
    ),
    "var_dump": (
        'array(2) {\n  ["code"]=>\n  string(13) "unknown_group"\n  ["text"]=>\n'
        '  string(20) "No group \'01AB\' here"\n  ["n"]=>\n  int(403)\n}',
        PARSED | {"n": 403},
    ),
    "dd": (
        'array:2 [▼\n  "code" => "unknown_group"\n  "text" => "No group \'01AB\' here"\n]',
        PARSED,
    ),
    "Java map": ("{code=unknown_group, text=No group '01AB' here, n=1}", PARSED | {"n": 1}),
    "Java record": ("ApiError[code=unknown_group, text=No group '01AB' here]", PARSED),
    "Go struct": (
        "{code:unknown_group text:No group '01AB' here N:1}",
        PARSED | {"N": 1},
    ),
    "Go map": ("map[code:unknown_group text:No group '01AB' here]", PARSED),
}
NO_ERRORS = [
    "PHP Notice: x in /srv/sms.php:404\n#0 /srv/a.php(500): f()",
    "listening on port 443, pid 401, took 503 ms",
    "delivery code 401 for 201 recipients",
    "send took 403 ms in sms.py:404",
    "We expected 500 status messages, but got 250 delivered.",
    "The http response was expected within 300 ms, we got 450 ms; it gives 420 EUR.",
]

# one line for each message that the errors above don't show; <URL> is the URL above
LINES = (
    r"""
level=error err="Post \"<URL>\": context deadline exceeded"
com.sinch.sdk.core.exceptions.ApiException: 403: unknown_group: No such group
com.sinch.sdk.core.exceptions.ApiAuthException: Unauthorized
com.clxcommunications.xms.UnauthorizedException: Authentication failed
com.clxcommunications.xms.NotFoundException
com.clxcommunications.xms.ErrorResponseException: No such group (unknown_group)
ErrorResponseException: unknown_group: No such group
Failed to communicate with XMS: No resource found at "<URL>"
clx.xms.exceptions.NotFoundException: No resource found at '<URL>'
Failed to communicate with XMS: Authentication failed with service plan 'plan7'
clx.xms.exceptions.UnauthorizedException: Authentication failed with service plan plan7
Failed to communicate with XMS: The token is too old
Sinch.ApiException: Api Exception. Status: Forbidden. Detailed message: No such group
RequestFailedError: Request failed 403 {"code": "unknown_group", "text": "No"}
RequestFailedError: [SDK] [apiName: BatchesApi]
  [operationId: Send]
[baseUrl: https://us.sms.api.sinch.com/xms/v1/plan7/batches] [errorType: HTTP error] [status: 403]
sinch.domains.sms.exceptions.SMSException: unknown_group: No such group
sinch.core.exceptions.SinchException: Error while parsing json response. Expecting value
Symfony: Could not reach the remote Sinch server
[status code] 403
[reason phrase] Forbidden [url] <URL>
[url] <URL>
Illuminate\Http\Client\RequestException: HTTP request returned status code 403:
HTTP/2 403  returned for "<URL>".
file_get_contents(<URL>): Failed to open stream: HTTP request failed! HTTP/1.1 403 Forbidden
cURL error 28: Operation timed out after 10001 milliseconds (see https://curl.haxx.se) for <URL>
Curl error: Could not resolve host: us.sms.api.sinch.com
aiohttp.client_exceptions.ClientResponseError: 403, message='Forbidden', url=URL('<URL>')
Cannot connect to host us.sms.api.sinch.com:443 ssl:default [Name or service not known]
<ClientResponse(<URL>) [403 Forbidden]>
urllib.error.HTTPError: HTTP Error 403: Forbidden
<urlopen error [Errno -2] Name or service not known>
Retrying (Retry(total=2)) after connection broken by 'NewConnectionError(x)': /xms/v1/p/batches
pycurl.error: (6, 'Could not resolve host')
httpx.ConnectTimeout: timed out
ConnectionError: HTTPSConnectionPool was closed
socket.gaierror: [Errno -2] Name or service not known
Flurl.Http.FlurlHttpException: Call failed with status code 403 (Forbidden): POST <URL>
HTTPError: Request failed with status code 403 Forbidden: POST <URL>
Error: Request failed with status code Forbidden
HTTPError: Response code 403 (Forbidden)
ResponseStatusCodeError: Response status code 403: Forbidden
StatusCodeError: 403 - {"code":"unknown_group","text":"No"}
Http failure response for <URL>: 403 Forbidden
FetchError: request to <URL> failed, reason: getaddrinfo ENOTFOUND us.sms.api.sinch.com
FetchError: network timeout at: <URL>
FetchError: invalid json response body at <URL> reason: Unexpected token < in JSON
TypeError: Network request failed
Error: socket hang up
Error: Network Error
Error: timeout of 5000ms exceeded
RequestError: Timeout awaiting 'request' for 5000ms
AbortError: The user aborted a request.
[TimeoutError]: The operation was aborted due to timeout
SocketError: other side closed
Error: self signed certificate in certificate chain
POST <URL> 403 (Forbidden) send @ app.js:3
XHRPOST <URL> [HTTP/2 403 Forbidden 85ms]
CORS Missing Allow Origin
<URL>:1 Failed to load resource: the server responded with a status of 403 ()
Cross-Origin Request Blocked: no remote resource at <URL>. (Reason: CORS). Status code: 403.
Origin https://shop.example is not allowed by Access-Control-Allow-Origin. Status code: 403
Fetch API cannot load <URL> due to access control checks.
ResourceAccessException: I/O error on POST request for "<URL>": Connection reset
WebClientResponseException$Forbidden: 403 Forbidden from POST <URL>
feign.FeignException$Forbidden: status 403 reading Sms#send(Batch)
feign.RetryableException: Connection refused executing POST <URL>
retrofit2.HttpException: HTTP 403 Forbidden
org.apache.http.client.HttpResponseException: status code: 403, reason phrase: Forbidden
com.google.api.client.http.HttpResponseException: 403 Forbidden
(POST <URL>) 403
java.io.IOException: Server returned HTTP response code: 403 for URL: <URL>
java.io.FileNotFoundException: <URL>
ClientRequestException: Client request(POST <URL>) invalid: 403 Forbidden. Text: "{}"
Response status code does not indicate success: 403 (Forbidden).
System.Net.WebException: The remote server returned an error: (403) Forbidden.
StatusCode: Forbidden, Content-Type: application/json, Content-Length: 60)
StatusCode: 403, ReasonPhrase: 'Forbidden', Version: 1.1
System.Threading.Tasks.TaskCanceledException: A task was canceled.
The operation has timed out
Unable to connect to the remote server
The server name or address could not be resolved
Invoke-RestMethod: {"code": "unknown_group", "text": "No such group"}
expected status code in [201] but got 403 Response: {"code":"unknown_group","text":"No"}
status code: 403, body: {"code":"unknown_group","text":"No"}
HTTP status client error (403 Forbidden) for url (<URL>)
error sending request for url (<URL>): dns error
RestClient::Forbidden: 403 Forbidden
403 Forbidden (RestClient::Forbidden)
#<Net::HTTPForbidden 403 Forbidden readbody=true>
Net::HTTPClientException: 403 "Forbidden"
403 "Forbidden" (Net::HTTPServerException)
403 Forbidden (OpenURI::HTTPError)
OpenURI::HTTPError: 403 Forbidden
Faraday::ConnectionFailed (getaddrinfo: Name or service not known)
Failed to open TCP connection to us.sms.api.sinch.com:443 (Connection refused)
2026-03-02 08:00:00 ERROR 403: Forbidden.
wget: unable to resolve host address 'us.sms.api.sinch.com'
http: error: ConnectionError: HTTPSConnectionPool
403 Forbidden at send.pl line 12
** (HTTPoison.Error) :nxdomain
Request failed for <URL> returned code 403. Truncated server response: {"code":"unknown_group"}
DioException: The request returned a status code of 403
DioError [DioErrorType.response]: Http status error [403]
[connection error] Failed host lookup: 'us.sms.api.sinch.com'
responseValidationFailed(reason: AFError.unacceptableStatusCode(code: 403))
Error Domain=NSURLErrorDomain Code=-1001 "The request timed out."
Error Domain=NSURLErrorDomain Code=-1003 "?" UserInfo={a=1, NSErrorFailingURLKey=<URL>, b=2}
Forbidden (HTTP 403).
Response [<URL>]
  Status: 403
  Size: 63 B
Expected status code <201> but was <403>.
Error: expected 201 "Created", got 403 "Forbidden"
Expected response status code [201] but received 403.
System.HttpResponse[Status=Forbidden, StatusCode=403]
System.HttpRequest[Endpoint=<URL>, Method=POST]
clojure.lang.ExceptionInfo: clj-http: status 403 {:cached nil, :status 403, :body "{}"}
{ok,{{"HTTP/1.1",403,"Forbidden"},[],[]}}
{http_error,403,<<"{}">>,"<URL>"}
<NSHTTPURLResponse: 0x6000> { URL: <URL> } { Status Code: 403, Headers {} }
apiRequestContext.post: 403 Forbidden
  → POST <URL>
Got 403 calling POST <URL>, expected 2xx.
SyntaxError: Unexpected token < in JSON at position 0
invalid character '<' looking for beginning of value
ApiException{code=403, message=No such group}
requests.exceptions.ReadTimeout: timed out
HeadersTimeoutError: Headers Timeout Error
Failed to load resource: net::ERR_CONNECTION_RESET
HttpClientErrorException$Forbidden: 403 Forbidden: {"code":"unknown_group"}
No such host is known (us.sms.api.sinch.com:443)
""".strip()
    .replace("<URL>", URL)
    .splitlines()
)
