"""`pytest --on real`: which tests run in the real form, on what, and what is said of it at the end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest

from tests.real.quiet import NeverQuiet
from tests.real.rows import Rows, rows_of
from tests.real.stack import Pool
from tests.real.suite import RealSuite

MARK = "joined_only"
PATIENCE = 300  # seconds for a test: one of them may have to wait for the start of a stack on a busy machine
SLOWER = 3  # how much longer a test may take here than joined, where it says how long that is
SUITES = {"suite_of", "suite_of_module"}


class RealForm:
    """Chooses the tests, gives them their suites, and counts."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.pool = Pool()
        self.rows = Rows()
        self.started: list[tuple[int, float]] = []

    # which

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """A test that asks for no suite is the same in both forms: it is left to the joined one."""
        chosen = [item for item in items if SUITES & set(getattr(item, "fixturenames", ()))]
        kept = set(chosen)
        others = [item for item in items if item not in kept]
        self.rows.left_out(others)
        config.hook.pytest_deselected(items=others)
        items[:] = chosen
        for item in chosen:
            joined = item.get_closest_marker("timeout")
            longest = max(PATIENCE, SLOWER * joined.args[0] if joined else 0)
            item.add_marker(pytest.mark.timeout(longest), append=False)

    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        item.user_properties.append(("rows", rows_of(item)))
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
            suite.begin_anew()
        except Exception as broken:
            self.pool.throw_away(suite.stack)
            if not isinstance(broken, NeverQuiet):
                raise
        else:
            self.pool.give_back(suite.stack)
        finally:
            suite.close()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" and report.passed:
            self.rows.shown.update(*(rows for name, rows in report.user_properties if name == "rows"))

    # at the end

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if (output := getattr(self.config, "workeroutput", None)) is not None:
            output["real-form"] = [self.pool.started, self.pool.seconds, sorted(self.rows.beside)]
        elif self.config.getoption("--all-rows") and self.rows.missing():
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
        self.pool.close()

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        with suppress(AttributeError, KeyError):
            count, seconds, beside = node.workeroutput["real-form"]
            self.started.append((count, seconds))
            self.rows.beside.update(beside)

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        stats = terminalreporter.stats
        ran = len(stats.get("passed", [])) + len(stats.get("failed", []))
        started = [*self.started, (self.pool.started, self.pool.seconds)]
        count, seconds = sum(n for n, _ in started), sum(s for _, s in started)
        line = f"real form: {ran} tests on processes of their own, RabbitMQ and PostgreSQL; "
        terminalreporter.write_line(f"{line}{count} stacks started in {seconds:.0f} s")
        reasons = Counter(_reason(report) for report in stats.get("skipped", []))
        for reason, number in reasons.most_common():
            terminalreporter.write_line(f"  {number} not: {reason}")
        for line in self.rows.told(self.config.getoption("--all-rows")):
            terminalreporter.write_line(line)


def _reason(report: Any) -> str:
    told = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    return told.removeprefix("Skipped: ")
