"""ClamAV's daemon: the file is streamed to it (INSTREAM), it answers what it found."""

from __future__ import annotations

import socket
import struct
from pathlib import Path

from services.messaging.ports import ScannerAway

CHUNK = 64 * 1024
SECONDS = 20.0


class NoScanner:
    """None was named: type and content are still checked."""

    def scan(self, path: Path) -> str | None:
        return None


class Clamd:
    """At `host:port`, or at a Unix socket's path."""

    def __init__(self, address: str) -> None:
        self._address = address

    def scan(self, path: Path) -> str | None:
        try:
            with self._connect() as link, path.open("rb") as file:
                link.sendall(b"zINSTREAM\0")
                while chunk := file.read(CHUNK):
                    link.sendall(struct.pack("!I", len(chunk)) + chunk)
                link.sendall(struct.pack("!I", 0))
                answer = _answer(link)
        except OSError as failed:
            raise ScannerAway(str(failed)) from failed
        if answer.endswith("FOUND"):
            return answer.removeprefix("stream:").removesuffix("FOUND").strip()
        if answer.endswith("OK"):
            return None
        raise ScannerAway(answer)

    def _connect(self) -> socket.socket:
        if self._address.startswith("/"):
            link = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            link.settimeout(SECONDS)
            link.connect(self._address)
            return link
        host, _, port = self._address.rpartition(":")
        return socket.create_connection((host, int(port)), timeout=SECONDS)


def _answer(link: socket.socket) -> str:
    found = b""
    while not found.endswith(b"\0") and len(found) < 4096:
        chunk = link.recv(1024)
        if not chunk:
            break
        found += chunk
    return found.rstrip(b"\0\n").decode("utf-8", "replace")


def scanner_at(address: str) -> NoScanner | Clamd:
    return Clamd(address) if address else NoScanner()
