"""Invoice PDFs per second: one printing process, PDF/A-3 with Factur-X, as the gateway asks it."""

from __future__ import annotations

import time

from shared.documents.paper import INVOICE
from shared.documents.printer import Printer
from tests.documents import a_paper, has_pango


def pdfs_per_second(seconds: float) -> dict[str, float] | None:
    """None where no PDF can be made. memory_mb: of the printing process, at its peak."""
    if not has_pango():
        return None
    printer, paper, times = Printer(), a_paper(INVOICE), []
    try:
        printer.pdf(paper)  # starts the process
        until = time.perf_counter() + seconds
        while time.perf_counter() < until:
            began = time.perf_counter()
            printer.pdf(paper)
            times.append(time.perf_counter() - began)
        peak = _peak(printer.memory_owner())
    finally:
        printer.stop()
    return {"per_second": len(times) / sum(times), "p50_ms": sorted(times)[len(times) // 2] * 1000, "memory_mb": peak}


def _peak(pid: int) -> float:
    with open(f"/proc/{pid}/status") as status:
        return next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmHWM"))
