"""What is wrong with a profile: where, what, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Fault:
    """place: the path in the file, `reasons[3].handler`, or a state or transition that follows from it."""

    place: str
    problem: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.place}: {self.problem}. {self.remedy}."


class BrokenProfile(ValueError):
    """A profile that must not be loaded; `faults` says why."""

    def __init__(self, code: Any, faults: list[Fault]) -> None:
        self.faults = faults
        super().__init__(f"profile {code}: {' '.join(map(str, faults))}")


_REMEDIES = {
    "Missing data for required field.": ("it is missing", "Add it; `null` where a switch may be off"),
    "Unknown field.": ("nothing has this name", "Remove it, or correct its name"),
    "Field may not be null.": ("it is null", "Give it a value"),
}


def shape_faults(errors: Any, place: str = "") -> Iterator[Fault]:
    """The errors of a schema, one fault each."""
    if isinstance(errors, dict):
        for name, nested in sorted(errors.items(), key=lambda item: str(item[0])):
            yield from shape_faults(nested, _path(place, name))
        return
    for error in errors if isinstance(errors, list) else [errors]:
        if isinstance(error, str):
            problem, remedy = _REMEDIES.get(error, (f"it is not as it should be ({error.rstrip('.')})", "Correct it"))
            yield Fault(place or "the file", problem, remedy)
        else:
            yield from shape_faults(error, place)


def _path(place: str, name: Any) -> str:
    if isinstance(name, int):
        return f"{place}[{name}]"
    if name in ("_schema", "value"):
        return place
    return f"{place}.{name}" if place else str(name)
