"""The mails of the story: awaited step by step, and counted at the end."""

from __future__ import annotations

from collections import Counter
from typing import Any

from services.demo.api import Api
from services.demo.narrator import Narrator
from services.demo.sale import MAILS
from services.demo.waiting import Patience
from services.simulator import Simulator

Told = tuple[str, str]
"""Who, and of what: recipient kind and template."""


class Mails:
    """What the suite says it sent about one order, beside what the mail server really received.

    addresses: recipient kind → address. order_id: set once there is an order.
    """

    def __init__(self, api: Api, outside: Simulator, patience: Patience, tell: Narrator) -> None:
        self._api, self._outside, self._patience, self._tell = api, outside, patience, tell
        self.addresses: dict[str, str] = {}
        self.order_id = ""
        newest = outside.mails(limit=1)
        self._before = newest[0]["id"] if newest else 0
        self._shown: set[str] = set()
        self._expected: Counter[Told] = Counter()

    @property
    def expected(self) -> Counter[Told]:
        """What has been awaited so far."""
        return self._expected

    def arrive(self, step: str) -> None:
        """Wait until every mail of this step is there, and show it. Raises NotReached."""
        self._expected.update(MAILS[step])
        missing = "mails " + ", ".join(f"`{template}` to the {kind}" for kind, template in MAILS[step])
        self._patience.until(missing, self.told, lambda told: not self._expected - told)
        received = self.received()
        for notification in reversed(self.sent()):
            mail = received.get(notification["id"])
            if mail and notification["id"] not in self._shown:
                self._shown.add(notification["id"])
                self._tell.mail(", ".join(mail["to"]), mail["subject"])

    def told(self) -> Counter[Told]:
        """Who was told of what, as far as the mail server has it, at the address that belongs to them."""
        received = self.received()
        return Counter(
            (each["recipient"]["kind"], each["template"])
            for each in self.sent()
            if received.get(each["id"], {}).get("to") == [self.addresses.get(each["recipient"]["kind"])]
        )

    def sent(self) -> list[dict[str, Any]]:
        """The notifications about the order, newest first."""
        found = self._api.get("platform_agent", f"/v1/notifications?order_id={self.order_id}&limit=200")
        return found["items"]

    def received(self) -> dict[str, dict[str, Any]]:
        """The mails received since the start, by the notification that their Message-ID names."""
        return {_notification_of(mail): mail for mail in self.all_received()}

    def all_received(self) -> list[dict[str, Any]]:
        """Every mail about the order or its claims, doubles included."""
        ours = {each["id"] for each in self.sent()}
        return [mail for mail in self._outside.mails(after=self._before, limit=200) if _notification_of(mail) in ours]


def _notification_of(mail: dict[str, Any]) -> str:
    headers = {name.lower(): value for name, value in mail["headers"]}
    return headers.get("message-id", "").strip("<>").partition("@")[0].rpartition(".")[2]
