"""The form of a profile: which fields, which values, what contradicts itself. What follows from it is in check.py."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

from marshmallow import ValidationError, fields, validate

from services.claim.model.states import STATES
from services.claim.model.transitions import PERMITTED
from services.claim.policies import EXECUTED_KINDS, HANDLERS, RESOLUTION_KINDS
from services.claim.profiles.fault import BrokenProfile, Fault, shape_faults
from services.claim.promises import CLOCKS
from shared.contracts.claim import CATEGORIES
from shared.contracts.fields import Id, Strict, Text, Whole
from shared.contracts.marketplace import PHASES
from shared.kernel.calendar import DAYS, UnknownZone, minute_of, zone_named
from shared.kernel.principal import ROLES

__all__ = ["BrokenProfile", "Fault", "ProfileSchema", "faults"]

LOCALES = ("fr", "en")


class Labels(Strict):
    fr = Text(most=80, required=True)
    en = Text(most=80, required=True)


class ReasonSchema(Strict):
    code = Id(required=True)
    handler = fields.String(required=True, validate=validate.OneOf(HANDLERS))
    labels = fields.Nested(Labels, required=True)
    phases = fields.List(fields.String(validate=validate.OneOf(PHASES)))
    roles = fields.List(fields.String(validate=validate.OneOf(ROLES)))
    asks_cancellation = fields.Boolean()


class RefundWindow(Strict):
    right_months = Whole(least=1, most=120, required=True)
    limit_months = Whole(least=1, most=120, required=True)


class TimeOfDay(fields.String):
    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        try:
            minute_of(text)
        except ValueError as wrong:
            raise ValidationError(str(wrong)) from None
        return text


class Zone(fields.String):
    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        name = super()._deserialize(value, attr, data, **kwargs)
        try:
            zone_named(name)
        except UnknownZone as wrong:
            raise ValidationError(str(wrong)) from None
        return name


class Day(fields.String):
    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        try:
            date.fromisoformat(text)
        except ValueError:
            raise ValidationError(f"{text!r} is no date: write 2026-12-25") from None
        return text


class CalendarSchema(Strict):
    """time_zone: null = the marketplace's. hours: several intervals a day; a weekday not named is off."""

    time_zone = Zone(load_default=None, allow_none=True)
    hours = fields.Dict(
        keys=fields.String(validate=validate.OneOf(DAYS)),
        values=fields.List(
            fields.List(TimeOfDay(), validate=validate.Length(equal=2)), validate=validate.Length(max=12)
        ),
        required=True,
    )
    holidays = fields.List(Day(), load_default=list, validate=validate.Length(max=1000))


class TargetSchema(Strict):
    """minutes: of opening hours, or around the clock."""

    minutes = Whole(least=1, most=525_600, required=True)
    around_the_clock = fields.Boolean()
    escalate = fields.Boolean()
    warn_at_percent = Whole(least=1, most=99)


class SlaSchema(Strict):
    calendar = fields.Nested(CalendarSchema, load_default=None, allow_none=True)
    clocks = fields.Dict(
        keys=fields.String(validate=validate.OneOf(CLOCKS)),
        values=fields.Nested(TargetSchema),
        required=True,
        validate=validate.Length(min=1),
    )


def _labels_by(keys: tuple[str, ...]) -> fields.Dict:
    return fields.Dict(keys=fields.String(validate=validate.OneOf(keys)), values=fields.Nested(Labels), required=True)


class ProfileSchema(Strict):
    """The switches of spec 5.3; every one must be said. Only `who_may` may be left out: it narrows, it never widens."""

    code = Id(required=True, validate=validate.Regexp(r"^[a-z][a-z0-9_]{0,23}$", error="1 to 24 of a-z 0-9 _"))
    version = Whole(least=1, most=9999, required=True)
    names = fields.Nested(Labels, required=True)
    category = fields.String(required=True, validate=validate.OneOf(CATEGORIES))
    who_may_open = fields.List(
        fields.String(validate=validate.OneOf(ROLES)), required=True, validate=validate.Length(min=1)
    )
    who_may = fields.Dict(
        keys=fields.String(validate=validate.OneOf(sorted(PERMITTED))),
        values=fields.List(fields.String(validate=validate.OneOf(ROLES)), validate=validate.Length(min=1)),
    )
    routing = fields.String(required=True, validate=validate.OneOf((*HANDLERS, "by_reason")))
    include_suppliers = fields.Boolean(required=True)
    manual_state = fields.Boolean(required=True)
    handler_may_resolve = fields.Boolean(required=True)
    requester_confirms = fields.Boolean(required=True)
    platform_arbitration = fields.Boolean(required=True)
    close_requires_answer = fields.Boolean(required=True)
    closes_unresolved = fields.Boolean(required=True)
    resolutions = fields.List(
        fields.String(validate=validate.OneOf(sorted(RESOLUTION_KINDS))),
        required=True,
        validate=validate.Length(min=1),
    )
    hold = fields.String(required=True, validate=validate.OneOf(("none", "order", "disputed")))
    refund_execution = fields.String(
        required=True, validate=validate.OneOf(("automatic", "platform", "merchant", "none"))
    )
    refund_window = fields.Nested(RefundWindow, required=True, allow_none=True)
    auto_resolve_on_refund = fields.Boolean(required=True)
    auto_confirm_business_days = Whole(least=1, most=90, required=True, allow_none=True)
    reopen_window_days = Whole(least=0, most=3650, required=True, allow_none=True)
    counts_in_score = fields.Boolean(required=True)
    requires_entitlement = fields.Boolean()  # left out: no
    sla = fields.Nested(SlaSchema, required=True, allow_none=True)
    reasons = fields.List(fields.Nested(ReasonSchema), required=True, validate=validate.Length(min=1))
    state_labels = _labels_by(STATES)
    handler_labels = _labels_by(HANDLERS)


def faults(data: Any) -> list[Fault]:
    """What is wrong with this data as it stands; empty when it has the form of a profile."""
    if not isinstance(data, dict):
        return [Fault("the file", "it is not one JSON object", "Write { … } around it")]
    if errors := ProfileSchema().validate(data):
        return list(shape_faults(errors))
    found = [*_reasons(data), *_handlers(data), *_switches(data), *_roles(data)]
    return [*found, *(_calendar(data) if data["sla"] else ())]


def _reasons(data: dict[str, Any]) -> Iterator[Fault]:
    codes = [reason["code"] for reason in data["reasons"]]
    for index, code in enumerate(codes):
        if code in codes[:index]:
            yield Fault(f"reasons[{index}].code", f"{code} is there twice", "Give each reason a code of its own")


def _handlers(data: dict[str, Any]) -> Iterator[Fault]:
    used = used_handlers(data)
    for handler in sorted(used - set(data["handler_labels"])):
        yield Fault(f"handler_labels.{handler}", "it has no label", "Say in French and English who handles the claim")
    if "platform" in used and not data["platform_arbitration"]:
        yield Fault(
            "platform_arbitration", "the platform is routed to, and does not arbitrate", "Set it, or route elsewhere"
        )


def used_handlers(data: dict[str, Any]) -> set[str]:
    """Who may come to handle a claim: by routing, or by arbitration."""
    used = {r["handler"] for r in data["reasons"]} if data["routing"] == "by_reason" else {data["routing"]}
    return used | ({"platform"} if data["platform_arbitration"] else set())


def _switches(data: dict[str, Any]) -> Iterator[Fault]:
    if not (data["handler_may_resolve"] or data["requester_confirms"] or data["manual_state"]):
        yield Fault(
            "handler_may_resolve", "nobody can resolve a claim", "Set it, or requester_confirms, or manual_state"
        )
    pays = EXECUTED_KINDS & set(data["resolutions"])
    if data["auto_resolve_on_refund"] and not pays:
        yield Fault("auto_resolve_on_refund", "no refund is offered", "Unset it, or add refund to resolutions")
    if pays and data["refund_execution"] == "none":
        yield Fault("refund_execution", "refunds are offered and nobody pays them", "Say who executes them")
    window = data["refund_window"]
    if window and window["right_months"] > window["limit_months"]:
        yield Fault("refund_window", "the right to a refund outlives its limit", "Make limit_months the larger one")


def _roles(data: dict[str, Any]) -> Iterator[Fault]:
    for action, roles in sorted(data.get("who_may", {}).items()):
        for role in sorted(set(roles) - PERMITTED[action]):
            may = ", ".join(sorted(PERMITTED[action] - {"system"}))
            yield Fault(f"who_may.{action}", f"{role} can never {action}", f"Choose among {may or 'nobody'}")
    if data["requester_confirms"] and "customer" not in data.get("who_may", {}).get("confirm", ["customer"]):
        yield Fault(
            "who_may.confirm", "the requester confirms, and may not", "Add customer, or unset requester_confirms"
        )


def _calendar(data: dict[str, Any]) -> Iterator[Fault]:
    clocks = data["sla"]["clocks"]
    if not data["platform_arbitration"]:
        for clock, target in sorted(clocks.items()):
            if target.get("escalate") or clock == "platform_decision":
                yield Fault(
                    f"sla.clocks.{clock}", "the platform does not arbitrate", "Remove it, or set platform_arbitration"
                )
    calendar = data["sla"].get("calendar")
    if not calendar:
        return
    if not any(calendar["hours"].values()):
        yield Fault("sla.calendar.hours", "it is never open", "Name a weekday with its hours, or set calendar to null")
    for day, intervals in calendar["hours"].items():
        ends = -1
        for index, (first, last) in enumerate(intervals):
            if not ends < minute_of(first) < minute_of(last):
                place = f"sla.calendar.hours.{day}[{index}]"
                yield Fault(place, f"{first}-{last} is empty, out of order or overlaps", "Write the hours in order")
            ends = minute_of(last)
