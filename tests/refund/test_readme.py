"""The README shows what the code does, and the table of states leads everywhere and out again."""

from __future__ import annotations

from pathlib import Path

from services import refund
from services.refund.handlers import CONTENTS
from services.refund.model import FINAL, IN_FLIGHT, TRANSITIONS
from services.refund.model.diagram import mermaid
from shared.contracts.refund import STATES

README = (Path(refund.__file__).parent / "README.md").read_text(encoding="utf-8")


def test_the_diagram_is_drawn_from_the_table_as_it_stands():
    assert f"```mermaid\n{mermaid()}\n```" in README


def test_every_command_and_query_is_named():
    for entry in (*CONTENTS.commands, *CONTENTS.queries):
        assert f"`{entry.operation.name.removeprefix('refund.')}`" in README or f"`{entry.operation.name}`" in README


def test_every_state_is_reached_and_every_refund_in_flight_can_end():
    reached, ends = {"requested"}, set(FINAL)
    for _ in TRANSITIONS:
        reached |= {target for (state, _), target in TRANSITIONS.items() if state in reached}
        ends |= {state for (state, _), target in TRANSITIONS.items() if target in ends}

    assert reached == set(STATES) == IN_FLIGHT | FINAL
    assert ends == set(STATES)
