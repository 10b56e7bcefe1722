"""What is written down is what is there: generated parts are fresh, links lead somewhere, copied blocks run."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from services.commands import describe

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("k8s/*.md")])
BLOCK = re.compile(r"^ *```(\w+)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
TARGET = re.compile(r"\bmake ([a-z-]+)")
COMMAND = re.compile(r"\baftersale ([a-z-]+)")


def blocks(page: Path, language: str) -> list[str]:
    """The fenced blocks of this language."""
    found = BLOCK.findall(page.read_text(encoding="utf-8"))
    return [code for kind, code in found if kind == language]


def test_the_table_of_services_and_the_page_of_events_are_what_the_code_says(capsys):
    assert describe.main(["--check"]) == 0, capsys.readouterr().out


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_to_files_that_exist(page):
    links = [link for link in LINK.findall(page.read_text(encoding="utf-8")) if "://" not in link]
    broken = [link for link in links if not link.startswith("#") and not (page.parent / link.split("#")[0]).exists()]
    assert broken == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_that_pages_name_exist(page):
    text = page.read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    inside = "\n".join(re.findall(r"`[^`\n]+`", text) + [code for _, code in BLOCK.findall(text)])
    assert set(TARGET.findall(inside)) <= targets
    commands = set(re.findall(r'(?:add_parser\(|^ +\()"([a-z-]+)"', cli_source(), re.MULTILINE))
    assert set(COMMAND.findall(inside)) <= commands


def cli_source() -> str:
    return (ROOT / "services" / "cli.py").read_text(encoding="utf-8")


@pytest.mark.parametrize("page", sorted((ROOT / "docs" / "adr").glob("*.md")), ids=lambda page: page.stem[:4])
def test_a_decision_is_told_in_300_words_with_the_road_not_taken(page):
    text = page.read_text(encoding="utf-8")
    assert text.startswith("# ")
    assert len(text.split()) <= 300
    assert "Not taken" in text


def test_python_blocks_are_python():
    found = [code for page in PAGES for code in blocks(page, "python")]
    assert found
    for code in found:
        ast.parse(code)


@pytest.mark.skipif(not shutil.which("node"), reason="no node to check with")
def test_javascript_blocks_are_javascript(tmp_path):
    for number, code in enumerate(code for page in PAGES for code in blocks(page, "js")):
        script = tmp_path / f"{number}.js"
        script.write_text(code, encoding="utf-8")
        subprocess.run(["node", "--check", str(script)], check=True, capture_output=True)


@pytest.mark.skipif(not shutil.which("kubectl"), reason="no kubectl to render with")
def test_the_blocks_of_the_kubernetes_page_run():
    (render,) = blocks(ROOT / "docs" / "how-to" / "run-on-kubernetes.md", "sh")
    done = subprocess.run(["bash", "-euo", "pipefail", "-c", render], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, int(done.stdout)) == (0, 7)


@pytest.mark.capability("N2")
def test_the_blocks_of_the_profile_page_run(tmp_path):
    """As a reader's shell runs them, on a claim database of their own."""
    tools = tmp_path / "bin"
    tools.mkdir()
    (tools / "aftersale").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m services.cli "$@"\n', encoding="utf-8")
    (tools / "aftersale").chmod(0o755)
    (tools / "python").symlink_to(sys.executable)
    data = {"DATA_DIR": str(tmp_path / "data"), "PATH": f"{tools}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
    script = "\n".join(blocks(ROOT / "docs" / "how-to" / "write-a-profile.md", "sh"))
    script = script.replace("issue-2.json", str(tmp_path / "issue-2.json"))
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", f"aftersale migrate claim\n{script}"],
        cwd=ROOT,
        env=os.environ | data,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert f"{tmp_path}/issue-2.json: in order" in done.stdout
    assert "0 past claims lived again" in done.stdout
    assert "from now on follow issue@2#" in done.stdout
