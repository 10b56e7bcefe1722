"""Looks into files in a process of its own: what a hostile one breaks there, it breaks alone."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

import orjson

from services.messaging.attachments.model import CLEAN, INFECTED, REFUSED
from services.messaging.ports import Scanner
from shared.contracts.attachments import LARGEST
from shared.storage.blobs import Blobs

SECONDS = 20  # below the lease of a job
AT_ONCE = 2  # a decoded photo takes 200 MB: two of them, not sixteen
GROWN = 3  # a picture written anew may grow; three times the largest is a bomb


class ProcessInspector:
    def __init__(self, blobs: Blobs, scanner: Scanner) -> None:
        self._blobs, self._scanner = blobs, scanner
        self._free = threading.BoundedSemaphore(AT_ONCE)

    def inspect(self, incoming: str, kept: str, ending: str) -> dict[str, Any]:
        with self._free, tempfile.TemporaryDirectory(prefix="attachment-") as folder:
            raw, clean = Path(folder) / "raw", Path(folder) / "clean"
            with raw.open("wb") as file:
                for chunk in self._blobs.read(incoming):
                    file.write(chunk)
            if virus := self._scanner.scan(raw):
                return _outcome(INFECTED, reason=virus[:80])
            found = _looked_into(raw, clean, ending)
            if "reason" in found:
                return _outcome(REFUSED, reason=found["reason"])
            with clean.open("rb") as file:
                size, sha256 = self._blobs.write(kept, iter(lambda: file.read(64 * 1024), b""), GROWN * LARGEST)
        return _outcome(CLEAN, type=found["type"], size=size, sha256=sha256)


def _looked_into(raw: Path, clean: Path, ending: str) -> dict[str, str]:
    """What the process said; a file that killed it is not to be had. It is given nothing of ours but the code."""
    command = [sys.executable, "-m", "services.messaging.attachments.inspection", str(raw), str(clean), ending]
    environment = {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    try:
        done = subprocess.run(command, env=environment, capture_output=True, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return {"reason": "TOO_COMPLEX"}
    if done.returncode:
        return {"reason": "UNREADABLE"}
    return orjson.loads(done.stdout)


def _outcome(
    state: str, reason: str | None = None, type: str | None = None, size: int | None = None, sha256: str | None = None
) -> dict[str, Any]:
    return {"state": state, "reason": reason, "type": type, "size": size, "sha256": sha256}
