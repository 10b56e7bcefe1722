"""Why the claim service says no: stable codes, one sentence each."""

from __future__ import annotations

from shared.kernel.errors import NotInThisState, Refusal


class HandledByPlatform(Refusal):
    """The platform handles this claim: only it decides what happens."""

    code = "HANDLED_BY_PLATFORM"
    status = 403
    rule = "S2-18"


class ResolutionExecuting(Refusal):
    """A resolution of this claim is being executed: wait for its outcome."""

    code = "RESOLUTION_EXECUTING"
    rule = "CLM-04"


class ResolutionNotOffered(Refusal):
    """The profile {profile} does not offer this resolution."""

    code = "RESOLUTION_NOT_OFFERED"
    status = 422


class RequesterConfirms(Refusal):
    """Under the profile {profile} the requester says when the claim is resolved, not its handler."""

    code = "REQUESTER_CONFIRMS"
    rule = "CLM-15"


class NoArbitration(Refusal):
    """Under the profile {profile} the platform does not arbitrate."""

    code = "NO_PLATFORM_ARBITRATION"
    rule = "CLM-11"


class StateIsNotManual(Refusal):
    """Under the profile {profile} states change by decisions, not by hand."""

    code = "STATE_IS_NOT_MANUAL"
    rule = "CLM-16"


class TargetStateRefused(Refusal):
    """A claim cannot be set to {target} from {state}."""

    code = "TARGET_STATE_REFUSED"
    status = 422
    rule = "CLM-16"


class AutoConfirmOff(Refusal):
    """This solution is not confirmed by time: not in this profile, not after an answer, not before it was sent."""

    code = "AUTO_CONFIRM_OFF"
    rule = "CLM-10"


class ReopenWindowPassed(Refusal):
    """The claim was resolved too long ago to be reopened: open a new one."""

    code = "REOPEN_WINDOW_PASSED"
    rule = "CLM-17"


class AppealWindowPassed(Refusal):
    """The refusal is too old to be appealed against."""

    code = "APPEAL_WINDOW_PASSED"
    rule = "CLM-18"


class AlreadyAppealed(Refusal):
    """A refusal can be appealed against once, and this was done."""

    code = "ALREADY_APPEALED"
    rule = "CLM-18"


class AlreadyClosed(NotInThisState):
    """This claim is closed already."""

    code = "ALREADY_CLOSED"
    rule = "CLM-19"


class LastAnswerMissing(Refusal):
    """The customer wrote last: answer publicly before you close."""

    code = "UNAUTHORIZED_LAST_ANSWER"
    rule = "CLM-19"


class CancellationPending(Refusal):
    """The customer asked to cancel the order, and that is still undecided."""

    code = "UNAUTHORIZED_CANCEL_PENDING"
    rule = "CLM-19"


class MergeRefused(Refusal):
    """Only open claims of one requester can be merged, and no claim into itself."""

    code = "MERGE_REFUSED"
    status = 422
    rule = "CLM-21"


class PartyNotOnClaim(Refusal):
    """{party} takes no part in this claim."""

    code = "PARTY_NOT_ON_CLAIM"
    status = 422
    rule = "CLM-23"


class ObserverRefused(Refusal):
    """{ref} cannot observe this claim: it is the requester, or observes already."""

    code = "OBSERVER_REFUSED"
    status = 422
    rule = "CLM-24"


class NoSuchObserver(Refusal):
    """{ref} does not observe this claim."""

    code = "NO_SUCH_OBSERVER"
    status = 404
    rule = "CLM-24"


class NothingToDo(Refusal):
    """This would change nothing."""

    code = "NOTHING_TO_CHANGE"


class UrlRequired(Refusal):
    """Say on which web site the product is used: `url`, like shop.example/fr."""

    code = "URL_REQUIRED"
    status = 422
    rule = "S3-01"


class EntitlementRequired(Refusal):
    """There is no active subscription for {products} on {url}: buy or renew one, or correct the address."""

    code = "ENTITLEMENT_REQUIRED"
    status = 403
    rule = "S3-01"


class ModuleNotEnabled(Refusal):
    """Claims of the profile {profile} are not enabled for this marketplace."""

    code = "MODULE_NOT_ENABLED"
    rule = "CLM-01"


class ReasonNotAvailable(Refusal):
    """The reason {reason_code} cannot be given by you for this order as it stands."""

    code = "REASON_NOT_AVAILABLE"
    status = 422
    rule = "CLM-01"


class LineNotInOrder(Refusal):
    """The order has no line {line_id}, or fewer units than named."""

    code = "LINE_NOT_IN_ORDER"
    status = 422
    rule = "CLM-01"


class DeliveryNotInOrder(Refusal):
    """The order has no delivery {delivery_id}."""

    code = "DELIVERY_NOT_IN_ORDER"
    status = 422
    rule = "CLM-01"


class ProductNotInOrder(Refusal):
    """The order has no product {product_id}: name one of its own, or a line."""

    code = "PRODUCT_NOT_IN_ORDER"
    status = 422
    rule = "CLM-01"


class OfferNotAvailable(Refusal):
    """There is no published offer {offer_id}: ask about one that can be bought."""

    code = "OFFER_NOT_AVAILABLE"
    status = 404
    rule = "S0-01"


class NoSuchCoordinator(Refusal):
    """{assignee} is no coordinator of this shop: record his contact first, or choose somebody else."""

    code = "NO_SUCH_COORDINATOR"
    status = 422
    rule = "CLM-22"


class AddressRefused(Refusal):
    """This address cannot observe: it is the requester's own, or one that we issued for a conversation."""

    code = "OBSERVER_ADDRESS_REFUSED"
    status = 422
    rule = "A5"


class RatingClosed(Refusal):
    """The rating could be changed for 7 days; it stands now."""

    code = "RATING_CLOSED"
    rule = "B24"


class TooManyReturned(Refusal):
    """Of line {line_id} only {left} units were shipped and are not on their way back already."""

    code = "TOO_MANY_RETURNED"
    status = 422
    rule = "RET-01"


class OrderNotSynced(Refusal):
    """The order has not arrived here yet: repeat the call in a second."""

    code = "ORDER_NOT_SYNCED"
    retry_after = 1
