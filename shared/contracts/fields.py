"""Field types of the public language: money, ids, times. Strict: nothing is coerced, nothing unknown is let in."""

from __future__ import annotations

from typing import Any

from marshmallow import RAISE, Schema, ValidationError, fields, validate

from shared.kernel.money import exponent

ID = validate.Regexp(r"^[A-Za-z0-9][A-Za-z0-9_.:\-]{0,63}$", error="Not an id: 1 to 64 of A-Z a-z 0-9 _ . : -")
MAX_AMOUNT = 10**15  # ten thousand billion euros: larger is a bug or an attack, and 64 bits keep room to add


class Strict(Schema):
    """A schema that refuses what it does not know (T09)."""

    class Meta:
        unknown = RAISE
        ordered = False


class Id(fields.String):
    """An opaque id."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("validate", ID)
        super().__init__(**kwargs)


class Text(fields.String):
    """Free text of a person: 1 to `most` characters, no control characters but tab and newline."""

    def __init__(self, most: int = 500, least: int = 1, **kwargs: Any) -> None:
        self.most = most
        kwargs.setdefault("validate", validate.Length(min=least, max=most))
        super().__init__(**kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        if any(ord(c) < 32 and c not in "\t\n\r" for c in text) or "\x7f" in text:
            raise ValidationError("Control characters are not allowed.")
        return text


class Minor(fields.Integer):
    """An amount in minor units; `least` is 1 where a zero or negative amount would be a mistake."""

    rule = "M1"

    def __init__(self, least: int = 0, **kwargs: Any) -> None:
        kwargs.setdefault("validate", validate.Range(min=least, max=MAX_AMOUNT))
        super().__init__(strict=True, **kwargs)

    def _validated(self, value: Any) -> int:
        # bool is an int in Python, "12" and 12.0 are not amounts: M1 refuses floats outright
        if not isinstance(value, int) or isinstance(value, bool):
            raise ValidationError("An amount is a whole number of minor units (cents).")
        return value


class Whole(fields.Integer):
    """A whole number between `least` and `most`; neither a string nor a float is one."""

    def __init__(self, least: int = 0, most: int = 2**31 - 1, **kwargs: Any) -> None:
        kwargs.setdefault("validate", validate.Range(min=least, max=most))
        super().__init__(strict=True, **kwargs)

    def _validated(self, value: Any) -> int:
        if not isinstance(value, int) or isinstance(value, bool):
            raise ValidationError("Not a whole number.")
        return value


class CurrencyCode(fields.String):
    """ISO 4217 alphabetic code."""

    rule = "M1"

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        code = super()._deserialize(value, attr, data, **kwargs)
        try:
            exponent(code)
        except KeyError:
            raise ValidationError("Not an ISO 4217 currency code.") from None
        return code


class MoneySchema(Strict):
    """`{"amount": 1250, "currency": "EUR"}`: minor units of one currency."""

    amount = Minor(required=True)
    currency = CurrencyCode(required=True)


class PositiveMoneySchema(MoneySchema):
    amount = Minor(required=True, least=1)


class TaxSchema(Strict):
    """One tax of one line: code, rate as a decimal string in per cent, amount in minor units."""

    code = fields.String(required=True, validate=validate.Length(min=1, max=32))
    rate = fields.String(required=True, validate=validate.Regexp(r"^\d{1,3}(\.\d{1,4})?$"))
    amount = Minor(required=True)


class Moment(fields.AwareDateTime):
    """RFC 3339 with an offset."""

    def __init__(self, **kwargs: Any) -> None:
        from datetime import UTC

        super().__init__(format="iso", default_timezone=UTC, **kwargs)
