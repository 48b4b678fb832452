r"""
List the errors of HTTP clients and of the vendor's SDKs as they are printed.

One row a message: who prints it, a part that each such line holds, and its pattern. ``<URL>``,
``<METHOD>``, ``<STATUS>``, ``<REASON>`` and ``<NAME>`` stand for what they say; ``<BODY>`` marks
where the body of the response begins, on this line or on the next. Numbers of lines, ports and
durations are in no group, so they are never taken for a status.
"""

from __future__ import annotations

from sinchtools.evidence.formats.error_rows import Printed

METHODS = "T http|E http|H http|D http|S http"  # how they end, before a URL
_NO_LETTER = r"(?<![\w.$\\])"
_JAVA = r"(?<![\w$])(?:[a-z]\w{0,30}\.){0,9}"
_NO_JSON = (
    r"(?P<failure>JSONDecodeError|JsonParseException|JsonSyntaxException|JSON::ParserError"
    r"|MismatchedInputException|Json\.JsonException|JsonReaderException|JsonException"
    r"|NSCocoaErrorDomain Code=3840)(?:: (?P<text>.*))?$"
)

PATTERNS: tuple[Printed, ...] = (
    # --- the vendor's SDKs (sms-api.md, 10.3) ---
    Printed("Java SDK", "ApiException{", r"ApiException\{code=<STATUS>, message=<CODE>: <TEXT>\}"),
    Printed("Java SDK", "ApiException{", r"ApiException\{code=<STATUS>, message=<TEXT>\}"),
    Printed("Java SDK", "ApiException: ", r"ApiException: (?:<STATUS>:? ?)?<CODE>: <TEXT>$"),
    Printed("Java SDK", "ApiAuthException", r"ApiAuthException(?:: (?P<text>.*))?$", 401),
    Printed(
        "Java XMS", ".xms.Unauthorized", r"xms\.UnauthorizedException\b(?:: (?P<text>.*))?", 401
    ),
    Printed("Java XMS", ".xms.NotFound", r"xms\.NotFoundException\b(?:: (?P<text>.*))?", 404),
    Printed("XMS", "ErrorResponseException", r"ErrorResponseException: <TEXT> \(<CODE>\)$"),
    Printed("XMS", "ErrorResponseException", r"ErrorResponseException: (?:<CODE>[:,] ?)?<TEXT>$"),
    Printed(
        "XMS", "Failed to communicate with XMS", r"No resource found at [\"']?<URL>[\"']?", 404
    ),
    Printed("XMS", "No resource found at", r"NotFoundException: No resource found at .?<URL>", 404),
    Printed(
        "XMS",
        "Failed to communicate with XMS",
        r"Authentication failed with service plan .?(?P<plan>[\w-]{3,40})?",
        401,
    ),
    Printed(
        "PHP and Python XMS",
        "UnauthorizedException",
        r"UnauthorizedException\W{1,3}(?P<text>(?:Unauthorized access|Authentication failed).*?"
        r"(?:service plan .?(?P<plan>[\w-]{3,40}).?)?)(?: in \S+:\d+)?$",
        401,
    ),
    Printed("XMS", "Failed to communicate with XMS", r"with XMS: (?P<text>(?!No res|Auth).+)"),
    Printed(
        ".NET SDK",
        "Api Exception. Status",
        r"Api Exception\. Status: (?:<CODE>|<STATUS>|<REASON>)\. Detailed message: <TEXT>$",
    ),
    Printed(".NET SDK", "SinchApiException", r"SinchApiException: <REASON>: ?<TEXT>$"),
    Printed("Node SDK", "RequestFailedError", r"RequestFailedError.{0,80}?\b<ERROR>\b<BODY>"),
    Printed(
        "Node SDK", "RequestFailedError: [SDK]", r"RequestFailedError: \[SDK\] \[(?P<api>apiName)"
    ),
    Printed("Node SDK", "[operationId: ", r"^\s*\[operationId: (?P<operation>\w+)\]\s*$"),
    Printed(
        "Node SDK",
        "[baseUrl: ",
        r"\[baseUrl: (?:(?P<scheme>https?)://)?(?P<host>[\w.-]+)(?::(?P<port>\d{1,5}))?"
        r"(?P<path>/[^\s\]]*)\].{0,60}?\[status: <STATUS>\]",
    ),
    Printed("Python SDK", "SMSException: ", r"SMSException: <CODE>:?\s+(?:text: ?)?<TEXT>$"),
    Printed(
        "Python SDK",
        "Error while parsing json response",
        r"(?P<text>Error while parsing json response.*)",
        failure="SinchException",
    ),
    Printed(
        "Symfony bridge", "Unable to send the SMS", r"Unable to send the SMS: <TEXT> \(<CODE>\)"
    ),
    Printed(
        "Symfony bridge",
        "not reach the remote Sinch",
        r"(?P<text>Could not reach the remote Sinch server)",
        failure="TransportException",
    ),
    # --- PHP ---
    Printed(
        "Guzzle",
        "resulted in a `",
        r"(?:Client|Server) error: `<METHOD> <URL>` resulted in a `<STATUS>[^`]*` response:?<BODY>",
    ),
    Printed("Guzzle 5", "[status code]", r"\[status code\] <STATUS>"),
    Printed("Guzzle 5", "[reason phrase]", r"\[url\] <URL>"),
    Printed("Guzzle 5", "[url] http", r"^\[url\] <URL>"),
    Printed("Laravel", "HTTP request returned", r"request returned status code <STATUS>:?<BODY>"),
    Printed("Symfony", " returned for ", r"HTTP/?[\d.]* +<STATUS>.{0,30}? returned for \"<URL>\""),
    Printed(
        "PHP streams",
        "HTTP request failed!",
        r"\((?:<URL>)?\)?.{0,60}HTTP request failed! HTTP/[\d.]+ <STATUS>",
    ),
    Printed(
        "cURL in PHP",
        "cURL error ",
        r"(?P<failure>cURL error \d+): (?P<text>.{0,400}?)(?: \(see [^)]*\))?(?: for <URL>|$)",
    ),
    Printed(
        "cURL in PHP",
        "url error",
        r"(?i)curl(?:_| )error(?: ?[:(=] ?|: )\(?(?P<failure>\d{1,2})?\)?:? ?(?P<text>[A-Z].{5,})",
        failure="cURL error",
    ),
    # --- Python ---
    Printed("requests", " for url: ", r"<STATUS> (?:Client|Server) Error: .{0,80} for url: <URL>"),
    Printed("httpx", " for url '", r"'<STATUS> [^']{0,60}' for url '<URL>'"),
    Printed(
        "aiohttp", ", message=", r"\b<STATUS>, message='[^']{0,200}', url=(?:URL\()?'<URL>'\)?"
    ),
    Printed(
        "aiohttp",
        "Cannot connect to host",
        r"(?P<text>Cannot connect to host (?P<host>[\w.-]+):\d+ ssl:.*)",
        failure="ClientConnectorError",
    ),
    Printed("aiohttp", "<ClientResponse(", r"<ClientResponse\(<URL>\) \[<STATUS>"),
    Printed("requests and httpx", "<Response [", r"<Response \[<STATUS>(?: [^\]]*)?\]>"),
    Printed("urllib", "HTTP Error ", r"HTTPError: HTTP Error <STATUS>: [\w -]+"),
    Printed("urllib", "<urlopen error", r"(?P<text><urlopen error .{1,300}>)", failure="URLError"),
    Printed("OpenAPI client", "ApiException", r"(?<!\w)ApiException: \(<STATUS>\)"),
    Printed("OpenAPI client", "HTTP response body", r"^HTTP response body: ?<BODY>"),
    Printed(
        "urllib3",
        "ConnectionPool(host=",
        r"(?P<text>(?P<scheme>HTTPS?)ConnectionPool\(host='(?P<host>[\w.-]+)', "
        r"port=(?P<port>\d+)\):(?: Max retries exceeded with url: (?P<path>\S+))?.{0,40}?"
        r"(?:Caused by (?P<failure>\w+)|Read timed out|$).*)",
    ),
    Printed(
        "urllib3, again",
        "connection broken by",
        r"connection broken by '(?P<failure>\w+)(?P<text>.*)",
    ),
    Printed("pycurl", "pycurl.error", r"(?P<failure>pycurl\.error): (?P<text>\(\d+, .*\))"),
    Printed(
        "httpx and requests",
        "httpx.",
        rf"{_NO_LETTER}httpx\.(?P<failure>(?:Connect|Read|Write|Pool)(?:Timeout|Error)"
        r"|RemoteProtocolError|ProxyError)(?:: (?P<text>.*))?$",
    ),
    Printed(
        "Python",
        "Error",
        r"^(?:[\w.]+\.)?(?P<failure>(?:Connection|Proxy|SSL|NameResolution|Timeout"
        r"|ServerDisconnected|ConnectionReset|ConnectionRefused|ClientOS|ServerTimeout"
        r"|ChunkedEncoding|MaxRetry"
        r"|NewConnection|ConnectTimeout|SSLCertVerification|Protocol|ClientConnector\w{0,20})Error"
        r"|gaierror|RemoteDisconnected)(?:: (?P<text>.*))?$",
    ),
    Printed(
        "Python",
        "imeout",
        r"^(?:[\w.]+\.)"
        r"(?P<failure>ConnectTimeout|ReadTimeout|timeout|Timeout|ConnectionTimeoutError)"
        r"(?:: (?P<text>.*))?$",
    ),
    Printed(
        "Python",
        "gaierror",
        r"(?P<failure>gaierror)(?:: |\()(?P<text>.*)$",
    ),
    # --- JavaScript ---
    Printed(
        "Flurl, for .NET",
        "Call failed with status",
        r"status code <STATUS>[^:]{0,40}: <METHOD> <URL>",
    ),
    Printed(
        "got and ky",
        "Request failed with status code",
        r"failed with status code <STATUS>(?: ?\(?[A-Z][A-Za-z -]{1,40}\)?)?: <METHOD> <URL>",
    ),
    Printed("axios", "failed with status code", r"failed with status code <STATUS><BODY>"),
    Printed("axios", "failed with status code", r"failed with status code '?<REASON>'?\.?<BODY>"),
    Printed("got", "Response code ", r"HTTPError: Response code <STATUS>"),
    Printed("undici", "ResponseStatusCodeError", r"Response status code <STATUS>"),
    Printed("request-promise", "StatusCodeError: ", r"StatusCodeError: <STATUS> - <BODY>"),
    Printed(
        "Angular",
        "Http failure response for",
        r"Http failure response for <URL>:? (?:<ERROR> ?[\w -]*|(?P<failure>0 Unknown Error))",
    ),
    Printed(
        "node-fetch",
        "FetchError: request to",
        r"request to <URL> failed, reason:\s?(?P<text>.*)",
        failure="FetchError",
    ),
    Printed(
        "node-fetch",
        "network timeout at",
        r"(?P<text>network timeout at: <URL>)",
        failure="FetchError: timeout",
    ),
    Printed(
        "node-fetch",
        "invalid json response body",
        r"(?P<text>invalid json response body at <URL>,? reason: .*)",
        failure="JSONDecodeError",
    ),
    Printed(
        "fetch",
        "etch",
        r"TypeError: (?P<failure>fetch failed|Failed to fetch|Load failed"
        r"|NetworkError when attempting to fetch resource)",
    ),
    Printed(
        "fetch in React Native",
        "Network request failed",
        r"TypeError: (?P<failure>Network request failed)",
    ),
    Printed(
        "Node",
        " E",
        r"(?P<text>(?:\b(?:getaddrinfo|connect|read|write|queryA)) "
        r"(?P<failure>E[A-Z_]{4,14}|UNABLE_\w+)\b.*)",
    ),
    Printed("Node", "socket hang up", r"(?P<failure>socket hang up)"),
    Printed("axios", "Error: Network Error", r"Error: (?P<failure>Network Error)"),
    Printed(
        "axios",
        "timeout of ",
        r"(?P<text>timeout of \d+ms exceeded)",
        failure="ECONNABORTED: timeout",
    ),
    Printed("got", "imeout awaiting", r"(?P<text>Timeout awaiting '.*)", failure="TimeoutError"),
    Printed(
        "undici",
        "Timeout",
        r"(?P<failure>ConnectTimeoutError|HeadersTimeoutError|BodyTimeoutError"
        r"|UND_ERR_\w+TIMEOUT)(?:: (?P<text>.*))?",
    ),
    Printed("fetch", "AbortError: ", r"(?P<failure>AbortError): (?P<text>.*)"),
    Printed("fetch", "TimeoutError", r"(?P<text>\[(?P<failure>TimeoutError)\]: The operation .*)"),
    Printed("undici", "other side closed", r"SocketError: (?P<failure>other side closed)"),
    Printed(
        "Node",
        "certificate",
        r"Error: (?P<failure>certificate has expired|self[- ]signed certificate[\w ]*"
        r"|unable to (?:verify the first|get local issuer) certificate)",
    ),
    # --- browsers ---
    Printed(
        "Chrome", "net::ERR_", r"<METHOD> <URL> (?P<failure>net::ERR_[A-Z0-9_]+)(?: <STATUS>)?"
    ),
    Printed("Chrome", "net::ERR_", r"(?P<failure>net::ERR_[A-Z0-9_]+)"),
    Printed("Chrome", METHODS, r"(?<![^\s:>])<METHOD>\s{1,3}<URL>\s<STATUS>(?: \([\w -]*\))?$"),
    Printed("Chrome", METHODS, r"^<METHOD>\s{1,3}<URL> <STATUS>(?: \([\w -]*\))?"),
    Printed(
        "Firefox",
        "[HTTP/",
        r"(?:XHR ?)?<METHOD>\s{0,3}<URL>\s*\[HTTP/[\d.]+ <STATUS>.*?(?P<elapsed>\d+) ?ms\]",
    ),
    Printed("Firefox", "XHR", r"^XHR ?<METHOD>\s?<URL>"),
    Printed("Firefox", "[HTTP/", r"\[HTTP/[\d.]+ <STATUS>.*?(?P<elapsed>\d+) ?ms\]"),
    Printed(
        "browsers",
        "Failed to load resource",
        r"(?:(?P<url>https?://\S{1,2000}?)(?::\d{1,5})?\s{1,4})?Failed to load resource: "
        r"the server responded with a status of "
        r"<STATUS>",
    ),
    Printed(
        "CORS",
        "blocked by CORS policy",
        r"(?P<text>Access to \S+ at '<URL>'.*blocked by CORS policy.*)",
        failure="CORS",
    ),
    Printed(
        "Firefox",
        "Cross-Origin Request Blocked",
        r"(?P<text>Cross-Origin Request Blocked:.*? at <URL>.*?"
        r"(?:Status code: (?:<ERROR>|\(null\)).*)?)$",
        failure="CORS",
    ),
    Printed(
        "Safari",
        "Access-Control-Allow-Origin",
        r"(?P<text>Origin \S+ is not allowed by Access-Control-Allow-Origin.*?"
        r"(?:Status code: (?:<ERROR>|0).*)?)$",
        failure="CORS",
    ),
    Printed(
        "Safari",
        "due to access control checks",
        r"(?P<text>(?:Fetch API|XMLHttpRequest) cannot load <URL>.*access control checks)",
        failure="CORS",
    ),
    # --- the JVM ---
    Printed(
        "Spring",
        'request for "',
        r"<STATUS> [\w -]{0,40} ?on <METHOD> request for \"<URL>\": ?<BODY>",
    ),
    Printed(
        "Spring",
        "rror on ",
        r"I/O error on <METHOD> request for \"<URL>\": (?P<text>[^;]*)",
        failure="ResourceAccessException",
    ),
    Printed(
        "Spring WebClient",
        "ResponseException",
        r": <STATUS> [\w -]{0,40} from <METHOD> <URL><BODY>",
    ),
    Printed(
        "Spring",
        "Exception",
        r"(?:HttpClientError|HttpServerError|WebClientResponse|UnknownHttpStatusCode|RestClient"
        r"Response)Exception(?:\$\w+)?: <STATUS>(?: [A-Z][A-Za-z -]{0,40}| null)? ?:? ?<BODY>",
    ),
    Printed(
        "Feign",
        "during [",
        r"\[<STATUS>[^\]]*\] during \[<METHOD>\] to \[<URL>\] \[[^\]]*\]: ?<BODY>",
    ),
    Printed("Feign", "FeignException", r"FeignException.{0,40}: status <STATUS> reading.*?<BODY>$"),
    Printed(
        "Feign",
        " executing ",
        r"(?P<text>\S.{0,200} executing <METHOD> <URL>)",
        failure="RetryableException",
    ),
    Printed(
        "OkHttp", "Response{protocol=", r"Response\{protocol=[^,]*, code=<STATUS>,.*url=<URL>\}"
    ),
    Printed("Retrofit and JAX-RS", "Exception: HTTP ", r"Exception: HTTP <STATUS>"),
    Printed("Apache", "reason phrase", r"status code: <STATUS>, reason phrase: .*?<BODY>$"),
    Printed("Apache and Google", "HttpResponseException", r"HttpResponseException: <STATUS>"),
    Printed("java.net.http", "(", r"^\W{0,3}\(<METHOD> <URL>\) <STATUS>$"),
    Printed("java.net", "HTTP response code", r"HTTP response code: <STATUS> for URL: <URL>"),
    Printed("java.net", "FileNotFoundException", r"io\.FileNotFoundException: <URL>", 404),
    Printed(
        "Ktor",
        " invalid: ",
        r"request\(<METHOD> <URL>\) invalid: <STATUS>(?:[^.]{0,60}\. Text: <BODY>)?",
    ),
    Printed(
        "JVM",
        "Exception",
        rf"{_JAVA}(?P<failure>UnknownHostException|ConnectException|SocketTimeoutException"
        r"|SSLHandshakeException|SSLException|SSLPeerUnverifiedException"
        r"|HttpConnectTimeoutException|HttpTimeoutException|ConnectTimeoutException"
        r"|NoHttpResponseException|NoRouteToHostException|HttpHostConnectException"
        r"|SocketException|ReadTimeoutException|SunCertPathBuilderException"
        r"|ConnectionPoolTimeoutException|UnresolvedAddressException|ClosedChannelException"
        r"|HttpRequestTimeoutException|CalloutException)(?:: (?P<text>.*))?$",
    ),
    # --- .NET and PowerShell ---
    Printed(
        ".NET",
        "does not indicate success",
        r"Response status code does not indicate success: <STATUS>",
    ),
    Printed(".NET", "remote server returned an error", r"returned an error: \(<STATUS>\)"),
    Printed("RestSharp", "StatusCode: ", r"StatusCode: <REASON>, Content-Type: <BODY>"),
    Printed(".NET", "ReasonPhrase: '", r"StatusCode: <STATUS>, ReasonPhrase: '"),
    Printed(
        ".NET",
        "HttpRequestException",
        r"(?P<failure>HttpRequestException)(?: \([^)]*\))?: (?P<text>(?!Response status).*)",
    ),
    Printed(
        ".NET",
        "TaskCanceledException",
        r"(?P<failure>TaskCanceledException|TimeoutException): (?P<text>.*)",
    ),
    Printed(
        ".NET",
        "SocketException (",
        r"(?P<failure>SocketException) \(\w+\): (?P<text>.*)",
    ),
    Printed(
        ".NET Framework and PowerShell",
        "The ",
        r"(?P<text>The (?P<failure>remote name could not be resolved|operation has timed out"
        r"|underlying connection was closed|SSL connection could not be established"
        r"|request was canceled due to the configured HttpClient\.Timeout).*)",
    ),
    Printed(
        ".NET Framework and PowerShell",
        "Unable to connect to the remote",
        r"(?P<failure>Unable to connect to the remote server)",
    ),
    Printed(
        "WinHTTP",
        "server ",
        r"(?P<failure>(?:The server name or address|A connection with the server) could not be "
        r"(?:resolved|established))",
    ),
    Printed(".NET", "No such host is known", r"(?P<text>(?P<failure>No such host is known).*)"),
    Printed("PowerShell", "Invoke-", r"^Invoke-(?:RestMethod|WebRequest) ?: (?=\{)<BODY>"),
    # --- Go and Rust ---
    Printed(
        "Go",
        '": ',
        r"(?P<verb>Get|Post|Put|Delete|Patch|Head) \"<URL>\": (?P<text>(?P<failure>.{1,300}))$",
    ),
    Printed(
        "Go",
        "status 4|status 5|status: 4|status: 5|code 4|code 5|code: 4|code: 5",
        r"(?i:unexpected|bad|non-2xx|invalid|non-ok|non-200) (?:http )?(?:response )?"
        r"status(?: code)?:? <STATUS>(?: [A-Z][A-Za-z -]{2,30})?[,:;]?"
        r"(?: (?:body|response)[:=])? ?<BODY>",
    ),
    Printed(
        "Go", "but got", r"expected status.{1,40}but got <STATUS>(?:.{0,20}?Response: ?<BODY>)?"
    ),
    Printed("Go", "status code", r"(?i:status code)[:=] ?<STATUS>, (?:body|response)[:=] ?<BODY>"),
    Printed("reqwest", " for url (", r"HTTP status \w+ error \(<STATUS>[^)]*\) for url \(<URL>\)"),
    Printed(
        "reqwest",
        "error sending request for url",
        r"(?P<text>error sending request for url \(<URL>\).*)",
        failure="reqwest::Error",
    ),
    Printed(
        "Go", ": 1|: 2|: 3|: 4|: 5", r"<METHOD> <URL>: <STATUS>(?: [A-Z][a-z]+){0,4}:? ?<BODY>"
    ),
    Printed(
        "reqwest",
        "kind: Status(",
        r"kind: Status\(<STATUS>\)"
        r"(?:.*?Domain\(\"(?P<host>[\w.-]+)\"\).*?path: \"(?P<path>[^\"]+))?",
    ),
    # --- Ruby ---
    Printed(
        "Faraday",
        "server responded with status",
        r"the server responded with status <STATUS>(?: for <METHOD> <URL>)?",
    ),
    Printed("RestClient", "RestClient::", r"RestClient::\w+\W{1,4}<STATUS>"),
    Printed("RestClient", "(RestClient::", r"<STATUS> [\w ]{2,40} \(RestClient::\w+\)"),
    Printed("Net::HTTP", "#<Net::HTTP", r"#<Net::HTTP\w+ <STATUS>"),
    Printed("Net::HTTP", "Net::HTTP", r"Net::HTTP\w*Exception\W{1,3}<STATUS>"),
    Printed("Net::HTTP", "(Net::HTTP", r"<STATUS> \".{1,40}\" \(Net::HTTP"),
    Printed("open-uri", "OpenURI::HTTPError", r"<STATUS> [\w ]+ \(OpenURI"),
    Printed("open-uri", "OpenURI::HTTPError", r"OpenURI::HTTPError: <STATUS>"),
    Printed(
        "Ruby",
        "::",
        r"(?P<failure>Faraday::(?:ConnectionFailed|TimeoutError|SSLError)|Net::(?:Open|Read|Write)"
        r"Timeout|Errno::E[A-Z]+|OpenSSL::SSL::SSLError|RestClient::(?:Exceptions::\w*Timeout"
        r"|ServerBrokeConnection)|HTTP::(?:Connection|Timeout)Error)(?:: | \((?P<text>.*)|\)|$)",
    ),
    Printed(
        "Ruby",
        "Failed to open TCP connection",
        r"(?P<text>Failed to open TCP connection to .*)",
        failure="SocketError",
    ),
    # --- commands ---
    Printed("curl", "curl: (22)", r"curl: \(22\) The requested URL returned error: <STATUS>"),
    Printed("curl", "curl: (", r"(?P<failure>curl: \((?!22\))\d+\)) (?P<text>.*)"),
    Printed("wget", "ERROR ", r"^[\d: -]{0,20}ERROR <STATUS>: [\w -]+\.?$"),
    Printed(
        "wget",
        "unable to resolve host",
        r"(?P<text>unable to resolve host address .*)",
        failure="wget: unable to resolve",
    ),
    Printed("HTTPie", "http: error: ", r"https?: error: (?P<failure>\w+): (?P<text>.*)"),
    Printed("LWP", " at ", r"^<ERROR> [A-Z][A-Za-z ]{2,30} at \S+ line \d+"),
    # --- other languages and platforms ---
    Printed("Elixir", ".Error) ", r"\((?P<failure>\w+\.\w*Error)\) (?P<text>:\w+|.*)$"),
    Printed(
        "Apps Script",
        "Truncated server response",
        r"Request failed for <URL> returned code <STATUS>\. Truncated server response: <BODY>",
    ),
    Printed("Dio", "status code of ", r"status code of <STATUS>"),
    Printed("Dio", "Http status error", r"Http status error \[<STATUS>\]"),
    Printed(
        "Dart",
        "Failed host lookup",
        r"(?P<text>(?P<failure>Failed host lookup): '(?P<host>[\w.-]+)'.*)",
    ),
    Printed("Alamofire", "unacceptableStatusCode", r"unacceptableStatusCode\(code: <STATUS>"),
    Printed(
        "URLSession",
        "NSURLErrorDomain",
        r"(?P<text>Domain=(?P<failure>NSURLErrorDomain Code=-\d+).*)",
    ),
    Printed("httr", "(HTTP ", r"\(HTTP <ERROR>\)\.?$"),
    Printed("Apex", "StatusCode=", r"HttpResponse\[Status=[^,]*, StatusCode=<STATUS>\]"),
    Printed("Apex", "HttpRequest[", r"HttpRequest\[Endpoint=<URL>, Method=<METHOD>\]"),
    Printed("Clojure", ":status ", r"\{.{0,400}?:status <STATUS>\b(?:.*?:body <BODY>)?"),
    Printed("Erlang", '{{"HTTP/', r"\{\{\"HTTP/[\d.]+\",<STATUS>,"),
    Printed("Erlang", "{http_error,", r"\{http_error,<STATUS>,(?:<<)?<BODY>.*,\"<URL>\"\}"),
    Printed("URLSession", "NSHTTPURLResponse", r"\{ URL: <URL> \} \{ Status Code: <STATUS>,"),
    Printed("Playwright", "apiRequestContext.", r"apiRequestContext\.\w+: <STATUS> [A-Z]"),
    Printed("Playwright", "→ ", r"→ <METHOD> <URL>$"),
    Printed("Zapier", " calling ", r"[Gg]ot <STATUS> calling <METHOD> <URL>"),
    # --- answers that are no JSON ---
    Printed("JSON parsers", "JSON", _NO_JSON),
    Printed("JSON parsers", "Json", _NO_JSON),
    Printed(
        "JSON in JavaScript",
        "SyntaxError: ",
        r"(?P<text>SyntaxError: (?:Unexpected (?:token|end of JSON|non-whitespace)|JSON\.parse).*)",
        failure="JSONDecodeError",
    ),
    Printed(
        "JSON in Go",
        "looking for beginning of value",
        r"(?P<text>invalid character .{1,12} looking for beginning of value)",
        failure="JSONDecodeError",
    ),
)
