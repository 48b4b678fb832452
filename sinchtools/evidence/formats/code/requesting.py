"""Calls that make a request or a client, or say more about one."""

from __future__ import annotations

import re
from typing import Any

from sinchtools.evidence.formats.code import drafts, functions, libraries, sdk
from sinchtools.evidence.formats.code.assignments import Assignments
from sinchtools.evidence.formats.code.calls import Call
from sinchtools.evidence.formats.code.libraries import REQUESTS, plain
from sinchtools.evidence.formats.code.syntax import Node, text_of
from sinchtools.evidence.formats.code.values import Body, Builder, Draft, Hole, View, as_text
from sinchtools.evidence.pieces import words

_BEGINNINGS = ("r", "newrequest", "start")
_HOSTS = ("httpsconnection", "httpconnection", "httpsconnectionpool")
_READS = ("decode", "split", "splitlines", "strip", "find", "index", "startswith", "match")
_OF_DRAFTS = words("parse new uri url list string trim text format encode table basicauth")


class Requesting(Assignments):
    """How calls become drafts of requests."""

    def _sdk(self, call: Call) -> Any:
        """Return what a call of the vendor's SDK gives, or NOTHING."""
        node, receiver, values, named = call.node, call.receiver, call.values, call.named
        if isinstance(receiver, sdk.Message):
            sdk.set_message(receiver, call.name, values, named)
            return receiver
        if sdk.is_message(call.path):
            message = sdk.Message()
            sdk.set_message(message, "new", values, named)
            return message
        if sdk.is_client(call.path) or call.path.endswith("Configuration.builder"):
            client = self._draft(node, sdk.CLIENT)
            sdk.configure(client, values, named)
            return client
        if operation := sdk.operation_of(call.path, call.name):
            draft = self._draft(node, None)
            draft.method = operation[0]
            sdk.request(draft, receiver, call.name, operation[1], values, named)
            return draft
        if isinstance(receiver, Draft) and receiver.library is sdk.CLIENT:
            self._touch(receiver, node)
            if len(values) == 1 and call.name != "build":
                receiver.parts[libraries.bare(call.name)] = values[0]
            elif len(values) == 2:
                sdk.configure(receiver, values, named)
            return receiver
        return functions.NOTHING

    def _curl(self, call: Call) -> Draft | None:
        """Give the handle of PHP's curl functions its options."""
        values = call.values
        handle = values[0] if values else None
        if isinstance(handle, Hole) and "setopt" in call.name:
            name_of_handle = handle.name
            handle = self._draft(call.node, libraries.library_of("curl_init", "php"))
            self.names[name_of_handle] = handle
        if not isinstance(handle, Draft):
            return None
        self._touch(handle, call.node)
        given = values[1] if len(values) == 2 and isinstance(values[1], dict) else {}
        pairs = given or ({as_text(values[1]): values[2]} if len(values) == 3 else {})
        for option, value in pairs.items():
            drafts.set_part(handle, as_text(option).strip("{}"), [value])
        return handle

    def _maybe_request(self, call: Call) -> Any:
        """Return the request that a call on nothing known makes, or what else it gives."""
        row, receiver = libraries.library_of(call.path, self.language), call.receiver
        says = call.verb or libraries.part_of(call.name)
        if isinstance(receiver, str) and "://" in receiver and says:
            draft = self._draft(call.node, row)
            draft.url = receiver
            self._setter(call, draft)
            return draft
        if row or self._is_request(call.name, call.verb, call.given):
            draft = self._draft(call.node, row)
            if isinstance(receiver, str):
                drafts.add(draft, [receiver])
            self._give(call, draft)
            return draft
        is_open = call.holder is not None and isinstance(receiver, Hole)
        if is_open and _is_header(call.name, call.values):
            draft = self._draft(call.node, None)
            draft.is_client = True
            drafts.headers(draft, call.values)
            self.names[re.split(r"[.\-]", text_of(call.holder))[0].lstrip("$")] = draft
            return draft
        return _value_of(call)

    def _is_request(self, name: str, verb: str, values: list[Any]) -> bool:
        if not verb and plain(name) not in REQUESTS:
            return False
        texts = [one for one in values if drafts.is_url(one)]
        tables = [one for one in values if isinstance(one, dict)]
        is_api = any(
            isinstance(one, str) and one.startswith(("/xms", "/batches", "xms/v1", "batches"))
            for one in values
        )
        options = any("://" in as_text(table.get("url", table.get("uri", ""))) for table in tables)
        return bool(
            any("://" in str(one) for one in texts) or options or is_api or (texts and tables)
        )

    def _on(self, call: Call, target: Any) -> Any:
        """Return what a call on a request, a client or a part of one gives."""
        node, name, path, values = call.node, call.name, call.path, call.values
        if not isinstance(target, Draft | View):
            return functions.method(call.plain, target, values)
        draft = target.draft
        part = libraries.part_of(target.name) if isinstance(target, View) else ""
        done = functions.call(call.plain, path, None, values, call.named)
        is_free = call.plain not in _OF_DRAFTS and "." not in path
        if done is not functions.NOTHING and is_free:
            return done
        if part == "headers" or (isinstance(target, View) and _is_header(name, values)):
            self._touch(draft, node)
            self._set_headers(draft, name, values)
            return target
        if isinstance(target, View) and call.plain in _READS:
            return functions.NOTHING  # what came back is looked at
        if isinstance(target, View) and part and values and not call.verb:
            self._touch(draft, node)
            drafts.setter(draft, target.name, values)
            return target
        if draft.is_client and _makes(call):
            made = self._made(node, draft)
            self._give(call, made)
            return made
        return self._setter(call, draft)

    def _made(self, node: Node, client: Draft) -> Draft:
        made = client.made()
        made.order = len(self.drafts)
        self.drafts.append(made)
        self._touch(made, node)
        client.parts["made"] = True
        return made

    def _give(self, call: Call, draft: Draft) -> None:
        """Give a request what its call was given."""
        verb, values = call.verb, call.values
        if verb and not draft.is_client:
            draft.method = verb
        elif (method := draft.library.method if draft.library else "") and not draft.method:
            draft.method = method
        first = "base" if draft.is_client else "url"
        if draft.is_client and drafts.setter(draft, call.name, values):
            return
        first = draft.library.first if draft.library and draft.library.first else first
        for one in call.given:
            if not isinstance(one, Draft) or one.is_client or one is draft:
                continue
            if one.url is not None or one.method:
                one_lines = one.lines
                draft.take(one)
                draft.lines = [*one_lines, *draft.lines]
        if call.plain in _HOSTS:
            drafts.put(draft, "base", values[0] if values else None)
            values = [one for one in values[1:] if isinstance(one, dict)]
        drafts.add(draft, [one for one in values if not _is_used(one)], first)
        named = {key: one for key, one in call.named.items() if not _is_used(one)}
        drafts.options(draft, named)

    def _setter(self, call: Call, draft: Draft) -> Any:
        """Give a request or a client one more part; return what the call gives."""
        name, values, given = call.plain, call.values, call.given
        before = len(draft.lines)
        self._touch(draft, call.node)
        if call.verb and not draft.is_client:
            draft.method = call.verb
            drafts.add(draft, values, "url" if draft.url is None else "body")
            drafts.options(draft, call.named)
        elif name in ("curlsetopt", "setopt", "setoption"):
            drafts.set_part(draft, as_text(values[0]) if values else "", values[1:])
        elif (
            name in ("addparameter", "parameter") and len(values) >= 2 and "/" in as_text(values[0])
        ):
            draft.media, draft.body = as_text(values[0]), values[1]
        elif drafts.set_part(draft, call.name, values or list(call.named.values())):
            draft.parts["written"] = name in ("write", "print", "writebytes", "append")
        elif name == "request" and values == ["json"]:
            draft.form = "json"
        elif name == "request" and values[:1] == ["authorization"] and len(values) > 1:
            draft.headers["Authorization"] = " ".join(map(as_text, values[1:3]))
        elif name in REQUESTS and given:
            drafts.add(draft, values, "url" if draft.url is None else "body")
            drafts.options(draft, call.named)
        elif _is_header(call.name, values):
            drafts.headers(draft, values)
        else:
            for one in given:
                if isinstance(one, Draft) and one is not draft:
                    self._joined(draft, one)
                elif isinstance(one, Body) and draft.body is None:
                    drafts.add(draft, [one])
        del draft.lines[before + 1 :]
        return next((one for one in given if isinstance(one, Draft) and draft.is_client), draft)

    def _joined(self, draft: Draft, other: Draft) -> None:
        """Join a client with the request that it is given, or a request with a part of it."""
        if draft.is_client and not other.is_client:
            made = draft.made()
            lines, is_used = other.lines, other.is_used
            other.take(made)
            other.lines, other.is_used = [*lines, *draft.lines[-1:]], is_used
        elif not draft.is_client:
            draft.take(other)

    def _set_headers(self, draft: Draft, name: str, values: list[Any]) -> None:
        part = libraries.part_of(name)
        if part in ("token", "auth", "media", "accept", "agent") and values:
            drafts.setter(draft, name, values)
        elif len(values) == 1 and _is_plain(values[0]):
            drafts.headers(draft, [name.removeprefix("set"), values[0]])
        else:
            drafts.headers(draft, values)


def _is_plain(value: Any) -> bool:
    """Tell whether a value is that of a header, and no table or line of headers."""
    return not isinstance(value, dict | list | Draft) and ":" not in as_text(value)


def _is_header(name: str, values: list[Any]) -> bool:
    return (
        len(values) >= 2
        and isinstance(values[0], str)
        and values[0].lower() in libraries.HEADERS
        and isinstance(values[1], str | Hole | Builder)
        and plain(name) not in ("get", "equals")
    )


def _is_used(value: Any) -> bool:
    return isinstance(value, Draft) and value.is_used


def _makes(call: Call) -> bool:
    """Tell whether a call on a client makes a request, or only sets up more of the client."""
    if call.plain in ("method", "open") and len(call.values) < 2:
        return False
    is_request = call.plain in REQUESTS
    if any(isinstance(one, Draft) for one in call.given):
        sends = any(word in call.name.lower() for word in ("execute", "send", "call"))
        return bool(call.verb) or is_request or sends or call.plain == "do"
    shows = any(isinstance(one, dict | Body | Hole) or drafts.is_target(one) for one in call.given)
    return bool(call.verb) or (is_request and shows) or call.plain in _BEGINNINGS


def _value_of(call: Call) -> Any:
    """Return what a call that makes no request gives: the text or table that it was given."""
    first = call.given[0] if call.given else None
    if isinstance(first, str):
        if drafts.is_url(first) and isinstance(call.receiver, Hole | None):
            return first
        if re.fullmatch(r"[A-Za-z_][\w.:-]{0,60}", first):
            return Hole(first.replace(":", "."))
    if call.name != "new":
        return Hole(call.name)
    if len(call.values) == 1 and isinstance(call.values[0], Draft | View | dict):
        return call.values[0]
    return call.named or {}
