"""
Say which calls are HTTP calls, and where their parts stand.

A library is one row. What is the same everywhere is said once: an argument that is a URL, a method,
a table of headers or an object with `headers` in it is known by what it is, and a setter by its
name, whatever the library.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from sinchtools.evidence.pieces import words
from sinchtools.evidence.row_tables import by_word, fields_of, with_parts


class Library(NamedTuple):
    """A library that makes HTTP requests."""

    calls: re.Pattern[str]  # the paths of names that it is known by
    client: bool = False  # whether what the call gives is what requests are made with
    # what it makes of an object as body: json, form, or text (as the language writes objects)
    form: str = "json"
    media: str = ""  # the Content-Type that it sends with a text as body when none is given
    base: str = "append"  # how a path is added to the base: append, or resolve as a browser does
    # the method when none is said: that of the call, or POST where there is a body
    method: str = ""
    first: str = ""  # what the first text is that the call gets, where it is not the URL


FORM = "application/x-www-form-urlencoded"
PLAIN = "text/plain;charset=UTF-8"
_VERBS = "get|post|put|patch|delete|head|options|request|del"


def _library(fields: Mapping[str, str], verb: str) -> Library:
    pattern = rf"(?:^|\.)(?:{fields['calls']})$"
    return Library(
        with_parts(pattern, {"VERBS": _VERBS, "Verb": verb}),
        client="client" in fields,
        form=fields.get("form", "json"),
        media=fields.get("media", "").replace("<FORM>", FORM).replace("<PLAIN>", PLAIN),
        base=fields.get("base", "append"),
        method=verb.upper(),
        first=fields.get("first", ""),
    )


def _libraries(table: str) -> dict[str, list[Library]]:
    """Return the libraries of each language; a row with ``<Verb>`` is one for each method."""
    found: dict[str, list[Library]] = {}
    for fields in fields_of(table):
        verbs = words("Get Post Put Patch Delete") if "<Verb>" in fields["calls"] else ("",)
        found.setdefault(fields["tool"], []).extend(_library(fields, verb) for verb in verbs)
    return found


LIBRARIES = _libraries(r"""
python  client: yes  form: form  calls: requests\.[Ss]ession|Session|BaseUrlSession
python  client: yes  form: form  calls: (?:httpx\.)?(?:Async)?Client|requests_client
python  client: yes  form: form  base: resolve  calls: ClientSession
python  form: form  calls: (?:requests|httpx)\.(?:<VERBS>|stream|Request)|s\.(?:<VERBS>)
python  client: yes  calls: HTTPS?Connection
python  client: yes  form: form  calls: (?:HTTPS?ConnectionPool|PoolManager)
python  form: form  media: <FORM>  calls: (?:urllib\.|urllib2\.|^)(?:request\.)?Request|urlopen
python  form: form  calls: (?:session|client|http|s|grequests|treq|niquests|urllib3)\.(?:<VERBS>)
python  form: form  calls: http\.fetch|HTTPRequest
javascript  client: yes  media: <FORM>  calls: axios\.create|Axios\.new
javascript  client: yes  calls: (?:got|ky)\.(?:extend|create)
javascript  client: yes  calls: ofetch\.create|\$fetch\.create|request\.defaults|wretch
javascript  form: form  media: <FORM>  calls: UrlFetchApp\.fetch
javascript  form: text  media: <PLAIN>
      calls: (?:window\.|globalThis\.)?(?:fetch|nodeFetch|node_fetch)|Request\.new
javascript  form: text  media: <PLAIN>  calls: XMLHttpRequest\.new
javascript  form: form  media: <FORM>  calls: (?:\$|jQuery)\.(?:ajax|post|get|getJSON)
javascript  form: text  calls: (?:https?|http2)\.(?:request|get)
javascript  media: <FORM>  calls: axios(?:\.(?:<VERBS>|postForm))?|\$http\.\w+|this\.\$?axios\.\w+
javascript
      calls: (?:request|superagent|got|ky|needle|unirest|\$fetch|bent|agent|phin)(?:\.(?:<VERBS>))?
javascript  calls: http\.(?:send|request)|pm\.sendRequest|HTTPRequest|k6\.http\.\w+|cy\.request
php  form: form  media: <FORM>  calls: curl_init
php  client: yes
      calls: Http\.(?:baseUrl|withToken|withHeaders|acceptJson|asJson|asForm|withBasicAuth|timeout
    |withBody|withOptions|retry|contentType|accept|withUrlParameters|\w*macro)
php  calls: Http\.(?:<VERBS>|send)
php  client: yes  base: resolve  calls: HttpClient\.create|ScopingHttpClient\.\w+
php  client: yes  form: form  base: resolve
      calls: (?:GuzzleHttp\.)?Client\.new|CurlHttpClient\.new|HttpBrowser\.new
php  form: form  calls: Request\.new|ServerRequest\.new
php  form: form  media: <FORM>  calls: (?:HTTP_Request2|HttpRequest|http.Client.Request)\.new
php  form: form  media: <FORM>  calls: wp_(?:safe_)?remote_(?:post|get|request|head)
php  form: form  media: <FORM>  calls: file_get_contents|fopen|stream_context_create
php  form: form
      calls: (?:Requests|Unirest\.Request|WpOrg\.Requests\.Requests)\.(?:get|post|put|delete|patch)
java  client: yes
      calls: (?:HttpClient\.(?:newHttpClient|newBuilder)|OkHttpClient\.new
    |OkHttpClient\.Builder\.new)
java  client: yes  media: text/plain
      calls: RestTemplate\.new|RestTemplateBuilder\.new|TestRestTemplate\.new
java  client: yes  media: text/plain
      calls: (?:WebClient|RestClient)\.(?:create|builder)|Retrofit\.Builder\.new
java  client: yes
      calls: HttpClients\.\w+|HttpClientBuilder\.\w+|DefaultHttpClient\.new|ClientBuilder\.newClient
java  calls: HttpRequest\.newBuilder|Request\.Builder\.new|HttpRequest\.Builder\.new
java  calls: (?:Http|Simple)<Verb>(?:\.new)|<Verb>Method\.new
java  media: text/plain; charset=UTF-8  calls: Unirest\.(?:<VERBS>)|Jsoup\.connect|Feign\.\w+
java  form: text  media: <FORM>  calls: openConnection
java  calls: (?:HttpHeaders|RequestEntity)\.new
java  first: body  calls: HttpEntity\.new
java
      calls: RequestEntity\.(?:post|get|put|method|patch|delete)|Request\.(?:Post|Get|Put|Delete
    |Patch)
java  calls: given|RestAssured\.given
kotlin  client: yes  media: text/plain; charset=UTF-8
      calls: (?:\w+\.)?HttpClient|OkHttpClient|OkHttpClient\.Builder|HttpClient\.new\w+
kotlin  client: yes  calls: WebClient\.(?:create|builder)|RestTemplate|RestClient\.\w+|FuelManager
kotlin  calls: Request\.Builder|HttpRequest\.newBuilder|HttpRequest\.Builder
kotlin  form: text  media: <FORM>  calls: openConnection
kotlin  media: text/plain; charset=UTF-8  calls: (?:client|httpClient|http)\.(?:<VERBS>)
kotlin  calls: Unirest\.(?:<VERBS>)|Fuel\.(?:<VERBS>)|khttp\.(?:<VERBS>)
csharp  client: yes  base: resolve  calls: HttpClient\.new|CreateClient
csharp  client: yes  calls: RestClient\.new|RestClientOptions\.new|FlurlClient\.new
csharp  client: yes  calls: WebClient\.new
csharp  base: resolve  calls: HttpRequestMessage\.new
csharp  calls: RestRequest\.new
csharp  form: text  calls: (?:Http)?WebRequest\.Create(?:Http)?
go  client: yes  calls: resty\.New|req\.C|req\.NewClient|resty\.Client|sling\.New|gentleman\.New
go  calls: http\.NewRequest(?:WithContext)?|retryablehttp\.NewRequest|http\.Request
go
      calls: http\.(?:Get|Post|PostForm|Head)|(?:client|grequests)\.(?:Get|Post|Put|Delete|Patch
    |Head)
go  calls: fasthttp\.AcquireRequest|fiber\.(?:Post|Get|AcquireAgent)
ruby  client: yes  form: form  media: <FORM>  base: resolve
      calls: Faraday\.new|Faraday\.Connection\.new
ruby  client: yes  form: form  media: <FORM>
      calls: Net\.HTTP\.(?:new|start)|Excon\.new|HTTPX\.(?:with|plugin)|HTTPClient\.new
    |Typhoeus\.Hydra\.new
ruby  form: form  media: <FORM>  calls: Net\.HTTP\.<Verb>\.new
ruby  form: form  media: <FORM>  calls: Net\.HTTP\.(?:post|get|post_form|get_response|put)
ruby  form: form  calls: RestClient\.(?:Request\.execute|Request\.new|Resource\.new)
ruby  form: form
      calls: (?:HTTParty|RestClient|Faraday|Excon|HTTP|HTTPX|Typhoeus|Typhoeus\.Request)\.(?:<VERBS>
    |new)
ruby  client: yes  form: form  calls: HTTP\.(?:auth|headers|basic_auth|accept|with)
""")
# where the library is not known: how its language does it most of the time
USUAL = {"python": Library(re.compile(""), form="form"), "javascript": Library(re.compile(""))}
VERBS = by_word("""
GET: get getasync getfromjsonasync getforobject getforentity getjson httpget getstringasync
      getstring downloadstring downloadstringasync downloadstringtaskasync getasjson execute_get
POST: post postasync postasjsonasync postforobject postforentity postjson postjsonasync httppost
      postform uploadstring uploadstringasync uploadstringtaskasync postforlocation
      poststringasync postasjson uploaddata uploadvalues
PUT: put putasync putasjsonasync putjsonasync putstringasync
PATCH: patch patchasync patchasjsonasync patchforobject
DELETE: delete deleteasync del destroy
HEAD: head headasync
OPTIONS: options
""")
REQUESTS = words(
    "request fetch ajax exchange open method prepare send sendrequest newrequest "
    "newrequestwithcontext urlopen stream requestasync createrequest"
)
# name of a setter, an argument or an option, without set, add, with and marks: the part it gives
PARTS = by_word("""
url: url uri touri requesturi endpoint resource path requesturl href pathname toduri fromuri
      curlopturl urlstring link requestpath
base: baseurl baseuri prefixurl baseaddress host hostname rooturi hosturl basepath apiroot
      rootpath
port: port
protocol: protocol scheme
method: method requestmethod httpmethod customrequest curloptcustomrequest verb type open httpverb
headers: headers header requestheader requestheaders requestproperty defaultheader defaultheaders
      defaultrequestheaders curlopthttpheader httpheader httpheaders putheader set headersadd
      headermap extraheaders tryaddwithoutvalidation headerparam trywithoutvalidation
      headermultivalues field unvalidatedheader addheader withoutvalidation orreplaceheader
      sendheader requestproperties optionshttpheader
body: body data content send write payload bodystring entity bodyvalue syncbody rawbody text
      requestbody curloptpostfields postfields stringentity bodytext ofstring httpbody
      requestcontent source bodycontent params_ stringbody sendbody postdata bodybytes writebytes
      writestring print bodyraw bodyreader
json: json jsonbody asjsonbody bodyjson sendjson bodyjsonobject
form: formparams form formdata formencodedcontent multipart formurlencoded formbody bodyform
      formfields urlencodedform
params: params query qs searchparams queryparam queryparams queryparameter querystring
      queryparamsmultimap urlparams queryparameters uriparams
pathparams: pathparam pathparams urlsegment routeparam
auth: auth authbasic authentication authenticator basicauth basicauthentication credentials
      userpwd curloptuserpwd
token: token bearer authbearer bearerauth bearertoken authtoken oauth2token oauthbearertoken
      oauth2bearertoken authorizationbearer xoauth2bearer curloptxoauth2bearer oauth2accesstoken
user: username user
password: password pass
media: contenttype mediatype datatype_ mimetype curloptcontenttype contenttypeheader
accept: accept
agent: useragent curloptuseragent
post: curloptpost dooutput
options: options config http opts
""")
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
# how the name of a setter begins
_BEGINNINGS = words("set add with try put as append update withrequest default")
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
    for start in ("", *_BEGINNINGS):
        if name.startswith(start) and (part := PARTS.get(name[len(start) :])):
            return part
    return ""


def verb_of(name: str) -> str:
    """Return the method that a call of this name makes, or nothing."""
    return VERBS.get(plain(name), "")


def library_of(path: str, language: str) -> Library | None:
    """Return the library that a path of names belongs to."""
    return next((row for row in LIBRARIES.get(language, ()) if row.calls.search(path)), None)
