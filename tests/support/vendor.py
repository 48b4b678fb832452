"""
A vendor that is not there.

What would go to its hosts is written down and answered by the sandbox's logic, without a socket.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import requests
from requests.adapters import HTTPAdapter

from sinchtools.api.description import locate
from sinchtools.sandbox import Sandbox
from sinchtools.sandbox.answers import Request

PLAN, TOKEN = "8f2d4c6b1a9e4f70b3c5d7e9f1a2b3c4", "secret-token-1"
SENDER: dict[str, Any] = {"from": "15559870002"}  # a batch's field that Python has a keyword for


class Vendor:
    """
    Stands in for every host but loopback.

    Attributes
    ----------
    sandbox
        What it knows and can be told; it is not started.
    requests
        What was sent to it: (method, path with query).
    answered
        What answers a request; a test may put its own around it.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, allow: str = "live") -> None:
        self.sandbox = Sandbox(service_plan_id=PLAN, api_token=TOKEN)
        self.requests: list[tuple[str, str]] = []
        self.answered: Callable[[requests.PreparedRequest], requests.Response] = self._answered
        self._real = HTTPAdapter.send
        monkeypatch.setattr(HTTPAdapter, "send", self._send(self._real))
        for name, value in {
            "SINCHTOOLS_ALLOW": allow,
            "SINCH_SERVICE_PLAN_ID": PLAN,
            "SINCH_API_TOKEN": TOKEN,
        }.items():
            monkeypatch.setenv(name, value)

    @property
    def sends(self) -> list[tuple[str, str]]:
        """The requests that are more than a read."""
        return [one for one in self.requests if one[0] not in {"GET", "HEAD"}]

    def answer_reads_with(self, body: bytes) -> None:
        """Let each read get this body, whatever the sandbox answers."""

        def answered(prepared: requests.PreparedRequest) -> requests.Response:
            response = self._answered(prepared)
            if prepared.method == "GET":
                response._content = body
            return response

        self.answered = answered

    def lose_answers_to(self, method: str) -> None:
        """Let requests of a method arrive, and their answers not."""

        def answered(prepared: requests.PreparedRequest) -> requests.Response:
            response = self._answered(prepared)
            if prepared.method == method:
                raise requests.ReadTimeout
            return response

        self.answered = answered

    def _send(self, real: Callable[..., requests.Response]) -> Callable[..., requests.Response]:
        def send(adapter: HTTPAdapter, prepared: Any, **rest: Any) -> requests.Response:
            if locate(prepared.url).kind == "loopback":
                return real(adapter, prepared, **rest)
            self.requests.append((prepared.method, prepared.path_url))
            return self.answered(prepared)

        return send

    def _answered(self, prepared: Any) -> requests.Response:
        body = prepared.body.encode() if isinstance(prepared.body, str) else prepared.body or b""
        found = self.sandbox.answer(
            Request(
                method=prepared.method,
                target=prepared.path_url,
                headers=prepared.headers,
                body=body,
            )
        )
        if found.drop:
            raise requests.ConnectionError("dropped")
        response = requests.Response()
        response.status_code, response._content, response.url = (
            found.status,
            found.body,
            prepared.url,
        )
        response.headers.update(found.headers)
        return response
