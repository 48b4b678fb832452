"""
Send HTTP to this machine's own ports.

Plain sockets are enough: proxies, certificates and retries are for the way out.
"""

from __future__ import annotations

import contextlib
import io
import weakref
from collections import defaultdict
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPException, IncompleteRead
from typing import Any

import requests
from requests.adapters import BaseAdapter
from urllib3.util import wait_for_read

from sinchtools.api.description import split_url


class Direct(BaseAdapter):
    """
    Sends as `requests.adapters.HTTPAdapter` does, in three quarters of its time.

    Nothing is sent a second time.
    """

    def __init__(self) -> None:
        super().__init__()
        self._idle: dict[str, list[HTTPConnection]] = defaultdict(list)
        weakref.finalize(self, _close, self._idle)  # nobody closes a client in a notebook

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: float | tuple[float, float] | tuple[float, None] | None = None,
        verify: bool | str = True,
        cert: Any = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """
        Return the response, wholly read.

        Raises
        ------
        ReadTimeout, ConnectionError, ChunkedEncodingError
            No response came, or half of one: then the error has it as `response`.
        """
        place = split_url(str(request.url)).netloc
        connection = self._connection(place, timeout)
        response = requests.Response()
        response.request, response.url = request, str(request.url)
        try:
            connection.request(
                str(request.method), request.path_url, body=request.body, headers=request.headers
            )
            received = connection.getresponse()
            response.status_code, response.reason = received.status, received.reason
            for name, value in received.headers.items():
                response.headers[name] = (
                    f"{response.headers[name]}, {value}" if name in response.headers else value
                )
            response.raw = io.BytesIO(received.read())
        except TimeoutError as error:
            raise requests.ReadTimeout(error, request=request) from error
        except IncompleteRead as error:
            raise requests.exceptions.ChunkedEncodingError(
                error, request=request, response=response
            ) from error
        except (OSError, HTTPException) as error:
            raise requests.ConnectionError(error, request=request) from error
        finally:
            if response.raw is None:
                connection.close()
        self._idle[place].append(connection)
        return response

    def close(self) -> None:
        """Close the connections; what is sent then opens new ones."""
        _close(self._idle)

    def _connection(self, place: str, timeout: Any) -> HTTPConnection:
        """Return a connection that nobody uses and the server has not closed, else a new one."""
        idle = self._idle[place]
        with contextlib.suppress(
            IndexError
        ):  # none is left: another thread may have taken the last one
            while True:
                connection = idle.pop()
                if connection.sock and not wait_for_read(connection.sock, timeout=0.0):
                    connection.sock.settimeout(timeout)
                    return connection
                connection.close()
        return _Connection(place, timeout=timeout)


class _Connection(HTTPConnection):
    """Sends a request's head and body in one piece: the server wakes up once."""

    def request(self, *args: Any, **kwargs: Any) -> None:
        self._pieces = list[bytes]()
        super().request(*args, **kwargs)
        super().send(b"".join(self._pieces))

    def send(self, data: Any) -> None:
        self._pieces.append(data)


def _close(idle: Mapping[str, list[HTTPConnection]]) -> None:
    for connections in idle.values():
        while connections:
            connections.pop().close()
