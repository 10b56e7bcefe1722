"""Answers that are being written, and who else is there (B15)."""

from __future__ import annotations

from marshmallow import fields, validate

from shared.contracts.fields import Id, Strict, Text
from shared.contracts.messaging import MESSAGE_LENGTH, VISIBILITIES, OneThread
from shared.contracts.registry import Operation
from shared.contracts.roles import CUSTOMER, PARTIES


class OneDraft(Strict):
    """The caller's own draft in this conversation."""

    thread_id = Id(required=True)


class SaveArgs(OneDraft):
    """text: empty means that one reads along. seen: the newest message that was read; else where the draft began."""

    text = Text(MESSAGE_LENGTH, least=0, required=True)
    visibility = fields.String(validate=validate.OneOf(VISIBILITIES))
    seen = Id()


class SendArgs(OneDraft):
    seen = Id()


SAVE = Operation("draft.save", SaveArgs(), may=PARTIES)
DISCARD = Operation("draft.discard", OneDraft(), may=PARTIES)
SEND = Operation("draft.send", SendArgs(), may=PARTIES)
GET = Operation("draft.get", OneDraft(), reads=True, may=PARTIES)
ATTEND = Operation("draft.attend", OneThread(), may=PARTIES - CUSTOMER)
PRESENT = Operation("draft.present", OneThread(), reads=True, may=PARTIES - CUSTOMER)
