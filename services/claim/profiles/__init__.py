"""The claim profiles as data: read and checked once, at import. A new profile is a new JSON file in this folder.

Several versions of a profile may lie side by side: claims keep the one they were opened with, new claims take the
highest.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from services.claim.policies import Profile, Reason
from services.claim.profiles.lint import BrokenProfile, ProfileSchema, faults

__all__ = ["PROFILES", "BrokenProfile", "ProfileBook", "profile_from"]


def profile_from(data: dict[str, Any]) -> Profile:
    """The profile that this data describes. Raises BrokenProfile naming every fault found."""
    errors = ProfileSchema().validate(data)
    found = faults(data) if not errors else [f"{name}: {error}" for name, error in sorted(errors.items())]
    if found:
        raise BrokenProfile(data.get("code"), found)
    reasons = {entry["code"]: _reason(entry) for entry in data["reasons"]}
    rest = {key: value for key, value in data.items() if key not in ("reasons", "who_may_open", "resolutions")}
    return Profile(
        reasons=reasons,
        who_may_open=frozenset(data["who_may_open"]),
        resolutions=tuple(data["resolutions"]),
        **rest,
    )


def _reason(entry: dict[str, Any]) -> Reason:
    return Reason(
        code=entry["code"],
        handler=entry["handler"],
        labels=entry["labels"],
        phases=frozenset(entry.get("phases", ())),
        roles=frozenset(entry.get("roles", ())),
        asks_cancellation=entry.get("asks_cancellation", False),
    )


class ProfileBook:
    """Every version of every profile, by `code@version`, and the newest of each code."""

    def __init__(self, profiles: Iterable[Profile]) -> None:
        self._by_key = {profile.key: profile for profile in profiles}
        self._newest: dict[str, Profile] = {}
        for profile in sorted(self._by_key.values(), key=lambda p: p.version):
            self._newest[profile.code] = profile

    def frozen(self, key: str) -> Profile:
        """The profile a claim was opened with. KeyError: its file was deleted, which must not happen."""
        return self._by_key[key]

    def newest(self, code: str) -> Profile | None:
        return self._newest.get(code)

    def categories(self) -> list[str]:
        """The categories that any claim can have."""
        return sorted({profile.category for profile in self._by_key.values()})

    def all_newest(self) -> list[Profile]:
        return [self._newest[code] for code in sorted(self._newest)]


PROFILES = ProfileBook(
    profile_from(json.loads(path.read_text(encoding="utf-8"))) for path in sorted(Path(__file__).parent.glob("*.json"))
)
