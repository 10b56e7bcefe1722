"""A place on a claim for somebody who may read and comment and never decides."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256

from shared.kernel.aggregate import Aggregate


@dataclass(kw_only=True)
class ObserverSeat(Aggregate):
    """The observer of one claim, as the lists of that observer need it: found by who sits there. Tells no events.

    The claim itself names its observers and tells who came and went; a seat that was left stays, inactive.
    """

    stream = "observer_seat"

    claim_id: str
    kind: str
    ref: str
    active: bool = True

    @staticmethod
    def id_for(claim_id: str, kind: str, ref: str) -> str:
        """The same seat for the same observer, short whatever the length of his id."""
        return f"{claim_id}:{sha256(f'{kind}:{ref}'.encode()).hexdigest()[:24]}"
