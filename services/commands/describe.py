"""Writes down what the services say of themselves: the table in README.md, docs/events.md, the broker's bindings.

python -m services.commands.describe writes all; with --check it only says whether they are as they should be.
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from typing import Any

from marshmallow import Schema, fields

from shared.contracts.registry import EVENTS, PUBLIC, EventType
from shared.edge.topology_plan import BINDINGS
from shared.ops.settings import SERVICES
from shared.runtime.tables import Contents

ROOT = Path(__file__).resolve().parents[2]
BEGIN, END = "<!-- services: written by python -m services.commands.describe -->", "<!-- /services -->"
GATEWAY = "| **gateway** | nothing | HTTP, and asks the others: `/v1`, `/docs`, `/openapi.json` | nothing |"


def main(argv: list[str] | None = None) -> int:
    """0 when the files are as they should be, or are now; 1 when --check found another content."""
    parser = argparse.ArgumentParser(prog="python -m services.commands.describe", description=__doc__)
    parser.add_argument("--check", action="store_true")
    check = parser.parse_args(argv).check
    stale = 0
    for path, content in pages().items():
        if path.exists() and path.read_text(encoding="utf-8") == content:
            continue
        stale += 1
        print(f"{path.relative_to(ROOT)} {'is out of date' if check else 'written'}")
        if not check:
            path.write_text(content, encoding="utf-8")
    return 1 if check and stale else 0


def pages() -> dict[Path, str]:
    """Every file that is written, whole, as it should be."""
    contents = {name: import_module(f"services.{name}.handlers").CONTENTS for name in SERVICES}
    readme = ROOT / "README.md"
    return {
        readme: _between(readme.read_text(encoding="utf-8"), service_table(contents)),
        ROOT / "docs" / "events.md": events_page(contents),
        BINDINGS: bindings_page(contents),
    }


def _between(text: str, table: str) -> str:
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{table}\n{END}{after}"


# the table


def service_table(contents: dict[str, Contents]) -> str:
    lines = ["| service | owns | accepts | announces |", "|---|---|---|---|"]
    lines += [_row(name, contents[name]) for name in SERVICES]
    return "\n".join([*lines, GATEWAY])


def _row(service: str, contents: Contents) -> str:
    announced = _by_stream(event.type for event in announced_by(service))
    accepted = _by_stream(command.operation.name for command in contents.commands)
    return f"| **{service}** | {', '.join(announced)} | {_words(accepted)} | {_words(announced)} |"


def announced_by(service: str) -> list[EventType]:
    """By stream, in the order of the contract; which contract was imported first says nothing."""
    mine = [event for event in EVENTS.values() if event.exchange.split(".", 1)[0] == service]
    return sorted(mine, key=lambda event: event.stream)


def _by_stream(names: Iterable[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for name in names:
        noun, _, verb = name.partition(".")
        found[noun].append(verb)
    return found


def _words(grouped: dict[str, list[str]]) -> str:
    return "<br>".join(f"`{noun}.` {', '.join(verbs)}" for noun, verbs in grouped.items())


# what each service is sent


def bindings_page(contents: dict[str, Contents]) -> str:
    lines = ["# What each service reacts to, and is sent. Written by `python -m services.commands.describe`."]
    for name in SERVICES:
        lines += [f"{name}:", *(f"  - {key}" for key in sorted(contents[name].bound))]
    return "\n".join(lines) + "\n"


# the page of events


def events_page(contents: dict[str, Contents]) -> str:
    lines = [
        "# Events",
        "",
        "Written by `python -m services.commands.describe` from `shared/contracts/`; a test says when it is not.",
        "",
        "Exchange: where it is published, with its type as routing key. Each stream counts its events per aggregate "
        "without gaps in `ce-sequence`; `ce-prior` names the last one of each type before it, for who hears some types "
        "only. Some events are sent by a narrower key as well, for who would leave the others of their type alone; "
        "`ce-prior` names them by it. *Italic* fields may be absent. Amounts are minor units (cents); `Money` is "
        "`{amount, currency}`. What is not marked is public: internal events are for staff and services, private "
        "ones travel on an exchange of their own that only the named services may read.",
    ]
    for service in SERVICES:
        lines += ["", f"## {service}", "", "| event | says | heard by |", "|---|---|---|"]
        lines += [_event_row(event, contents) for event in announced_by(service)]
    return "\n".join(lines) + "\n"


def _event_row(event: EventType, contents: dict[str, Contents]) -> str:
    mark = "" if event.audience == PUBLIC else f" ({event.audience}, `{event.exchange}`)"
    mark += f", some also as `{event.narrow.key}`" if event.narrow else ""
    hearing = [_hearing(name, each, event) for name, each in contents.items() if event.type in each.reactions]
    return f"| `{event.type}`{mark} | {_fields(event.schema)} | {', '.join(hearing) or '–'} |"


def _hearing(service: str, contents: Contents, event: EventType) -> str:
    return f"{service} (`{event.narrow.key}`)" if event.narrow and event.type not in contents.bound else service


def _fields(schema: Schema) -> str:
    return ", ".join(_field(field.data_key or name, field) for name, field in schema.fields.items())


def _field(name: str, field: fields.Field) -> str:
    shown = f"{name}{_kind(field)}"
    return shown if field.required else f"*{shown}*"


def _kind(field: Any) -> str:
    if isinstance(field, fields.List):
        return f"[{_kind(field.inner).strip()}]"
    if isinstance(field, fields.Nested):
        names = list(field.schema.fields)
        return ": Money" if names == ["amount", "currency"] else f"{{{', '.join(names)}}}"
    return ""


if __name__ == "__main__":
    sys.exit(main())
