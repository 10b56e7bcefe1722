"""Who may import whom (docs/architecture.md): a rule that is not run is a hope."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SERVICES = ("order", "claim", "messaging", "refund", "notification", "gateway")
# The stand-in for the outside world and the demo are programs of their own beside the services.
PROGRAMS = (
    "services/simulator/",
    "services/demo/",
    "services/mailin/",
    "services/commands/",
    "services/cli.py",
    "services/story/",
)
EDGE = ("nameko", "eventlet", "kombu", "werkzeug", "greenlet", "amqp", "httptools")
EDGE_PLACES = ("shared/edge/", "services/gateway/", *PROGRAMS)
SQL_PLACES = ("shared/storage/", "shared/runtime/", "shared/edge/", *PROGRAMS)
OUTSIDE = ("requests", "smtplib", "stripe", "paypalserversdk", "urllib3", "imaplib")
PURE_FORBIDDEN = ("sqlalchemy", "random", "time", "requests", "shared.runtime", "shared.storage", "shared.edge", "os")


def files() -> list[Path]:
    return [path for top in ("services", "shared") for path in sorted((ROOT / top).rglob("*.py"))]


@cache
def imports(path: Path) -> tuple[str, ...]:
    """Every module that a file names in an import, wherever in the file."""
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found += [node.module]
            found += [f"{node.module}.{alias.name}" for alias in node.names]
    return tuple(found)


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def offenders(paths: Iterator[Path] | list[Path], forbidden: tuple[str, ...]) -> list[str]:
    return [
        f"{name_of(path)} imports {module}"
        for path in paths
        for module in imports(path)
        if any(module == each or module.startswith(each + ".") for each in forbidden)
    ]


def outside(places: tuple[str, ...], *also: str) -> list[Path]:
    """Files that are in none of these places and whose name is none of `also`."""
    return [path for path in files() if not name_of(path).startswith(places) and path.name not in also]


def is_pure(path: Path) -> bool:
    """model, policies (files or packages) and the kernel: rules and nothing else."""
    parts = path.relative_to(ROOT).parts
    if parts[:2] == ("shared", "kernel"):
        return path.name not in ("ids.py", "clock.py")  # they are the clock and the randomness
    return parts[0] == "services" and parts[1] in SERVICES and ("model" in parts[2] or "policies" in parts[2])


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_imports_no_other_service(service):
    others = tuple(f"services.{other}" for other in SERVICES if other != service)
    mine = [path for path in files() if name_of(path).startswith(f"services/{service}/")]
    assert mine
    assert offenders(mine, others) == []


def test_shared_imports_no_service():
    shared = [path for path in files() if name_of(path).startswith("shared/")]
    assert offenders(shared, ("services",)) == []


def test_nameko_eventlet_and_werkzeug_stay_at_the_edge():
    assert offenders(outside(EDGE_PLACES, "service.py"), EDGE) == []


def test_models_and_policies_know_no_database_no_clock_and_no_chance():
    pure = [path for path in files() if is_pure(path)]
    assert len(pure) > 20
    assert offenders(pure, PURE_FORBIDDEN) == []
    assert [name_of(path) for path in pure if ".now(" in path.read_text() and "ctx" not in path.read_text()] == []


def test_sql_is_written_in_storage_and_queries_only():
    places = (*SQL_PLACES, *(f"services/{service}/migrations/" for service in SERVICES))
    assert offenders(outside(places, "storage.py", "queries.py"), ("sqlalchemy",)) == []


def test_only_adapters_reach_the_outside():
    adapters = tuple(f"services/{service}/adapters/" for service in SERVICES)
    assert offenders(outside(("shared/edge/", "shared/providers/", *adapters, *PROGRAMS)), OUTSIDE) == []


def test_what_is_known_of_providers_stands_once():
    """Clients, clear refusals, signatures and amounts: what a service adds is what an answer means to it."""
    adapters = [path for path in files() if "adapters" in path.parts]
    once = ("StripeClient(", "construct_event(", "PaypalServersdkClient(", "http_status or 0")
    assert [name_of(path) for path in adapters if any(words in path.read_text() for words in once)] == []


def test_handlers_import_neither_their_service_nor_requests():
    handlers = [path for path in files() if "handlers" in name_of(path)]
    found = offenders(handlers, ("requests", *(f"services.{service}.service" for service in SERVICES)))
    assert found == []


def test_the_environment_is_read_in_one_place():
    allowed = ("shared/ops/settings.py", "shared/edge/topology.py", *PROGRAMS)
    readers = [name_of(path) for path in outside(allowed) if "os.environ" in path.read_text()]
    assert readers == []


def test_no_drawer_without_a_name():
    nameless = {"utils", "helpers", "common", "misc", "base", "core", "lib", "tools"}
    assert [name_of(path) for path in files() if nameless & {path.stem, *path.parent.parts}] == []


def test_files_stay_small():
    long = {name_of(path): len(path.read_text().splitlines()) for path in files() if "migrations" not in path.parts}
    assert {name: lines for name, lines in long.items() if lines > 450} == {}


def test_importing_a_service_opens_nothing_and_needs_no_nameko():
    """A journey joins the apps without nameko or eventlet in the process (importing opens no connection, no thread)."""
    program = (
        "import sys, threading, importlib\n"
        "for name in ('order', 'claim', 'messaging', 'refund', 'notification'):\n"
        "    importlib.import_module(f'services.{name}.app')\n"
        "assert threading.active_count() == 1, threading.enumerate()\n"
        "assert not {'nameko', 'eventlet', 'kombu', 'stripe', 'paypalserversdk'} & set(sys.modules), 'edge imported'\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
