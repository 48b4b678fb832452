"""
Find what is wrong around the body.

Host, path, method and credentials are judged by what the evidence shows of them.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

from sinchtools.api.description import OLD_HOSTS, PATH_WORDS, PREFIX, Place, locate, route
from sinchtools.api.validation import Violation, instant_of
from sinchtools.core.placeholders import is_placeholder
from sinchtools.core.records import header
from sinchtools.core.settings import REGIONS
from sinchtools.core.words import duration
from sinchtools.privacy.markers import marker_facts, marker_number

_OTHER_WORDS = {  # how people call the resources: the API's own word
    "batch": "batches",
    "message": "batches",
    "messages": "batches",
    "sms": "batches",
    "send": "batches",
    "group": "groups",
    "inbound": "inbounds",
    "dryrun": "dry_run",
    "dry-run": "dry_run",
    "member": "members",
    "report": "delivery_report",
    "reports": "delivery_reports",
    "delivery-report": "delivery_report",
    "deliveryreport": "delivery_report",
    "delivery-reports": "delivery_reports",
    "feedback": "delivery_feedback",
    "delivery-feedback": "delivery_feedback",
    "messagebatches": "batches",
}
_RESOURCE_ID = re.compile(
    r":[a-z]\w*|(?:service[_-]?plan|project|batch|group|inbound)[_-]?id", re.IGNORECASE
)  # how the vendor's pages write the parameters of a path
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
_UNSET = ("undefined", "null", "none", "nan", "[object object]")
_PLAN_ID = "service_plan_id"
_MARKED_ACCOUNT = re.compile(rf"{PREFIX}/\[secret [^\]/]{{1,200}}\]")
_SECRET_IN_QUERY = re.compile(r"[?&]([^=&]{1,60})=\[secret ")
_SCHEME = re.compile(r"([A-Za-z][\w-]*)(\s*:\s*|\s+|$)(.*)", re.DOTALL)
_SHORT_TOKEN = 12
_LONGEST_PATH = 2000  # nobody meant one of the API's by a longer one
_AUTH: dict[str, Any] = {
    "status": 401,
    "code": None,
    "location": "header",
    "field": "Authorization",
}
_ROUTE: dict[str, Any] = {"status": 404, "code": None, "location": "path", "field": "path"}
_HOST: dict[str, Any] = {"status": 404, "code": None, "location": "host", "field": "host"}


def is_meant(place: Place) -> bool:
    """Whether a request was meant for the SMS API, though its host or path may be wrong."""
    return place.is_sms_api or _meant(place.host or "", place.kind, place.path)


@lru_cache(maxsize=1024)
def _meant(host: str, kind: str, path: str) -> bool:
    if kind in ("loopback", "none"):
        return any(word in path.split("/") for word in ("xms", *PATH_WORDS))
    first = path.strip("/").split("/")[0].lower()
    return first == "xms" or _is_close(host)


def host_violation(place: Place) -> Violation | None:
    """Return what is wrong with the host that a request for the SMS API went to, or None."""
    host = place.host or ""
    if host in OLD_HOSTS:
        facts = {"value": host, "title": OLD_HOSTS[host], "suggestion": "us.sms.api.sinch.com"}
        return Violation(
            rule="host-legacy", severity="warning", facts=facts, **{**_HOST, "status": None}
        )
    if place.kind == "legacy":
        return Violation(
            rule="host-classic",
            facts={"value": host, "suggestion": "us.sms.api.sinch.com"},
            **_HOST,
        )
    if place.kind in ("plan", "project") and place.region is None:
        label = host.removeprefix("zt.").split(".")[0]
        rule = (
            "host-placeholder"
            if re.search(r"[{}$<>]", label) or label == "region" or is_placeholder(label)
            else "host-unknown-region"
        )
        return Violation(
            rule=rule,
            facts={"value": label[:40], "suggestion": _closest(label, tuple(REGIONS))},
            **_HOST,
        )
    if place.kind == "other":
        facts = {"value": host[:80], "suggestion": _closest(host, _hosts()) or _hosts()[0]}
        return Violation(rule=_rule_of_host(host), facts=facts, **_HOST)
    return None


def _rule_of_host(host: str) -> str:
    if is_placeholder(host) or re.search(r"[{}$<>]", host):
        return "host-placeholder"
    return "host-near-miss" if _is_close(host) else "host-other"


def _is_close(host: str) -> bool:
    """Tell whether a host is a misspelled one of the API's, not one of another API."""
    is_of_sms = host.endswith((".sinch.com", ".clxcommunications.com")) and "sms" in host
    near = difflib.get_close_matches(host, _hosts(), 1, 0.88)
    return is_of_sms or bool(near and not host.endswith(".api.sinch.com"))


@lru_cache(maxsize=64)
def _hosts() -> tuple[str, ...]:
    return tuple(
        f"{prefix}{region}.sms.api.sinch.com" for region in REGIONS for prefix in ("", "zt.")
    )


def _closest(word: str, known: tuple[str, ...]) -> str:
    aliases = {
        "uk": "eu",
        "usa": "us",
        "eur": "eu",
        "europe": "eu",
        "ie": "eu",
        "se": "eu",
        "aus": "au",
        "bra": "br",
        "can": "ca",
    }
    return aliases.get(word) or next(iter(difflib.get_close_matches(word, known, 1, 0.5)), "")


# --- path and method ------------------------------------------------------------------------------


def route_violations(place: Place, method: str | None) -> Iterator[Violation]:
    """
    Yield what is wrong with path and method.

    The API may not have the route, the ID may be missing, or the method may not fit.
    """
    account = place.account
    if (
        account
        and (account in PATH_WORDS or account in _OTHER_WORDS)
        and (place.endpoints or _routed(f"/{account}{place.below}"))
    ):
        yield Violation(
            rule="path-no-account",
            facts={"suggestion": f"{PREFIX}/{{service_plan_id}}/{account}"},
            **{**_ROUTE, "field": _PLAN_ID},
        )
    elif not place.endpoints:
        yield _route_violation(place)
    elif account and (rule := _rule_of_account(account, place.kind)):
        facts = {"value": account[:40]} if rule == "account-placeholder" else {}
        yield Violation(
            rule=rule, facts=facts, status=401, code=None, location="path", field=_PLAN_ID
        )
    if method and method.upper() == "HEAD" and "GET" in place.endpoints:
        return  # servers serve it wherever they serve GET
    if place.endpoints and method and method.upper() not in place.endpoints:
        facts = {
            "value": method.upper()[:20],
            "suggestion": _either(list(place.endpoints)),
            "path": next(iter(place.endpoints.values())).path,
        }
        is_read_only = set(place.endpoints) == {"GET"}
        facts["read_only"] = "The resource is read-only. " if is_read_only else ""
        changes = is_read_only and method.upper() in ("DELETE", "PUT")
        yield Violation(
            rule="method-read-only" if changes else "method-not-allowed",
            status=405,
            code=None,
            location="method",
            field="method",
            facts=facts,
        )


@lru_cache(maxsize=1024)
def _rule_of_account(account: str, kind: str) -> str | None:
    """Return the rule that an account in a path breaks by its looks, or None."""
    if is_placeholder(account) or _RESOURCE_ID.fullmatch(account):
        return "account-placeholder"
    if re.search(r"[\s'\"]", account):
        return "account-stray"
    return "account-project-id" if kind == "plan" and _UUID.fullmatch(account) else None


def _either(words: list[str]) -> str:
    """Return a choice in words: ``GET, PUT or DELETE``."""
    return " or ".join(filter(None, (", ".join(words[:-1]), words[-1])))


def _routed(below: str) -> bool:
    """Whether this would be a path of the API, if an account stood before it."""
    first = below.strip("/").split("/")[0]
    return bool(route(below)[0]) or (below == f"/{first}/" and first in _OTHER_WORDS)


def _route_violation(place: Place) -> Violation:
    path, repaired = place.path, _repaired(place.path)
    facts = {"value": _without_ids(path), "suggestion": repaired}
    rule = "path-unknown"
    collapsed = locate(f"https://us.sms.api.sinch.com{re.sub(r'/{2,}', '/', path)}")
    if re.search(r"^/+(?:xms/+)?v1/+(?:sms|message)(/|$)", path):
        rule = "path-legacy"
    elif "//" in path:
        rule = "path-double-slash"
        if (hole := _hole(path)) or not collapsed.endpoints:
            return Violation(
                rule="path-empty-id",
                facts={**facts, "name": hole or "service_plan_id"},
                **{**_ROUTE, "field": hole or "service_plan_id"},
            )
    elif path.lower() != path and locate(f"https://us.sms.api.sinch.com{_lowered(path)}").endpoints:
        rule = "path-case"
    elif not path.startswith(f"{PREFIX}/"):
        rule = "path-prefix"
    elif place.account and not (place.below or "").strip("/"):
        rule = "path-stops"
    elif repaired:
        rule = "path-word"
    return Violation(rule=rule, facts=facts, **_ROUTE)


def _hole(path: str) -> str | None:
    """Name the ID that is empty in a path such as ``/batches//delivery_report``."""
    match = re.search(r"/(batches|groups)//+(\w+)", path)
    literal = match and route(f"/{match[1]}/X/{match[2]}")[0]
    return (
        f"{match[1].removesuffix('es') if match[1] == 'batches' else 'group'}_id"
        if match and literal
        else None
    )


@lru_cache(maxsize=1024)
def _repaired(path: str) -> str:
    """Return the nearest path that the API has, IDs left out, or nothing."""
    if len(path) > _LONGEST_PATH:
        return ""
    parts = [part for part in path.split("/") if part]
    words = [
        (
            _OTHER_WORDS.get(part.lower())
            or next(iter(difflib.get_close_matches(part.lower(), PATH_WORDS, 1, 0.8)), None)
        )
        for part in parts
    ]
    start = next(
        (
            i
            for i, word in enumerate(words)
            if word in ("batches", "groups", "inbounds", "delivery_reports", "delivery_report")
        ),
        None,
    )
    if start is None:
        return ""
    known = words[start:]
    tried = [known, known, known[:-1]] if len(known) > 2 else [known, known]
    for singular, of in zip((False, True, False), tried, strict=False):
        below = "".join(f"/{word or 'X'}" for word in of)
        below = re.sub(
            r"delivery_reports$" if singular else r"^/delivery_report(?=/|$)",
            "delivery_report" if singular else "/delivery_reports",
            below,
        )
        if endpoints := route(below)[0]:
            return f"{PREFIX}/{{service_plan_id}}{next(iter(endpoints.values())).path}"
    return f"{PREFIX}/{{service_plan_id}}/{words[start]}" if route(f"/{words[start]}")[0] else ""


def _lowered(path: str) -> str:
    return "/".join(
        part.lower() if part.lower() in (*PATH_WORDS, "xms", "v1") else part
        for part in path.split("/")
    )


def _without_ids(path: str) -> str:
    return "/".join(
        part if len(part) < 12 or part.lower() in PATH_WORDS else "..." for part in path.split("/")
    )[:120]


def placeholder_violations(values: Mapping[str, str]) -> Iterator[Violation]:
    """
    Yield the values in a path that were not filled in, or a resource's misspelled name.

    They look like an ID, so the API returns 404.
    """
    for name, value in values.items():
        if word := _OTHER_WORDS.get(value.lower()):
            yield Violation(
                rule="path-word",
                facts={"value": f"/{value}", "suggestion": _repaired(f"/batches/{value}") or word},
                **_ROUTE,
            )
        elif value in PATH_WORDS:
            yield Violation(
                rule="path-missing-id",
                facts={"name": name, "value": value},
                **{**_ROUTE, "field": name},
            )
        elif value.lower() in _UNSET or is_placeholder(value) or _RESOURCE_ID.fullmatch(value):
            yield Violation(
                rule="path-placeholder",
                facts={"name": name, "value": value[:40]},
                **{**_ROUTE, "field": name},
            )


# --- credentials ----------------------------------------------------------------------------------


def credential_violations(
    headers: Mapping[str, str], place: Place, now: datetime, url: str | None = None
) -> Iterator[Violation]:
    """
    Yield what is wrong with the Authorization header, as far as its shape shows.

    A marker keeps scheme, kind, expiry and stray characters.
    """
    value = header(headers, "Authorization")
    if value is None or not value.strip():
        yield _missing(headers, url or "")
        return
    scheme, gap, rest = _split(value)
    facts = marker_facts(value) or {}
    if scheme == "basic":
        yield _auth("auth-basic")
    elif scheme != "bearer":
        yield (
            _auth("auth-other-scheme", value=value.split()[0][:20])
            if scheme
            else _auth("auth-no-bearer")
        )
    elif ":" in gap:
        yield _auth("auth-colon")
    elif not rest.strip():
        yield _auth("auth-empty")
    elif not facts:
        yield _auth("auth-placeholder", value=rest.strip()[:40])
    yield from _stray(facts, gap)
    if scheme in ("", "bearer") and facts:
        yield from _token(facts, place, now, url)


def _split(value: str) -> tuple[str, str, str]:
    """Return scheme (lower case, empty when there is none), the gap after it, and the rest."""
    bare = value.strip()
    if bare.startswith("[secret"):
        return "", "", bare
    match = _SCHEME.fullmatch(bare.lstrip("'\""))
    if match is None or (not match[3] and match[1].lower() not in ("bearer", "basic")):
        return "", "", bare
    return match[1].lower(), match[2], match[3]


def _missing(headers: Mapping[str, str], url: str) -> Violation:
    names = [
        name
        for name in headers
        if re.search(r"token|api-?key|^key$|auth", name, re.IGNORECASE)
        and name.lower() != "authorization"
    ]
    in_query = _SECRET_IN_QUERY.findall(url)
    if names or in_query:
        return _auth("auth-elsewhere", value=(names or in_query)[0][:40])
    return _auth("auth-missing")


def _stray(facts: Mapping[str, str], gap: str) -> Iterator[Violation]:
    if "quoted" in facts:
        yield _auth("auth-quoted")
    if "bracketed" in facts:
        yield _auth("auth-bracketed")
    if "trailing-newline" in facts:
        yield _auth("auth-space", value="a line break after the token")
    elif "inner-space" in facts:
        yield _auth("auth-inner-space")
    elif "trailing-space" in facts or "leading-space" in facts or len(gap) > 1:
        place = "after" if "trailing-space" in facts else "before"
        yield Violation(
            rule="auth-spaces",
            severity="warning",
            facts={"value": place, "proof": f"a space {place} the token"},
            **{**_AUTH, "status": None},
        )


def _token(
    facts: Mapping[str, str], place: Place, now: datetime, url: str | None
) -> Iterator[Violation]:
    if "shortened" in facts:
        yield Violation(rule="auth-shortened", severity="warning", **{**_AUTH, "status": None})
    elif "cut" in facts:
        yield _auth("auth-cut")
    if facts["kind"] == "jwt":
        expires = instant_of(facts.get("expires", ""))
        if expires and expires <= now:
            ago = f"{duration(now - expires)} before the request"
            yield _auth("auth-expired", value=facts["expires"], observed=ago)
        if (issuer := facts.get("issuer")) and "sinch" not in issuer.lower():
            yield _auth("auth-foreign-jwt", value=issuer[:60])
        if place.kind == "plan":
            yield _auth("auth-oauth-on-plan-host", value=place.host, suggestion=f"zt.{place.host}")
        elif place.kind == "project" and place.region and not REGIONS[place.region]:
            yield _auth("auth-oauth-region", value=place.region)
    elif facts["kind"] == "pair":
        yield _auth("auth-pair")
    elif "shortened" in facts:
        return  # what kind it is does not show
    elif place.kind == "project":
        yield _auth(
            "auth-plan-token-on-zt",
            value=place.host,
            suggestion=(place.host or "").removeprefix("zt."),
        )
    elif _is_in_path(facts["number"], url):
        yield _auth("auth-plan-id")
    elif int(facts["length"]) < _SHORT_TOKEN:
        yield Violation(
            rule="auth-short",
            severity="warning",
            facts={"observed": facts["length"]},
            **{**_AUTH, "status": None},
        )


def _is_in_path(number: str, url: str | None) -> bool:
    """Tell whether the account in the path is the secret of that number."""
    found = _MARKED_ACCOUNT.search(url) if url and "[secret" in url else None
    return found is not None and marker_number(found[0]) == number


def _auth(rule: str, **facts: Any) -> Violation:
    return Violation(rule=rule, facts=facts, **_AUTH)
