"""
Say which calls are HTTP calls, and where their parts stand.

A library is one row. What is the same everywhere is said once: an argument that is a URL, a method,
a table of headers or an object with `headers` in it is known by what it is, and a setter by its
name, whatever the library.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from sinchtools.evidence.pieces import words


class Library(NamedTuple):
    """
    A library that makes HTTP requests.

    Attributes
    ----------
    calls
        The paths of names that it is known by.
    client
        Whether what the call gives is what requests are made with.
    form
        What it makes of an object as body: json, form, or text (as the language writes objects).
    media
        The Content-Type that it sends with a text as body when none is given.
    base
        How a path is added to the base: append, or resolve as a browser does.
    method
        The method when none is said: that of the call, or POST where there is a body.
    first
        What the first text is that the call gets, where it is not the URL.
    """

    calls: re.Pattern[str]
    client: bool = False
    form: str = "json"
    media: str = ""
    base: str = "append"
    method: str = ""
    first: str = ""


FORM = "application/x-www-form-urlencoded"
PLAIN = "text/plain;charset=UTF-8"
_VERBS = "get|post|put|patch|delete|head|options|request|del"


def _row(
    calls: str,
    client: bool = False,
    form: str = "json",
    media: str = "",
    base: str = "append",
    method: str = "",
    first: str = "",
) -> Library:
    return Library(re.compile(rf"(?:^|\.)(?:{calls})$"), client, form, media, base, method, first)


LIBRARIES: dict[str, tuple[Library, ...]] = {
    "python": (
        _row(r"requests\.[Ss]ession|Session|BaseUrlSession", client=True, form="form"),
        _row(r"(?:httpx\.)?(?:Async)?Client|requests_client", client=True, form="form"),
        _row(r"ClientSession", client=True, form="form", base="resolve"),
        _row(rf"(?:requests|httpx)\.(?:{_VERBS}|stream|Request)|s\.(?:{_VERBS})", form="form"),
        _row(r"HTTPS?Connection", client=True, media=""),
        _row(r"(?:HTTPS?ConnectionPool|PoolManager)", client=True, form="form"),
        _row(r"(?:urllib\.|urllib2\.|^)(?:request\.)?Request|urlopen", form="form", media=FORM),
        _row(
            rf"(?:session|client|http|s|grequests|treq|niquests"
            rf"|urllib3)\.(?:{_VERBS})",
            form="form",
        ),
        _row(r"http\.fetch|HTTPRequest", form="form"),
    ),
    "javascript": (
        _row(r"axios\.create|Axios\.new", client=True, media=FORM),
        _row(r"(?:got|ky)\.(?:extend|create)", client=True),
        _row(r"ofetch\.create|\$fetch\.create|request\.defaults|wretch", client=True),
        _row(r"UrlFetchApp\.fetch", form="form", media=FORM),
        _row(
            r"(?:window\.|globalThis\.)?(?:fetch|nodeFetch|node_fetch)"
            r"|Request\.new",
            form="text",
            media=PLAIN,
        ),
        _row(r"XMLHttpRequest\.new", form="text", media=PLAIN),
        _row(r"(?:\$|jQuery)\.(?:ajax|post|get|getJSON)", form="form", media=FORM),
        _row(r"(?:https?|http2)\.(?:request|get)", form="text"),
        _row(rf"axios(?:\.(?:{_VERBS}|postForm))?|\$http\.\w+|this\.\$?axios\.\w+", media=FORM),
        _row(
            rf"(?:request|superagent|got|ky|needle|unirest|\$fetch|bent|agent"
            rf"|phin)(?:\.(?:{_VERBS}))?"
        ),
        _row(r"http\.(?:send|request)|pm\.sendRequest|HTTPRequest|k6\.http\.\w+|cy\.request"),
    ),
    "php": (
        _row(r"curl_init", form="form", media=FORM),
        _row(
            r"Http\.(?:baseUrl|withToken|withHeaders|acceptJson|asJson|asForm|withBasicAuth"
            r"|timeout|withBody"
            r"|withOptions|retry|contentType|accept|withUrlParameters|\w*macro)",
            client=True,
        ),
        _row(rf"Http\.(?:{_VERBS}|send)"),
        _row(r"HttpClient\.create|ScopingHttpClient\.\w+", client=True, base="resolve"),
        _row(
            r"(?:GuzzleHttp\.)?Client\.new|CurlHttpClient\.new"
            r"|HttpBrowser\.new",
            client=True,
            base="resolve",
            form="form",
        ),
        _row(r"Request\.new|ServerRequest\.new", form="form"),
        _row(r"(?:HTTP_Request2|HttpRequest|http.Client.Request)\.new", form="form", media=FORM),
        _row(r"wp_(?:safe_)?remote_(?:post|get|request|head)", form="form", media=FORM),
        _row(r"file_get_contents|fopen|stream_context_create", form="form", media=FORM),
        _row(
            r"(?:Requests|Unirest\.Request|WpOrg\.Requests\.Requests)\.(?:get|post|put|delete"
            r"|patch)",
            form="form",
        ),
    ),
    "java": (
        _row(
            r"(?:HttpClient\.(?:newHttpClient|newBuilder)|OkHttpClient\.new"
            r"|OkHttpClient\.Builder\.new)",
            client=True,
        ),
        _row(
            r"RestTemplate\.new|RestTemplateBuilder\.new"
            r"|TestRestTemplate\.new",
            client=True,
            media="text/plain",
        ),
        _row(
            r"(?:WebClient|RestClient)\.(?:create|builder)"
            r"|Retrofit\.Builder\.new",
            client=True,
            media="text/plain",
        ),
        _row(
            r"HttpClients\.\w+|HttpClientBuilder\.\w+|DefaultHttpClient\.new"
            r"|ClientBuilder\.newClient",
            client=True,
        ),
        _row(r"HttpRequest\.newBuilder|Request\.Builder\.new|HttpRequest\.Builder\.new"),
        *(
            _row(rf"(?:Http|Simple){verb}(?:\.new)|{verb}Method\.new", method=verb.upper())
            for verb in ("Get", "Post", "Put", "Patch", "Delete")
        ),
        _row(
            rf"Unirest\.(?:{_VERBS})|Jsoup\.connect|Feign\.\w+", media="text/plain; charset=UTF-8"
        ),
        _row(r"openConnection", form="text", media=FORM),
        _row(r"(?:HttpHeaders|RequestEntity)\.new"),
        _row(r"HttpEntity\.new", first="body"),
        _row(
            r"RequestEntity\.(?:post|get|put|method|patch|delete)|Request\.(?:Post|Get|Put|Delete"
            r"|Patch)"
        ),
        _row(r"given|RestAssured\.given"),
    ),
    "kotlin": (
        _row(
            r"(?:\w+\.)?HttpClient|OkHttpClient|OkHttpClient\.Builder"
            r"|HttpClient\.new\w+",
            client=True,
            media="text/plain; charset=UTF-8",
        ),
        _row(
            r"WebClient\.(?:create|builder)|RestTemplate|RestClient\.\w+|FuelManager", client=True
        ),
        _row(r"Request\.Builder|HttpRequest\.newBuilder|HttpRequest\.Builder"),
        _row(r"openConnection", form="text", media=FORM),
        _row(rf"(?:client|httpClient|http)\.(?:{_VERBS})", media="text/plain; charset=UTF-8"),
        _row(rf"Unirest\.(?:{_VERBS})|Fuel\.(?:{_VERBS})|khttp\.(?:{_VERBS})"),
    ),
    "csharp": (
        _row(r"HttpClient\.new|CreateClient", client=True, base="resolve"),
        _row(r"RestClient\.new|RestClientOptions\.new|FlurlClient\.new", client=True),
        _row(r"WebClient\.new", client=True, media=""),
        _row(r"HttpRequestMessage\.new", base="resolve"),
        _row(r"RestRequest\.new"),
        _row(r"(?:Http)?WebRequest\.Create(?:Http)?", form="text"),
    ),
    "go": (
        _row(
            r"resty\.New|req\.C|req\.NewClient|resty\.Client|sling\.New"
            r"|gentleman\.New",
            client=True,
        ),
        _row(r"http\.NewRequest(?:WithContext)?|retryablehttp\.NewRequest|http\.Request"),
        _row(
            r"http\.(?:Get|Post|PostForm|Head)|(?:client|grequests)\.(?:Get|Post|Put|Delete|Patch"
            r"|Head)"
        ),
        _row(r"fasthttp\.AcquireRequest|fiber\.(?:Post|Get|AcquireAgent)"),
    ),
    "ruby": (
        _row(
            r"Faraday\.new"
            r"|Faraday\.Connection\.new",
            client=True,
            form="form",
            media=FORM,
            base="resolve",
        ),
        _row(
            r"Net\.HTTP\.(?:new|start)|Excon\.new|HTTPX\.(?:with|plugin)|HTTPClient\.new"
            r"|Typhoeus\.Hydra\.new",
            client=True,
            form="form",
            media=FORM,
        ),
        *(
            _row(rf"Net\.HTTP\.{verb}\.new", form="form", media=FORM, method=verb.upper())
            for verb in ("Get", "Post", "Put", "Patch", "Delete")
        ),
        _row(r"Net\.HTTP\.(?:post|get|post_form|get_response|put)", form="form", media=FORM),
        _row(r"RestClient\.(?:Request\.execute|Request\.new|Resource\.new)", form="form"),
        _row(
            rf"(?:HTTParty|RestClient|Faraday|Excon|HTTP|HTTPX|Typhoeus"
            rf"|Typhoeus\.Request)\.(?:{_VERBS}|new)",
            form="form",
        ),
        _row(r"HTTP\.(?:auth|headers|basic_auth|accept|with)", client=True, form="form"),
    ),
}
# where the library is not known: how its language does it most of the time
USUAL = {
    "python": Library(re.compile(""), form="form"),
    "javascript": Library(re.compile("")),
}
VERBS = {
    verb: method
    for method, names in {
        "GET": words(
            "get getasync getfromjsonasync getforobject getforentity getjson httpget "
            "getstringasync getstring downloadstring downloadstringasync "
            "downloadstringtaskasync getasjson execute_get"
        ),
        "POST": words(
            "post postasync postasjsonasync postforobject postforentity postjson postjsonasync "
            "httppost postform uploadstring uploadstringasync uploadstringtaskasync "
            "postforlocation poststringasync postasjson uploaddata uploadvalues"
        ),
        "PUT": words("put putasync putasjsonasync putjsonasync putstringasync"),
        "PATCH": words("patch patchasync patchasjsonasync patchforobject"),
        "DELETE": words("delete deleteasync del destroy"),
        "HEAD": words("head headasync"),
        "OPTIONS": ("options",),
    }.items()
    for verb in names
}
REQUESTS = words(
    "request fetch ajax exchange open method prepare send sendrequest newrequest "
    "newrequestwithcontext urlopen stream requestasync createrequest"
)
# name of a setter, an argument or an option, without set, add, with and marks: the part it gives
PARTS = {
    name: part
    for part, names in {
        "url": words(
            "url uri touri requesturi endpoint resource path requesturl href pathname toduri "
            "fromuri curlopturl urlstring link requestpath"
        ),
        "base": words(
            "baseurl baseuri prefixurl baseaddress host hostname rooturi hosturl basepath "
            "apiroot rootpath"
        ),
        "port": ("port",),
        "protocol": words("protocol scheme"),
        "method": words(
            "method requestmethod httpmethod customrequest curloptcustomrequest verb type open "
            "httpverb"
        ),
        "headers": words(
            "headers header requestheader requestheaders requestproperty defaultheader "
            "defaultheaders defaultrequestheaders curlopthttpheader httpheader httpheaders "
            "putheader set headersadd headermap extraheaders tryaddwithoutvalidation "
            "headerparam trywithoutvalidation headermultivalues field unvalidatedheader "
            "addheader withoutvalidation orreplaceheader sendheader requestproperties "
            "optionshttpheader"
        ),
        "body": words(
            "body data content send write payload bodystring entity bodyvalue syncbody rawbody "
            "text requestbody curloptpostfields postfields stringentity bodytext ofstring "
            "httpbody requestcontent source bodycontent params_ stringbody sendbody postdata "
            "bodybytes writebytes writestring print bodyraw bodyreader"
        ),
        "json": words("json jsonbody asjsonbody bodyjson sendjson bodyjsonobject"),
        "form": words(
            "formparams form formdata formencodedcontent multipart formurlencoded formbody "
            "bodyform formfields urlencodedform"
        ),
        "params": words(
            "params query qs searchparams queryparam queryparams queryparameter querystring "
            "queryparamsmultimap urlparams queryparameters uriparams"
        ),
        "pathparams": words("pathparam pathparams urlsegment routeparam"),
        "auth": words(
            "auth authbasic authentication authenticator basicauth basicauthentication credentials "
            "userpwd curloptuserpwd"
        ),
        "token": words(
            "token bearer authbearer bearerauth bearertoken authtoken oauth2token oauthbearertoken "
            "oauth2bearertoken authorizationbearer xoauth2bearer curloptxoauth2bearer "
            "oauth2accesstoken"
        ),
        "user": words("username user"),
        "password": words("password pass"),
        "media": words(
            "contenttype mediatype datatype_ mimetype curloptcontenttype contenttypeheader"
        ),
        "accept": ("accept",),
        "agent": words("useragent curloptuseragent"),
        "post": words("curloptpost dooutput"),
        "options": words("options config http opts"),
    }.items()
    for name in names
}
# a table with one of these is an object of options, not a body
OPTIONS = frozenset(
    words(
        "auth_bearer auth_basic headers method json form_params formParams baseURL baseUrl "
        "base_uri baseUri prefixUrl "
        "auth hostname payload url uri qs searchParams timeout verify contentType http CURLOPT_URL "
        "credentials mode responseType success dataType json_ query httpversion muteHttpExceptions "
        "withCredentials body_ proxies httpsAgent"
    )
)
HEADERS = frozenset(
    words(
        "authorization content-type accept user-agent content-length cache-control host cookie "
        "accept-encoding accept-language connection x-api-key authorisation origin referer "
        "x-request-id idempotency-key x-correlation-id accept-charset date transfer-encoding "
        "api-key apikey postman-token contenttype"
    )
)
# what is written as a name: constants of media types and headers
CONSTANTS = {
    "application_json": "application/json",
    "application_json_value": "application/json",
    "application_json_utf8": "application/json;charset=UTF-8",
    "applicationjson": "application/json",
    "mimejson": "application/json",
    "application_form_urlencoded": FORM,
    "text_plain": "text/plain",
    "authorization": "Authorization",
    "content_type": "Content-Type",
    "contenttype": "Content-Type",
    "accept": "Accept",
    "php_eol": "\n",
    "php_int_max": "9223372036854775807",
}
_MARKS = re.compile(r"[_\-$@&]")


def plain(name: str) -> str:
    """Return a name in small letters without the marks between its words."""
    return _MARKS.sub("", name).lower()


def bare(name: str) -> str:
    """Return the plain name of what a setter sets."""
    return re.sub(r"^(?:set|with|use)(?=.)", "", plain(name))


def part_of(name: str) -> str:
    """Return the part of a request that a setter or an argument of this name gives, or nothing."""
    name = plain(name)
    for start in (
        "",
        "set",
        "add",
        "with",
        "try",
        "put",
        "as",
        "append",
        "update",
        "withrequest",
        "default",
    ):
        if start and name == start:
            continue
        if name.startswith(start) and (part := PARTS.get(name[len(start) :])):
            return part
    return ""


def verb_of(name: str) -> str:
    """Return the method that a call of this name makes, or nothing."""
    return VERBS.get(plain(name), "")


def library_of(path: str, language: str) -> Library | None:
    """Return the library that a path of names belongs to."""
    return next((row for row in LIBRARIES.get(language, ()) if row.calls.search(path)), None)
