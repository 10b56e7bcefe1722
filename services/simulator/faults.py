"""Fault switches: what goes wrong on purpose, on which calls, how often."""

import itertools
import random
from collections.abc import Callable, Iterable, Mapping

_COMMON = {"times", "probability", "seed"}


class UnknownSwitch(ValueError):
    """The switch asks for something that does not exist."""


def one_of(*choices: object) -> Callable[[object], bool]:
    """A check that a value is one of the given ones, types compared too (True is not 1)."""
    return lambda value: any(value == choice and type(value) is type(choice) for choice in choices)


def is_seconds(value: object) -> bool:
    """A number of seconds from 0 to 600."""
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 600


def is_word(value: object) -> bool:
    """A text that is not empty."""
    return isinstance(value, str) and bool(value)


class Switches:
    """Switches that are on; a call draws the effects that strike it.

    `effects` maps each effect to its check; `filters` maps each condition to its default, None meaning any call.
    """

    def __init__(self, effects: Mapping[str, Callable[[object], bool]], filters: Mapping[str, str | None]):
        self._effects = effects
        self._filters = filters
        self._ids = itertools.count(1)
        self._on: dict[int, dict] = {}

    def add(self, wish: Mapping) -> dict:
        """Turn a switch on; UnknownSwitch when a name or a value is not known."""
        self._check(wish)
        switch = {"id": next(self._ids), **{k: v for k, v in self._filters.items() if v is not None}, **wish}
        self._on[switch["id"]] = {**switch, "dice": random.Random(wish.get("seed"))}
        return switch

    def drawn(self, **facts: Iterable[str]) -> dict:
        """The effects that strike this call, later switches over earlier; uses up their `times`."""
        effects: dict = {}
        for switch in list(self._on.values()):
            if self._strikes(switch, facts):
                effects.update({name: switch[name] for name in self._effects if name in switch})
                self._use_up(switch)
        return effects

    def listed(self) -> list[dict]:
        """The switches that are on, with the `times` they have left."""
        return [{k: v for k, v in switch.items() if k != "dice"} for switch in self._on.values()]

    def clear(self, number: int | None = None) -> None:
        """Turn one switch off, or all of them."""
        if number is None:
            self._on.clear()
        else:
            self._on.pop(number, None)

    def _strikes(self, switch: dict, facts: Mapping[str, Iterable[str]]) -> bool:
        for name in self._filters:
            if name in switch and switch[name] != "any" and switch[name] not in facts.get(name, ()):
                return False
        return switch["dice"].random() < switch.get("probability", 1)

    def _use_up(self, switch: dict) -> None:
        if "times" in switch:
            switch["times"] -= 1
            if switch["times"] == 0:
                del self._on[switch["id"]]

    def _check(self, wish: Mapping) -> None:
        unknown = set(wish) - set(self._effects) - set(self._filters) - _COMMON
        if unknown or not set(wish) & set(self._effects):
            raise UnknownSwitch(f"A switch has at least one of {sorted(self._effects)} and may have "
                                f"{sorted([*self._filters, *_COMMON])}; not {sorted(unknown)}.")
        for name, fits in self._effects.items():
            if name in wish and not fits(wish[name]):
                raise UnknownSwitch(f"{name} cannot be {wish[name]!r}.")
        if not _is_count(wish.get("times", 1)) or not _is_share(wish.get("probability", 1)):
            raise UnknownSwitch("times is a whole number from 1, probability a number from 0 to 1.")
        if not isinstance(wish.get("seed", 0), int | str):
            raise UnknownSwitch("seed is a whole number or a text.")


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def _is_share(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1
