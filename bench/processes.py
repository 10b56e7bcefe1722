"""Memory and processor time of processes, from /proc."""

from __future__ import annotations

import os
import re
from pathlib import Path

from tests.stack import Stack

TICK = os.sysconf("SC_CLK_TCK")


def memory(stack: Stack) -> dict[str, dict[str, float]]:
    """MB per service process: resident, and its fair share of what is shared."""
    return {service: _memory(process.pid) for service, process in stack.processes.items()}


def _memory(pid: int) -> dict[str, float]:
    text = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="utf-8")
    return {
        name.lower(): round(int(re.search(rf"^{name}:\s+(\d+)", text, re.M)[1]) / 1024, 1) for name in ("Rss", "Pss")
    }


def peak_memory(pid: int) -> float:
    """MB, 0 of one that has ended. What the system tells at the end counts the process that started it, too: it shared
    its memory."""
    found = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{pid}/status").read_text(encoding="utf-8"))
    return int(found[1]) / 1024 if found else 0.0


def cpu_seconds(stack: Stack) -> dict[str, float]:
    """Processor time of each service so far, in seconds."""
    return {service: _cpu(process.pid) for service, process in stack.processes.items()}


def _cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def machine() -> dict[str, object]:
    """What it was measured on."""
    info = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    model = re.search(r"model name\s*:\s*(.+)", info)
    total = int(re.search(r"MemTotal:\s+(\d+)", Path("/proc/meminfo").read_text(encoding="utf-8"))[1])
    return {
        "cores": os.cpu_count(),
        "processor": model[1] if model else "unknown",
        "memory_gb": round(total / 1024 / 1024),
        "kernel": os.uname().release,
        "load_before": round(os.getloadavg()[0], 1),
    }
