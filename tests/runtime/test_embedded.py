"""The embedded default survives being killed at any moment. EMBEDDED_EVENTS and EMBEDDED_KILLS scale it."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.runtime import embedded, toys

ROOT = Path(__file__).resolve().parents[2]
EVENTS = int(os.environ.get("EMBEDDED_EVENTS", "60000"))
KILLS = int(os.environ.get("EMBEDDED_KILLS", "20"))


def start(folder: Path) -> subprocess.Popen:
    command = [sys.executable, "-m", "tests.runtime.embedded", str(folder), str(EVENTS)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "working\n"
    return process


@pytest.mark.timeout(240)
@pytest.mark.capability("R46", "R02", "R03")
def test_nothing_is_lost_doubled_or_reordered_when_the_process_is_killed_again_and_again(tmp_path: Path) -> None:
    began, killed = time.monotonic(), 0
    while killed < KILLS:
        process = start(tmp_path)
        try:
            process.wait(random.uniform(0.05, 1.0))
            break  # all events were written before the last kill
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            killed += 1
    process = start(tmp_path)
    assert process.communicate(timeout=200)[0] == "done\n"

    written, applied = streams(tmp_path, "counter"), streams(tmp_path, "follower")
    lost = sum(len(set(seqs) - set(applied[id])) for id, seqs in written.items())
    doubled = sum(len(seqs) - len(set(seqs)) for seqs in applied.values())
    ghosts = sum(len(set(seqs) - set(written[id])) for id, seqs in applied.items())
    breaks = sum(seqs != sorted(seqs) for seqs in applied.values())
    seconds = time.monotonic() - began
    print(f"{sum(map(len, written.values()))} events, {killed} kills in {seconds:.0f} s: ", end="")
    print(f"lost {lost}, doubled {doubled}, ghosts {ghosts}, order breaks {breaks}")
    assert (lost, doubled, ghosts, breaks) == (0, 0, 0, 0)
    assert all(seqs == list(range(1, len(seqs) + 1)) for seqs in written.values())
    assert sum(map(len, written.values())) >= EVENTS
    assert len(written) == len(embedded.COUNTERS)


def streams(folder: Path, name: str) -> dict[str, list[int]]:
    """Sequence numbers by counter, as written or as applied, in the order of writing or applying."""
    log = toys.counter_runtime.event_log
    statement = sa.select(log.c.aggregate_id, log.c.seq).order_by(log.c.aggregate_id, log.c.seq)
    if name == "follower":
        statement = sa.select(toys.effects.c.aggregate_id, toys.effects.c.seq).order_by(toys.effects.c.id)
    engine = sa.create_engine(f"sqlite:///{folder / name}.db")
    found: dict[str, list[int]] = defaultdict(list)
    with engine.connect() as connection:
        for id, seq in connection.execute(statement):
            found[id].append(seq)
    engine.dispose()
    return found
