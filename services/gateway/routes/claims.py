"""Claims: opening, deciding, arbitrating, closing; who watches; the desk."""

from __future__ import annotations

from functools import partial
from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from services.gateway import desk_views, views
from services.gateway.case import case_timeline
from services.gateway.case_file import case_file
from services.gateway.case_views import Timeline
from services.gateway.compose import claim_list, named_requesters
from services.gateway.inquiry import Inquiry
from services.gateway.preview import SeenClaim, seen_claim
from services.gateway.problems import ObserverAddressRefused
from services.gateway.table import Route
from shared.contracts import claim as contract
from shared.contracts import claim_lists, messaging, timeline
from shared.contracts.fields import Id, Moment, Whole
from shared.kernel.calls import Answer
from shared.kernel.errors import InvalidInput

read = partial(Route, "GET", tag="claims", scope="claims:read")
write = partial(Route, tag="claims", scope="claims:write", view=views.Claim())
ONE = "/v1/claims/{claim_id}"
OPEN_STATES = ["submitted", "in_progress", "solution_proposed", "platform_review"]


class ListedClaims(claim_lists.ListArgs):
    """The filters of claim.list; expand: `messages` brings each claim's messages along."""

    expand = fields.String(validate=validate.OneOf(("messages",)))


class ChangedClaim(contract.OneClaim):
    """One of the three. assignee: null gives the claim back to everyone. state: by hand, where the profile lets it."""

    assignee = Id(allow_none=True)
    awaiting = fields.String(validate=validate.Length(min=1, max=80))
    state = fields.String(validate=validate.OneOf(("submitted", "in_progress", "resolved")))

    @validates_schema
    def one_at_a_time(self, data: dict[str, Any], **_: object) -> None:
        if len(data.keys() & CHANGES.keys()) != 1:
            raise ValidationError("Change one of assignee, awaiting and state at a time.")


class ActivatedProfile(views.View):
    """key: what claims opened from now on keep of it. former: the key of the version before."""

    profile = fields.String(required=True)
    profile_version = Whole(required=True)
    key = fields.String(required=True)
    former = fields.String(required=True, allow_none=True)
    activated_at = Moment(required=True)


# each change is one command, so that all of a PATCH happens or nothing of it
CHANGES = {
    "assignee": (contract.ASSIGN, "assignee"),
    "awaiting": (contract.SET_AWAITING, "party"),
    "state": (contract.SET_STATE, "target"),
}


def change_claim(gateway: Any, inquiry: Inquiry) -> Answer:
    """PATCH: the command that the one given field means."""
    try:
        args = ChangedClaim().load(inquiry.args)
    except ValidationError as wrong:
        raise InvalidInput(fields=wrong.normalized_messages()) from None
    (name,) = args.keys() & CHANGES.keys()
    operation, argument = CHANGES[name]
    call = inquiry.call(operation.name, {"claim_id": args["claim_id"], argument: args[name]})
    return gateway.clients.call("claim", call)


def list_claims(gateway: Any, inquiry: Inquiry) -> Answer:
    """The claim list, with messages when they are asked for."""
    if inquiry.args.get("expand", "messages") != "messages":
        raise InvalidInput(fields={"expand": ["Must be one of: messages."]})
    return claim_list(gateway, inquiry)


def desk(gateway: Any, inquiry: Inquiry) -> Answer:
    """The claims that somebody still has to do something about, unless states or a saved view are named."""
    if "view" not in inquiry.args:
        inquiry.args.setdefault("state", OPEN_STATES)
    return named_requesters(gateway, inquiry, gateway.clients.call("claim", inquiry.call()))


def add_observer(gateway: Any, inquiry: Inquiry) -> Answer:
    """A5: the requester's own address is no observer; only the order service knows what that address is."""
    email = inquiry.args.get("email")
    if isinstance(email, str) and inquiry.principal.is_staff:
        claim = gateway.clients.call("claim", inquiry.call("claim.get", {"claim_id": inquiry.args["claim_id"]}))
        if not claim.ok:
            return claim
        asked = {"customer_ref": claim.body["customer_ref"], "email": email}
        same = gateway.clients.call("order", inquiry.call("customer.get", asked))
        if not same.ok:
            return same
        if same.body["is_theirs"]:
            raise ObserverAddressRefused()
    return gateway.clients.call("claim", inquiry.call())


def observers(gateway: Any, inquiry: Inquiry) -> Answer:
    """The observers of a claim; to a customer there are none (S1-25)."""
    answer = gateway.clients.call("claim", inquiry.call())
    if answer.ok:
        return Answer(200, {"version": answer.body["version"], "items": answer.body.get("observers", [])})
    return answer


ROUTES = (
    write("POST", "/v1/claims", "Open a claim", contract.OPEN, status=201, location="/v1/claims/{id}"),
    read(
        "/v1/claims",
        "List claims, newest change first",
        claim_lists.LIST,
        schema=ListedClaims(),
        view=views.listing(views.ClaimWithMessages),
        answer=list_claims,
    ),
    read(
        "/v1/desk/claims",
        "The desk: claims that are not over",
        claim_lists.LIST,
        view=views.listing(views.Claim),
        answer=desk,
    ),
    read("/v1/claim-profiles", "Reasons, resolutions and labels", contract.PROFILES, view=desk_views.Profiles()),
    Route(
        "POST",
        "/v1/claim-profiles",
        "Activate a new version of a profile, for claims opened from now on",
        contract.ACTIVATE_PROFILE,
        scope="profiles:write",
        view=ActivatedProfile(),
        status=201,
        tag="claims",
    ),
    read(
        f"{ONE}/timeline",
        "What happened to the claim, in every service, as the caller may know it",
        timeline.OF_CLAIM,
        schema=contract.OneClaim(),
        view=Timeline(),
        answer=case_timeline,
    ),
    read(
        f"{ONE}/case-file",
        "The signed file of the case for one audience, a ZIP",
        timeline.CASE_FILE,
        answer=case_file,
    ),
    read(
        ONE,
        "A claim with its messages and refunds; to staff also as its customer or seller sees it",
        contract.GET,
        schema=SeenClaim(),
        view=desk_views.ClaimPage(),
        answer=seen_claim,
    ),
    write(
        "PATCH",
        ONE,
        "Change assignee, awaited party or state",
        contract.SET_STATE,
        schema=ChangedClaim(),
        answer=change_claim,
        if_match=True,
    ),
    write("POST", f"{ONE}:start", "Take the claim up", contract.START),
    write("POST", f"{ONE}/resolutions", "Choose a replacement, a refund or a gesture", contract.CHOOSE_RESOLUTION),
    write("POST", f"{ONE}:propose", "Propose a solution in words", contract.PROPOSE),
    write("POST", f"{ONE}:confirm", "The requester agrees with the solution", contract.CONFIRM),
    write("POST", f"{ONE}:reject", "The requester does not agree", contract.REJECT),
    write("POST", f"{ONE}:escalate", "Ask the platform to decide", contract.ESCALATE),
    write("POST", f"{ONE}:hand-back", "The platform gives it back to the handler", contract.HAND_BACK),
    write("POST", f"{ONE}:resolve", "Resolve the claim", contract.RESOLVE),
    write("POST", f"{ONE}:refuse", "Refuse the claim", contract.REFUSE),
    write("POST", f"{ONE}:close", "Close the claim", contract.CLOSE),
    write("POST", f"{ONE}:reopen", "Take a resolved claim up again", contract.REOPEN),
    write("POST", f"{ONE}:appeal", "Appeal against a refusal", contract.APPEAL),
    write("POST", f"{ONE}:withdraw", "The requester takes the claim back", contract.WITHDRAW),
    write("POST", f"{ONE}:merge", "Merge the claim into another of the same requester", contract.MERGE),
    write("POST", "/v1/claims:close", "Close many claims, each by itself", contract.CLOSE_MANY, view=views.Results()),
    read(f"{ONE}/observers", "Who watches the claim", contract.GET, view=desk_views.Observers(), answer=observers),
    write("POST", f"{ONE}/observers", "Include an observer", contract.ADD_OBSERVER, answer=add_observer),
    write("DELETE", f"{ONE}/observers/{{kind}}/{{id}}", "Remove an observer", contract.REMOVE_OBSERVER),
    Route(
        "POST",
        f"{ONE}/messages",
        "Write on the claim's thread",
        messaging.MESSAGE_POST,
        scope="threads:write",
        view=views.Message(),
        status=201,
        tag="claims",
    ),
)
