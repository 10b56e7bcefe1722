"""Asking the printing process for a PDF: started when it is first needed, again when it died, one paper at a time.

Nothing heavy is imported here, and waiting is a socket's: under eventlet the other requests go on meanwhile.
"""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import threading
import time
from typing import Any

import orjson

from shared.documents.paper import Paper
from shared.documents.press import NO_PANGO, PDF, received, send
from shared.kernel.errors import Refusal

PATIENCE = 20.0  # seconds for one PDF
STARTING = 40.0  # more for the first: the process loads its libraries, 3 seconds on an idle machine
WAITING = 8  # papers in line; more than this would wait longer than their readers do


class PdfUnavailable(Refusal):
    """PDFs cannot be made here: run apt-get install {packages}, or open the page (.html) and print it."""

    code = "PDF_UNAVAILABLE"
    status = 503

    def __init__(self) -> None:
        super().__init__(packages="libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0")


class PrinterBusy(Refusal):
    """Too many PDFs are being made just now: ask again in a moment, or open the page (.html) and print it."""

    code = "PRINTER_BUSY"
    status = 503
    retry_after = 5


class Printer:
    """The printing process of this process."""

    def __init__(self, patience: float = PATIENCE) -> None:
        self._patience = patience
        self._turn = threading.Lock()
        self._waiting = 0
        self._line: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def pdf(self, paper: Paper) -> bytes:
        """The PDF of a paper. Raises PdfUnavailable (no Pango on this machine) or PrinterBusy."""
        if self._waiting >= WAITING:
            raise PrinterBusy()
        raw = orjson.dumps(paper.data())
        self._waiting += 1
        try:
            with self._turn:
                reply = self._asked(raw)
        finally:
            self._waiting -= 1
        if reply[:1] == PDF:
            return reply[1:]
        if reply[1:] == NO_PANGO:
            self.stop()  # a process that cannot print is of no use; the next one may find what was installed since
            raise PdfUnavailable()
        raise PrinterBusy()

    def _asked(self, raw: bytes) -> bytes:
        """One exchange; a process that left since the last one is started once more."""
        until = time.monotonic() + self._patience + (0.0 if self._line else STARTING)
        for _ in range(2):
            line = self._line or self._start()
            line.settimeout(max(0.1, until - time.monotonic()))
            with contextlib.suppress(OSError):  # late, or gone: a new one, if there is time
                send(line, raw)
                if (reply := received(line)) is not None:
                    return reply
            self.stop()
            if time.monotonic() > until:
                break
        raise PrinterBusy()

    def _start(self) -> socket.socket:
        ours, theirs = socket.socketpair()
        command = [sys.executable, "-m", "shared.documents.press", str(theirs.fileno())]
        self._process = subprocess.Popen(command, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL)
        theirs.close()
        self._line = ours
        return ours

    def stop(self) -> None:
        """End the printing process; the next paper starts another."""
        line, process, self._line, self._process = self._line, self._process, None, None
        if line is not None:
            line.close()
        if process is not None:
            process.kill()
            process.wait()

    def memory_owner(self) -> Any:
        """The id of the printing process, None while there is none."""
        return self._process.pid if self._process else None
