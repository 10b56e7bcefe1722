"""How to reach a person."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from shared.kernel.aggregate import Aggregate


@dataclass(kw_only=True)
class Contact(Aggregate):
    """How to reach a person; announced on the private exchange only. Its id is `party:ref` within the tenant."""

    stream: ClassVar[str] = "contact"

    party: str
    ref: str
    details: dict[str, Any]

    def update(self, details: dict[str, Any]) -> bool:
        """True when something changed and was announced."""
        if details == self.details and self.version:
            return False
        self.details = details
        self.record("contact.recorded", party=self.party, ref=self.ref, **details)
        return True
