"""What the notification service needs of the outside: a way for a finished mail to leave."""

from __future__ import annotations

from dataclasses import dataclass
from email.message import EmailMessage
from typing import Any, Protocol


class TransientFailure(Exception):
    """It did not leave now; later it may (NTF-05)."""


class PermanentFailure(Exception):
    """It will never leave like this: the address or the mail was refused (NTF-06)."""


class Transport(Protocol):
    def send(self, mail: EmailMessage, sender: str, recipient: str) -> str:
        """Hand the mail over, for one recipient. Answers a reference of it.

        Raises TransientFailure, PermanentFailure. Their text carries no address: it is stored and shown.
        """
        ...


@dataclass(frozen=True)
class Ports:
    """letters: writes the mail of a notification (`letters.Letters`)."""

    letters: Any
    transport: Transport
