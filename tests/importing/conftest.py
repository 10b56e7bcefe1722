"""An order service to import into, and the command as a person runs it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import orjson
import pytest

from services.commands import importing
from tests.suite import integrator

FILES = Path(__file__).parent / "files"


class Desk:
    """The order service of this test's own folder, and `aftersale import`."""

    def __init__(self, suite: Any, folder: Path, capsys: Any) -> None:
        self.suite, self.folder, self.capsys = suite, folder, capsys

    def file(self, name: str, text: str | bytes) -> Path:
        path = self.folder / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    def run(self, path: Path, *options: str) -> tuple[int, str]:
        code = importing.main(["orders", str(path), "--tenant", "shop", *options])
        return code, self.capsys.readouterr().out

    def faults(self, path: Path) -> list[dict[str, Any]]:
        return [orjson.loads(line) for line in path.with_name(path.name + ".errors.jsonl").read_bytes().splitlines()]

    def order(self, number: str) -> dict[str, Any]:
        (row,) = self.suite.do("order.list", integrator(), number=number)["items"]
        return self.suite.do("order.get", integrator(), order_id=row["id"])

    def numbers(self) -> list[str]:
        return sorted(row["number"] for row in self.suite.do("order.list", integrator(), limit=200)["items"])


@pytest.fixture
def desk(suite_of, tmp_path, monkeypatch, capsys):
    suite = suite_of("order")
    for name in [name for name in os.environ if name.startswith(("DATABASE", "DATA_DIR"))]:
        monkeypatch.delenv(name)
    for name, value in suite.environment().items():
        monkeypatch.setenv(name, value)
    return Desk(suite, tmp_path, capsys)
