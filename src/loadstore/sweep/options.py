"""The analyses of a sweep and their options: what each may be, and what it is if it is not given."""

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeAlias

from loadstore.bounds import Within
from loadstore.circuits.named import check_task
from loadstore.circuits.tasks.table import TASKS
from loadstore.corpora.corpus import DEFAULT
from loadstore.corpora.textfiles import read_texts
from loadstore.errors import BadRequest
from loadstore.quote import one_of, quote

Value: TypeAlias = str | int | tuple[str, ...]
SEED, AMOUNT = Within(0, 2**63 - 1), Within(0, 1_000_000)


@dataclass(frozen=True, slots=True)
class Option:
    """One option.

    Args:
        default: Its value if it is not given; it has the type of every value.
        choices: The texts that it may be; any if empty.
        bounds: The bounds of a number.
    """

    default: Value
    choices: tuple[str, ...] = ()
    bounds: Within = AMOUNT


OPTIONS: dict[str, dict[str, Option]] = {
    "scores": {"norms": Option("fold", ("fold", "ignore"))},
    "heads": {
        "on": Option("repeats", ("repeats", "random")),
        "sequences": Option(20, bounds=Within(1, 10_000)),
        "seed": Option(0, bounds=SEED),
    },
    "spectrum": {"writers": Option(("embed",))},
    "traffic": {"corpus": Option(DEFAULT), "tokens": Option(0)},
    "tasks": {
        "tasks": Option(tuple(TASKS)),
        "pairs": Option(64, bounds=Within(3, 10_000)),
        "seed": Option(0, bounds=SEED),
    },
}
VERSIONS = {"scores": 1, "heads": 1, "spectrum": 1, "traffic": 1, "tasks": 1}
"""Increased when the numbers of an analysis change, so that results of an older version are computed again."""


def checked(analysis: str, given: Mapping[str, Any]) -> dict[str, Value]:
    """Return all options of an analysis, with defaults for those that are not given. Raises BadRequest."""
    table = OPTIONS[analysis]
    for name in given:
        if name not in table:
            raise BadRequest(f"{analysis} has no option {unknown(name, table)}")
    return {name: _value(f"{analysis}.{name}", option, given.get(name)) for name, option in table.items()}


def unknown(name: str, names: Mapping[str, object]) -> str:
    """The end of a sentence that refuses a name: the name, the nearest, and all."""
    near = get_close_matches(name, names, 1, 0.0)
    return f"'{quote(name, 40)}'; the nearest is '{near[0]}', of {', '.join(names)}"


def _value(where: str, option: Option, given: Any) -> Value:
    if given is None:
        return option.default
    if isinstance(option.default, tuple):
        names = [given] if isinstance(given, str) else given
        if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):  # pyright: ignore[reportUnknownVariableType]
            raise BadRequest(f"{where} is {quote(repr(given), 40)}; expected a list of names")
        return _names(where, tuple(str(name) for name in names))  # pyright: ignore[reportUnknownVariableType]
    if isinstance(option.default, int):
        if type(given) is not int or not option.bounds.least <= given <= option.bounds.most:
            raise BadRequest(f"{where} is {quote(repr(given), 40)}; expected a whole number {option.bounds}")
        return given
    if not isinstance(given, str) or (option.choices and given not in option.choices):
        expected = one_of(option.choices) if option.choices else "a text"
        raise BadRequest(f"{where} is {quote(repr(given), 40)}; expected {expected}")
    if where == "traffic.corpus" and given != DEFAULT:
        path = Path(given).resolve()
        read_texts(path)
        return str(path)
    return given


def _names(where: str, names: tuple[str, ...]) -> tuple[str, ...]:
    """Names, each once; those of tasks must exist."""
    if where == "tasks.tasks":
        for name in names:
            check_task(name)
            if name not in TASKS:
                raise BadRequest(f"{where} has {quote(name, 40)}; expected generated tasks: {', '.join(TASKS)}")
    return tuple(dict.fromkeys(names))
