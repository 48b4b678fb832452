"""
The sandbox's server: tornado in a thread with an event loop of its own, never the kernel's.

Loopback only.
"""

from __future__ import annotations

import asyncio
import atexit
import errno
import os
import random
import secrets
import select
import selectors
import socket
import threading
from collections.abc import Coroutine
from typing import Any, Self

from sinchtools.api.description import CONTROL
from sinchtools.core.errors import PortInUseError, WrongUseError
from sinchtools.sandbox.answers import Answer, Limiter, Request, answer
from sinchtools.sandbox.callbacks import Callbacks
from sinchtools.sandbox.connections import HOST, SELECTABLE, Server
from sinchtools.sandbox.control import control
from sinchtools.sandbox.faults import Faults
from sinchtools.sandbox.state import Account, Clock, account_settings, made_up, stamp


class Sandbox:
    """
    A simulator of the SMS API on this machine: real state, real causes, no SMS.

    Attributes
    ----------
    service_plan_id, api_token
        Credentials of its service plan; made up unless given. The token also opens the control
        below ``/__sandbox__/``.
    project_id, key_id, key_secret
        Credentials of its project, for ``/oauth2/token``. Plan and project share nothing.
        Secrets are random and new each time unless they or a `seed` are given.
    faults, clock
        What can be switched on and moved.
    limiter
        How many requests may be outstanding.
    callbacks
        What was pushed, in ``.attempts``.

    Examples
    --------
    >>> with Sandbox() as sandbox:
    ...     sandbox.url.startswith("http://127.0.0.1:")
    True
    """

    def __init__(
        self,
        *,
        port: int = 0,
        service_plan_id: str | None = None,
        api_token: str | None = None,
        project_id: str | None = None,
        key_id: str | None = None,
        key_secret: str | None = None,
        seed: int | None = None,
    ) -> None:
        fakes = made_up(seed)
        self.service_plan_id = service_plan_id or fakes["service_plan_id"]
        self.api_token = api_token or fakes["api_token"]
        self.project_id = project_id or fakes["project_id"]
        self.key_id, self.key_secret = key_id or fakes["key_id"], key_secret or fakes["key_secret"]
        self.port, self.url = port, ""
        self.faults, self.limiter = Faults(), Limiter()
        self.clock = Clock(self._moved)
        self.callbacks = Callbacks(self.clock)
        self._seed, self._lock = secrets.token_hex(16) if seed is None else seed, threading.RLock()
        self._accounts: dict[str, Account] = {}
        self._served = 0
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._furnish()

    def __repr__(self) -> str:
        return f"<Sandbox {self.url or 'not started'}>"

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *problem: object) -> None:
        self.stop()

    def start(self) -> Self:
        """
        Serve until `stop`, or until Python ends.

        Raises
        ------
        PortInUseError
            Somebody else listens on the port.
        """
        if self._thread:
            return self
        listening = _listen(self.port)
        self.port = listening.getsockname()[1]
        self.url = f"http://{HOST}:{self.port}"
        ready = threading.Event()
        self._thread = threading.Thread(
            target=lambda: _run(self._serve(listening, ready)),
            name="sinchtools-sandbox",
            daemon=True,
        )
        self._thread.start()
        ready.wait()
        return self

    def stop(self) -> None:
        """Close all connections and free the port."""
        if self._thread and self._loop:
            self._loop.call_soon_threadsafe(self._stopping.set)
            self._thread.join(timeout=10)
        self._thread = self._loop = None

    def account(self, account_id: str | None = None, **settings: Any) -> Account:
        """
        Return an account, made on first use; the settings given (see `state.Account`) are set.

        Parameters
        ----------
        account_id
            Service plan ID or project ID; the sandbox's own service plan by default.
        **settings
            ``token``, ``kind`` (``plan`` or ``project``), ``callback_url``, ``blocked``,
            ``illegal_countries``, ``default_originator``, ...

        Raises
        ------
        WrongUseError
            A setting is not known.
        """
        wanted = account_id or self.service_plan_id
        given = account_settings(settings)
        with self._lock:
            known = self._accounts.get(wanted)
            if known is None:
                known = self._accounts[wanted] = self._new_account(wanted, given)
            for name, value in given.items():
                setattr(known, name, value)
            if known.knows(known.token) == "expired":
                known.token = known.issue_token()
        return known

    def receive(
        self,
        account: str | None = None,
        *,
        from_: str,
        to: str,
        body: Any,
        type: str = "mo_text",
        **rest: Any,
    ) -> dict[str, Any]:
        """
        Let an inbound message arrive at an account, its service plan by default.

        Returns the message.
        """
        with self._lock:
            receiver = self.account(account)
            inbound = receiver.add_inbound(from_=from_, to=to, body=body, type=type, **rest)
            self.callbacks.inbound(receiver, inbound)
        self._moved()
        return inbound

    def state(self) -> dict[str, Any]:
        """Return what is here, in numbers; no credential and no message."""
        with self._lock:
            accounts = {
                account.id: {
                    "kind": account.kind,
                    "blocked": account.blocked,
                    "batches": len(account.batches),
                    "groups": len(account.groups),
                    "inbounds": len(account.inbounds),
                    "outstanding": self.limiter.outstanding[account.id],
                }
                for account in self._accounts.values()
            }
            return {
                "url": self.url,
                "now": stamp(self.clock.now()),
                "requests": self._served,
                "accounts": accounts,
                "faults": self.faults.active(),
                "callbacks": len(self.callbacks.attempts),
            }

    def reset(self) -> None:
        """Forget everything but the credentials; the clock shows the real time again."""
        with self._lock:
            self._accounts.clear()
            self.faults.clear()
            self.callbacks.clear()
            self.clock.run()
            self._furnish()

    def answer(self, request: Request) -> Answer:
        """Return the answer to a request without a server and without waiting."""
        found = self._take(request)
        self.limiter.leave(found.ticket)
        return found

    # --- inside ---

    def _take(self, request: Request) -> Answer:
        with self._lock:
            self._served += 1
            if request.target.startswith(CONTROL):
                return control(self, request)
            return answer(request, self._accounts, self.faults, self.limiter)

    def _furnish(self) -> None:
        self.account(self.service_plan_id, token=self.api_token)
        self.account(
            self.project_id, kind="project", key_id=self.key_id, key_secret=self.key_secret
        )

    def _new_account(self, account_id: str, settings: dict[str, Any]) -> Account:
        source = random.Random(f"{self._seed} {account_id}")
        fakes = (
            {"token": source.randbytes(16).hex()} if settings.get("kind", "plan") == "plan" else {}
        )
        return Account(
            id=account_id,
            clock=self.clock,
            random=source,
            dispatched=self.callbacks.report,
            **{**fakes, **settings},
        )

    async def _serve(self, listening: socket.socket, ready: threading.Event) -> None:
        self._loop, self._stopping = asyncio.get_running_loop(), asyncio.Event()
        server = Server(self)
        self._loop.add_reader(listening, server.accept, listening)
        ready.set()
        await self._stopping.wait()
        self._loop.remove_reader(listening)
        listening.close()
        await server.close()
        if self._timer:
            self._timer.cancel()

    def _moved(self) -> None:
        """
        Do what is due now.

        The server's own thread does it at once; another thread waits until it is done.
        """
        with self._lock:
            for account in list(self._accounts.values()):
                account.settle()
        if self._loop is None or self._thread is None:
            return
        done = asyncio.run_coroutine_threadsafe(self.settle(), self._loop)
        if threading.current_thread() is not self._thread:
            done.result()

    async def settle(self) -> None:
        """Send the callbacks that are due, and wake up for the next one."""
        await self.callbacks.settle()
        wait = self.callbacks.due_in_s()
        if self._timer:
            self._timer.cancel()
        if wait is not None and self.clock.runs and self._loop:
            self._timer = self._loop.call_later(min(wait, 3600), self._moved)


_shared: list[Sandbox] = []
_sharing = threading.Lock()


def shared() -> Sandbox:
    """Return the sandbox of this process, started on first use and stopped with it."""
    with _sharing:
        if not _shared:
            _shared.append(Sandbox())
            atexit.register(_shared[0].stop)
        return _shared[0].start()


def _listen(port: int) -> socket.socket:
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        if os.name == "posix":  # elsewhere it would let two servers share a port
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((HOST, port))
        listening.listen(128)
        listening.setblocking(False)
    except (OSError, OverflowError) as error:
        listening.close()
        if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
            raise PortInUseError(port) from None
        said = f"The sandbox cannot listen on port {port}: {str(error).rstrip('.')}."
        raise WrongUseError(said, hint="Choose 1024 to 65535, or 0 for any free port.") from None
    return listening


def _run(main: Coroutine[Any, Any, None]) -> None:
    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(_Selector())) as runner:
        runner.run(main)


class _Selector(selectors.DefaultSelector):
    """
    Waits to the microsecond.

    Epoll alone rounds up to the next millisecond, and a fault of 50 ms would last 51.
    """

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout and timeout > 0 and hasattr(self, "fileno") and self.fileno() < SELECTABLE:
            select.select([self], [], [], timeout)
            timeout = 0
        return super().select(timeout)
