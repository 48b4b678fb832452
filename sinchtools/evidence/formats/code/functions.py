"""Functions of the languages that change a text or make a value, by their names."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from sinchtools.evidence.formats.code.libraries import FORM
from sinchtools.evidence.formats.code.values import (
    MOST_CHARACTERS,
    Body,
    Builder,
    Hole,
    as_text,
    basic,
    encoded,
    form_text,
    formatted,
    is_too_large,
    json_text,
)
from sinchtools.evidence.pieces import words

MOST_ITEMS = 10_000
NOTHING = object()  # a function that is not known
Arguments = list[Any]
Named = dict[str, Any]


def call(name: str, path: str, receiver: Any, values: Arguments, named: Named) -> Any:
    """Return what a known function gives, or NOTHING."""
    for key in (path.lower().replace("_", ""), name):
        if function := _BY_NAME.get(key):
            return function(receiver, values, named)
    return NOTHING


def _first(receiver: Any, values: Arguments, named: Named) -> Any:
    for value in values:
        if isinstance(value, str | Body | Builder | Hole | dict | list):
            return value
    return next(iter(named.values()), receiver if receiver is not None else NOTHING)


def _json(receiver: Any, values: Arguments, named: Named) -> Any:
    return json_text(values[0] if values else named or receiver)


def _receiver_json(receiver: Any, values: Arguments, named: Named) -> Any:
    return json_text(receiver) if isinstance(receiver, dict | list) else NOTHING


def _encode(receiver: Any, values: Arguments, named: Named) -> Any:
    if isinstance(receiver, str | Builder):
        return receiver
    if values and isinstance(values[0], dict | list):
        return json_text(values[0])
    return _first(None, values, named)


def _parsed(receiver: Any, values: Arguments, named: Named) -> Any:
    try:
        return json.loads(as_text(values[0])) if values else NOTHING
    except (ValueError, RecursionError):
        return values[0]


def _base64(receiver: Any, values: Arguments, named: Named) -> Any:
    value = values[0] if values else receiver
    return encoded(as_text(value))


def _to_string(receiver: Any, values: Arguments, named: Named) -> Any:
    if values and values[0] == "base64":
        return encoded(as_text(receiver))
    if isinstance(receiver, dict | list):
        return json_text(receiver)
    return receiver if receiver is not None else _first(None, values, named)


def _format(receiver: Any, values: Arguments, named: Named) -> Any:
    if isinstance(receiver, str):
        return formatted(receiver, values, named)
    values = values[1:] if values and not isinstance(values[0], str) else values
    if len(values) > 1 and isinstance(values[1], list):
        values = [values[0], *values[1]]
    if values and isinstance(values[0], str):
        return formatted(values[0], values[1:], named)
    return NOTHING


def _replace(receiver: Any, values: Arguments, named: Named) -> Any:
    if isinstance(receiver, str) and len(values) >= 2:
        return _replaced(receiver, values[0], values[1])
    if len(values) >= 3 and isinstance(values[2], str):
        return _replaced(values[2], values[0], values[1])
    return receiver if isinstance(receiver, str) else NOTHING


def _replaced(text: str, old: Any, new: Any) -> str:
    new = as_text(new)
    if not isinstance(old, str) or not old or text.count(old) * len(new) > MOST_CHARACTERS:
        return text
    return text.replace(old, new)


def _join(receiver: Any, values: Arguments, named: Named) -> Any:
    texts = [*values, receiver]
    listed = next((one for one in texts if isinstance(one, list)), None)
    glue = next((one for one in texts if isinstance(one, str)), ",")
    if listed is None or is_too_large([listed, glue * min(len(listed), 1000)]):
        return NOTHING
    return glue.join(map(as_text, listed))


def _table(receiver: Any, values: Arguments, named: Named) -> Any:
    if values and all(isinstance(one, tuple) and len(one) == 2 for one in values):
        return {as_text(key): value for key, value in values} | named
    if values and isinstance(values[0], Mapping):
        tables = (value for value in values if isinstance(value, Mapping))
        return {key: one for table in tables for key, one in table.items()} | named
    if values and isinstance(values[0], str) and len(values) == 1:
        return _parsed(None, values, named)
    if len(values) % 2 == 0 and values:
        return {as_text(key): value for key, value in zip(values[::2], values[1::2], strict=True)}
    return dict(named)


def _list(receiver: Any, values: Arguments, named: Named) -> Any:
    return values[0] if len(values) == 1 and isinstance(values[0], list) else list(values)


def _appended(receiver: Any, values: Arguments, named: Named) -> Any:
    """Return a list of C with one more."""
    before = values[0] if values and isinstance(values[0], list) else []
    return [*before, *values[1:]]


def _pair(receiver: Any, values: Arguments, named: Named) -> Any:
    return (values[0], values[1]) if len(values) == 2 else NOTHING


def _basic(receiver: Any, values: Arguments, named: Named) -> Any:
    values = [*values, *named.values()]
    return basic(values[0], values[1]) if len(values) >= 2 else NOTHING


def _typed(receiver: Any, values: Arguments, named: Named) -> Any:
    """Return a body with its media type, whichever stands first."""
    values = [*values, *named.values()]
    if isinstance(receiver, str | dict | Builder):
        values.insert(0, receiver)
    media = next((one for one in values if _is_media(one)), None)
    for value in values:
        if isinstance(value, str | Builder | dict | list | Body) and not _is_media(value):
            return Body(value.text if isinstance(value, Body) else value, media)
    for value in values:
        if isinstance(value, Hole) and value.name not in ("UTF8", "UTF_8", "JSON"):
            return Body(value, media)
    return NOTHING


def _string_content(receiver: Any, values: Arguments, named: Named) -> Any:
    body = _typed(receiver, values, named)
    usual = "text/plain; charset=utf-8"
    return Body(body.text, body.media or usual) if isinstance(body, Body) else body


def _json_content(receiver: Any, values: Arguments, named: Named) -> Any:
    return Body(json_text(values[0]), "application/json; charset=utf-8") if values else NOTHING


def _form_content(receiver: Any, values: Arguments, named: Named) -> Any:
    value = values[0] if values else None
    if isinstance(value, list):
        value = {one[0]: one[1] for one in value if isinstance(one, tuple | list) and len(one) == 2}
    return Body(form_text(value), FORM) if isinstance(value, dict) else NOTHING


def _form_text(receiver: Any, values: Arguments, named: Named) -> Any:
    if values and isinstance(values[0], dict):
        return form_text(values[0])
    return _first(None, values, named)


def _is_media(value: Any) -> bool:
    is_media = isinstance(value, str) and value.startswith(("application/", "text/", "multipart/"))
    return is_media and " " not in value.split(";")[0]


def _bearer(receiver: Any, values: Arguments, named: Named) -> Any:
    if len(values) >= 2:
        return f"{as_text(values[0])} {as_text(values[1])}"
    return as_text(values[0]) if values else NOTHING


def _bearer_token(receiver: Any, values: Arguments, named: Named) -> Any:
    return f"Bearer {as_text(values[0])}" if values else NOTHING


def _builder(receiver: Any, values: Arguments, named: Named) -> Any:
    return Builder("".join(as_text(one) for one in values if isinstance(one, str)))


def _environment(receiver: Any, values: Arguments, named: Named) -> Any:
    """Return what a variable of the environment is worth where it is not set."""
    usual = values[1] if len(values) > 1 else named.get("default")
    return usual if isinstance(usual, str) and usual else NOTHING


def _empty(receiver: Any, values: Arguments, named: Named) -> Any:
    return {}


def _ignored(receiver: Any, values: Arguments, named: Named) -> Any:
    return None


def _call_table(
    pairs: dict[Callable[[Any, Arguments, Named], Any], str],
) -> dict[str, Callable[[Any, Arguments, Named], Any]]:
    return {name: function for function, names in pairs.items() for name in words(names)}


# plain names; a path with a point in it is compared with the whole path
_BY_NAME = _call_table(
    {
        _json: (
            "dumps stringify jsonencode wpjsonencode serializeobject marshal marshalindent "
            "writevalueasstring writevalueasbytes json.generate json.stringify tojsonstring "
            "jsonencoder json.encode encodetojson jsonserializer.serialize json.serialize "
            "encodetostring json.encodetostring tojsontext jsonserializer.serializetoutf8bytes "
            "serializetoutf8bytes gson.tojson gson().tojson newgson().tojson "
            "mapper.writevalueasstring oj.dump json.dump serializer.serialize jsoniter.marshal"
        ),
        _receiver_json: "tojson toprettystring tojsontext",
        _encode: "encode json.encode",
        _parsed: (
            "json.parse loads jsondecode json.loads jobject.parse jsondocument.parse readtree "
            "jsonparser.parsestring"
        ),
        _base64: (
            "b64encode btoa base64encode strictencode64 urlsafeb64encode tobase64string "
            "encodebase64 base64.encode base64.encodetostring getencoder().encodetostring "
            "base64.getencoder().encodetostring stdencoding.encodetostring "
            "base64.stdencoding.encodetostring encodebase64string encode64 standardb64encode "
            "base64.getencoder().encode"
        ),
        _to_string: (
            "tostring string.valueof str tostr sprint string.new string trim strip rstrip "
            "lstrip trimindent trimmargin stripindent getbytes bytes decode utf8 tourl touri "
            "tohttpurl toasciistring strval chomp freeze dedent squish tostringasync readall "
            "toarray tolist valueof asstring serialize tobytes tobytearray getvalue text "
            "unwrap dup lines encodeutf8 tohttpurlornull bytesvalue"
        ),
        _format: (
            "format formatted sprintf string.format fmt.sprintf vsprintf printf "
            "messageformat.format format.format"
        ),
        _replace: "replace replaceall strreplace gsub sub",
        _join: "join implode",
        _table: (
            "dict map.of mapof mutablemapof hashmapof linkedmapof immutablemap.of "
            "map.ofentries array_merge arraymerge object.assign assign hashmap.new "
            "linkedhashmap.new treemap.new map.new jsonobject.new jobject.new "
            "multivaluemap.new linkedmultivaluemap.new jsonobject buildjsonobject objectnode "
            "createobjectnode jsonobject.frommap mapper.createobjectnode concurrenthashmap.new "
            "h gin.h map ordereddict url.values linkedhashmap hashmap collections.singletonmap "
            "singletonmap multidict"
        ),
        _list: (
            "list.of listof aslist arrays.aslist mutablelistof arrayof array.of array.from "
            "arraylist.new jsonarray.new list jarray.new linkedlist.new jsonarray "
            "createarraynode buildjsonarray collections.singletonlist singletonlist set.of "
            "collections.singleton singleton"
        ),
        _appended: "curlslistappend",
        _pair: "pair map.entry entry keyvaluepair.new pair.new basicnamevaluepair.new",
        _basic: (
            "httpbasicauth basicauth credentials.basic basicauth.new httpbasic "
            "basicauthenticationheadervalue.new httpbasicauthenticator.new "
            "httpbasicauthenticator"
        ),
        _typed: (
            "requestbody.create torequestbody ofstring ofbytearray bodypublishers.ofstring "
            "stringentity.new newbuffer newbufferstring newreader bytearraycontent.new "
            "frombody fromvalue just mono.just bodyinserters.fromvalue textcontent "
            "stringrequestentity.new bytearrayentity.new newstringreader textcontent.new "
            "bytesio stringio.new requestbody stringreader.new uint8array.from blob.new "
            "streamfor utils.streamfor streamcontent.new createstream psr7.utils.streamfor "
            "entity.json entity.entity"
        ),
        _string_content: "stringcontent.new",
        _json_content: "jsoncontent.create",
        _form_content: "formurlencodedcontent.new",
        _form_text: "urlencode httpbuildquery urlsearchparams.new encodewwwform encodeform",
        _bearer: "authenticationheadervalue.new",
        _bearer_token: (
            "bearerauthenticator.new jwtauthenticator.new "
            "oauth2authorizationrequestheaderauthenticator.new"
        ),
        _builder: "stringbuilder.new stringbuffer.new stringbuilder",
        _first: (
            "uri uri.new url.new url uri.create uri.parse urlparse parse mediatype.parse "
            "mediatype.valueof buffer.from jsonvalue tomediatype httpurl.parse httpurl.get "
            "tomediatypeornull parsemediatype mediatypeheadervalue.new "
            "mediatypeheadervalue.parse contenttype.create contenttype.parse uri.join "
            "rawmessage yarl.url encodeuri rawurlencode encodeuricomponent quote quoteplus "
            "uri.escape urlencoder.encode utf8encode tolowercase touppercase lower upper "
            "nsstring jsonelement jsonprimitive.new jsonprimitive tomap fromentries freeze "
            "deepcopy copy structuredclone object.freeze bytearrayinputstream.new"
        ),
        _environment: (
            "getenv os.getenv os.environ.get environ.get env env.get env.fetch config "
            "system.getenv().getordefault system.getproperty getenvordefault getenvor"
        ),
        _empty: "array.new object.new newobject",
        _ignored: (
            "print println console.log printf_ echo puts var_dump fmt.println fmt.printf "
            "console.writeline"
        ),
    }
)


_SETTERS = words(
    "put add set append addproperty store putsingle setproperty accumulate putpojo tryadd"
)
_OPENS = words("openconnection openstream")
_MERGES = words("update merge putall setall")
_ADDERS = words("add append push put addall extend")


def method(name: str, receiver: Any, values: Arguments) -> Any:
    """Return what a method of a table, list or text gives, or NOTHING; tables and lists grow."""
    if isinstance(receiver, Builder) and name in ("append", "appendline", "insert"):
        if len(receiver.text) > MOST_CHARACTERS or is_too_large(values):
            return receiver
        receiver.text += "".join(map(as_text, values))
        if name == "appendline":
            receiver.text += "\n"
        return receiver
    if isinstance(receiver, dict):
        return _of_table(name, receiver, values)
    if isinstance(receiver, list) and values and name in _ADDERS:
        many = name in ("addall", "extend") and isinstance(values[0], list)
        if len(receiver) <= MOST_ITEMS:
            receiver.extend(values[0] if many else values[:1])
        return receiver
    if isinstance(receiver, str) and name in ("concat", "plus", "append") and values:
        return receiver + "".join(map(as_text, values))
    if isinstance(receiver, str) and not values and name not in _OPENS:
        return receiver
    return NOTHING


def _of_table(name: str, table: dict[Any, Any], values: Arguments) -> Any:
    if len(values) >= 2 and name in _SETTERS:
        table[as_text(values[0])] = values[1]
    elif name in _MERGES and values and isinstance(values[0], Mapping):
        table.update(values[0])
    elif name in ("putarray", "putobject", "withArray") and values:
        inner: Any = [] if name == "putarray" else {}
        table[as_text(values[0])] = inner
        return inner
    elif name in ("get", "fetch", "getordefault") and values:
        key = as_text(values[0])
        return table.get(key, values[1] if len(values) > 1 else Hole(key))
    elif name in ("keys", "values", "items", "entries") or name in _BY_NAME:
        return NOTHING
    return table
