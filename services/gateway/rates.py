"""How often somebody may ask: per address before anybody is believed, then per principal and per tenant (T34).

Counted in this process. Behind several gateways the limit is each one's.
"""

from __future__ import annotations

import math
import time
from typing import Any

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter

from services.gateway.problems import TooManyRequests
from shared.kernel.principal import Principal
from shared.ops.settings import Settings


class Rates:
    """Windows of one minute. A limit of 0 is no limit."""

    def __init__(self, settings: Settings) -> None:
        self._limiter = FixedWindowRateLimiter(MemoryStorage())
        self._proxies = settings.trusted_proxies
        self._limits = {
            whose: RateLimitItemPerMinute(most) if most else None
            for whose, most in (
                ("address", settings.rate_per_minute_address),
                ("principal", settings.rate_per_minute),
                ("tenant", settings.rate_per_minute_tenant),
            )
        }

    def admit_address(self, environ: dict[str, Any]) -> None:
        """Counts a request of this network address; TooManyRequests when it asks too often."""
        self._hit("address", self._address(environ))

    def admit(self, principal: Principal) -> dict[str, str]:
        """Counts a request of this caller and its tenant; the RateLimit headers of the answer."""
        self._hit("tenant", principal.tenant)
        who = (principal.tenant, principal.role, principal.id)
        self._hit("principal", *who)
        item = self._limits["principal"]
        if item is None:
            return {}
        window = self._limiter.get_window_stats(item, "principal", *who)
        return _headers("principal", item.amount, window.remaining, _wait(window.reset_time))

    def _hit(self, whose: str, *who: str) -> None:
        item = self._limits[whose]
        if item is None or self._limiter.hit(item, whose, *who):
            return
        seconds = _wait(self._limiter.get_window_stats(item, whose, *who).reset_time)
        headers = _headers(whose, item.amount, 0, seconds) | {"Retry-After": str(seconds)}
        raise TooManyRequests(headers, whose=whose, seconds=seconds)

    def _address(self, environ: dict[str, Any]) -> str:
        """Who connected; behind N trusted proxies the N-th address from the right: the outermost of them wrote it."""
        if self._proxies:
            forwarded = [each.strip() for each in environ.get("HTTP_X_FORWARDED_FOR", "").split(",")]
            if len(forwarded) >= self._proxies:
                return forwarded[-self._proxies][:64]
        return environ.get("REMOTE_ADDR") or "unknown"


def _wait(reset_time: float) -> int:
    return max(1, math.ceil(reset_time - time.time()))


def _headers(whose: str, most: int, remaining: int, seconds: int) -> dict[str, str]:
    return {
        "RateLimit-Policy": f'"{whose}";q={most};w=60',
        "RateLimit": f'"{whose}";r={remaining};t={seconds}',
    }
