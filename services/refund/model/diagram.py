"""The state diagram of the README, drawn from the table."""

from __future__ import annotations

from collections import defaultdict

from services.refund.model.states import FINAL, TRANSITIONS


def mermaid() -> str:
    """A refund's states and the actions between them, as a Mermaid state diagram."""
    actions: dict[tuple[str, str], list[str]] = defaultdict(list)
    for (state, action), target in TRANSITIONS.items():
        actions[state, target].append(action)
    lines = ["stateDiagram-v2", "    [*] --> requested: request"]
    lines += [f"    {state} --> {target}: {', '.join(named)}" for (state, target), named in sorted(actions.items())]
    lines += [f"    {state} --> [*]" for state in sorted(FINAL)]
    return "\n".join(lines)
