"""Where a request goes: hosts, regions, accounts and endpoints."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from sinchtools.api.description.endpoints import PREFIX, Endpoint, route
from sinchtools.core.settings import REGIONS
from sinchtools.privacy.markers import MARKER

_VENDOR_HOST = re.compile(r"(?P<zt>zt\.)?(?P<region>[\w{}$<>-]+)\.sms\.api\.sinch\.com")
OLD_HOSTS = {  # host: what it is; whether it still answers is not on record
    "sms.api.sinch.com": "the API's host without a region",
    "api.clxcommunications.com": "the API's host under an earlier brand, CLX",
    "api.mblox.com": "the API's host under an earlier brand, Mblox",
}
OTHER_APIS = {  # first label of a host of the vendor's: the API that it serves
    "conversation": "Conversation API",
    "rcs": "RCS API",
    "calling": "Voice API",
    "callingapi": "Voice API",
    "verification": "Verification API",
    "numbers": "Numbers API",
}
_TOKEN_HOST = re.compile(r"(?:[a-z]{2}\.)?auth\.sinch\.com")
TOKEN_PATH = "/oauth2/token"
LEGACY_HOSTS = OLD_HOSTS | {"messagingapi.sinch.com": "the retired Classic Sinch API"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """
    Where a request went.

    Attributes
    ----------
    host
        Host name in lower case, or None when the URL has none.
    kind
        ``plan`` or ``project`` (the vendor's two host styles), ``legacy``, ``loopback``, ``none``
        (no host known), ``other``.
    region, account
        None when the URL does not tell.
    path
        Whole path; ``below`` is its part below the account, or None without the API's prefix.
    endpoints
        The route's endpoints by method; empty when no route fits.
    values
        The values in the path, by name.
    query
        Name and value pairs, decoded.
    """

    host: str | None
    kind: str
    region: str | None
    account: str | None
    path: str
    below: str | None
    endpoints: dict[str, Endpoint]
    values: dict[str, str]
    query: tuple[tuple[str, str], ...]

    @property
    def is_sms_api(self) -> bool:
        """
        Whether the request was meant for this API.

        It went to one of the API's hosts, or to a path of the API on a loopback or unknown host.
        """
        return self.kind in {"plan", "project", "legacy"} or (
            self.kind in {"loopback", "none"}
            and (self.path.startswith(PREFIX) or bool(self.endpoints))
        )


def is_token_endpoint(place: Place) -> bool:
    """Tell whether a request went to the OAuth 2.0 token endpoint, the vendor's or a local one."""
    if place.kind == "loopback":
        return place.path == TOKEN_PATH
    return _TOKEN_HOST.fullmatch(place.host or "") is not None


def other_api(host: str | None) -> str | None:
    """
    Return the name of the vendor's other API that a host serves, or None.

    Examples
    --------
    >>> other_api("eu.conversation.api.sinch.com"), other_api("eu.sms.api.sinch.com")
    ('Conversation API', None)
    """
    if not host or not host.endswith(".sinch.com"):
        return None
    return next((OTHER_APIS[label] for label in host.split(".") if label in OTHER_APIS), None)


def split_url(url: str) -> SplitResult:
    """
    Return the parts of a URL, a marker whole in its part; a text that is no URL is all path.

    Examples
    --------
    >>> parts = split_url("https://[secret pair 9 #1]@example.com/a?token=[secret opaque 8 #2]&b=1")
    >>> parts.netloc, parts.query
    ('[secret pair 9 #1]@example.com', 'token=[secret opaque 8 #2]&b=1')
    """
    marks = [match[0] for match in MARKER.finditer(url)]
    numbers = iter(range(len(marks)))
    try:
        parts = urlsplit(MARKER.sub(lambda _: f"\ue000{next(numbers)}\ue001", url))
    except ValueError:
        return SplitResult("", "", url, "", "")
    if not marks:
        return parts
    return SplitResult(*(_MARK.sub(lambda m: _mark(m, marks), part) for part in parts))


_MARK = re.compile("\ue000([0-9]{1,9})\ue001")  # private characters stand for the markers


def _mark(match: re.Match[str], marks: list[str]) -> str:
    number = int(match[1])
    return marks[number] if number < len(marks) else match[0]


@lru_cache(maxsize=4096)
def locate(url: str) -> Place:
    """
    Return where a URL points to; any text is taken, nothing is looked up.

    Examples
    --------
    >>> place = locate("https://eu.sms.api.sinch.com/xms/v1/plan1/batches/01ABC?page=2")
    >>> place.kind, place.region, place.account, list(place.endpoints)
    ('plan', 'eu', 'plan1', ['GET', 'POST', 'PUT', 'DELETE'])
    """
    # browsers and urllib3 read \\ as /
    parts = split_url(MARKER.sub("secret", url.strip()).replace("\\", "/"))
    host = parts.hostname
    kind, region = _host(host)
    prefixed = re.match(rf"{PREFIX}/(?P<account>[^/]+)(?P<below>/.*)?", parts.path)
    below = (prefixed["below"] or "/") if prefixed else None
    endpoints, values = route(below) if below else ({}, {})
    return Place(
        host=host,
        kind=kind,
        region=region,
        account=unquote(prefixed["account"]) if prefixed else None,
        path=parts.path,
        below=below,
        endpoints=endpoints,
        values=values,
        query=tuple(parse_qsl(parts.query, keep_blank_values=True)),
    )


def _host(host: str | None) -> tuple[str, str | None]:
    if not host:
        return "none", None
    if host in LEGACY_HOSTS:
        return "legacy", None
    if match := _VENDOR_HOST.fullmatch(host):
        region = match["region"]
        return "project" if match["zt"] else "plan", region if region in REGIONS else None
    return "loopback" if is_loopback(host) else "other", None


def endpoint_of(method: str | None, url: str | None) -> str | None:
    """
    Return the endpoint that a request goes to, from method and URL alone.

    The endpoint that the evidence names is ignored.
    """
    endpoint = locate(url or "").endpoints.get((method or "").upper())
    return endpoint.template if endpoint else None


def is_loopback(host: str | None) -> bool:
    """
    Tell whether a host name is this machine's own.

    That is ``localhost`` or a loopback address, not a name that only begins like one.
    """
    try:
        return host == "localhost" or ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return False
