"""`pytest --on real`: which tests run in the real form, on what, and what is said of it at the end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest

from tests.real.quiet import NeverQuiet
from tests.real.stack import Pool
from tests.real.suite import RealSuite

MARK = "joined_only"
PATIENCE = 300  # seconds for a test: one of them may have to wait for the start of a stack on a busy machine
SUITES = {"suite_of", "suite_of_module"}


class RealForm:
    """Chooses the tests, gives them their suites, and counts."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.pool = Pool()
        self.left_out: Counter[str] = Counter()
        self.started: list[tuple[int, float]] = []

    # which

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """A test that asks for no suite is the same in both forms: it is left to the joined one."""
        chosen = [item for item in items if SUITES & set(getattr(item, "fixturenames", ()))]
        kept = set(chosen)
        others = [item for item in items if item not in kept]
        config.hook.pytest_deselected(items=others)
        items[:] = chosen
        for item in chosen:
            if item.get_closest_marker("timeout") is None:
                item.add_marker(pytest.mark.timeout(PATIENCE))

    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        rows = {row for mark in item.iter_markers("capability") for row in mark.args}
        item.user_properties.append(("rows", sorted(rows)))
        if mark := item.get_closest_marker(MARK):
            pytest.skip(f"joined only: {mark.args[0]}")

    # on what

    @contextmanager
    def suites(self) -> Iterator[Callable[..., RealSuite]]:
        """Makes suites for one test; their stacks begin anew for the next one."""
        made: list[RealSuite] = []

        def make(*names: str, **given: Any) -> RealSuite:
            given.pop("database", None)  # it is a real one anyway
            made.append(RealSuite(self.pool.take(names, given)))
            return made[-1]

        yield make
        for suite in made:
            self._done(suite)

    def _done(self, suite: RealSuite) -> None:
        try:
            suite.settle()
            suite.stack.begin_anew()
        except Exception as broken:
            self.pool.throw_away(suite.stack)
            if not isinstance(broken, NeverQuiet):
                raise
        else:
            self.pool.give_back(suite.stack)
        finally:
            suite.close()

    # at the end

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if output := getattr(self.config, "workeroutput", None):
            output["real-form"] = [self.pool.started, self.pool.seconds]
        self.pool.close()

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        with suppress(AttributeError, KeyError):
            self.started.append(tuple(node.workeroutput["real-form"]))

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        stats = terminalreporter.stats
        passed = stats.get("passed", [])
        ran = len(passed) + len(stats.get("failed", []))
        rows = {row for report in passed for name, rows in report.user_properties if name == "rows" for row in rows}
        started = [*self.started, (self.pool.started, self.pool.seconds)]
        count, seconds = sum(n for n, _ in started), sum(s for _, s in started)
        line = f"real form: {ran} tests on processes of their own, RabbitMQ and PostgreSQL; "
        terminalreporter.write_line(f"{line}{count} stacks started in {seconds:.0f} s")
        terminalreporter.write_line(f"rows of the specification that passed so: {len(rows)}")
        reasons = Counter(_reason(report) for report in stats.get("skipped", []))
        for reason, number in reasons.most_common():
            terminalreporter.write_line(f"  {number} not: {reason}")


def _reason(report: Any) -> str:
    told = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    return told.removeprefix("Skipped: ")
