"""Fixtures of every test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from shared.ops.settings import SERVICES
from tests.servers import Servers, describe_run, shared_by_the_run
from tests.suite import Suite


def pytest_addoption(parser: Any) -> None:
    parser.addoption("--canary", type=int, default=300, help="operations of the private-text test")


@pytest.fixture(scope="session")
def servers() -> Servers:
    """The RabbitMQ and PostgreSQL of this run."""
    return shared_by_the_run()


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Say what ran on what."""
    if line := describe_run():
        terminalreporter.write_line(f"servers: {line}")


@pytest.fixture
def suite_of(tmp_path: Path) -> Iterator[Callable[..., Suite]]:
    """Joins the named services (all of them without a name) on fresh SQLite files."""
    made: list[Suite] = []

    def make(*names: str, **settings: Any) -> Suite:
        wanted = names or tuple(name for name in SERVICES if find_spec(f"services.{name}.app"))
        made.append(Suite(tmp_path / f"data{len(made)}", wanted, **settings))
        return made[-1]

    yield make
    for suite in made:
        for app in suite.apps.values():
            app.database.dispose()


@pytest.fixture
def suite(suite_of: Callable[..., Suite]) -> Suite:
    """All services joined."""
    return suite_of()
