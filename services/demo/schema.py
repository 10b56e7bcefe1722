"""Brings the demo's databases to the newest schema, as a process of its own: python -m services.demo.schema FOLDER.

Alembic would cost the demo's process 15 MB for the rest of its life.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from services.demo.folder import Folder
from shared.ops.settings import SERVICES, Settings
from shared.storage.schema import head

ROOT = Path(__file__).resolve().parents[2]


class SchemaFailed(Exception):
    """A database could not be brought to the newest schema."""


def prepare_databases(folder: Folder, report: Callable[[str], None]) -> None:
    """Migrate every database; nothing is even looked at when the migrations are those of the last start."""
    newest = {name: head(name) for name in SERVICES}
    if folder.notes.get("schema") == newest:
        return
    report("bringing the databases to the newest schema")
    command = [sys.executable, "-m", "services.demo.schema", str(folder.path)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    if done.returncode:
        raise SchemaFailed(f"The databases in {folder.path} could not be brought to the newest schema:\n{done.stderr}")
    folder.save(schema=newest)


def main(folder: Path) -> None:
    from shared.storage.migrate import migrate

    settings = Settings(data_dir=folder)
    for name in SERVICES:
        migrate(name, settings.database_url(name))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
