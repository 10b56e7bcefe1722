"""The canonical states of a claim. Labels differ by profile; the state is the contract (spec 5.3)."""

SUBMITTED = "submitted"
IN_PROGRESS = "in_progress"
SOLUTION_PROPOSED = "solution_proposed"
PLATFORM_REVIEW = "platform_review"
RESOLVED = "resolved"
REFUSED = "refused"
CLOSED = "closed"
WITHDRAWN = "withdrawn"
MERGED = "merged"

STATES = (
    SUBMITTED,
    IN_PROGRESS,
    SOLUTION_PROPOSED,
    PLATFORM_REVIEW,
    RESOLVED,
    REFUSED,
    CLOSED,
    WITHDRAWN,
    MERGED,
)
OPEN = frozenset({SUBMITTED, IN_PROGRESS, SOLUTION_PROPOSED, PLATFORM_REVIEW})  # these hold a settlement (SET-01)
FINAL = frozenset({CLOSED, WITHDRAWN, MERGED})
ALIVE = frozenset(STATES) - FINAL
