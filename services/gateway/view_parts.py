"""What every schema of an answer is made of."""

from __future__ import annotations

from marshmallow import INCLUDE, Schema, fields

from shared.contracts.fields import Id, Whole


class View(Schema):
    """Open: more fields may come."""

    class Meta:
        unknown = INCLUDE


class Labels(View):
    """A text by locale."""

    fr = fields.String()
    en = fields.String()


class State(View):
    """code: for programs. label: for people."""

    code = fields.String(required=True, allow_none=True)
    label = fields.Nested(Labels, required=True)


class Versioned(View):
    """version: what If-Match names. allowed_actions: what this caller may do now."""

    id = Id(required=True)
    version = Whole(required=True)
    allowed_actions = fields.List(fields.String(), required=True)
