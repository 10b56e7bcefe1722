"""`python -m tests.runtime.embedded FOLDER EVENTS`: the toys joined on SQLite, working until the log holds EVENTS.

Made to be killed at any moment and started again. Prints "working" when it begins and "done" when all is delivered.
"""

from __future__ import annotations

import random
import sys
from pathlib import Path

import sqlalchemy as sa

from shared.kernel.calls import Call
from shared.runtime.direct import Joined
from tests.runtime import toys
from tests.runtime.backends import WHO

COUNTERS = [f"cnt_{number}" for number in range(200)]


def main(folder: Path, wanted: int) -> None:
    apps = {name: toys.build(name, f"sqlite:///{folder / name}.db") for name in toys.NAMES}
    for app in apps.values():
        app.create_tables()
    counter, log = apps["counter"], toys.counter_runtime.event_log

    def written() -> int:
        with counter.database.transaction() as connection:
            return connection.execute(sa.select(sa.func.count()).select_from(log)).scalar_one()

    known = counter.execute([Call("counter.get", {"id": id}, WHO) for id in COUNTERS])
    new = [id for id, answer in zip(COUNTERS, known, strict=True) if not answer.ok]
    counter.execute([Call("counter.open", {"id": id}, WHO) for id in new])
    joined = Joined(apps.values())
    joined.start()
    print("working", flush=True)
    while (left := wanted - written()) > 0:
        batch = [random.choice(COUNTERS) for _ in range(min(100, left))]
        # one in twenty is rolled back after it saved
        moods = random.choices(["", "explode"], weights=[19, 1], k=len(batch))
        calls = [
            Call("counter.raise", {"id": id, "by": 1, "mood": mood}, WHO) for id, mood in zip(batch, moods, strict=True)
        ]
        counter.execute(calls)
    joined.stop()
    joined.settle()
    print("done", flush=True)


if __name__ == "__main__":
    import logging

    logging.disable(logging.ERROR)
    with toys.announced():
        main(Path(sys.argv[1]), int(sys.argv[2]))
