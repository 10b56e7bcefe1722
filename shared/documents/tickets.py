"""Tickets: what opens one document for one customer from a mail, without signing in."""

from __future__ import annotations

from dataclasses import dataclass

import orjson

from shared.ops.seals import SealBroken, seal, unseal

PURPOSE = "document"


@dataclass(frozen=True, slots=True)
class Ticket:
    """kind: invoice or credit_note. until: seconds since 1970."""

    kind: str
    id: str
    tenant: str
    customer_ref: str
    until: int

    def sealed(self, secret: str) -> str:
        content = [self.kind, self.id, self.tenant, self.customer_ref, self.until]
        return seal(secret, PURPOSE, orjson.dumps(content))


def opened(sealed: str, secret: str, now: float) -> Ticket | None:
    """The ticket, or None: not ours, changed, or over."""
    try:
        ticket = Ticket(*orjson.loads(unseal(secret, PURPOSE, sealed)))
    except (SealBroken, TypeError, ValueError):
        return None
    return ticket if ticket.until > now else None
