"""Writes the public language down: component schemas in JSON Schema, from the marshmallow contracts.

apispec does the work; this file corrects what it documents wrongly or cannot know.
"""

from __future__ import annotations

from typing import Any

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from marshmallow import Schema, fields, missing

from shared.contracts.fields import CurrencyCode, Moment, Text

# Text may hold a tab and line ends, no other control character (fields.Text).
PRINTABLE = r"^[^\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]*$"


def specification(title: str, version: str, description: str) -> APISpec:
    """An empty OpenAPI 3.1 document that names and converts the suite's schemas as they are."""
    plugin = MarshmallowPlugin(schema_name_resolver=component_name)
    spec = APISpec(title, version, "3.1.0", plugins=[plugin], info={"description": description})
    assert plugin.converter is not None  # the specification has just given it one
    for correct in (_strings, _load_default):
        plugin.converter.add_attribute_function(correct)
    return spec


def component_name(schema: Any) -> str:
    """`ClaimOpenArgs`: the noun of the module, then the class, so that two services may use one word.

    What `without` left out is said, since the same schema less another field is another schema.
    """
    kind = schema if isinstance(schema, type) else type(schema)
    module = kind.__module__.rsplit(".", 1)[-1]
    noun = module.removesuffix("_events").removeprefix("order_").title()
    name = kind.__name__.removesuffix("Schema")
    left_out = "" if kind is schema else "".join(each.title().replace("_", "") for each in sorted(schema.exclude))
    name += f"Without{left_out}" if left_out else ""
    return name if noun == "Fields" or noun.endswith("Views") else noun + name


def _strings(converter: Any, field: fields.Field, **_: Any) -> dict[str, Any]:
    """apispec writes Decimal as number (here: a string, never a float) and Url as url (JSON Schema: uri)."""
    if isinstance(field, fields.Decimal):
        return {"type": "string"}
    if isinstance(field, fields.Url):
        return {"format": "uri"}
    if isinstance(field, CurrencyCode):
        return {"pattern": "^[A-Z]{3}$", "minLength": 3, "maxLength": 3}
    if isinstance(field, Text):
        return {"pattern": PRINTABLE}
    if isinstance(field, Moment):
        return {"format": "date-time"}
    return {}


def _load_default(converter: Any, field: fields.Field, **_: Any) -> dict[str, Any]:
    """A default that is made anew each time (`list`) is shown by its value."""
    default = field.load_default
    return {"default": default()} if default is not missing and callable(default) else {}


def without(schema: Schema, names: tuple[str, ...]) -> Schema:
    """The schema less the fields that are given elsewhere, as an id in a path."""
    kept = tuple(name for name in names if name in schema.fields)
    return type(schema)(exclude=kept) if kept else schema
