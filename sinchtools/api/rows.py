"""The rows of the catalogue's files about statuses and codes, as they are written."""

from __future__ import annotations

import msgspec

from sinchtools.api.entries import Advice, Location
from sinchtools.core.tables import Row, Tag, Text


class Status(Row, frozen=True):
    """What an HTTP status means, alone or with a code."""

    status: int
    on_page: bool
    title: Text
    meaning: Text
    tips: tuple[Text, ...]
    retry: Advice
    retry_reason: Text
    source: Text
    tag: Tag
    row: int | None = None
    code: Text | None = None
    location: Location | None = None
    sample: Text | None = None


class StatusClass(Row, frozen=True):
    """What a status means that has no row of its own."""

    hundreds: int
    title: Text
    meaning: Text
    tips: tuple[Text, ...]
    retry: Advice
    retry_reason: Text
    location: Location | None = None


class ClassicCode(Row, frozen=True):
    """An error number of the retired Classic API."""

    number: int
    meaning: Text
    source: Text
    tag: Tag


class Http(Row, frozen=True):
    """``http.toml``."""

    entry: tuple[Status, ...]
    by_class: tuple[StatusClass, ...] = msgspec.field(name="class")
    classic: tuple[ClassicCode, ...]


class RetryRule(Row, frozen=True):
    """When a request may be repeated; what is None fits everything."""

    when: tuple[Text, ...]
    advice: Advice
    reason: Text
    source: Text
    tag: Tag
    unless: tuple[Text, ...] = ()
    failures: tuple[Text, ...] | None = None
    methods: tuple[Text, ...] | None = None
    endpoints: tuple[Text, ...] | None = None
    html: bool | None = None


class Retry(Row, frozen=True):
    """``retry.toml``."""

    rule: tuple[RetryRule, ...]


class DeliveryStatusRow(Row, frozen=True):
    """A status of a delivery report."""

    name: Text
    final: bool
    meaning: Text
    source: Text
    tag: Tag


class DeliveryCode(Row, frozen=True):
    """A code of a delivery report."""

    number: int
    title: Text
    statuses: tuple[Text, ...]
    meaning: Text
    tips: tuple[Text, ...]
    retry: Advice
    retry_reason: Text
    source: Text
    tag: Tag
    on_page: bool = True
    location: Location | None = None


class Delivery(Row, frozen=True):
    """``delivery.toml``."""

    status: tuple[DeliveryStatusRow, ...]
    code: tuple[DeliveryCode, ...]


class Hint(Row, frozen=True):
    """Phrases of a refusal that point at a field."""

    field: Text
    phrases: tuple[Text, ...]
    source: Text
    tag: Tag


class Texts(Row, frozen=True):
    """``texts.toml``."""

    hint: tuple[Hint, ...]


class SmppRetry(Row, frozen=True):
    """Whether a message may be sent again that failed with an SMPP code."""

    when: Text
    advice: Advice
    reason: Text


class SmppCode(Row, frozen=True):
    """An SMPP code; what is None is as in its range."""

    number: int
    title: Text
    permanent: bool | None = None
    ten_dlc: Text | None = None
    tips: tuple[Text, ...] | None = None


class SmppRange(Row, frozen=True):
    """A range of SMPP codes."""

    first: int
    last: int
    group: Text
    meaning: Text
    tips: tuple[Text, ...]
    source: Text
    tag: Tag
    codes: tuple[SmppCode, ...]


class Smpp(Row, frozen=True):
    """``smpp.toml``."""

    retry: tuple[SmppRetry, ...]
    range: tuple[SmppRange, ...]
