"""The principal between gateway and service: a short-lived signed token per service (T12).

The gateway and one service share one secret, so a token for `claim` is worth nothing at `refund`, and a service can
mint none that another service would take. No header ever authorises.
"""

from __future__ import annotations

import time

import jwt

from shared.kernel.errors import Unauthenticated
from shared.kernel.principal import Principal

ISSUER = "aftersale-gateway"
LIFE = 60  # seconds
REUSE = 30  # a token is handed out again for this long, so that signing costs nothing under load
MOST_KEPT = 2_000


class Signer:
    """Makes tokens for one service."""

    def __init__(self, service: str, secret: str) -> None:
        self.service, self.secret = service, secret
        self._made: dict[Principal, tuple[float, str]] = {}

    def token(self, principal: Principal) -> str:
        now = time.time()
        made, token = self._made.get(principal, (0.0, ""))
        if now - made > REUSE:
            claims = {"iss": ISSUER, "aud": self.service, "iat": int(now), "exp": int(now) + LIFE}
            token = jwt.encode({**principal.claims(), **claims}, self.secret, algorithm="HS256")
            if len(self._made) >= MOST_KEPT:
                self._made.clear()
            self._made[principal] = (now, token)
        return token


class Verifier:
    """Reads tokens in one service; a token seen before is believed until it expires."""

    def __init__(self, service: str, secret: str) -> None:
        self.service, self.secret = service, secret
        self._seen: dict[str, tuple[float, Principal]] = {}

    def principal(self, token: object) -> Principal:
        """Who the token stands for; UNAUTHENTICATED for a bad one."""
        if not isinstance(token, str):
            raise Unauthenticated()
        expires, principal = self._seen.get(token, (0.0, None))
        if principal is not None and expires > time.time():
            return principal
        try:
            claims = jwt.decode(
                token,
                self.secret,
                algorithms=["HS256"],
                audience=self.service,
                issuer=ISSUER,
                options={"require": ["exp", "iat", "aud", "iss", "sub"]},
            )
            principal = Principal.from_claims(claims)
        except (jwt.InvalidTokenError, KeyError):
            raise Unauthenticated() from None
        if len(self._seen) >= MOST_KEPT:
            self._seen.clear()
        self._seen[token] = (float(claims["exp"]), principal)
        return principal
