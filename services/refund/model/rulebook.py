"""A tenant's own refund rules of one profile, each change a revision (N4, N9)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.kernel.aggregate import Aggregate


@dataclass(kw_only=True)
class Rulebook(Aggregate):
    """id: `<tenant>:<profile>`. rules: what differs from the shipped ones. revision: 1 is what was shipped."""

    stream = "refund_policy"

    profile: str
    revision: int
    rules: dict[str, Any]
    changed_by: str
    changed_at: datetime

    def change(self, rules: dict[str, Any], by: str, now: datetime) -> None:
        self.revision += 1
        self.rules, self.changed_by, self.changed_at = rules, by, now
        self.record("refund_policy.changed", profile=self.profile, revision=self.revision, rules=rules, changed_by=by)
