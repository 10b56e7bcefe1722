"""The backends of the behaviour suite; started once per process, shared by its tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.runtime import toys
from tests.runtime.backends import Backend, Brokered, Direct
from tests.servers import shared_by_the_run

BOTH = ["direct", pytest.param("broker", marks=pytest.mark.servers)]


@pytest.fixture(scope="package", autouse=True)
def _toy_events() -> Iterator[None]:
    with toys.announced():
        yield


@pytest.fixture(scope="package")
def _direct(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend]:
    backend = Direct(Path(tmp_path_factory.mktemp("toys")))
    yield backend
    backend.close()


@pytest.fixture(scope="package")
def _brokered() -> Iterator[Backend]:
    backend = Brokered(shared_by_the_run())
    yield backend
    backend.close()


@pytest.fixture(params=BOTH)
def backend(request: pytest.FixtureRequest) -> Iterator[Backend]:
    """Each joining in turn, at rest and in good mood."""
    found: Backend = request.getfixturevalue({"direct": "_direct", "broker": "_brokered"}[request.param])
    yield found
    found.moods.react, found.moods.pay = toys.Moods().react, toys.Moods().pay
    found.moods.paid.clear()


@pytest.fixture
def brokered(_brokered: Brokered) -> Iterator[Brokered]:
    """PostgreSQL and RabbitMQ only."""
    yield _brokered
    _brokered.moods.react, _brokered.moods.pay = toys.Moods().react, toys.Moods().pay
    _brokered.moods.paid.clear()
