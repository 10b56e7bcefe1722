"""What the API answers of claims as the desk works on them: whole, with returns, counts and switches."""

from __future__ import annotations

from marshmallow import fields

from services.gateway.case_views import Colleague
from services.gateway.claim_views import Counts, Module, Offer, OrderPart, Return
from services.gateway.views import Claim, Message, Refund, Thread, Versioned, View, Warning
from shared.contracts.fields import Id, Whole

__all__ = ["Counts", "Module", "Offer", "OrderPart", "Return"]


class Count(View):
    """more: there are more than were counted."""

    count = Whole(required=True)
    more = fields.Boolean(required=True)


class SavedView(Versioned):
    """filters: as they were sent; `me` in them is whoever looks. mine: else a colleague shares it."""

    key = Id(required=True)
    name = fields.String(required=True)
    mine = fields.Boolean(required=True)
    shared = fields.Boolean(required=True)
    filters = fields.Dict(required=True)


class SavedViews(View):
    items = fields.List(fields.Nested(SavedView), required=True)


class RemovedView(View):
    key = Id(required=True)
    removed = fields.Boolean(required=True)


class ClaimPage(Claim):
    """The claim with its thread, messages and refunds, as the caller may read them. present: not for customers."""

    thread = fields.Nested(Thread, required=True, allow_none=True)
    messages = fields.List(fields.Nested(Message), required=True, allow_none=True)
    refunds = fields.List(fields.Nested(Refund), required=True, allow_none=True)
    returns = fields.List(fields.Nested(Return), required=True, allow_none=True)
    present = fields.List(fields.Nested(Colleague), allow_none=True)
    warnings = fields.List(fields.Nested(Warning), required=True)


class Observer(View):
    kind = fields.String(required=True)
    id = Id(required=True)
    scope = fields.String(required=True)


class Observers(View):
    items = fields.List(fields.Nested(Observer), required=True)


class Profiles(View):
    """What a form needs: reasons, resolutions and labels in French and English."""

    items = fields.List(fields.Dict(), required=True)
