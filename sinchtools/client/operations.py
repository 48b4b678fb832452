"""The operations of the SMS API by their names, a class for each kind of resource."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from sinchtools.core.errors import WrongUseError
from sinchtools.core.json import object_of
from sinchtools.core.records import Exchange

if TYPE_CHECKING:
    from sinchtools.client.client import Client


class _Resource:
    def __init__(self, client: Client) -> None:
        self._client = client

    def _pages(self, path: str, query: Mapping[str, Any]) -> Iterator[Exchange]:
        page = int(query.get("page") or 0)
        before = page * int(query.get("page_size") or 30)
        while True:
            exchange = self._client.request("GET", path, params={**query, "page": page})
            yield exchange
            body = object_of(exchange.response_body)
            try:
                size, count = int(body["page_size"]), int(body["count"])
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
            f"{given} is not an id.", hint="Give the id as text, as the API returned it."
        )
    return quote(value, safe="")


def _renamed(query: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name.rstrip("_"): value for name, value in query.items()
    }  # `from` is a Python keyword: from_
