"""API keys: a file of hashes, read again when it changes, so that a key is withdrawn without a restart."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from shared.kernel.clock import moment
from shared.ops.settings import SettingsRefused

log = logging.getLogger(__name__)
PREFIX = "aftersale_sk_"
LOOK_AGAIN = 2.0  # seconds: how long a withdrawn key may still work


@dataclass(frozen=True, slots=True)
class ApiKey:
    """claims: the principal it stands for, in the words of a token. expires_at: epoch seconds, or None."""

    claims: dict[str, Any]
    expires_at: float | None


class ApiKeys:
    """The keys of one file: `[{"sha256": hex, "principal": {role, sub, tenant, party, scopes}, "expires_at": …}]`."""

    def __init__(self, path: str) -> None:
        self._path = Path(path)
        self._lock = threading.Lock()
        self._stamp: tuple[int, int] | None = None
        self._looked = 0.0
        self._keys: dict[str, ApiKey] = {}
        try:
            self._read()  # at once: a broken file must stop the start, not the first customer
        except (OSError, ValueError, KeyError, TypeError) as wrong:
            raise SettingsRefused(f"API_KEYS_FILE: {path} cannot be read ({type(wrong).__name__})") from wrong

    def find(self, sha256: str) -> ApiKey | None:
        if time.monotonic() - self._looked > LOOK_AGAIN:
            with self._lock:
                try:
                    self._read()
                except (OSError, ValueError, KeyError, TypeError) as wrong:
                    log.error("api keys file not read, the former keys stay: %s", type(wrong).__name__)
                self._looked = time.monotonic()
        return self._keys.get(sha256)

    def _read(self) -> None:
        found = self._path.stat()
        stamp = (found.st_mtime_ns, found.st_size)
        if stamp != self._stamp:
            self._keys = {each["sha256"].lower(): _key(each) for each in orjson.loads(self._path.read_bytes())}
            self._stamp = stamp
        self._looked = time.monotonic()


def _key(each: dict[str, Any]) -> ApiKey:
    expires = each.get("expires_at")
    return ApiKey(dict(each["principal"]), moment(expires).timestamp() if expires else None)
