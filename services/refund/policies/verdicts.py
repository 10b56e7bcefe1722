"""Verdicts: a rule's answer with the facts it saw, stored with the decision so that anybody can dispute it (N4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Verdict:
    """`passed` is False when the rule makes a second person necessary; a rule that refuses raises instead."""

    rule: str
    passed: bool
    facts: dict[str, Any]

    def data(self) -> dict[str, Any]:
        return {"rule": self.rule, "passed": self.passed, "facts": self.facts}
