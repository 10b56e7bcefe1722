"""What messaging refuses, and what to do instead."""

from __future__ import annotations

from shared.kernel.errors import Forbidden, Refusal


class ThreadClosed(Refusal):
    """This thread is closed: only the customer can reopen it by writing."""

    code, status, rule = "THREAD_CLOSED", 409, "MSG-01"


class ThreadFull(Refusal):
    """This thread holds {most} messages, which is all it can: open another one."""

    code, status, rule = "THREAD_FULL", 409, "MSG-01"


class PrivateNotAllowed(Forbidden):
    """Only insiders write private comments: what you write is public."""

    code, rule = "PRIVATE_NOT_ALLOWED", "S1-31"


class AskIsPrivate(Refusal):
    """Asking one participant is for private comments: everybody on the thread reads a public message."""

    code, status, rule = "ASK_IS_PRIVATE", 422, "MSG-01"


class AlreadySo(Refusal):
    """This message is {visibility} already."""

    code, status, rule = "VISIBILITY_UNCHANGED", 409, "MSG-03"


class ConfirmPublic(Refusal):
    """Making a private comment public cannot be taken back: repeat with confirm=true."""

    code, status, rule = "CONFIRM_REQUIRED", 422, "MSG-04"


class NotYoursToChange(Forbidden):
    """You may change the visibility of your own messages, within 24 hours; a coordinator may at any time."""

    code, rule = "VISIBILITY_NOT_YOURS", "MSG-03"


class AlreadyClosed(Refusal):
    """This thread is closed already."""

    code, rule = "ALREADY_CLOSED", "S0-22"


class LastAnswerMissing(Refusal):
    """The customer wrote last: answer before you close."""

    code, rule = "UNAUTHORIZED_LAST_ANSWER", "CLM-19"


class CancelPending(Refusal):
    """The customer asked to cancel and waits for the decision: decide before you close."""

    code, rule = "UNAUTHORIZED_CANCEL_PENDING", "CLM-19"


class UndoWindowOver(Refusal):
    """This message has been sent: hide it, correct it or write again."""

    code, rule = "UNDO_WINDOW_OVER", "MSG-02"


class EditNotYours(Forbidden):
    """Only its author edits a message."""

    code, rule = "EDIT_NOT_YOURS", "MSG-05"


class TooManyRevisions(Refusal):
    """This message was corrected {most} times, which is all it can be: write a new one."""

    code, rule = "TOO_MANY_REVISIONS", "MSG-05"


class QuotesPrivate(Refusal):
    """This public text repeats words of a private comment: change the place that details name, or send confirm=true."""

    code, status, rule = "QUOTES_PRIVATE", 422, "N3"


class LooksLikeCredentials(Refusal):
    """This looks like a password or a key: make a limited account for the seller yourself, and send no secret here."""

    code, status, rule = "LOOKS_LIKE_CREDENTIALS", 422, "S3-07"


class AgreementNotYours(Forbidden):
    """Only the seller agrees to refund his order in a message."""

    code, rule = "AGREEMENT_NOT_YOURS", "S3-17"


class AgreementIsPublic(Refusal):
    """An agreement to a refund is said to the customer: send visibility=public."""

    code, status, rule = "AGREEMENT_IS_PUBLIC", 422, "S3-17"


class AgreementNotOffered(Refusal):
    """On this thread no refund is agreed to in a message: request the refund itself."""

    code, status, rule = "AGREEMENT_NOT_OFFERED", 422, "S3-17"


class AgreementReasonUnknown(Refusal):
    """Choose the reason from the list: {allowed}."""

    code, status, rule = "AGREEMENT_REASON_UNKNOWN", 422, "S3-18"


class AgreementNeedsContact(Refusal):
    """For a malfunction the customer must have written to after-sales first: choose another reason."""

    code, status, rule = "AGREEMENT_NEEDS_CONTACT", 422, "S3-13"


class AgreementTooLate(Refusal):
    """More than six months have passed since the purchase on {purchased}: no refund can be agreed to any more."""

    code, status, rule = "AGREEMENT_TOO_LATE", 422, "S3-16"


class AgreementLineUnknown(Refusal):
    """This order has no line {line_id}: name lines of this order."""

    code, status, rule = "AGREEMENT_LINE_UNKNOWN", 422, "S3-17"


class AgreementLineUnpaid(Refusal):
    """Line {line_id} was added later and is not paid for yet, so there is nothing of it to give back."""

    code, status, rule = "AGREEMENT_LINE_UNPAID", 422, "S3-17"


class AgreementTooMuch(Refusal):
    """That is more than was paid for it: at most {most} in minor units of {currency}."""

    code, status, rule = "AGREEMENT_TOO_MUCH", 422, "M1"
