"""The switches of a marketplace: is the module on, does the main supplier join, which reasons are offered."""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from services.claim.policies import Profile, Reason, reason_from
from shared.kernel.aggregate import Aggregate

OFF, ENABLED, AUTO_INCLUDE = "off", "enabled", "auto_include"


@dataclass(kw_only=True)
class DeskModule(Aggregate):
    """S1-02: `off`, `enabled`, or `auto_include`: the main supplier of the product named joins by itself.

    One per marketplace and profile; where there is none, orders follow their profile and the site takes no requests.
    reasons_off: codes of the profile that this marketplace does not offer. reasons_added: its own.
    """

    stream = "claim_module"

    marketplace: str
    profile: str
    mode: str
    reasons_off: list[str] = field(default_factory=list)
    reasons_added: list[dict[str, Any]] = field(default_factory=list)

    @staticmethod
    def id_for(tenant: str, marketplace: str, profile: str) -> str:
        return "mod_" + sha256(f"{tenant}\n{marketplace}\n{profile}".encode()).hexdigest()[:32]

    def configure(self, mode: str, reasons_off: list[str], reasons_added: list[dict[str, Any]]) -> None:
        self.mode, self.reasons_off, self.reasons_added = mode, reasons_off, reasons_added
        self.record(
            "claim_module.configured",
            marketplace=self.marketplace,
            profile=self.profile,
            mode=mode,
            reasons_off=reasons_off,
            reasons_added=[reason["code"] for reason in reasons_added],
        )

    def includes_suppliers(self) -> bool:
        return self.mode == AUTO_INCLUDE


def reasons_of(profile: Profile, module: DeskModule | None) -> dict[str, Reason]:
    """The reasons of the profile as this marketplace offers them, by code; its own replace those of the same code."""
    if module is None:
        return profile.reasons
    kept = {code: reason for code, reason in profile.reasons.items() if code not in module.reasons_off}
    return kept | {entry["code"]: reason_from(entry) for entry in module.reasons_added}
