"""The state diagram of a claim, drawn from the transition table: the README shows it, a test keeps it current."""

from __future__ import annotations

from services.claim.model.states import FINAL, PLATFORM_REVIEW, SUBMITTED
from services.claim.model.transitions import SAME, TABLE


def mermaid() -> str:
    """A Mermaid state diagram. Rows that leave the state as it is are left out; edges of one kind share an arrow."""
    edges: dict[tuple[str, str], list[str]] = {}
    for row in TABLE:
        for source in sorted(row.sources):
            for target in row.targets:
                if target not in (SAME, source):
                    edges.setdefault((source, target), []).append(row.command)
    lines = ["stateDiagram-v2", f"    [*] --> {SUBMITTED}: open", f"    [*] --> {PLATFORM_REVIEW}: open"]
    lines += [f"    {source} --> {target}: {', '.join(names)}" for (source, target), names in sorted(edges.items())]
    lines += [f"    {state} --> [*]" for state in sorted(FINAL)]
    return "\n".join(lines)
