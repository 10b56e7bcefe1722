"""What messaging reaches outside its database: the store of files, and who looks into them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from shared.storage.blobs import Blobs


class ScannerAway(Exception):
    """No verdict: the file stays pending, and is scanned again later."""


class Scanner(Protocol):
    def scan(self, path: Path) -> str | None:
        """The name of what was found in the file, or None. Raises ScannerAway."""
        ...


class Inspector(Protocol):
    def inspect(self, incoming: str, kept: str, ending: str) -> dict[str, Any]:
        """state (clean, infected, refused), reason, type, size, sha256; clean bytes lie under `kept` afterwards."""
        ...


@dataclass(frozen=True, slots=True)
class Ports:
    blobs: Blobs
    inspector: Inspector
