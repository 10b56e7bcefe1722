"""A tenant's own versions of a profile: activated by command, taken by claims opened from then on (N2)."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from weakref import WeakKeyDictionary

from services.claim.policies import Profile
from services.claim.profiles import PROFILES, profile_from
from services.claim.profiles.check import check
from services.claim.profiles.fault import BrokenProfile
from services.claim.profiles.queries import active_rows
from shared.kernel.aggregate import Aggregate
from shared.kernel.clock import stamp
from shared.kernel.errors import Forbidden, Refusal
from shared.runtime.unit_of_work import Context

ADMINISTRATORS = frozenset({"platform_agent"})  # spec 5.1: who administers profiles
LOOK_AGAIN = 1.0  # seconds: so late may another process learn that a version was activated


class ProfileBroken(Refusal):
    """This profile must not be used: each of details.faults names a place and a remedy."""

    code = "PROFILE_BROKEN"
    status = 422
    rule = "N2"


class ProfileUnknown(Refusal):
    """{profile} is none of the shipped profiles: activate a new version of one of them, with its code and category."""

    code = "PROFILE_UNKNOWN"
    status = 422


class ProfileVersionNotNew(Refusal):
    """Version {version} of {profile} is not newer than the active one: give it a number above {active}."""

    code = "PROFILE_VERSION_NOT_NEW"


@dataclass(kw_only=True)
class TenantProfile(Aggregate):
    """One version that a tenant activated. key: what its claims keep. active: new claims take this one."""

    stream = "profile"

    key: str
    code: str
    number: int
    data: dict[str, Any]
    active: bool
    activated_at: datetime

    @staticmethod
    def id_for(tenant: str, key: str) -> str:
        return "pro_" + hashlib.sha256(f"{tenant}\n{key}".encode()).hexdigest()[:32]


def read_profile(data: Any) -> Profile:
    """The profile, in order in every respect. Raises ProfileBroken, ProfileUnknown."""
    try:
        profile = profile_from(data, own=True)
        found = check(profile)
    except BrokenProfile as broken:
        found = broken.faults
    if found:
        raise ProfileBroken(faults=[str(fault) for fault in found])
    shipped = PROFILES.newest(profile.code)
    if shipped is None or shipped.category != profile.category:
        raise ProfileUnknown(profile=profile.code)
    return profile


def activate(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    """From now on this tenant's new claims take this version; those that are open keep theirs."""
    if ctx.principal.role not in ADMINISTRATORS:
        raise Forbidden(action="activate")
    profile = read_profile(args["profile"])
    former = active_profile(ctx, profile.code, fresh=True)
    if former is not None and profile.version <= former.version:
        raise ProfileVersionNotNew(profile=profile.code, version=profile.version, active=former.version)
    if former is not None and former.digest:
        replaced = ctx.need(TenantProfile, TenantProfile.id_for(ctx.tenant, former.key))
        replaced.active = False
        ctx.save(replaced)
    chosen = TenantProfile(
        id=TenantProfile.id_for(ctx.tenant, profile.key),
        tenant=ctx.tenant,
        key=profile.key,
        code=profile.code,
        number=profile.version,
        data=args["profile"],
        active=True,
        activated_at=ctx.now,
    )
    former_key = former.key if former else None
    chosen.record(
        "profile.activated", profile=profile.code, profile_version=profile.version, key=profile.key, former=former_key
    )
    ctx.save(chosen)
    _ACTIVE.forget(ctx)
    return {
        "profile": profile.code,
        "profile_version": profile.version,
        "key": profile.key,
        "former": former_key,
        "activated_at": stamp(ctx.now),
    }


# which one is active


class _Active:
    """The active versions of all tenants, in memory: opening a claim must not cost a question more."""

    def __init__(self) -> None:
        self._known: WeakKeyDictionary[Any, tuple[float, dict[tuple[str, str], str]]] = WeakKeyDictionary()

    def key(self, ctx: Context, code: str, fresh: bool) -> str | None:
        engine = ctx.work.connection.engine
        until, keys = self._known.get(engine, (0.0, {}))
        if fresh or time.monotonic() > until:
            keys = {}
            for tenant, key, data in active_rows(ctx.connection, ctx.work.storage.mappings[TenantProfile].table):
                profile = PROFILES.add(profile_from(data, own=True))
                keys[tenant, profile.code] = key
            self._known[engine] = (time.monotonic() + LOOK_AGAIN, keys)
        return keys.get((ctx.tenant, code))

    def forget(self, ctx: Context) -> None:
        self._known.pop(ctx.work.connection.engine, None)


_ACTIVE = _Active()


def active_profile(ctx: Context, code: str, fresh: bool = False) -> Profile | None:
    """What a new claim of this tenant is opened with: its own active version, else the newest shipped one.

    fresh: look into the database, whatever is remembered.
    """
    key = _ACTIVE.key(ctx, code, fresh)
    return PROFILES.newest(code) if key is None else PROFILES.frozen(key)


def active_profiles(ctx: Context) -> list[Profile]:
    """The active version of each profile, by code."""
    found = (active_profile(ctx, profile.code) for profile in PROFILES.all_newest())
    return [profile for profile in found if profile is not None]
