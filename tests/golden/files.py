"""Where golden numbers are kept, and which results are in each group."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from golden import from_a_pass, from_commands, from_controls, from_edits, from_fields, from_text, from_weights
from golden.cases import Case, case
from golden.summary import Result

HERE = Path(__file__).parent
GROUPS: dict[str, Callable[[Case], Iterator[tuple[str, Result]]]] = {
    "weights": from_weights.results,
    "pass": from_a_pass.results,
    "edits": from_edits.results,
    "text": from_text.results,
    "controls": from_controls.results,
    "fields": from_fields.results,
    "commands": from_commands.results,
}


def path(model: str, group: str) -> Path:
    """The numbers of a model, or those of all controls."""
    return HERE / "controls.json" if group == "controls" else HERE / "numbers" / f"{model}.json"


def prefix(model: str, group: str) -> str:
    """What the ids of a group begin with in its file."""
    return f"{model}/" if group == "controls" else f"{group}/"


def computed(model: str, group: str) -> dict[str, Result]:
    """Every result of a group by its id."""
    found: dict[str, Result] = {}
    for name, result in GROUPS[group](case(model)):
        key = prefix(model, group) + name
        assert key not in found, f"two results are called {key}"
        found[key] = result
    return found


def read(model: str, group: str) -> dict[str, Any]:
    """The golden numbers of a group by id."""
    kept = json.loads(path(model, group).read_text(encoding="utf-8"))
    return {key: value for key, value in kept.items() if key.startswith(prefix(model, group))}
