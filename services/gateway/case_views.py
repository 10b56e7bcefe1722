"""What the API answers about a case as a whole, and on the desk: history and saved views."""

from __future__ import annotations

from marshmallow import fields

from services.gateway.views import Party, Versioned, View, Warning
from shared.contracts.fields import Id, Moment


class TimelineActor(View):
    """id: null where it is nobody's business who of the other side it was."""

    type = fields.String(required=True)
    id = fields.String(required=True, allow_none=True)
    via = fields.String(required=True)


class TimelineEntry(View):
    """One thing that happened. before, after: of the state, the visibility, or whatever it changed."""

    id = Id(required=True)
    at = Moment(required=True)
    service = fields.String(required=True)
    type = fields.String(required=True)
    actor = fields.Nested(TimelineActor, required=True)
    reason = fields.String(required=True, allow_none=True)
    before = fields.String(required=True, allow_none=True)
    after = fields.String(required=True, allow_none=True)
    amount = fields.Dict(required=True, allow_none=True)
    about = fields.Dict(required=True)


class Timeline(View):
    """Oldest first. A part that did not answer is named in `warnings`."""

    claim_id = Id(required=True)
    items = fields.List(fields.Nested(TimelineEntry), required=True)
    warnings = fields.List(fields.Nested(Warning), required=True)


class Draft(Versioned):
    """What its author has written so far. seen: the newest message that he had read."""

    thread_id = Id(required=True)
    text = fields.String(required=True)
    visibility = fields.String(required=True, allow_none=True)
    seen = fields.String(required=True)


class Colleague(View):
    """doing: reading or answering."""

    author = fields.Nested(Party, required=True)
    doing = fields.String(required=True)
    since = Moment(required=True)


class Present(View):
    items = fields.List(fields.Nested(Colleague), required=True)
