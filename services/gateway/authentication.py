"""Who asks: a signed token or an API key becomes a Principal. Nothing else does; no header names a user (T11, T12)."""

from __future__ import annotations

import hashlib
import re
import time
from typing import Any

import jwt
import orjson

from services.gateway.api_keys import PREFIX, ApiKeys
from services.gateway.key_sets import ASYMMETRIC, KeySet
from shared.kernel.errors import Unauthenticated
from shared.kernel.principal import ROLES, Principal
from shared.ops.settings import Settings, SettingsRefused

LEEWAY = 60  # seconds that clocks may differ (T11)
LONGEST = 8192  # characters; a header larger than this is refused by servers anyway
SHORTEST_SECRET = 32  # bytes: as long as the hash that it keys (RFC 7518, 3.2)
BELIEVED = 30.0  # seconds: how long a token whose key was withdrawn may still work
MOST_BELIEVED = 10_000  # about 5 MB
REQUIRED = ("exp", "nbf", "iss", "aud", "sub")
# jku, x5u, jwk, x5c: the token brings its own key. crit, b64: extensions that nobody here understands (RFC 8725).
DANGEROUS = frozenset({"jku", "x5u", "jwk", "x5c", "crit", "b64"})
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:|@\-]{0,63}")
SCOPE = re.compile(r"[a-z_]{1,40}:(read|write)")
OUTSIDE = frozenset(ROLES) - {"system"}  # the suite itself never asks through the gateway
STANDING_FOR = frozenset({"customer", "seller", "supplier"})  # who are nobody without a party


class Authentication:
    """Reads credentials. HS256 with the settings' secret, or public keys from the one configured address."""

    def __init__(self, settings: Settings) -> None:
        _check(settings)
        self._secret, self._issuer, self._audience = settings.jwt_secret, settings.jwt_issuer, settings.jwt_audience
        self._key_set = KeySet(settings.jwks_url) if settings.jwks_url else None
        self._api_keys = ApiKeys(settings.api_keys_file) if settings.api_keys_file else None
        self._believed: dict[bytes, tuple[float, Principal]] = {}
        self._algorithms = (["HS256"] if self._secret else []) + (ASYMMETRIC if self._key_set else [])

    def principal(self, environ: dict[str, Any]) -> Principal:
        """Raises Unauthenticated, always with the same words: a caller learns nothing from trying."""
        bearer, key = environ.get("HTTP_AUTHORIZATION", ""), environ.get("HTTP_X_API_KEY", "")
        if bool(bearer) == bool(key) or len(bearer) + len(key) > LONGEST:
            raise Unauthenticated()
        if bearer:
            kind, _, key = bearer.partition(" ")
            if kind.lower() != "bearer":
                raise Unauthenticated()
        elif not key.startswith(PREFIX):
            raise Unauthenticated()
        if key.startswith(PREFIX):
            return principal_of(self._of_api_key(key))
        return self._of_token(key)

    def _of_api_key(self, key: str) -> dict[str, Any]:
        found = (
            self._api_keys.find(hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()) if self._api_keys else None
        )
        if found is None or (found.expires_at is not None and found.expires_at <= time.time()):
            raise Unauthenticated()
        return found.claims

    def _of_token(self, token: str) -> Principal:
        """Verified once, then believed for BELIEVED seconds at most: verifying costs as much as all else here."""
        seen = hashlib.sha256(token.encode("utf-8", "replace")).digest()
        until, principal = self._believed.get(seen, (0.0, None))
        if principal is not None and time.time() < until:
            return principal
        claims = self._verified(token)
        principal = principal_of(claims)
        if len(self._believed) >= MOST_BELIEVED:
            self._believed.clear()
        now = time.time()
        self._believed[seen] = (min(claims["exp"] + LEEWAY, now + BELIEVED), principal)
        return principal

    def _verified(self, token: str) -> dict[str, Any]:
        try:
            header = jwt.get_unverified_header(token)
            if DANGEROUS & header.keys() or header.get("alg") not in self._algorithms:
                raise Unauthenticated()
            # one key per family of algorithms: a public key can never be taken for an HMAC secret
            key = self._secret if self._key_set is None or header["alg"] == "HS256" else self._key_set.find(header)
            return jwt.decode(
                token,
                key,
                algorithms=[header["alg"]],
                audience=self._audience,
                issuer=self._issuer,
                leeway=LEEWAY,
                options={"require": list(REQUIRED)},
            )
        except (jwt.PyJWTError, ValueError, TypeError, KeyError, RecursionError, orjson.JSONDecodeError):
            raise Unauthenticated() from None


def _check(settings: Settings) -> None:
    """Raises SettingsRefused where nobody could sign in, or somebody who should not."""
    if not (settings.jwt_secret or settings.jwks_url or settings.api_keys_file):
        raise SettingsRefused("nobody could sign in: set JWT_SECRET, JWKS_URL or API_KEYS_FILE")
    if settings.jwt_secret and len(settings.jwt_secret.encode()) < SHORTEST_SECRET:
        raise SettingsRefused(f"JWT_SECRET can be guessed: at least {SHORTEST_SECRET} random bytes")
    if settings.production and settings.jwks_url and not settings.jwks_url.startswith("https://"):
        raise SettingsRefused("JWKS_URL: keys come over https in production, or anybody on the way could be us")


def principal_of(claims: dict[str, Any]) -> Principal:
    """The principal that verified claims name; Unauthenticated when they name none that makes sense."""
    role, party = claims.get("role"), claims.get("party")
    named = [claims.get("sub"), claims.get("tenant")] + ([party] if party is not None else [])
    if role not in OUTSIDE or not all(isinstance(each, str) and NAME.fullmatch(each) for each in named):
        raise Unauthenticated()
    if role in STANDING_FOR and party is None:
        raise Unauthenticated()
    name, via = claims.get("name"), claims.get("via", "api")
    if via not in ("api", "ui") or not (name is None or (isinstance(name, str) and len(name) <= 120)):
        raise Unauthenticated()
    return Principal(role, claims["sub"], claims["tenant"], party, _scopes(claims), via, name)


def _scopes(claims: dict[str, Any]) -> frozenset[str]:
    """A list under `scopes`, or text under `scope` (RFC 8693). No scopes: all that the role may."""
    given = claims["scopes"] if "scopes" in claims else claims.get("scope", "").split()
    if not isinstance(given, list) or not all(isinstance(each, str) and SCOPE.fullmatch(each) for each in given):
        raise Unauthenticated()
    return frozenset(given)
