"""Asking a customer for access to his shop, and his answer (S3-06 to S3-09). No secret ever travels here."""

from __future__ import annotations

from marshmallow import ValidationError, fields, validate, validates_schema

from shared.contracts.fields import Id, Moment, Strict, Text, Whole
from shared.contracts.messaging import OneThread, OnThread, ParticipantSchema
from shared.contracts.registry import Operation, announce
from shared.contracts.roles import CUSTOMER, HANDLERS, PARTIES, SELLERS

KINDS = ("limited_account", "screen_share", "captures")
PERMISSIONS = ("read_orders", "edit_orders", "read_modules", "edit_modules", "read_theme", "edit_theme", "read_logs")
STATES = ("requested", "granted", "declined", "expired", "revoked")


class AccessChanged(OnThread):
    request_id = Id(required=True)
    kind = fields.String(required=True, validate=validate.OneOf(KINDS))
    permissions = fields.List(fields.String(), required=True)
    until = Moment(required=True)
    by = fields.Nested(ParticipantSchema, required=True)


class AccessRequested(AccessChanged):
    purpose = Text(500, required=True)


announce(
    "messaging",
    {
        "access.requested": AccessRequested(),
        "access.granted": AccessChanged(),
        "access.declined": AccessChanged(),
        "access.revoked": AccessChanged(),
        "access.expired": AccessChanged(),
    },
)


class RequestAccessArgs(OneThread):
    """limited_account names the permissions it needs (S3-07); screen_share instead of FTP (S3-08); captures are
    screenshots or videos (S3-09). until: when the access ends by itself, at most 30 days ahead.
    """

    kind = fields.String(required=True, validate=validate.OneOf(KINDS))
    permissions = fields.List(fields.String(validate=validate.OneOf(PERMISSIONS)), load_default=list)
    purpose = Text(500, required=True)
    until = Moment(required=True)

    @validates_schema
    def states_its_permissions(self, data: dict, **_: object) -> None:
        if (data["kind"] == "limited_account") != bool(data["permissions"]):
            raise ValidationError("State the permissions of a limited account, and of that only.", "permissions")


class OneRequest(Strict):
    request_id = Id(required=True)


class ListAccessArgs(Strict):
    thread_id = Id(required=True)
    limit = Whole(least=1, most=200, load_default=50)
    cursor = Id()


ACCESS_REQUEST = Operation("access.request", RequestAccessArgs(), may=HANDLERS)
ACCESS_GRANT = Operation("access.grant", OneRequest(), may=CUSTOMER)
ACCESS_DECLINE = Operation("access.decline", OneRequest(), may=CUSTOMER)
ACCESS_REVOKE = Operation("access.revoke", OneRequest(), may=CUSTOMER | SELLERS)
ACCESS_LIST = Operation("access.list", ListAccessArgs(), reads=True, may=PARTIES)
