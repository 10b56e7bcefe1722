"""The claim profiles as data: read and checked once, at import. A new profile is a new JSON file in this folder.

Several versions of a profile may lie side by side: claims keep the one they were opened with, new claims take the
highest, or the one that their tenant activated (activation.py).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from weakref import WeakSet

from services.claim.policies import Profile, reason_from
from services.claim.profiles.fault import BrokenProfile, Fault
from services.claim.profiles.lint import faults
from services.claim.promises import promises_from

__all__ = ["PROFILES", "BrokenProfile", "Fault", "ProfileBook", "profile_from"]

_READ_APART = ("reasons", "who_may_open", "who_may", "resolutions", "sla")


def profile_from(data: dict[str, Any], own: bool = False) -> Profile:
    """The profile that this data describes. Raises BrokenProfile naming every fault of its form.

    own: made by a tenant; its key then carries a digest, since another tenant's version 2 is another profile.
    """
    if found := faults(data):
        raise BrokenProfile(data.get("code") if isinstance(data, dict) else None, found)
    rest = {key: value for key, value in data.items() if key not in _READ_APART}
    return Profile(
        reasons={entry["code"]: reason_from(entry) for entry in data["reasons"]},
        who_may_open=frozenset(data["who_may_open"]),
        who_may={action: frozenset(roles) for action, roles in data.get("who_may", {}).items()},
        resolutions=tuple(data["resolutions"]),
        sla=promises_from(data["sla"]),
        digest=digest_of(data) if own else "",
        **rest,
    )


def digest_of(data: dict[str, Any]) -> str:
    """The same content always has the same one, however the file is laid out."""
    text = json.dumps(data, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:12]


class ProfileBook:
    """Every version of every profile by its key, and the newest shipped one of each code.

    Tenants' own versions come from where they are stored, when a claim that was opened with one is first read.
    """

    def __init__(self, profiles: Iterable[Profile]) -> None:
        self._by_key = {profile.key: profile for profile in profiles}
        self._newest: dict[str, Profile] = {}
        self._stores: WeakSet[Any] = WeakSet()
        for profile in sorted(self._by_key.values(), key=lambda p: p.version):
            self._newest[profile.code] = profile

    def frozen(self, key: str) -> Profile:
        """The profile a claim was opened with. KeyError: it was deleted, which must not happen."""
        found = self._by_key.get(key)
        return found if found is not None else self._fetched(key)

    def _fetched(self, key: str) -> Profile:
        for store in list(self._stores):
            if (data := store.stored(key)) is not None:
                return self.add(profile_from(data, own=True))
        raise KeyError(key)

    def add(self, profile: Profile) -> Profile:
        """Remember a tenant's own version; what was there under this key stays."""
        return self._by_key.setdefault(profile.key, profile)

    def look_also_in(self, store: Any) -> None:
        """store: has `stored(key)` → the profile's data, or None."""
        self._stores.add(store)

    def newest(self, code: str) -> Profile | None:
        return self._newest.get(code)

    def categories(self) -> list[str]:
        """The categories that any claim can have."""
        return sorted({profile.category for profile in list(self._by_key.values())})

    def all_newest(self) -> list[Profile]:
        return [self._newest[code] for code in sorted(self._newest)]


def shipped() -> list[dict[str, Any]]:
    """The data of the shipped profiles."""
    read: Callable[[Path], Any] = lambda path: json.loads(path.read_text(encoding="utf-8"))  # noqa: E731
    return [read(path) for path in sorted(Path(__file__).parent.glob("*.json"))]


PROFILES = ProfileBook(profile_from(data) for data in shipped())
