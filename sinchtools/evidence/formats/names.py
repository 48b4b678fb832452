"""
The names under which programs, servers and people keep what an exchange is made of.

All are squashed names: in lower case, without what separates their words.
"""

from __future__ import annotations

from sinchtools.evidence.row_tables import groups_of
from sinchtools.evidence.times import words

# where loggers put what we look for: the most telling first, as squashed names
FIELDS = groups_of("""
method: method requestmethod reqmethod httprequestmethod httpmethod clientrequestmethod verb
      csmethod requestverb requestcontexthttpmethod elbrequestmethod requesttype metod methode
      requesthttpmethod operation requestmethodname
url: url requesturl requri requesturi urlfull urloriginal httpurl httprequesturl httprequesturi
      uri requrl requestendpoint fullurl httpuri clientrequesturi configurl data path requestpath
      reqpath urlpath httptarget httppath clientrequestpath csuristem endpoint endpointurl target
      rawpath requestcontextpath requestcontexthttppath apiurl link address href adresse
      originalpath xenvoyoriginalpath route httproute requesthref requestoriginalurl originalurl
      reqoriginalurl httprequestfulluri apiendpoint requestfullpath fullpath targeturl uristem
      requesteduri requestedurl requestedpath responseurl absoluteurl
query: query querystring requestquerystring requestquery csuriquery urlquery clientrequestquery
      args httpquery uriquery
host: requesthost reqhost host clientrequesthost httphost urldomain domainname xhostheader
      requestheadershost reqheadershost requestheadershost originalhost servername vhost authority
      requestaddr serveraddress cshost netpeername peerhost reqaddress requestaddress
      clientreqaddress address upstreamhost requestcontextdomainname hostname
scheme: scheme urlscheme requestscheme clientrequestscheme httpscheme protocolscheme csprotocol
      reqscheme
status: status statuscode responsestatus responsestatuscode resstatus resstatuscode
      httpresponsestatuscode httpstatuscode httpstatus httprequeststatus edgeresponsestatus
      scstatus responsecode downstreamstatus respstatus respstatuscode elbstatuscode originstatus
      resultcode requestcontextstatus http httpresponsestatus httpcode responsehttpstatus
      errorstatus errresponsestatus errstatus errstatuscode responsestatusvalue statusnumber
      antwort responsedefinitionstatus errorresponsestatus errorstatuscode httpresponsecode
      finalstatus result
at: at time ts timestamp datetime date startedat starttime starteddatetime edgestarttimestamp
      timeiso8601 timelocal timestamputc startutc startlocal t created createdat eventtime
      requesttimeiso loggedat logged requesttimestamp sentat senttime timegenerated started
      requestcontextrequesttime requesttime asctime dt when timeutc zeit zeitpunkt timestamplocal
      eventtimestamp receivedat creationtime requestedat calledat datumzeit requesttimeutc
      requesttimeepoch datum instant isodate clienttime tijd fecha horodatage tsns startedutc
      received messagetime createdon loggeddate
request_headers: requestheaders reqheaders httprequestheaders headers configheaders requestheader
      customheaders
response_headers: responseheaders resheaders respheaders httpresponseheaders responseheader
request_body: requestbody reqbody httprequestbodycontent httprequestbody requestdata
      requestpayload requestjson reqjson reqdata requestcontent configdata requestbodycontent
      requesttext reqpayload requestparams requestbodytext sentbody requestmessage payloadsent
      requestbodydata
response_body: responsebody resbody httpresponsebodycontent httpresponsebody respbody responsedata
      resdata responsetext responsepayload responsejson responsecontent resppayload
      responsebodycontent errorresponsedata errresponsedata errorbody replybody errresponsebody
      errorresponsebody answerbody responseraw responsedefinitionbody responsebodydata
body: body data payload content bodycontent json httpfiledata
request: request req requestline httprequestline requestraw name operationname
response: response res resp answer reply
code: code errorcode apicode apierror errcode responsecode errorname sincherror error
      sincherrorcode apierrorcode responsebodycode
text: text errortext errormessage apitext errordescription errormsg errtext errmessage
      apierrortext apimessage error err
failure: errtype errortype errcode errorcode errname errorname exceptiontype failure errorclass
      networkerror exceptionclass exceptionname
id: requestid reqid xrequestid correlationid traceid transactionid callid rid requestidentifier
      correlation uuid exchangeid id operationid spanid tcpstream
""")
FIELD_OF: dict[str, list[tuple[int, str]]] = {}
for _field, _listed in FIELDS.items():
    for _rank, _name in enumerate(_listed):
        FIELD_OF.setdefault(_name, []).append((_rank, _field))
# what only holds the rest: its name says nothing
WRAPPERS = set(
    words(
        "meta context extra data fields payload log event properties attributes jsonpayload json "
        "details detail info params props record msg message http call exchange entry result "
        "source body object labels customdimensions httpcontext httprequest tags span "
        "requestcontext outgoing upstream axios error err sms api sinch kv ctx mdc structured "
        "value attrs dimensions "
        "content proxy client config metadata line"
    )
)
# too general to be found below a name that is no wrapper
GENERAL = set(
    words(
        "path host time status duration code result http data address id target endpoint error "
        "text content body at t ts date created link route operation total service json query "
        "args started when message headers type url uri method latency elapsed"
    )
)
NOT_SHORTENED = GENERAL - set(words("status url method headers body request response"))
NESTED = set(
    words(
        "request req response res resp meta context data payload message msg log extra details "
        "params event httprequest record properties customdimensions headers exchange call "
        "jsonpayload body error err attributes labels"
    )
)  # whose text may be JSON that belongs to the record
