"""Which rule of the specification stands behind a field, so that a refusal of its form names it, too.

A field type has `rule`; a schema has `rules` by field name, which goes first and may name fields that it does not take.
"""

from __future__ import annotations

from typing import Any

import orjson
from marshmallow import Schema, ValidationError, fields

from shared.kernel.errors import InvalidInput


def invalid(schema: Schema, wrong: ValidationError) -> InvalidInput:
    """The refusal for what `schema` did not take."""
    messages = wrong.normalized_messages()
    # items of lists are named by number: JSON has text as names only
    named = orjson.loads(orjson.dumps(messages, option=orjson.OPT_NON_STR_KEYS))
    return InvalidInput(_behind(schema, messages), fields=named)


def _behind(schema: Schema, messages: dict[Any, Any]) -> str | None:
    """The rule of the first field that has one."""
    for name, inner in messages.items():
        field = schema.fields.get(name)
        found = getattr(schema, "rules", {}).get(name) or getattr(field, "rule", None) or _inside(field, inner)
        if found:
            return found
    return None


def _inside(field: fields.Field | None, messages: Any) -> str | None:
    if not isinstance(messages, dict):
        return None
    if isinstance(field, fields.Nested):
        return _behind(field.schema, messages)
    if isinstance(field, fields.List):
        found = (getattr(field.inner, "rule", None) or _inside(field.inner, inner) for inner in messages.values())
        return next((rule for rule in found if rule), None)
    return None
