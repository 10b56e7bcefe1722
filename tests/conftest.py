"""Fixtures of every test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from shared.ops.settings import SERVICES
from tests.real.plugin import RealForm
from tests.servers import Servers, describe_run, shared_by_the_run
from tests.suite import Suite


def pytest_addoption(parser: Any) -> None:
    parser.addoption("--on", choices=("joined", "real"), default="joined", help="what the tests' suites run on")
    parser.addoption("--all-rows", action="store_true", help="fail if a row of tests/real/rows.py was not shown")
    parser.addoption("--canary", type=int, default=300, help="operations of the private-text test")


@pytest.fixture(scope="session")
def servers() -> Servers:
    """The RabbitMQ and PostgreSQL of this run."""
    return shared_by_the_run()


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Say what ran on what."""
    if line := describe_run():
        terminalreporter.write_line(f"servers: {line}")


def pytest_configure(config: Any) -> None:
    if config.getoption("--on") == "real":
        config.pluginmanager.register(RealForm(config), "real-form")


@contextmanager
def making_suites(config: pytest.Config, folder: Path) -> Iterator[Callable[..., Suite]]:
    """Joins the named services (all of them without a name) on fresh SQLite files; `--on real`: see tests/real."""
    if real := config.pluginmanager.get_plugin("real-form"):
        with real.suites() as make_real:
            yield make_real
        return
    made: list[Suite] = []

    def make(*names: str, **settings: Any) -> Suite:
        wanted = names or tuple(name for name in SERVICES if find_spec(f"services.{name}.app"))
        made.append(Suite(folder / f"data{len(made)}", wanted, **settings))
        return made[-1]

    yield make
    for suite in made:
        suite.close()


@pytest.fixture
def suite_of(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[..., Suite]]:
    """Makes suites for one test."""
    with making_suites(request.config, tmp_path) as make:
        yield make


@pytest.fixture(scope="module")
def suite_of_module(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., Suite]]:
    """Makes suites that the tests of a module share."""
    with making_suites(request.config, tmp_path_factory.mktemp("module")) as make:
        yield make


@pytest.fixture
def suite(suite_of: Callable[..., Suite]) -> Suite:
    """All services joined."""
    return suite_of()
