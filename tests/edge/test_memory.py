"""What a service does not need is not kept: modules that only commands use, and what a burst of work left behind."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from shared.edge.runner import give_back_memory
from shared.ops.settings import SERVICES

ROOT = Path(__file__).resolve().parents[2]
START = """
import sys
from services.cli import _make_green, _without_cryptography
_make_green()
_without_cryptography()
from importlib import import_module
import shared.edge.runner
import_module("services.{0}.app"), import_module("services.{0}.{1}")
print(*{{"requests", "charset_normalizer", "cryptography", "stripe", "reportlab", *{2}}} & {{*sys.modules}})
"""


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_starts_without_what_only_commands_and_providers_use(service: str) -> None:
    assert _loaded(START.format(service, "service", [])) == []


def test_the_gateway_starts_without_what_only_services_with_data_use() -> None:
    assert _loaded(START.format("gateway", "clients", ["sqlalchemy", "alembic", "nameko", "kombu", "amqp"])) == []


def _loaded(program: str) -> list[str]:
    """What this program prints."""
    command = [sys.executable, "-c", program]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()


@pytest.mark.skipif(sys.platform != "linux", reason="the call is glibc's")
def test_what_a_burst_left_behind_is_given_back() -> None:
    """Blocks with a kept one between them: freed, they stay with the process, which may use them again."""
    blocks = [bytes(2_000) for _ in range(40_000)]
    kept = blocks[::50]
    blocks.clear()
    before = _resident()
    give_back_memory()
    assert before - _resident() > 30
    assert len(kept) == 800


def _resident() -> float:
    """Of this process, in MB."""
    return int(re.search(r"VmRSS:\s+(\d+)", Path("/proc/self/status").read_text())[1]) / 1024
