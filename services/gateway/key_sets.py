"""Public keys of the identity provider: from the configured address only, remembered, asked again now and then."""

from __future__ import annotations

import logging
import threading
import time
from typing import Any

import jwt

log = logging.getLogger(__name__)
ASYMMETRIC = ["RS256", "ES256", "EdDSA"]
LIFE = 300.0  # seconds a key set is believed: how long a withdrawn key may still work
COOLDOWN = 10.0  # seconds between two fetches, however many unknown key ids are tried (T11)
MOST_KEYS = 50
TIMEOUT = 3.0


class KeySet:
    """A JWKS document."""

    def __init__(self, url: str) -> None:
        self._client = jwt.PyJWKClient(url, cache_jwk_set=False, timeout=TIMEOUT)
        self._lock = threading.Lock()
        self._keys: dict[str | None, jwt.PyJWK] = {}
        self._fetched = self._tried = float("-inf")

    def find(self, header: dict[str, Any]) -> jwt.PyJWK:
        """The key that the header names, of the header's algorithm. jwt.PyJWTError: there is none."""
        kid = header.get("kid")
        stale = time.monotonic() - self._fetched > LIFE
        if kid not in self._keys or stale:
            self._fetch()
        key = self._keys.get(kid)
        if key is None or key.key_type == "oct" or key.algorithm_name != header["alg"]:
            raise jwt.InvalidKeyError("no such key")
        return key

    def _fetch(self) -> None:
        with self._lock:
            if time.monotonic() - self._tried < COOLDOWN:
                return
            self._tried = time.monotonic()
            try:
                found = self._client.get_jwk_set().keys[:MOST_KEYS]
            except jwt.PyJWTError as failed:
                log.error("the key set is not to be had, known keys stay: %s", type(failed).__name__)
                return
            self._keys = {key.key_id: key for key in found}
            self._fetched = time.monotonic()
