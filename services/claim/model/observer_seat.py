"""A place on a claim for somebody who may read and comment and never decides."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256

from shared.kernel.aggregate import Aggregate


@dataclass(kw_only=True)
class ObserverSeat(Aggregate):
    """The observer of one claim, as the lists of that observer need it: found by who sits there.

    The claim itself names its observers and tells who came and went; a seat that was left stays, inactive. The only
    thing told here is the address of one who follows by mail, on the private exchange.
    """

    stream = "observer"

    claim_id: str
    kind: str
    ref: str
    active: bool = True

    def invite(self, scope: str, name: str, email: str, locale: str) -> None:
        """S1-36: tell those who write to him how to reach him; nothing here keeps it."""
        self.record(
            "observer.invited",
            claim_id=self.claim_id,
            observer_id=self.ref,
            scope=scope,
            name=name,
            email=email,
            locale=locale,
        )

    @staticmethod
    def id_for(claim_id: str, kind: str, ref: str) -> str:
        """The same seat for the same observer, short whatever the length of his id."""
        return f"{claim_id}:{sha256(f'{kind}:{ref}'.encode()).hexdigest()[:24]}"


def mail_ref(tenant: str, claim_id: str, email: str) -> str:
    """The id of somebody who follows this claim by mail: the same for the same address, and no address."""
    return "obs_" + sha256(f"{tenant}\n{claim_id}\n{email.strip().lower()}".encode()).hexdigest()[:32]


def masked(email: str) -> str:
    """`ada@customer.example` → `a…@customer.example`."""
    name, _, domain = email.rpartition("@")
    return f"{name[:1]}…@{domain}"
