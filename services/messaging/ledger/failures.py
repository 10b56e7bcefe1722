"""Mails that told a message and did not arrive: the message says whom it did not reach (NTF-07, B14)."""

from __future__ import annotations

from typing import Any

from services.messaging.model import Message, Who


def record_failure(message: Message, told: dict[str, Any]) -> bool:
    """`told`: disclosure.failed. False when this mail's failure is known."""
    if any(each["notification_id"] == told["notification_id"] for each in message.undelivered):
        return False
    lost = {
        "type": told["recipient_kind"],
        "id": told["recipient_ref"],
        "status": told["status"],
        "notification_id": told["notification_id"],
        "reference": told["provider_ref"],
        "reached": False,
    }
    message.undelivered = [*message.undelivered, lost]
    return True


def record_success(message: Message, reader: Who) -> bool:
    """A later mail has left for this reader. False when none was lost before."""
    open_ones = [each for each in message.undelivered if (each["type"], each["id"]) == reader and not each["reached"]]
    for each in open_ones:
        each["reached"] = True
    return bool(open_ones)


def undelivered_to(message: Message) -> list[dict[str, Any]]:
    """Whom the message did not reach by mail, and no later mail either."""
    names = ("type", "id", "status", "notification_id")
    return [{name: each[name] for name in names} for each in message.undelivered if not each["reached"]]


def status_of(message: Message, reference: str | None) -> str | None:
    """Why the mail `reference` did not arrive, as its server said; None when nothing is known against it."""
    lost = (each["status"] for each in message.undelivered if reference and each["reference"] == reference)
    return next(lost, None)
