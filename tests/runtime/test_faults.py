"""FAULTS: what the chaos driver asks for is what happens, and nothing else passes as a fault."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace

import pytest

from shared.runtime import faults, inbox
from shared.runtime.inbox import DELAYS
from shared.runtime.tables import Contents, Job


@pytest.mark.parametrize("text", ["rollback", "rollback:2", "rollback:-1", "sleep:0.5", "handler:often", ""])
def test_a_fault_that_does_not_exist_is_refused(text):
    with pytest.raises(ValueError):
        faults.parse(text)


def test_shares_are_read_by_kind():
    assert faults.parse("rollback:0.05, handler:0.02,pauses:0.2") == {"rollback": 0.05, "handler": 0.02, "pauses": 0.2}


def test_pauses_are_shortened_and_their_number_is_not(monkeypatch):
    monkeypatch.setattr(inbox, "DELAYS", DELAYS)
    faults.install(SimpleNamespace(contents=Contents()), "pauses:0.2")
    assert [delay.total_seconds() for delay in inbox.DELAYS] == [1, 6, 24, 120, 720]
    assert DELAYS[0] == timedelta(seconds=5)


def test_a_provider_that_left_a_question_open_is_asked_again_sooner(monkeypatch):
    monkeypatch.setattr(inbox, "DELAYS", DELAYS)
    answers = iter([timedelta(seconds=30), timedelta(seconds=270), None])
    app = SimpleNamespace(contents=Contents(jobs={"pay": Job(lambda *_: None, lambda *_: next(answers))}))
    faults.install(app, "pauses:0.1")
    pay = app.contents.jobs["pay"]
    assert [pay.settle(None, None, None) for _ in range(3)] == [timedelta(seconds=3), timedelta(seconds=27), None]
    assert pay.delays[0] == timedelta(seconds=0.5)
