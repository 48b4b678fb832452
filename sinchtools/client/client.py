"""
A thin client on requests.

Every attempt becomes a logged exchange, and a failing response is a result, not an exception.
"""

from __future__ import annotations

import itertools
import json as jsonlib
import os
import re
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from sinchtools.api.description import locate
from sinchtools.client.disk import refuse_network
from sinchtools.client.log import CallLog
from sinchtools.core import settings
from sinchtools.core.errors import NotAllowedError, WrongUseError, told
from sinchtools.core.records import Exchange, header
from sinchtools.privacy.redaction import Redactor

if TYPE_CHECKING:
    import requests

    from sinchtools.sandbox import Sandbox
from sinchtools.client.operations import Batches, DeliveryReports, Groups, Inbounds
from sinchtools.client.recording import OWN, logged, new_id, request_of, target_of
from sinchtools.client.retrying import retry_delay_s
from sinchtools.client.sending import (
    Permission,
    as_sent,
    check_sendable,
    means_another_method,
    new_session,
    sendable,
)
from sinchtools.client.token import AccessToken, Token

_OWN_HEADERS = {"User-Agent": f"sinchtools/{settings.version()}", "Accept": "application/json"}


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
        self._session = new_session(loopback=target == "sandbox")
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
        permit: Callable[[], Permission] | None = None,
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
        permit
            Asked just before each attempt is written and sent whether it may go, and as which
            attempt of which call. None is a new call.

        Raises
        ------
        AlreadySentError
            The log has this attempt of the call.
        NotAllowedError
            The client is live, the request is no read, and SINCHTOOLS_ALLOW does not allow it; or
            `permit` gives a reason against it.
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
        permit, renewed = permit or partial(next, _attempts_of_a_new_call()), False
        while True:
            prepared = self._prepared(method, url, body, headers)
            permission = permit()
            exchange = self._attempt(prepared, url, permission, parent_id)
            if not renewed and _token_expired(exchange) and self._token.renew():
                renewed = True
                continue
            attempt = permission.attempt
            delay = retry_delay_s(exchange, attempt) if attempt <= self.retries else None
            if delay is None:
                return exchange
            time.sleep(delay)

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
        permission: Permission,
        parent_id: str | None,
    ) -> Exchange:
        if permission.reason:
            raise NotAllowedError(f"On hold: {permission.reason}.", hint=permission.hint)
        planned = Exchange(
            id=new_id(),
            parent_id=parent_id,
            call_id=permission.call_id,
            attempt=permission.attempt,
            at=datetime.now(UTC),
            origin="client" if parent_id is None else "replay",
            target=target_of(url, self.target),
            **request_of(prepared),
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
        check_sendable(method, kept)
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
        setattr(prepared, OWN, True)
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
                    f"{told(path)} is not a path.",
                    hint="Begin it with a slash, or give a whole URL.",
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
        if not pairs:
            return path
        return path + ("&" if "?" in path else "?") + "&".join(pairs)

    def _guard(self, method: str, url: str, headers: Mapping[str, str]) -> None:
        if locate(url).kind == "loopback":
            return
        if self.target == "sandbox":
            raise NotAllowedError(
                f"A client of the sandbox sends nothing to {locate(url).host}.",
                hint='For the vendor, use st.connect("live").',
            )
        allowed, is_other = settings.allowed_target(), means_another_method(url, headers)
        if method.upper() in {"GET", "HEAD"} and not is_other:
            return
        if allowed == "live":
            refuse_network("live", self.log.path.parent)
            return
        if is_other:
            raise NotAllowedError(
                "A request that asks for another method is more than a read, and nothing more "
                "is switched on.",
                hint="Leave out the header or the parameter that overrides the method.",
            )
        if allowed == "dry-run" and target_of(url, self.target) == "dry-run":
            refuse_network("dry-run", self.log.path.parent)
            return
        raise NotAllowedError(
            f"{method} to {locate(url).host or 'the vendor'} is more than a read, and nothing "
            f"more is switched on.",
            hint="Set SINCHTOOLS_ALLOW=dry-run or live in the environment that starts "
            "JupyterLab, or use the sandbox: st.connect().",
        )


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
    log
        Where calls are written; None is the work folder's log.
    timeout_s
        Seconds until a call without a response is given up.

    Returns
    -------
    Client
        Calls are its methods, such as ``client.batches.send(...)``; each is written to the
        log.

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
    log, sandbox = log if log is not None else CallLog(), None
    if target == "sandbox":
        from sinchtools.sandbox import shared

        sandbox = shared()
        base, account, token = sandbox.url, sandbox.service_plan_id, Token(sandbox.api_token)
    elif target == "live":
        found = settings.credentials()
        region = region or os.environ.get("SINCH_REGION") or "us"
        base, account = settings.base_url(region, oauth=found.key_id is not None), found.account
        token = AccessToken(found) if found.key_id else Token(found.secret.reveal())
    else:
        hint = 'Use "sandbox" or "live"; previews and dry runs are made with st.plan.'
        raise WrongUseError(f"{told(target)} is not a target to connect to.", hint=hint)
    return Client(
        base_url=base,
        account=account,
        token=token,
        log=log,
        target=target,
        sandbox=sandbox,
        retries=retries,
        timeout_s=timeout_s,
    )


def _attempts_of_a_new_call() -> Iterator[Permission]:
    call_id = new_id()
    return (Permission(call_id=call_id, attempt=number) for number in itertools.count(1))


def _token_expired(exchange: Exchange) -> bool:
    return exchange.status == 401 and "expired" in (
        header(exchange.response_headers, "WWW-Authenticate") or ""
    )


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return ",".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
