"""Long work tells how far it is, and ends early when it is cancelled."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

Listener = Callable[[str, int, int], None]
_EVERY = 256  # items between two words
_LISTENER: ContextVar[Listener | None] = ContextVar("listener", default=None)
_T = TypeVar("_T")


class Cancelled(BaseException):
    """The work was cancelled. No handler of errors takes it for one."""


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Have a function told what is counted, how many are done, and of how many (0: not known)."""
    token = _LISTENER.set(listener)
    try:
        yield
    finally:
        _LISTENER.reset(token)


def tell(what: str, done: int, of: int = 0) -> None:
    """
    Say how far the work is; whoever listens may raise `Cancelled`.

    Examples
    --------
    >>> with listening(print):
    ...     tell("lines", 512, 2000)
    lines 512 2000
    """
    if (listener := _LISTENER.get()) is not None:
        listener(what, done, of)


def told(what: str, items: Sequence[_T]) -> Iterable[_T]:
    """Return the items one by one, saying how many are done now and then."""
    if _LISTENER.get() is None:
        return items
    return _told(what, items)


def _told(what: str, items: Sequence[_T]) -> Iterator[_T]:
    for done, item in enumerate(items):
        if done % _EVERY == 0:
            tell(what, done, len(items))
        yield item
