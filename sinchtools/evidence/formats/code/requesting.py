"""Calls that make a request or a client, or say more about one."""

from __future__ import annotations

import re
from typing import Any

from sinchtools.evidence.formats.code import drafts, functions, libraries, sdk
from sinchtools.evidence.formats.code.assignments import Assignments
from sinchtools.evidence.formats.code.libraries import REQUESTS, plain, verb_of
from sinchtools.evidence.formats.code.syntax import Node, text_of
from sinchtools.evidence.formats.code.values import Body, Builder, Draft, Hole, View, as_text

_BEGINNINGS = ("r", "newrequest", "start")
_HOSTS = ("httpsconnection", "httpconnection", "httpsconnectionpool")
_OF_DRAFTS = (
    "parse",
    "new",
    "uri",
    "url",
    "list",
    "string",
    "trim",
    "text",
    "format",
    "encode",
    "table",
    "basicauth",
)


class Requesting(Assignments):
    """How calls become drafts of requests."""

    def _sdk(
        self,
        node: Node,
        receiver: Any,
        name: str,
        path: str,
        values: list[Any],
        named: dict[str, Any],
    ) -> Any:
        """Return what a call of the vendor's SDK gives, or NOTHING."""
        if isinstance(receiver, sdk.Message):
            sdk.set_message(receiver, name, values, named)
            return receiver
        if sdk.is_message(path):
            message = sdk.Message()
            sdk.set_message(message, "new", values, named)
            return message
        if sdk.is_client(path) or path.endswith("Configuration.builder"):
            client = self._draft(node, sdk.CLIENT)
            sdk.configure(client, values, named)
            return client
        if operation := sdk.operation_of(path, name):
            draft = self._draft(node, None)
            draft.method = operation[0]
            sdk.request(draft, receiver, name, operation[1], values, named)
            return draft
        if isinstance(receiver, Draft) and receiver.library is sdk.CLIENT:
            self._touch(receiver, node)
            if len(values) == 1 and name != "build":
                receiver.parts[libraries.bare(name)] = values[0]
            elif len(values) == 2:
                sdk.configure(receiver, values, named)
            return receiver
        return functions.NOTHING

    def _curl(self, node: Node, name: str, values: list[Any]) -> Draft | None:
        """Give the handle of PHP's curl functions its options."""
        handle = values[0] if values else None
        if isinstance(handle, Hole) and "setopt" in name:
            name_of_handle = handle.name
            handle = self._draft(node, libraries.library_of("curl_init", "php"))
            self.names[name_of_handle] = handle
        if not isinstance(handle, Draft):
            return None
        self._touch(handle, node)
        given = values[1] if len(values) == 2 and isinstance(values[1], dict) else {}
        pairs = given or ({as_text(values[1]): values[2]} if len(values) == 3 else {})
        for option, value in pairs.items():
            drafts.set_part(handle, as_text(option).strip("{}"), [value])
        return handle

    def _maybe_request(
        self,
        node: Node,
        holder: Node,
        receiver: Any,
        name: str,
        path: str,
        values: list[Any],
        named: dict[str, Any],
    ) -> Any:
        row = libraries.library_of(path, self.language)
        verb = verb_of(name)
        if isinstance(receiver, str) and "://" in receiver and (verb or libraries.part_of(name)):
            draft = self._draft(node, row)
            draft.url = receiver
            self._setter(node, draft, name, verb, values, named)
            return draft
        everything = [*values, *named.values()]
        if row or self._is_request(name, verb, everything):
            draft = self._draft(node, row)
            if isinstance(receiver, str):
                drafts.add(draft, [receiver])
            self._give(draft, name, verb, values, named)
            return draft
        if _is_header(name, values) and holder is not None and isinstance(receiver, Hole):
            draft = self._draft(node, None)
            draft.is_client = True
            drafts.headers(draft, values)
            self.names[re.split(r"[.\-]", text_of(holder))[0].lstrip("$")] = draft
            return draft
        if everything and isinstance(everything[0], str):
            if drafts.is_url(everything[0]) and isinstance(receiver, Hole | None):
                return everything[0]
            if re.fullmatch(r"[A-Za-z_][\w.:-]{0,60}", everything[0]):
                return Hole(everything[0].replace(":", "."))
        if len(values) == 1 and isinstance(values[0], Draft | View | dict) and name == "new":
            return values[0]
        if name == "new":
            return named or {}
        return Hole(name)

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

    def _on(
        self,
        node: Node,
        target: Draft | View,
        name: str,
        path: str,
        values: list[Any],
        named: dict[str, Any],
    ) -> Any:
        """Return what a call on a request, a client or a part of one gives."""
        if not isinstance(target, Draft | View):
            done = functions.method(plain(name), target, values)
            return done
        draft = target if isinstance(target, Draft) else target.draft
        part = libraries.part_of(target.name) if isinstance(target, View) else ""
        if (
            done := functions.call(plain(name), path, None, values, named)
        ) is not functions.NOTHING and (
            plain(name) not in _OF_DRAFTS and path.rpartition(".")[2] == path
        ):
            return done
        verb = verb_of(name)
        if part == "headers" or (isinstance(target, View) and _is_header(name, values)):
            self._touch(draft, node)
            self._set_headers(draft, name, values)
            return target
        if isinstance(target, View) and part and values and not verb:
            self._touch(draft, node)
            drafts.setter(draft, target.name, values)
            return target
        if draft.is_client and self._makes(name, verb, values, named):
            made = self._made(node, draft)
            self._give(made, name, verb, values, named)
            return made
        return self._setter(node, draft, name, verb, values, named)

    def _makes(self, name: str, verb: str, values: list[Any], named: dict[str, Any]) -> bool:
        """Tell whether a call on a client makes a request, or only sets up more of the client."""
        if plain(name) in ("method", "open") and len(values) < 2:
            return False
        given = [*values, *named.values()]
        if any(isinstance(one, Draft) for one in given):
            return (
                bool(verb)
                or plain(name) in REQUESTS
                or "execute" in name.lower()
                or "send" in name.lower()
                or "call" in name.lower()
                or plain(name) == "do"
            )
        shows = any(isinstance(one, dict | Body | Hole) or drafts.is_target(one) for one in given)
        return bool(verb) or (plain(name) in REQUESTS and shows) or plain(name) in _BEGINNINGS

    def _made(self, node: Node, client: Draft) -> Draft:
        made = client.made()
        made.order = len(self.drafts)
        self.drafts.append(made)
        self._touch(made, node)
        client.parts["made"] = True
        return made

    def _give(
        self, draft: Draft, name: str, verb: str, values: list[Any], named: dict[str, Any]
    ) -> None:
        if verb and not draft.is_client:
            draft.method = verb
        elif (method := draft.library.method if draft.library else "") and not draft.method:
            draft.method = method
        first = "base" if draft.is_client else "url"
        if draft.is_client and drafts.setter(draft, name, values):
            return
        first = draft.library.first if draft.library and draft.library.first else first
        for one in [*values, *named.values()]:
            if (
                isinstance(one, Draft)
                and one.is_client is False
                and (one.url is not None or one.method)
                and one is not draft
            ):
                one_lines = one.lines
                draft.take(one)
                draft.lines = [*one_lines, *draft.lines]
        if plain(name) in _HOSTS:
            drafts.put(draft, "base", values[0] if values else None)
            values = [one for one in values[1:] if isinstance(one, dict)]
        drafts.add(
            draft, [one for one in values if not (isinstance(one, Draft) and one.is_used)], first
        )
        drafts.options(
            draft,
            {
                key: one
                for key, one in named.items()
                if not (isinstance(one, Draft) and one.is_used)
            },
        )

    def _setter(
        self,
        node: Node,
        draft: Draft,
        name: str,
        verb: str,
        values: list[Any],
        named: dict[str, Any],
    ) -> Any:
        given = [*values, *named.values()]
        before = len(draft.lines)
        self._touch(draft, node)
        if verb and not draft.is_client:
            draft.method = verb
            drafts.add(draft, values, "url" if draft.url is None else "body")
            drafts.options(draft, named)
        elif plain(name) in ("curlsetopt", "setopt", "setoption"):
            drafts.set_part(draft, as_text(values[0]) if values else "", values[1:])
        elif (
            plain(name) in ("addparameter", "parameter")
            and len(values) >= 2
            and "/" in as_text(values[0])
        ):
            draft.media, draft.body = as_text(values[0]), values[1]
        elif drafts.set_part(draft, name, values or list(named.values())):
            draft.parts["written"] = plain(name) in ("write", "print", "writebytes", "append")
        elif plain(name) == "request" and values == ["json"]:
            draft.form = "json"
        elif plain(name) in REQUESTS and given:
            drafts.add(draft, values, "url" if draft.url is None else "body")
            drafts.options(draft, named)
        elif _is_header(name, values):
            drafts.headers(draft, values)
        else:
            for one in given:
                if isinstance(one, Draft) and one is not draft:
                    self._joined(draft, one)
                elif isinstance(one, Body) and draft.body is None:
                    drafts.add(draft, [one])
            if not given or isinstance(given[0], Hole | None):
                pass
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
        elif (
            len(values) == 1
            and not isinstance(values[0], dict | list | Draft)
            and ":" not in as_text(values[0])
        ):
            drafts.headers(draft, [name.removeprefix("set"), values[0]])
        else:
            drafts.headers(draft, values)


def _is_header(name: str, values: list[Any]) -> bool:
    return (
        len(values) >= 2
        and isinstance(values[0], str)
        and values[0].lower() in libraries.HEADERS
        and isinstance(values[1], str | Hole | Builder)
        and plain(name) not in ("get", "equals")
    )
