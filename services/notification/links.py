"""Addresses that mails lead to: all of them pages of our own, built here (T31)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.documents.tickets import Ticket
from shared.ops.seals import unseal

TOKEN = "payment link"  # what the order service seals a link's token for
KEPT = timedelta(days=90)  # how long a document can be opened from its mail; the customer's account has it for ever


@dataclass(frozen=True, slots=True)
class Links:
    """public_url: of the gateway. secret: the suite's own for what links carry."""

    public_url: str
    secret: str

    def payment(self, sealed: str) -> str:
        """PAY-01: the only place where a link's token stands in the clear is the customer's mail."""
        return f"{self.public_url}/pay/{unseal(self.secret, TOKEN, sealed).decode()}"

    def document(self, kind: str, id: str, tenant: str, customer_ref: str, now: datetime) -> str:
        """A page or PDF that opens without signing in: for the mailbox it was sent to, for a while."""
        ticket = Ticket(kind, id, tenant, customer_ref, int((now + KEPT).timestamp()))
        return f"{self.public_url}/documents?ticket={ticket.sealed(self.secret)}"
