"""Make a request from the arguments, options and setters that code gives it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote, urljoin, urlsplit

from sinchtools.core.records import Exchange
from sinchtools.evidence.formats.code import libraries
from sinchtools.evidence.formats.code.libraries import (
    CONSTANTS,
    FORM,
    HEADERS,
    OPTIONS,
    part_of,
    plain,
)
from sinchtools.evidence.formats.code.values import (
    Body,
    Builder,
    Draft,
    Hole,
    Lambda,
    View,
    as_text,
    basic,
    form_text,
    is_too_large,
    json_text,
)
from sinchtools.evidence.pieces import HTTP_METHODS, status_of, words

_MEDIA = re.compile(r"(?:application|text|multipart|image)/[\w.+*-]+(?: ?;.*)?\Z")
_HOST = re.compile(r"(?:[\w-]+\.){1,5}[a-z]{2,}(?::\d+)?\Z", re.IGNORECASE)
_HEADER_LINE = re.compile(r"([A-Za-z][\w-]*) ?: *(.*)\Z", re.DOTALL)
_URL = re.compile(
    r"(?:https?|wss?)://|\{[\w.]*(?:url|uri|endpoint|host|base|api)[\w.]*\}|//[\w.]+/", re.I
)
_API_PATH = re.compile(r"/(?:xms/v1|batches|groups|inbounds|delivery_report)\b", re.IGNORECASE)
_TEXTS = (str, Hole, Builder)


def is_url(value: Any) -> bool:
    """Tell whether a value is a URL, as far as it is known."""
    return isinstance(value, _TEXTS) and _URL.match(str(value)) is not None


def method_in(value: Any) -> str:
    """Return the HTTP method that a value names, or nothing."""
    if isinstance(value, Hole):
        name = (
            value.name.removeprefix("Method")
            .removeprefix("METHOD_")
            .removeprefix("HTTP_METH_")
            .upper()
        )
        return name if name in HTTP_METHODS else ""
    is_method = isinstance(value, str) and value.upper() in HTTP_METHODS
    return str(value).upper() if is_method else ""


def add(draft: Draft, values: Iterable[Any], first: str = "url") -> None:
    """Give a draft arguments that have no name; each is known by what it is."""
    for value in values:
        if isinstance(value, Draft | View):
            draft.take(value.draft)
        elif isinstance(value, Body):
            _put_body(draft, value)
        elif isinstance(value, _TEXTS):
            first = _add_text(draft, value, first)
        elif isinstance(value, dict):
            _add_table(draft, value)
        elif isinstance(value, list):
            _add_list(draft, value)


def _add_text(draft: Draft, value: Any, first: str) -> str:
    text = str(value)
    header = _HEADER_LINE.match(text) if isinstance(value, str) else None
    if (method := method_in(value)) and draft.method in (None, method):
        draft.method = method
    elif isinstance(value, Hole) and value.name in _NO_PART:
        pass
    elif is_url(value) and draft.url is None:
        put(draft, first if first in ("url", "base") else "url", value)
    elif _MEDIA.match(text):
        draft.media = text
    elif header and header[1].lower() in HEADERS:
        draft.headers[header[1]] = header[2]
    elif (first in ("url", "base") and draft.url is None and draft.base is None) or (
        first == "url" and draft.url is None and draft.body is None
    ):
        put(draft, first, value)
    elif draft.body is None:
        _put_body(draft, value)
    else:
        return first
    return first if draft.url is None and draft.base is None else "url"


_NO_PART = words(
    "UTF8 UTF_8 null nil class Json RequestBody callback ctx context Background TODO cb done"
)


def is_target(value: Any) -> bool:
    """Tell whether a value says where a request goes, or how: a URL, a path, a method."""
    return bool(method_in(value)) or is_url(value) or (isinstance(value, str) and "/" in value)


def is_options(table: Mapping[Any, Any]) -> bool:
    """Tell whether a table holds options of a request rather than what is sent."""
    return not OPTIONS.isdisjoint(map(str, table)) and not {"to", "from"} <= set(table)


def is_headers(table: Mapping[Any, Any]) -> bool:
    """Tell whether a table holds headers."""
    return any(str(key).lower() in HEADERS for key in table)


def _add_table(draft: Draft, table: dict[Any, Any]) -> None:
    if is_options(table):
        options(draft, table)
    elif is_headers(table):
        headers(draft, [table])
    elif draft.method in ("GET", "HEAD") and draft.body is None:
        draft.params.update(table)
    elif draft.body is None and table:
        _put_body(draft, table)
    elif table and "body" in table and len(table) == 1:
        _put_body(draft, table["body"])


def _add_list(draft: Draft, values: list[Any]) -> None:
    if values and all(isinstance(one, str) and _HEADER_LINE.match(one) for one in values):
        headers(draft, [values])
    elif draft.body is None and values:
        _put_body(draft, values)


def options(draft: Draft, table: Mapping[Any, Any]) -> None:
    """Give a draft options by their names."""
    for name, value in table.items():
        if isinstance(value, Lambda) or (value is None and part_of(str(name)) != "body"):
            continue
        if str(name).lower() in HEADERS and not part_of(str(name)):
            draft.headers[str(name)] = value
        else:
            setter(draft, str(name), [value])


def setter(draft: Draft, name: str, values: list[Any]) -> bool:
    """Give a draft the part that a setter of this name sets; tell whether there is one."""
    part = part_of(name)
    if not part or not values:
        return False
    if part == "options":
        for value in values:
            if isinstance(value, Mapping):
                options(draft, value)
    elif part in ("headers", "params", "pathparams", "auth", "form", "body", "json"):
        _MANY[part](draft, values)
    elif part == "method" or (
        part == "url" and (isinstance(values[0], dict | Draft) or method_in(values[0]))
    ):
        add(draft, values)
    else:
        put(draft, part, values[0])
    return True


def set_part(draft: Draft, name: str, values: list[Any]) -> bool:
    """Set what a setter or property of this name sets; that of a request may be a header."""
    known = _HEADER_SETTERS.get(plain(name))
    if known and values and not draft.is_client:
        draft.headers[known] = values[-1]
        return True
    return setter(draft, name, values)


_HEADER_SETTERS = {
    plain(name): name for name in ("Authorization", "Content-Type", "Accept", "User-Agent")
}


def put(draft: Draft, part: str, value: Any) -> None:
    """Set one part of a draft."""
    if isinstance(value, Lambda | Draft | View):
        return
    if part == "url" and draft.is_client and draft.base is None:
        draft.base = value
    elif part in ("url", "base"):
        setattr(draft, part, value)
    elif part == "token":
        draft.headers["Authorization"] = f"Bearer {as_text(value)}"
    elif part in ("user", "password"):
        user, password = draft.credentials or ("", "")
        draft.credentials = (value, password) if part == "user" else (user, value)
    elif part in ("accept", "agent"):
        draft.headers["Accept" if part == "accept" else "User-Agent"] = value
    elif part == "post":
        draft.method = draft.method or ("POST" if value else None)
    elif part == "media":
        draft.media = as_text(value)
    else:
        draft.parts[part] = value


def headers(draft: Draft, values: list[Any]) -> None:
    """Add headers: tables, lists of lines, a name with its value, or another's headers."""
    if len(values) > 2 and len(values) % 2 == 0 and all(isinstance(one, _TEXTS) for one in values):
        values = [list(values)]
    if len(values) >= 2 and isinstance(values[0], _TEXTS) and not isinstance(values[1], bool):
        value = values[1]
        draft.headers[header_name(as_text(values[0]))] = value
        return
    for value in values:
        if isinstance(value, Mapping):
            draft.headers.update({header_name(str(key)): one for key, one in value.items()})
        elif isinstance(value, Draft | View):
            draft.take(value.draft)
        elif isinstance(value, list):
            _header_list(draft, value)
        elif isinstance(value, tuple):
            draft.headers[as_text(value[0])] = value[1]
        elif isinstance(value, _TEXTS):
            for line in str(value).splitlines():
                if match := _HEADER_LINE.match(line.strip()):
                    draft.headers[match[1]] = match[2]


def _header_list(draft: Draft, values: list[Any]) -> None:
    are_names = all(isinstance(one, str) and ":" not in one for one in values[::2])
    if len(values) >= 2 and len(values) % 2 == 0 and are_names:
        draft.headers.update(zip(values[::2], values[1::2], strict=True))
        return
    for one in values:
        if isinstance(one, Mapping) and {"name", "value"} <= set(one):
            draft.headers[as_text(one["name"])] = one["value"]
        elif isinstance(one, list | tuple) and len(one) == 2:
            draft.headers[as_text(one[0])] = one[1]
        else:
            headers(draft, [one])


def header_name(name: str) -> str:
    """Return the name of a header as it goes out, from how code calls it."""
    return CONSTANTS.get(name.lower(), name)


def _params(draft: Draft, values: list[Any]) -> None:
    if len(values) >= 2 and isinstance(values[0], str):
        draft.params[values[0]] = values[1]
    elif isinstance(values[0], Mapping):
        draft.params.update(values[0])
    elif isinstance(values[0], list):
        draft.params.update(
            {
                as_text(one[0]): one[1]
                for one in values[0]
                if isinstance(one, tuple | list) and len(one) == 2
            }
        )
    elif isinstance(values[0], str):
        draft.params.update(dict(pair.partition("=")[::2] for pair in values[0].split("&")))


def _path_params(draft: Draft, values: list[Any]) -> None:
    table = dict([values[:2]]) if len(values) == 2 else values[0]
    if isinstance(table, Mapping):
        draft.parts["path"] = {**draft.parts.get("path", {}), **table}


def _auth(draft: Draft, values: list[Any]) -> None:
    value = values[0]
    if isinstance(value, Mapping):
        options(draft, value)
    elif isinstance(value, list | tuple) and len(value) >= 2:
        draft.credentials = (value[0], value[1])
    elif len(values) == 2 and not isinstance(values[1], dict):
        draft.credentials = (values[0], values[1])
    elif isinstance(value, str) and ":" in value and " " not in value:
        draft.credentials = tuple(value.split(":", 1))  # type: ignore[assignment]
    elif isinstance(value, _TEXTS) and str(value) not in ("include", "omit", "same-origin"):
        draft.headers["Authorization"] = value
    elif isinstance(value, Draft):
        draft.take(value)


def _form(draft: Draft, values: list[Any]) -> None:
    if isinstance(values[0], Mapping | list):
        draft.body, draft.form = values[0], "form"
    else:
        _put_body(draft, values[0])


def _body(draft: Draft, values: list[Any]) -> None:
    if len(values) >= 2 and isinstance(values[0], str) and _MEDIA.match(values[0]):
        draft.media, values = values[0], values[1:]
    elif len(values) >= 2 and isinstance(values[1], str) and _MEDIA.match(values[1]):
        draft.media = values[1]
    elif (
        len(values) >= 2
        and isinstance(values[0], str)
        and isinstance(draft.body, dict | None)
        and (isinstance(values[1], str | list | Hole) and re.fullmatch(r"\w+", values[0]))
    ):
        draft.body = {**(draft.body or {}), values[0]: values[1]}
        return
    _put_body(draft, values[0])


def _json(draft: Draft, values: list[Any]) -> None:
    if values[0] is True or values[0] is False:
        draft.form = "json" if values[0] else draft.form
        return
    draft.body, draft.form = values[0], "json"
    draft.media = draft.media or "application/json"


def _put_body(draft: Draft, value: Any) -> None:
    if isinstance(value, Lambda | bool):
        return
    if isinstance(value, Draft | View):
        draft.take(value.draft)
        return
    if isinstance(value, Body):
        draft.media = value.media if value.media is not None else draft.media
        draft.form = "typed" if value.media is not None else draft.form
        value = value.text
    if isinstance(value, _TEXTS) and isinstance(draft.body, _TEXTS) and draft.parts.get("written"):
        value = as_text(draft.body) + as_text(value)
    draft.body = value


_MANY = {
    "headers": headers,
    "params": _params,
    "pathparams": _path_params,
    "auth": _auth,
    "form": _form,
    "body": _body,
    "json": _json,
}


def exchange_of(draft: Draft, language: str) -> Exchange | None:
    """Return the request that a draft is, or None when it shows too little of one."""
    if is_too_large([draft.body, draft.params, draft.headers, draft.url, draft.base]):
        return None
    url = _url(draft)
    if url is None:
        return None
    body, implied = _sent(draft, language)
    sent = {name: _header(value, language) for name, value in draft.headers.items()}
    if draft.media and not _has(sent, "Content-Type"):
        sent["Content-Type"] = as_text(draft.media)
    if implied and not _has(sent, "Content-Type"):
        sent["Content-Type"] = implied
    if draft.credentials and not _has(sent, "Authorization"):
        sent["Authorization"] = basic(*draft.credentials)
    usual = draft.library.method if draft.library else ""
    method = draft.method or usual or ("POST" if body is not None else "GET")
    if method in ("GET", "HEAD") and not (isinstance(draft.body, str | dict | list)):
        body = None
    return Exchange(method=method, url=url, request_headers=sent, request_body=body)


def _has(headers: Mapping[str, str], name: str) -> bool:
    return any(key.lower() == name.lower() for key in headers)


def _header(value: Any, language: str) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(as_text(one, language) for one in value)
    return as_text(value, language)


def _sent(draft: Draft, language: str) -> tuple[str | None, str]:
    """Return the text of the body, and the Content-Type that comes with it by itself."""
    body, library = draft.body, draft.library or libraries.USUAL.get(language)
    form = draft.form or (library.form if library else "json")
    if body is None:
        return None, ""
    if isinstance(body, _TEXTS):
        media = library.media if library and draft.form != "typed" else ""
        return as_text(body), media if draft.form != "json" else "application/json"
    if form == "form" and isinstance(body, Mapping):
        return form_text(body), FORM
    if form == "text" and isinstance(body, Mapping | list):
        return as_text(body, language), library.media if library else ""
    return json_text(body), "application/json"


def _url(draft: Draft) -> str | None:
    url = as_text(draft.url) if isinstance(draft.url, _TEXTS) else None
    base = _base(draft)
    if url is None and base is None:
        return None
    whole = _joined(base, url, draft.library.base if draft.library else "append")
    if whole is None:
        return None
    for name, value in draft.parts.get("path", {}).items():
        for mark in ("{%s}", ":%s", "{{%s}}", "${%s}"):
            whole = whole.replace(mark % name, as_text(value))
    return _with_query(whole, draft.params)


def _base(draft: Draft) -> str | None:
    if not isinstance(draft.base, _TEXTS):
        return None
    base = as_text(draft.base)
    if "://" not in base and (_HOST.match(base) or base.startswith("{")):
        port = status_of(draft.parts.get("port")) if "port" in draft.parts else None
        tail = f":{port}" if port and port not in (80, 443) and ":" not in base else ""
        scheme = as_text(draft.parts.get("protocol", "https")).strip(":/") or "https"
        scheme = scheme if scheme in ("http", "https") else "https"
        is_whole = base.startswith("{") and "host" not in base.lower()
        return base if is_whole else f"{scheme}://{base}{tail}"
    return base


def _joined(base: str | None, url: str | None, how: str) -> str | None:
    if url is None or not url:
        return base if base and "://" in base else None
    if "://" in url.partition("?")[0] or url.startswith("//"):
        return url if "://" in url else f"https:{url}"
    if base is None:
        if url.startswith("{"):
            return url
        if _HOST.match(url.partition("/")[0]):
            return f"https://{url}"
        return "{base_url}/" + url.lstrip("/") if _API_PATH.search(url) else None
    if how == "resolve" and "{" not in base:
        return urljoin(base if urlsplit(base).path else base + "/", url)
    return f"{base.rstrip('/')}/{url.lstrip('/')}" if not url.startswith("?") else base + url


def _with_query(url: str, params: Mapping[str, Any]) -> str:
    pairs = [
        f"{quote(as_text(name), safe='{}')}={quote(as_text(one), safe=',:{}+')}"
        for name, value in params.items()
        for one in (value if isinstance(value, list) else [value])
        if one is not None
    ]
    return f"{url}{'&' if '?' in url else '?'}{'&'.join(pairs)}" if pairs else url


def is_plausible(draft: Draft, exchange: Exchange) -> bool:
    """Tell whether a draft is a call, not just something with a name like one."""
    url = exchange.url or ""
    if url.startswith("{value}"):
        return False
    if draft.is_client or draft.is_used:
        return False
    if "://" in url.partition("?")[0]:
        return True
    known = bool(exchange.request_headers) or exchange.request_body is not None
    return bool(draft.library or _API_PATH.search(url)) and known


def unknown_in(exchange: Exchange) -> set[str]:
    """Return the names in braces in a request."""
    texts = (
        exchange.url or "",
        *exchange.request_headers.values(),
        str(exchange.request_body or ""),
    )
    return {name for text in texts for name in re.findall(r"\{([A-Za-z_][\w.]{0,60})\}", text)}
