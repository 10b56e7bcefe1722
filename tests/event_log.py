"""Asking an event log of PostgreSQL by which keys its events travel, as `narrowest_key` says it of one."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from shared import contracts
from shared.contracts.registry import EVENTS, EventType

for module in iter_modules(contracts.__path__):
    import_module(f"shared.contracts.{module.name}")  # it announces its types


def _has_narrow_key(event: EventType) -> str:
    values = [str(value).lower() if isinstance(value, bool) else value for value in event.narrow.values]
    listed = ", ".join(f"'{value}'" for value in values)
    return f"type = '{event.type}' and coalesce(data::json ->> '{event.narrow.field}', '{values[0]}') in ({listed})"


_CASES = [f"when {_has_narrow_key(event)} then '{event.narrow.key}'" for event in EVENTS.values() if event.narrow]
KEY = f"case {' '.join(_CASES)} else type end"
