"""
A thin client on requests.

Every attempt becomes a logged exchange, and a failing answer is a result, not an exception.
"""

from __future__ import annotations

import contextlib
import json as jsonlib
import math
import os
import random
import re
import secrets
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from sinchtools.api.catalogue import retry_advice
from sinchtools.api.description import complete, locate
from sinchtools.client.log import CallLog, Recording
from sinchtools.core import settings
from sinchtools.core.errors import NotAllowedError, WrongUseError, told
from sinchtools.core.records import Exchange, header
from sinchtools.privacy.redaction import Redactor

if TYPE_CHECKING:
    import requests
    from requests.adapters import HTTPAdapter

    from sinchtools.sandbox import Sandbox

AUTH_URL = "https://auth.sinch.com/oauth2/token"
_OWN = "_sinchtools_logged"
_OWN_HEADERS = {"User-Agent": f"sinchtools/{settings.version()}", "Accept": "application/json"}
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, section 5.6.2
_HEADER_VALUE = re.compile(r"(?:[!-~\x80-\xff](?:[\t -~\x80-\xff]*[!-~\x80-\xff])?)?")
_BACKOFF_BASE_S, _BACKOFF_CAP_S = 1.0, 60.0


class Client:
    """
    The SMS API as calls that never raise for an HTTP status; each returns its `Exchange`.

    It is made by `connect`. Credentials go to `base_url` only, and follow no redirect.

    Attributes
    ----------
    log
        Every attempt, with secrets removed.
    target
        ``sandbox`` or ``live``.
    account
        Service plan ID or project ID in every path.
    sandbox
        The sandbox behind it, or None.
    """

    def __init__(
        self,
        *,
        base_url: str,
        account: str,
        token: Token,
        log: CallLog,
        target: str,
        sandbox: Sandbox | None = None,
        retries: int = 0,
        timeout_s: float = 30.0,
    ) -> None:
        self.base_url, self.account, self.log, self.target, self.sandbox = (
            base_url,
            account,
            log,
            target,
            sandbox,
        )
        self.retries, self.timeout_s = retries, timeout_s
        self._token, self._redactor = token, Redactor()
        self._session = _session(loopback=target == "sandbox")
        self.batches, self.delivery_reports = Batches(self), DeliveryReports(self)
        self.inbounds, self.groups = Inbounds(self), Groups(self)

    def __repr__(self) -> str:
        return f"<Client {self.target.upper()}: {self.base_url}, account {self.account}>"

    def request(
        self,
        method: str,
        path: str,
        *,
        data: str | bytes | None = None,
        json: Any = None,
        headers: Mapping[str, str | None] | None = None,
        params: Mapping[str, Any] | None = None,
        parent_id: str | None = None,
        call: tuple[str, int] | None = None,
        allow: Callable[[int], object] | None = None,
    ) -> Exchange:
        """
        Send any request, also a broken one, and return what came of it.

        Parameters
        ----------
        path
            Below the account (``/batches``), from the root (``/xms/v1/...``), or a whole URL;
            another host gets no credentials.
        data, json
            The raw body, or a value to write as JSON.
        headers
            What is sent besides the credentials, as given; a value of None leaves that header out.
            None means ``Content-Type: application/json`` where there is a body.
        parent_id
            The exchange that this one replays.
        call
            Call and number of the attempt, where the caller counts them: the log lets each be sent
            once only. None is a new call.
        allow
            Called with the number of each attempt just before it is written and sent; raises when
            it must not go.

        Raises
        ------
        AlreadySentError
            The log has this attempt of the call.
        NotAllowedError
            The client is live, the request is no read, and SINCHTOOLS_ALLOW does not allow it.
        WrongUseError
            The method or the path cannot be sent at all.
        """
        body = (
            jsonlib.dumps(json).encode()
            if json is not None
            else data.encode("utf-8", "surrogatepass")
            if isinstance(data, str)
            else data
        )
        url = self._url(path, params)
        (call_id, attempt), renewed = call or (new_id(), 1), False
        while True:
            prepared = self._prepared(method, url, body, headers)
            if allow is not None:
                allow(attempt)
            exchange = self._attempt(prepared, url, call_id, attempt, parent_id)
            if not renewed and _token_expired(exchange) and self._token.renew():
                renewed, attempt = True, attempt + 1
                continue
            delay = retry_delay_s(exchange, attempt) if attempt <= self.retries else None
            if delay is None:
                return exchange
            time.sleep(delay)
            attempt += 1

    def twin(self) -> Client:
        """Return the same client with a session of its own, for another thread."""
        return Client(
            base_url=self.base_url,
            account=self.account,
            token=self._token,
            log=self.log,
            target=self.target,
            sandbox=self.sandbox,
            retries=self.retries,
            timeout_s=self.timeout_s,
        )

    def bearer(self) -> str:
        """
        Return the token that goes with each call.

        A replay may use a wrong credential that stands in for the original's.
        """
        return self._token.value()

    def close(self) -> None:
        """Close its connections."""
        self._session.close()

    def _attempt(
        self,
        prepared: requests.PreparedRequest,
        url: str,
        call_id: str,
        attempt: int,
        parent_id: str | None,
    ) -> Exchange:
        planned = Exchange(
            id=new_id(),
            parent_id=parent_id,
            call_id=call_id,
            attempt=attempt,
            at=datetime.now(UTC),
            origin="client" if parent_id is None else "replay",
            target=_target_of(url, self.target),
            **_request_of(prepared),
        )
        return logged(self.log, self._redactor, planned, lambda: self._send(prepared))[0]

    def _send(self, prepared: requests.PreparedRequest) -> requests.Response:
        """
        Send through the session's pool, proxies and certificates.

        Redirects are not followed and cookies are not kept.
        """
        url, own = str(prepared.url), self._session
        from_environment: dict[str, Any] = (
            {**own.merge_environment_settings(url, {}, False, None, None)} if own.trust_env else {}
        )
        return own.get_adapter(url).send(prepared, timeout=self.timeout_s, **from_environment)

    def _prepared(
        self, method: str, url: str, body: bytes | None, headers: Mapping[str, str | None] | None
    ) -> requests.PreparedRequest:
        import requests

        given = (
            headers
            if headers is not None
            else {"Content-Type": "application/json"}
            if body is not None
            else {}
        )
        kept = {name: value for name, value in given.items() if value is not None}
        _check_sendable(method, kept)
        written = as_sent(url)
        if written is None:
            raise WrongUseError(
                f"A {told(method)} request to this path cannot be sent.", hint="Check the path."
            )
        self._guard(method, written, kept)
        lowered = {str(name).lower() for name in given}
        own = {name: value for name, value in _OWN_HEADERS.items() if name.lower() not in lowered}
        # a base URL has a host and no user, so this is that host
        is_ours = url.startswith(f"{self.base_url}/") and "authorization" not in lowered
        prepared = (
            requests.PreparedRequest()
        )  # by its parts: neither .netrc nor the URL's user info replaces the token
        prepared.prepare_method(method.upper())
        prepared.url = written
        prepared.prepare_headers({**own, **(self._credential() if is_ours else {}), **kept})
        prepared.prepare_body(body, None)
        setattr(prepared, _OWN, True)
        return prepared

    def _credential(self) -> dict[str, str]:
        """
        Return the header of the token, which stands in no variable.

        A traceback may show those.
        """
        if not sendable("GET", {"Authorization": f"Bearer {self._token.value()}"}):
            raise WrongUseError(
                "The configured token cannot be sent: it contains a character that HTTP does "
                "not allow.",
                hint="Copy the token again from the dashboard.",
            )
        return {"Authorization": f"Bearer {self._token.value()}"}

    def _url(self, path: str, params: Mapping[str, Any] | None) -> str:
        if not re.match(r"https?://", path):
            if not path.startswith("/"):
                raise WrongUseError(
                    f"{told(path)} is no path.", hint="Begin it with a slash, or give a whole URL."
                )
            path = (
                f"{self.base_url}{path}"
                if path.startswith("/xms/")
                else f"{self.base_url}/xms/v1/{self.account}{path}"
            )
        pairs = [
            f"{name}={quote(_shown(value), safe=',')}"
            for name, value in (params or {}).items()
            if value is not None
        ]
        return path + ("&" if "?" in path else "?") * bool(pairs) + "&".join(pairs)

    def _guard(self, method: str, url: str, headers: Mapping[str, str]) -> None:
        if locate(url).kind == "loopback":
            return
        if self.target == "sandbox":
            raise NotAllowedError(
                f"A client of the sandbox sends nothing to {locate(url).host}.",
                hint='For the vendor, use st.connect("live").',
            )
        allowed = settings.allowed_target()
        if allowed == "live":
            return
        if means_another_method(url, headers):
            raise NotAllowedError(
                "A request that asks for another method is more than a read, and nothing more "
                "is switched on.",
                hint="Leave out the header or the parameter that overrides the method.",
            )
        if method.upper() in {"GET", "HEAD"}:
            return
        if allowed == "dry-run" and _target_of(url, self.target) == "dry-run":
            return
        raise NotAllowedError(
            f"{method} to {locate(url).host or 'the vendor'} is more than a read, and nothing "
            f"more is switched on.",
            hint="Set SINCHTOOLS_ALLOW=dry-run or live in the environment that starts "
            "JupyterLab, or use the sandbox: st.connect().",
        )


class Token:
    """A service plan's API token: one value, never renewed."""

    def __init__(self, value: str) -> None:
        self._secret = settings.Secret(value)

    def value(self) -> str:
        """Return what follows ``Bearer``."""
        return self._secret.reveal()

    def renew(self) -> bool:
        """Get a new value; False when there is none to get."""
        return False


class AccessToken(Token):
    """An OAuth2 access token, fetched on first use, renewed when the API says that it expired."""

    def __init__(self, credentials: settings.Credentials, url: str = AUTH_URL) -> None:
        super().__init__("")
        self._credentials, self._url = credentials, url

    def value(self) -> str:
        """Return the token, fetched from the token endpoint on first use."""
        if not self._secret.reveal():
            self.renew()
        return self._secret.reveal()

    def renew(self) -> bool:
        """Fetch a new token with the project's access key."""
        found, said = self._fetched()
        if not found:  # raised here, where no exception that holds the request is its context
            raise WrongUseError(
                f"The token endpoint gave no token: {said}.",
                hint="Check key ID, key secret, project and network.",
            )
        self._secret = settings.Secret(found)
        return True

    def _fetched(self) -> tuple[str, str]:
        import requests

        pair = (self._credentials.key_id or "", self._credentials.secret.reveal())
        try:
            with _session(loopback=locate(self._url).kind == "loopback") as auth:
                answer = auth.post(
                    self._url,
                    data={"grant_type": "client_credentials"},
                    auth=pair,
                    timeout=30,
                    allow_redirects=False,
                )
            return str(
                answer.json()["access_token"]
            ) if answer.ok else "", f"it answered {answer.status_code}"
        except requests.RequestException as error:
            return "", failure_of(error)
        except (KeyError, TypeError):
            return "", "its answer holds none"


def connect(
    target: str = "sandbox",
    *,
    region: str | None = None,
    log: CallLog | None = None,
    retries: int = 0,
    timeout_s: float = 30.0,
) -> Client:
    """
    Return a client of the sandbox, or of the vendor.

    The sandbox starts on first use. Credentials for the vendor come from the environment.

    Parameters
    ----------
    target
        ``sandbox``, or ``live``, which only reads unless SINCHTOOLS_ALLOW=live.
    region
        Of a live client; None takes SINCH_REGION, else ``us``.
    retries
        How often a call is repeated after 429 or 5xx; never a send whose outcome is unknown.

    Raises
    ------
    WrongUseError, UnknownRegionError, MissingCredentialsError
        The target, the region or the credentials do not exist, or do not fit each other.

    Examples
    --------
    >>> import tempfile
    >>> client = connect(log=CallLog(tempfile.mkdtemp() + "/calls.sqlite"))
    >>> client.batches.send({"to": ["+15551230001"], "from": "15559870002", "body": "Hi"}).status
    201
    """
    log = log if log is not None else CallLog()
    if target == "sandbox":
        from sinchtools.sandbox import shared

        sandbox = shared()
        return Client(
            base_url=sandbox.url,
            account=sandbox.service_plan_id,
            token=Token(sandbox.api_token),
            log=log,
            target="sandbox",
            sandbox=sandbox,
            retries=retries,
            timeout_s=timeout_s,
        )
    if target != "live":
        hint = 'Use "sandbox" or "live"; previews and dry runs are made with st.plan.'
        raise WrongUseError(f"{told(target)} is no target to connect to.", hint=hint)
    found = settings.credentials()
    region = region or os.environ.get("SINCH_REGION") or "us"
    base = settings.base_url(region, oauth=found.key_id is not None)
    token = AccessToken(found) if found.key_id else Token(found.secret.reveal())
    return Client(
        base_url=base,
        account=found.account,
        token=token,
        log=log,
        target="live",
        retries=retries,
        timeout_s=timeout_s,
    )


@contextlib.contextmanager
def record(log: CallLog | None = None) -> Iterator[CallLog]:
    """
    Log whatever is sent through requests while the block is open, the vendor's SDK included.

    Blocks may overlap: each file has a request once, and each block shows what was written while it
    was open.

    Parameters
    ----------
    log
        Where it is written; None is the work folder's log. What the block gives shows only its own
        part of it.

    Examples
    --------
    >>> import tempfile
    >>> with record(CallLog(tempfile.mkdtemp() + "/calls.sqlite")) as log:
    ...     pass
    >>> len(log)
    0
    """
    block = Recording(None if log is None else log.path)
    _wire.tap(block)
    try:
        yield block
    finally:
        _wire.untap(block)


class _Wire:
    """The one patch of requests, there while a block is open; the blocks are a list behind it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._taps: list[Recording] = []
        self._redactors: dict[Path, Redactor] = {}  # a secret has one number in a file
        self._restore: Callable[[], None] = lambda: None

    def tap(self, block: Recording) -> None:
        with self._lock:
            block.begin()
            self._taps.append(block)
            self._redactors.setdefault(block.path, Redactor())
            if len(self._taps) == 1:
                self._restore = self._patched()

    def untap(self, block: Recording) -> None:
        with self._lock:
            block.end()
            self._taps.remove(block)
            if block.path not in {one.path for one in self._taps}:
                del self._redactors[block.path]
            if not self._taps:
                self._restore()

    def _patched(self) -> Callable[[], None]:
        from requests.adapters import HTTPAdapter

        original, is_on = HTTPAdapter.send, threading.Event()
        is_on.set()

        def send(
            adapter: HTTPAdapter, request: requests.PreparedRequest, *args: Any, **kwargs: Any
        ) -> requests.Response:
            logs = [] if getattr(request, _OWN, False) or not is_on.is_set() else self._files()
            return _recorded(logs, request, lambda: original(adapter, request, *args, **kwargs))

        def restore() -> None:
            is_on.clear()  # somebody else's patch may lie on top, and still call this one
            if HTTPAdapter.send is send:
                HTTPAdapter.send = original  # type: ignore[method-assign]

        HTTPAdapter.send = send  # type: ignore[method-assign,assignment]
        return restore

    def _files(self) -> list[tuple[CallLog, Redactor]]:
        """Return one of the open blocks for each file."""
        with self._lock:
            files = {block.path: block for block in reversed(self._taps)}
            return [(block, self._redactors[path]) for path, block in files.items()]


_wire = _Wire()


def _recorded(
    logs: Sequence[tuple[CallLog, Redactor]],
    request: requests.PreparedRequest,
    send: Callable[[], requests.Response],
) -> requests.Response:
    """Send once, with a row in each of the logs."""
    if not logs:
        return send()
    planned = Exchange(
        id=new_id(),
        call_id=new_id(),
        at=datetime.now(UTC),
        origin="client",
        target=_target_of(str(request.url), "live"),
        **_request_of(request),
    )
    inner = partial(_recorded, logs[1:], request, send)
    _, response = logged(*logs[0], planned, inner, again=True)
    assert response is not None
    return response


def logged(
    log: CallLog,
    redactor: Redactor,
    planned: Exchange,
    send: Callable[[], requests.Response],
    *,
    again: bool = False,
) -> tuple[Exchange, requests.Response | None]:
    """
    Write the intent, send, write the outcome; return both.

    A network failure is a row, raised again only where asked.
    """
    import requests

    intent = complete(redactor.exchange(planned))
    log.intent(intent)
    started = time.perf_counter()
    response, content, failure, raised = None, None, None, None
    try:
        response = send()
        content = response.content
    except requests.RequestException as error:
        failure, raised, response = (
            failure_of(error),
            error,
            error.response if response is None else response,
        )
    elapsed_ms = (time.perf_counter() - started) * 1000
    answer = (
        {} if response is None else _answer(redactor, planned, intent, response, content or b"")
    )
    exchange = complete(replace(intent, elapsed_ms=elapsed_ms, failure=failure, **answer))
    log.outcome(exchange)
    if raised is not None and again:
        raise raised
    return exchange, response


def _answer(
    redactor: Redactor,
    planned: Exchange,
    intent: Exchange,
    response: requests.Response,
    content: bytes,
) -> dict[str, Any]:
    """
    Return status, headers and body of a response without secrets.

    It is redacted together with the request, because it may quote the request's secrets.
    """
    said: dict[str, Any] = {
        "response_headers": dict(response.headers),
        "response_body": text_of(content),
    }
    sent = [
        value.rpartition(" ")[2]
        for name, value in planned.request_headers.items()
        if intent.request_headers.get(name) != value
    ]
    is_sent = (planned.url, planned.request_body) != (intent.url, intent.request_body)
    if is_sent or any(
        secret.encode() in content or any(secret in value for value in response.headers.values())
        for secret in sent
    ):
        whole = redactor.exchange(replace(planned, **said))
        return {
            "status": response.status_code,
            "response_headers": whole.response_headers,
            "response_body": whole.response_body,
        }
    return {
        "status": response.status_code,
        "response_headers": redactor.headers(response.headers),
        "response_body": redactor.body(said["response_body"]),
    }


def sendable(method: str, headers: Mapping[str, str]) -> bool:
    """Whether method and headers can be written as HTTP at all; evidence may hold anything."""
    words = (method, *headers, *headers.values())
    return all(isinstance(word, str) for word in words) and (
        all(map(_TOKEN.fullmatch, (method, *headers)))
        and all(map(_HEADER_VALUE.fullmatch, headers.values()))
    )


def _check_sendable(method: str, headers: Mapping[str, str]) -> None:
    if not sendable(method, headers):
        words = unsendable(method, headers)
        raise WrongUseError(
            f"{words[0].upper()}{words[1:]} cannot be sent.",
            hint="Take out what HTTP does not allow there, such as a line end.",
        )


def means_another_method(url: str, headers: Iterable[str]) -> bool:
    """
    Whether a header or a parameter says that another method is meant.

    Servers also read names with underscores.
    """
    names = [*headers, *(name for name, _ in locate(url).query)]
    return any(
        name.lower().replace("_", "-").removeprefix("x-") in _METHOD_OVERRIDES for name in names
    )


_METHOD_OVERRIDES = {"http-method-override", "http-method", "method-override", "-method"}


def header_value(value: str) -> str:
    """
    Return a header's value as clients send it.

    White space around it is removed, and its letters are UTF-8.
    """
    return value.strip().encode("utf-8", "replace").decode("latin-1")


@lru_cache(maxsize=256)
def as_sent(url: str) -> str | None:
    """
    Return a URL as requests writes it, with dots and odd letters resolved.

    Return None when it cannot be sent.
    """
    import requests

    prepared = requests.PreparedRequest()
    try:
        prepared.prepare_url(url, None)
        prepared.prepare_url(
            str(prepared.url), None
        )  # dots that were percent-encoded are resolved by the second look only
    except (requests.RequestException, ValueError):
        return None
    return prepared.url


def unsendable(method: str, headers: Mapping[str, str]) -> str:
    """
    Return in words which part of a request HTTP does not allow.

    The method is checked first, then the headers, then the URL.
    """
    if not sendable(method, {}):
        return f"the method {told(method)}"
    name = next(
        (name for name, value in headers.items() if not sendable("GET", {name: value})), None
    )
    if name is None:
        return "the URL"
    return f"the header {told(str(name))}"


def retry_delay_s(exchange: Exchange, attempt: int, now: datetime | None = None) -> float | None:
    """
    Return how long to wait before the next attempt, or None when there must be none.

    ``Retry-After`` is honoured, counted from `now` where it is a date; else full jitter: a random
    share of 1, 2, 4 ... 60 s.
    """
    if exchange.status not in {429, 500, 502, 503, 504}:
        return None
    advice, _ = retry_advice(
        exchange.status,
        exchange.code,
        exchange.method or "GET",
        failure=exchange.failure,
        html=exchange.is_html,
    )
    if advice == "ask-first":
        return None
    asked = retry_after_s(
        header(exchange.response_headers, "Retry-After"), now or datetime.now(UTC)
    )
    return (
        asked
        if asked is not None
        else random.uniform(0, min(_BACKOFF_CAP_S, _BACKOFF_BASE_S * 2 ** (attempt - 1)))
    )


def retry_after_s(value: str | None, now: datetime) -> float | None:
    """
    Return the seconds that a Retry-After header asks for (a number or an HTTP date).

    It is at most an hour, and None when the header says none.
    """
    if not value:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            seconds = (parsedate_to_datetime(value) - now).total_seconds()
        except (ValueError, TypeError):
            return None
    return min(max(seconds, 0.0), 3600.0) if math.isfinite(seconds) else None


def failure_of(error: Exception) -> str:
    """
    Return the class of a network failure, such as ``ConnectionError: NameResolutionError``.

    Its text is not returned, because it contains the URL.
    """
    inner = error.args[0] if error.args else None
    reason = getattr(inner, "reason", inner)
    reason = getattr(
        reason, "original_error", reason
    )  # of a proxy: whether it could not be reached, or broke off after it had the request
    names = [type(error).__name__, type(reason).__name__ if isinstance(reason, Exception) else ""]
    return ": ".join(dict.fromkeys(filter(None, names)))


def text_of(content: bytes | None) -> str | bytes | None:
    """Return a body as text when it is UTF-8, else as it is; None for an empty one."""
    if not content:
        return None
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return content


def new_id() -> str:
    """Return a new random id."""
    return secrets.token_hex(8)


def _session(*, loopback: bool) -> requests.Session:
    import requests

    made = requests.Session()
    made.trust_env = not loopback  # no proxy stands before this machine's own port
    if loopback:
        from sinchtools.client.loopback import Direct

        made.mount("http://", Direct())
    return made


def _request_of(request: requests.PreparedRequest) -> dict[str, Any]:
    body = request.body
    raw = body.encode() if isinstance(body, str) else body if isinstance(body, bytes) else None
    return {
        "method": request.method,
        "url": request.url,
        "request_headers": {k: _plain(v) for k, v in request.headers.items()},
        "request_body": text_of(raw),
    }


def _plain(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value


def _target_of(url: str, otherwise: str) -> str:
    place = locate(url)
    if place.kind == "loopback":
        return "sandbox"
    return (
        "dry-run"
        if otherwise == "live" and place.below == "/batches/dry_run"
        else otherwise
        if place.is_sms_api
        else "unknown"
    )


def _token_expired(exchange: Exchange) -> bool:
    return exchange.status == 401 and "expired" in (
        header(exchange.response_headers, "WWW-Authenticate") or ""
    )


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return ",".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)


class _Resource:
    def __init__(self, client: Client) -> None:
        self._client = client

    def _pages(self, path: str, query: Mapping[str, Any]) -> Iterator[Exchange]:
        page = int(query.get("page") or 0)
        before = page * int(query.get("page_size") or 30)
        while True:
            exchange = self._client.request("GET", path, params={**query, "page": page})
            yield exchange
            try:
                answer = jsonlib.loads(exchange.response_body or "")
                size, count = int(answer["page_size"]), int(answer["count"])
            except (ValueError, KeyError, TypeError):
                return
            page, before = page + 1, before + size  # a page may be shorter than was asked for
            if not size or before >= count:
                return


class Batches(_Resource):
    """The operations on batches, by the vendor's names; a body is the dict that the API takes."""

    def send(self, body: Mapping[str, Any]) -> Exchange:
        """Send a batch of any type."""
        return self._client.request("POST", "/batches", json=body)

    def send_sms(self, body: Mapping[str, Any]) -> Exchange:
        """Send a text batch."""
        return self.send({**body, "type": "mt_text"})

    def send_binary(self, body: Mapping[str, Any]) -> Exchange:
        """Send a binary batch."""
        return self.send({**body, "type": "mt_binary"})

    def send_mms(self, body: Mapping[str, Any]) -> Exchange:
        """Send a media batch."""
        return self.send({**body, "type": "mt_media"})

    def dry_run(
        self,
        body: Mapping[str, Any],
        *,
        per_recipient: bool | None = None,
        number_of_recipients: int | None = None,
    ) -> Exchange:
        """Ask what a batch would be, without sending it."""
        query = {"per_recipient": per_recipient, "number_of_recipients": number_of_recipients}
        return self._client.request("POST", "/batches/dry_run", json=body, params=query)

    def list(self, **query: Any) -> Exchange:
        """Return one page of batches; `pages` goes through all."""
        return self._client.request("GET", "/batches", params=_renamed(query))

    def pages(self, **query: Any) -> Iterator[Exchange]:
        """Yield every page of batches, each logged."""
        return self._pages("/batches", _renamed(query))

    def get(self, batch_id: str) -> Exchange:
        """Return a batch."""
        return self._client.request("GET", f"/batches/{_id(batch_id)}")

    def update(self, batch_id: str, body: Mapping[str, Any]) -> Exchange:
        """Change the given fields of a batch."""
        return self._client.request("POST", f"/batches/{_id(batch_id)}", json=body)

    def replace(self, batch_id: str, body: Mapping[str, Any]) -> Exchange:
        """Replace a batch by a whole new body."""
        return self._client.request("PUT", f"/batches/{_id(batch_id)}", json=body)

    def cancel(self, batch_id: str) -> Exchange:
        """Cancel a batch."""
        return self._client.request("DELETE", f"/batches/{_id(batch_id)}")

    def send_delivery_feedback(self, batch_id: str, recipients: Sequence[str] = ()) -> Exchange:
        """Report that recipients got the message; none means all."""
        return self._client.request(
            "POST",
            f"/batches/{_id(batch_id)}/delivery_feedback",
            json={"recipients": [*recipients]},
        )


class DeliveryReports(_Resource):
    """The operations on delivery reports, by the vendor's names."""

    def get(self, batch_id: str, **query: Any) -> Exchange:
        """Return a batch's report; ``type="full"`` lists recipients."""
        return self._client.request(
            "GET", f"/batches/{_id(batch_id)}/delivery_report", params=query
        )

    def get_for_number(self, batch_id: str, recipient_msisdn: str) -> Exchange:
        """Return one recipient's report."""
        return self._client.request(
            "GET", f"/batches/{_id(batch_id)}/delivery_report/{_id(recipient_msisdn)}"
        )

    def list(self, **query: Any) -> Exchange:
        """Return one page of finished recipient reports."""
        return self._client.request("GET", "/delivery_reports", params=query)

    def pages(self, **query: Any) -> Iterator[Exchange]:
        """Yield every page, each logged."""
        return self._pages("/delivery_reports", query)


class Inbounds(_Resource):
    """The operations on inbound messages, by the vendor's names."""

    def list(self, **query: Any) -> Exchange:
        """Return one page of inbound messages."""
        return self._client.request("GET", "/inbounds", params=query)

    def pages(self, **query: Any) -> Iterator[Exchange]:
        """Yield every page, each logged."""
        return self._pages("/inbounds", query)

    def get(self, inbound_id: str) -> Exchange:
        """Return an inbound message."""
        return self._client.request("GET", f"/inbounds/{_id(inbound_id)}")


class Groups(_Resource):
    """The operations on groups, by the vendor's names."""

    def list(self, **query: Any) -> Exchange:
        """Return one page of groups."""
        return self._client.request("GET", "/groups", params=query)

    def pages(self, **query: Any) -> Iterator[Exchange]:
        """Yield every page, each logged."""
        return self._pages("/groups", query)

    def create(self, body: Mapping[str, Any] | None = None) -> Exchange:
        """Make a group."""
        return self._client.request("POST", "/groups", json=dict(body or {}))

    def get(self, group_id: str) -> Exchange:
        """Return a group."""
        return self._client.request("GET", f"/groups/{_id(group_id)}")

    def update(self, group_id: str, body: Mapping[str, Any]) -> Exchange:
        """Change the given fields of a group; say the name too, or an SDK's null removes it."""
        return self._client.request("POST", f"/groups/{_id(group_id)}", json=body)

    def replace(self, group_id: str, body: Mapping[str, Any]) -> Exchange:
        """Replace a group by a whole new body."""
        return self._client.request("PUT", f"/groups/{_id(group_id)}", json=body)

    def delete(self, group_id: str) -> Exchange:
        """Delete a group."""
        return self._client.request("DELETE", f"/groups/{_id(group_id)}")

    def list_members(self, group_id: str) -> Exchange:
        """Return a group's numbers."""
        return self._client.request("GET", f"/groups/{_id(group_id)}/members")


def _id(value: str) -> str:
    if not isinstance(value, str) or not value:
        given = "An empty text" if value == "" else f"A {type(value).__name__}"
        raise WrongUseError(
            f"{given} is no id.", hint="Give the id as text, as the API answered it."
        )
    return quote(value, safe="")


def _renamed(query: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name.rstrip("_"): value for name, value in query.items()
    }  # `from` is a Python keyword: from_
