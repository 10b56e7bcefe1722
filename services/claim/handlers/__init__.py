"""Everything the claim service does, on one screen."""

from __future__ import annotations

from typing import Any

from services.claim import queries
from services.claim.case_file import case_file
from services.claim.desk import queries as desk_queries
from services.claim.handlers import commands as do
from services.claim.handlers import desk, matters, modules, observing
from services.claim.handlers import reactions as hear
from services.claim.handlers.deadlines import watch_clock
from services.claim.handlers.deciding import AUTO_CLOSE, AUTO_CONFIRM
from services.claim.handlers.entitled import keep_subscription
from services.claim.handlers.opening import open_a_claim
from services.claim.handlers.sla import SLA
from services.claim.model import Claim, OrderCase
from services.claim.profiles.activation import activate
from services.claim.returns import handlers as send_back
from services.claim.returns import queries as return_queries
from services.claim.returns.model import Return
from services.claim.saved import handlers as keep_views
from services.claim.saved.queries import list_views
from services.claim.score.handlers import COUNT_SCORES, count_scores
from services.claim.score.queries import get_score
from services.claim.timeline import timeline
from services.claim.withdrawal import handlers as withdraw
from services.claim.withdrawal.queries import get_withdrawal
from shared.contracts import claim as contracts
from shared.contracts import claim_desk, claim_lists, returns, sla, withdrawal
from shared.contracts.timeline import CASE_FILE, OF_CLAIM
from shared.runtime.tables import Command, Contents, Query, Reaction


def _the_claim(args: dict[str, Any]) -> list[tuple[type, str]]:
    return [(Claim, args["claim_id"])]


def _the_order(args: dict[str, Any]) -> list[tuple[type, str]]:
    return [(OrderCase, args["order_id"])] if "order_id" in args else []


def _the_return(args: dict[str, Any]) -> list[tuple[type, str]]:
    return [(Return, args["return_id"])]


def _the_claims(args: dict[str, Any]) -> list[tuple[type, str]]:
    return [(Claim, id) for id in args["claim_ids"]]


def _of_event(data: dict[str, Any]) -> list[tuple[type, str]]:
    """The claim and the order that an event of another service is about, as far as it is about any."""
    named = ((Claim, data.get("claim_id")), (OrderCase, data.get("order_id")))
    return [(entity, id) for entity, id in named if id]


CONTENTS = Contents(
    commands=(
        Command(contracts.OPEN, open_a_claim, _the_order),
        Command(contracts.START, do.start, _the_claim),
        Command(contracts.CHOOSE_RESOLUTION, do.choose_resolution, _the_claim),
        Command(contracts.PROPOSE, do.propose, _the_claim),
        Command(contracts.CONFIRM, do.confirm, _the_claim),
        Command(contracts.REJECT, do.reject, _the_claim),
        Command(contracts.ESCALATE, do.escalate, _the_claim),
        Command(contracts.HAND_BACK, do.hand_back, _the_claim),
        Command(contracts.RESOLVE, do.resolve, _the_claim),
        Command(contracts.REFUSE, do.refuse, _the_claim),
        Command(contracts.CLOSE, do.close, _the_claim),
        Command(contracts.CLOSE_MANY, do.close_many, _the_claims),
        Command(claim_desk.BULK_CHANGE, desk.bulk, _the_claims),
        Command(contracts.SET_STATE, do.set_state, _the_claim),
        Command(contracts.REOPEN, do.reopen, _the_claim),
        Command(contracts.APPEAL, do.appeal, _the_claim),
        Command(contracts.WITHDRAW, do.withdraw, _the_claim),
        Command(contracts.MERGE, do.merge, _the_claim),
        Command(contracts.ASSIGN, do.assign, _the_claim),
        Command(contracts.SET_AWAITING, do.set_awaiting, _the_claim),
        Command(contracts.ACTIVATE_PROFILE, activate),
        Command(contracts.ADD_OBSERVER, observing.add_observer, _the_claim),
        Command(contracts.REMOVE_OBSERVER, observing.remove_observer, _the_claim),
        Command(claim_desk.RATE, desk.rate, _the_claim),
        Command(returns.REQUEST, send_back.request_return, _the_claim),
        Command(returns.APPROVE, send_back.approve, _the_return),
        Command(returns.DECLINE, send_back.decline, _the_return),
        Command(returns.ATTACH_LABEL, send_back.attach_label, _the_return),
        Command(returns.MARK_SHIPPED, send_back.mark_shipped, _the_return),
        Command(returns.RECEIVE, send_back.receive, _the_return),
        Command(returns.INSPECT, send_back.inspect, _the_return),
        Command(returns.CLOSE, send_back.close, _the_return),
        Command(returns.CANCEL, send_back.cancel, _the_return),
        Command(claim_desk.CONFIGURE, modules.configure),
        Command(claim_desk.RECORD_OFFER, desk.record_offer),
        Command(withdrawal.STATE, withdraw.state, _the_order),
        Command(withdrawal.CONFIRM, withdraw.confirm),
        Command(claim_lists.SAVE_VIEW, keep_views.save_view),
        Command(claim_lists.REMOVE_VIEW, keep_views.remove_view),
    ),
    queries=(
        Query(contracts.GET, queries.get_claim),
        Query(withdrawal.GET, get_withdrawal),
        Query(claim_lists.LIST, queries.list_claims),
        Query(claim_lists.COUNT, desk_queries.count_found),
        Query(claim_lists.VIEWS_OF, list_views),
        Query(contracts.OF_ORDERS, queries.claims_of_orders),
        Query(contracts.PROFILES, queries.list_profiles),
        Query(sla.SELLER_SCORE, get_score),
        Query(returns.GET, return_queries.get_return),
        Query(returns.LIST, return_queries.list_returns),
        Query(claim_desk.GET_MODULE, modules.get_module),
        Query(claim_desk.GET_OFFER, desk.get_offer),
        Query(claim_desk.REASONS, modules.list_reasons),
        Query(claim_desk.COUNTS, desk_queries.count_claims),
        Query(claim_desk.OVERSIGHT, desk_queries.oversight),
        Query(OF_CLAIM, timeline),
        Query(CASE_FILE, case_file),
    ),
    reactions={
        "order.placed": Reaction(hear.keep_order, _of_event),
        **dict.fromkeys((*hear.PHASE_REACHED, "order.shipped"), Reaction(hear.follow_order, _of_event)),
        "order.line_added": Reaction(hear.follow_added_line, _of_event),
        "order.line_withdrawn": Reaction(hear.follow_added_line, _of_event),
        **dict.fromkeys(
            (f"entitlement.{fact}" for fact in ("activated", "suspended", "resumed", "terminated", "expired")),
            keep_subscription,
        ),
        "settlement.proposed": Reaction(hear.answer_settlement, _of_event),
        "settlement.releasable": Reaction(hear.forget_clearance, _of_event),
        "settlement.hold_placed": Reaction(hear.forget_clearance, _of_event, narrow=True),
        "refund.succeeded": Reaction(hear.resolve_when_refunded, _of_event),
        "refund.failed": Reaction(matters.after_failed_refund, _of_event),
        "refund.rejected": Reaction(matters.after_failed_refund, _of_event),
        "refund.outcome_unknown": Reaction(matters.after_lost_refund, _of_event),
        "reconciliation.difference": Reaction(matters.after_difference, _of_event),
        "refund.cancelled": Reaction(hear.choose_again_when_refund_failed, _of_event),
        "roster.joined": desk.remember_colleague,
        "message.posted": Reaction(hear.hear_comment, _of_event, narrow=True),
        "message.visibility_changed": Reaction(hear.hear_published_comment, _of_event),
    },
    timers={
        AUTO_CLOSE: hear.close_by_itself,
        AUTO_CONFIRM: hear.confirm_by_itself,
        SLA: watch_clock,
        COUNT_SCORES: count_scores,
        send_back.NOT_RECEIVED: send_back.not_received,
        withdraw.REFUND_DUE: withdraw.warn_before_refund_is_late,
    },
)
