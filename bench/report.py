"""The figures as a table with the goals beside them, printed and kept in bench/results/."""

from __future__ import annotations

import platform
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import orjson

RESULTS = Path(__file__).parent / "results"
PACKAGES = ("nameko", "eventlet", "amqp", "sqlalchemy", "psycopg2-binary", "marshmallow", "orjson")
Row = tuple[str, str, str]  # what, found, goal


def write(figures: dict[str, Any], quick: bool) -> None:
    """Print the table; write it as Markdown, with all figures as JSON beside it."""
    figures["python"] = platform.python_version()
    figures["packages"] = {name: version(name) for name in PACKAGES}
    table = "\n".join(_lines(list(_rows(figures))))
    print(table)
    if quick:
        return  # a short run shows that all works; its figures are not worth keeping
    machine = re.sub(
        r"[^a-z0-9]+", "-", f"{figures['machine']['cores']}-cores {figures['machine']['processor']}".lower()
    )
    name = f"{datetime.now(UTC):%Y-%m-%d}-{machine.strip('-')}"
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.json").write_bytes(orjson.dumps(figures, option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS))
    (RESULTS / f"{name}.md").write_text(f"# {name}\n\n{_where(figures)}\n\n{table}\n", encoding="utf-8")
    print(f"written to bench/results/{name}.md")


def _where(figures: dict[str, Any]) -> str:
    machine, packages = figures["machine"], figures["packages"]
    return (
        f"{machine['cores']} cores ({machine['processor']}), {machine['memory_gb']} GB, "
        f"load {machine['load_before']} before; "
        f"Linux {machine['kernel']}; {figures['servers']}; Python {figures['python']}, "
        + ", ".join(f"{name} {number}" for name, number in packages.items())
        + ". Load generator, database, broker and six services on the same machine."
    )


def _rows(figures: dict[str, Any]) -> Iterator[Row]:
    limits, commands, whole = figures["limits"], figures["commands"], figures["journeys"]
    yield (
        "pgbench, the rows of one claim, 1 / 16 clients",
        f"{limits['pgbench_1']:.0f} / {limits['pgbench_16']:.0f} /s",
        "",
    )
    yield "raw client, the message of one claim, confirmed", f"{limits['publishes']:.0f} /s", ""
    for name, found in commands.items():
        what = f"claims accepted, {name.removeprefix('commands_')} connections"
        yield what, f"{found['per_second']:.0f} /s ({_times(found)})", ""
    yield "… of pgbench, at 16", f"{commands['commands_16']['per_second'] / limits['pgbench_16']:.2f}", "≥ 0.2"
    paced = figures["paced"]
    yield "claims accepted, 100 a second, p50 / p99", f"{paced['p50_ms']:.1f} / {paced['p99_ms']:.1f} ms", "≤ 10"
    yield "whole journeys, sustained", f"{whole['per_second']:.0f} /s", "≥ 300"
    yield "a slice of them as nameko's examples write it, without rules", f"{figures['peer']:.0f} /s", ""
    yield "… journeys of that slice", f"{whole['per_second'] / figures['peer']:.2f}", ""
    yield "processor time of one journey", _spent(whole["cpu_us_per_journey"]), ""
    for rate, whole_goal in ((50, "≤ 50"), (100, "")):
        found = figures[f"journeys_at_{rate}"]
        yield f"end to end at {rate}/s, p50 / p99", f"{found['whole_p50_ms']} / {found['whole_p99_ms']} ms", whole_goal
        yield (
            f"accepted at {rate}/s, p50 / p99",
            f"{found['accepted_p50_ms']} / {found['accepted_p99_ms']} ms",
            "",
        )
    for service, used in figures["memory"].items():
        yield f"memory of {service}, RSS / PSS", f"{used['rss']:.0f} / {used['pss']:.0f} MB", "≤ 90"
    for name, found in figures["refunds"].items():
        yield f"refund {name}, 16 connections", f"{found['per_second']:.0f} /s ({_times(found)})", ""
    if papers := figures["documents"]:
        what = f"{papers['per_second']:.1f} /s (p50 {papers['p50_ms']:.0f} ms; {papers['memory_mb']:.0f} MB)"
        yield "invoice PDFs with Factur-X, one printing process", what, ""
    for database, found in figures["imports"].items():
        beside = f"{found['of_rows_alone']:.2f} of the rows alone; {found['memory_mb']} MB"
        yield f"paid orders imported into {database}", f"{found['per_second']} /s ({beside})", "≥ 2000"
    few, many = figures["pages"]
    for name, milliseconds in figures["pages"][few].items():
        more = figures["pages"][many][name]
        yield f"{name}, {few} / {many} claims", f"{milliseconds} / {more} ms: × {more / milliseconds:.2f}", "≤ 1.5"


def _times(found: dict[str, float]) -> str:
    return f"p50 {found['p50_ms']:.1f}, p99 {found['p99_ms']:.1f} ms; load generator {found['own_cpu']:.0%} of a core"


def _spent(per_journey: dict[str, int]) -> str:
    return f"{sum(per_journey.values())} µs: " + ", ".join(f"{name} {spent}" for name, spent in per_journey.items())


def _lines(rows: list[Row]) -> Iterator[str]:
    head = ("what", "found", "goal")
    widths = [max(len(row[column]) for row in [head, *rows]) for column in range(3)]
    for row in (head, tuple("-" * width for width in widths), *rows):
        yield "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
