"""The README shows what the code does."""

from __future__ import annotations

from pathlib import Path

from services import claim
from services.claim.handlers import CONTENTS
from services.claim.model.diagram import mermaid

README = (Path(claim.__file__).parent / "README.md").read_text(encoding="utf-8")


def test_the_diagram_is_drawn_from_the_table_as_it_stands():
    assert f"```mermaid\n{mermaid()}\n```" in README


def test_every_command_and_query_is_named():
    for entry in (*CONTENTS.commands, *CONTENTS.queries):
        assert f"`{entry.operation.name.removeprefix('claim.')}`" in README or f"`{entry.operation.name}`" in README
