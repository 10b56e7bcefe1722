"""The services that mail is handed to, and what they say about addresses before it is taken."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, Protocol

from shared.kernel.calls import Answer, Call
from shared.kernel.principal import Principal

PATIENCE = 5.0
KNOWN = 10_000  # addresses
REMEMBERED = 2.0  # seconds that a verdict about an address is used again; exact times are the service's business


class NoAnswer(Exception):
    """The service did not answer, or cannot now: later it will."""


class Client(Protocol):
    def call_all(self, calls: Sequence[Call], timeout: float) -> Sequence[Answer | None]: ...


class Desk:
    """messaging and notification, asked as the suite's own process."""

    def __init__(self, messaging: Client, notification: Client | None = None) -> None:
        self._messaging, self._notification = messaging, notification
        self._verdicts: dict[str, tuple[float, dict[str, Any]]] = {}
        self._owners: dict[str, str] = {}  # address → tenant: an alias is one tenant's for ever

    def check(self, addresses: list[str], references: list[str] = []) -> dict[str, Any]:  # noqa: B006 never changed
        """`alias.check`. Raises NoAnswer."""
        args = {"addresses": addresses[:100], "references": references[:50]}
        return self._ask(self._messaging, "alias.check", args, "mail").body

    def verdict(self, address: str) -> str:
        """active | late | unknown."""
        found = self.remembered(address)
        if found is None:
            if len(self._verdicts) > KNOWN:
                self._verdicts.clear()
                self._owners.clear()
            found = self.check([address])["addresses"][address]
            self._verdicts[address] = (time.monotonic(), found)
            if found["tenant"]:
                self._owners[address] = found["tenant"]
        return found["state"]

    def remembered(self, address: str) -> dict[str, Any] | None:
        """`state` and `tenant` as the service said a moment ago; None when it must be asked."""
        at, found = self._verdicts.get(address, (0.0, None))
        return found if found is not None and time.monotonic() - at <= REMEMBERED else None

    def tenants(self, addresses: list[str], references: list[str]) -> dict[str, str | None]:
        """Whose each address is; of one that is nobody's, whose the mails are that it answers. Raises NoAnswer."""
        owners: dict[str, str | None] = {each: self._owners[each] for each in addresses if each in self._owners}
        if len(owners) == len(addresses):
            return owners
        known = self.check(addresses, references)
        answered = next(iter(known["references"].values()), None)
        return {address: known["addresses"][address]["tenant"] or answered for address in addresses}

    def owner(self, address: str) -> str | None:
        """Its tenant, if the service has said so before."""
        return self._owners.get(address)

    def receive(self, tenant: str, args: dict[str, Any]) -> dict[str, Any]:
        """`mail.receive`, which changes nothing when it is repeated."""
        return self._ask(self._messaging, "mail.receive", args, tenant).body

    def receive_all(self, mails: Sequence[tuple[str, dict[str, Any]]]) -> list[dict[str, Any] | None]:
        """`receive` of several in one request; None where one by itself has to learn why. Raises NoAnswer."""
        answers = self._sent(self._messaging, [_call("mail.receive", args, tenant) for tenant, args in mails])
        return [answer.body if answer.ok else None for answer in answers]

    def stored(self, tenant: str, file: dict[str, Any]) -> None:
        """`attachment.received`: the bytes of a mail's file are in the store."""
        self._ask(self._messaging, "attachment.received", file, tenant)

    def bounced(self, report: dict[str, Any]) -> None:
        if self._notification is not None:
            self._ask(self._notification, "notification.bounce", report, "mail")

    def _ask(self, client: Client, operation: str, args: dict[str, Any], tenant: str) -> Answer:
        [answer] = self._sent(client, [_call(operation, args, tenant)])
        if answer.status in (408, 409, 429) or answer.status >= 500:
            raise NoAnswer(f"{operation} answered {answer.status}")
        if not answer.ok:
            raise ValueError(f"{operation} answered {answer.status} {answer.body.get('code')}")
        return answer

    @staticmethod
    def _sent(client: Client, calls: list[Call]) -> list[Answer]:
        try:
            found = client.call_all(calls, PATIENCE)
        except Exception as failed:
            raise NoAnswer(f"{calls[0].name}: {type(failed).__name__}") from failed
        answers = [answer for answer in found if answer is not None]
        if len(answers) < len(calls):
            raise NoAnswer(f"{calls[0].name}: not answered in {PATIENCE:.0f} s")
        return answers


def _call(operation: str, args: dict[str, Any], tenant: str) -> Call:
    return Call(operation, args, Principal("system", "mail", tenant, via="email"), deadline=time.time() + PATIENCE)
