"""What helps to write: templates, signatures. Their texts never travel as events."""

from __future__ import annotations

from marshmallow import ValidationError, fields, validate, validates_schema

from shared.contracts.fields import Id, Strict, Text, Whole
from shared.contracts.messaging import MESSAGE_LENGTH, SIGNATURE_LENGTH
from shared.contracts.registry import INTERNAL, Operation, announce
from shared.contracts.roles import ANYTHING, SELLER, SELLERS
from shared.kernel.principal import STAFF

LOCALES = ("fr", "en")
SCOPES = ("tenant", "seller", "user")
VARIABLE = validate.Regexp(r"^[a-z][a-z0-9_]{0,39}$", error="A variable is named like order_number.")


class TemplateChanged(Strict):
    template_id = Id(required=True)
    scope = fields.String(required=True)
    owner = fields.String(required=True, allow_none=True)
    locale = fields.String(required=True)


class SignatureChanged(Strict):
    scope = fields.String(required=True)
    owner = fields.String(required=True)


announce(
    "messaging",
    {
        "template.saved": TemplateChanged(),
        "template.removed": TemplateChanged(),
        "signature.saved": SignatureChanged(),
    },
    audience=INTERNAL,
)


class SaveTemplateArgs(Strict):
    """S3-04. variables: those that the body uses, as {{ order_number }}. Same name, locale and scope: the same one."""

    name = Text(80, required=True)
    locale = fields.String(required=True, validate=validate.OneOf(LOCALES))
    scope = fields.String(required=True, validate=validate.OneOf(SCOPES))
    body = Text(MESSAGE_LENGTH, required=True)
    variables = fields.List(fields.String(validate=VARIABLE), load_default=list, validate=validate.Length(max=40))


class OneTemplate(Strict):
    template_id = Id(required=True)


class ListTemplatesArgs(Strict):
    locale = fields.String(validate=validate.OneOf(LOCALES))
    limit = Whole(least=1, most=200, load_default=50)
    cursor = Id()


class FillTemplateArgs(OneTemplate):
    """values: of the variables, as plain text; what is missing stays visible in the draft."""

    values = fields.Dict(
        keys=fields.String(validate=VARIABLE),
        values=fields.String(validate=validate.Length(max=500)),
        load_default=dict,
    )


class SaveSignatureArgs(Strict):
    """S3-05. An empty text removes it. user: your own; seller: of everybody who writes as this seller."""

    scope = fields.String(required=True, validate=validate.OneOf(SCOPES[1:]))
    text = Text(SIGNATURE_LENGTH, least=0, required=True)

    @validates_schema
    def is_no_letter(self, data: dict, **_: object) -> None:
        if data["text"].count("\n") > 9:
            raise ValidationError("A signature has at most ten lines.", "text")


TEMPLATE_SAVE = Operation("template.save", SaveTemplateArgs(), may=SELLER | STAFF, on=ANYTHING)
TEMPLATE_REMOVE = Operation("template.remove", OneTemplate(), may=SELLER)  # of a seller's; staff remove the tenant's
TEMPLATE_LIST = Operation("template.list", ListTemplatesArgs(), reads=True, may=SELLERS)
TEMPLATE_GET = Operation("template.get", FillTemplateArgs(), reads=True, may=SELLERS)
SIGNATURE_SAVE = Operation("signature.save", SaveSignatureArgs(), may=SELLER | STAFF, on=ANYTHING)
SIGNATURE_GET = Operation("signature.get", Strict(), reads=True, may=SELLER)
