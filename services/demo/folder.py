"""The demo's data folder: who uses it, what is kept beside the databases, and the log-ins."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import secrets
import shutil
from pathlib import Path
from typing import Any

from services.demo.cast import LOG_INS, Person

KEY_PREFIX = "aftersale_sk_"  # by which the gateway tells a key from a signed token


class FolderInUse(Exception):
    """Another demo runs from this folder."""


class Folder:
    """`demo.json` says what runs and who may log in, `api-keys.json` is what the gateway reads: for the owner only."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self._notes = self.path / "demo.json"
        self.notes: dict[str, Any] = {}
        self._lock: Any = None

    @property
    def api_keys(self) -> Path:
        return self.path / "api-keys.json"

    def take(self) -> None:
        """Take the folder for this process; it is let go when the process ends, however it ends. Raises FolderInUse."""
        self.path.mkdir(parents=True, exist_ok=True)
        self._lock = (self.path / ".lock").open("w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise FolderInUse(read_notes(self.path).get("url", "")) from None
        self.notes = read_notes(self.path)
        if not self.loaded:
            self._clear()

    @property
    def loaded(self) -> bool:
        """Is the demo data complete? A start that was killed while loading begins anew."""
        return bool(self.notes.get("loaded"))

    def _clear(self) -> None:
        """Remove what an unfinished start left, and nothing else."""
        for half in (*self.path.glob("*.db*"), self._notes, self.api_keys):
            half.unlink(missing_ok=True)
        shutil.rmtree(self.path / "outside", ignore_errors=True)
        self.notes = {}

    def log_ins(self) -> dict[str, dict[str, str]]:
        """Each role's person with a token, made at the first start and the same ever after."""
        if "people" not in self.notes:
            self.notes["people"] = {person.role: _log_in(person) for person in LOG_INS}
            self.notes["stripe_webhook_secret"] = f"whsec_{secrets.token_hex(16)}"
            self.notes["link_secret"] = secrets.token_hex(32)
            self.save()
            _write(self.api_keys, [_hashed(self.notes["people"][person.role]["token"], person) for person in LOG_INS])
        return self.notes["people"]

    def save(self, **notes: Any) -> None:
        self.notes.update(notes)
        _write(self._notes, self.notes)


def read_notes(path: Path) -> dict[str, Any]:
    """What `demo.json` of this folder says; nothing when there is none."""
    try:
        return json.loads((path / "demo.json").read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}


def _log_in(person: Person) -> dict[str, str]:
    token = KEY_PREFIX + secrets.token_hex(12)  # 96 random bits: nobody guesses it, and it fits on a line
    return {"token": token, "name": person.name, "email": person.email, "locale": person.locale}


def _hashed(token: str, person: Person) -> dict[str, Any]:
    return {"sha256": hashlib.sha256(token.encode()).hexdigest(), "principal": person.principal.claims()}


def _write(path: Path, content: Any) -> None:
    """Whole or not at all, readable by the owner alone."""
    half = path.with_suffix(".part")
    half.touch(mode=0o600)
    half.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    os.replace(half, path)
