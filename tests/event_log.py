"""Asking an event log of PostgreSQL by which keys its events travel, as `narrowest_key` says it of one."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from shared import contracts
from shared.contracts.registry import EVENTS, EventType

for module in iter_modules(contracts.__path__):
    import_module(f"shared.contracts.{module.name}")  # it announces its types


def _has_narrow_key(event: EventType) -> str:
    field, value = event.narrow.field, str(event.narrow.value)
    value = value.lower() if isinstance(event.narrow.value, bool) else value
    return f"type = '{event.type}' and coalesce(data::json ->> '{field}', '{value}') = '{value}'"


_CASES = [f"when {_has_narrow_key(event)} then '{event.narrow.key}'" for event in EVENTS.values() if event.narrow]
KEY = f"case {' '.join(_CASES)} else type end"
