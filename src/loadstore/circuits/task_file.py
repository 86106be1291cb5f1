"""A task as JSON lines: one pair per line, and an optional first line with the task's name and its metric.

::

    {"task": "gifts", "metric": "logit_difference"}
    {"clean": "…", "counterfactual": "…", "good": " Mary", "bad": [" John"], "split": "find", "fillers": ["Mary"]}

A prompt is a text or a list of token ids. A file is untrusted: its size, lines and lists are bounded.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

from loadstore.atomic import write_whole
from loadstore.causal.targets import Token
from loadstore.circuits.example import KINDS, Example, Kind, Text, check_example, kind_of
from loadstore.circuits.task import Task, task_of
from loadstore.errors import BadRequest, LoadstoreError
from loadstore.jsonfile import parsed
from loadstore.model.weights import Weights
from loadstore.quote import quote
from loadstore.reading import reads

MOST_BYTES = 64 << 20
MOST_LINE = 1 << 20  # bytes
MOST_PAIRS = 10_000
NEEDED = ("clean", "counterfactual", "good")
OPTIONAL = ("bad", "split", "template", "fillers", "places")
REMEDY = "correct that line (docs/tasks.md has the format)"


def read_task(weights: Weights, path: Path, seed: int = 0) -> Task:
    """Read a task from the user's own file.

    Args:
        weights: The model that the prompts are for.
        path: The file.
        seed: The seed for drawing splits if the file has none.

    Raises:
        BadRequest: The file cannot be read, or a line is invalid; the message gives its number.
        BadPrompt: Prompts do not fit the model.
        Undefined: The prompts are texts, and the model has no tokenizer.
    """
    lines = _lines(path)
    name, kind = path.stem, KINDS[0]
    if lines and "clean" not in lines[0][1]:
        where, head = lines.pop(0)
        name, kind = _header(where, head, name)
    if not lines:
        raise BadRequest(f"{path} has no pairs; give at least three, one on each line (docs/tasks.md)")
    examples: list[Example] = []
    for where, line in lines:
        example = _example(where, line, kind)
        try:
            check_example(weights, example)
        except LoadstoreError as error:
            raise type(error)(f"{where}: {error}") from None
        examples.append(example)
    try:
        return task_of(weights, name, kind, examples, seed)
    except LoadstoreError as error:
        raise type(error)(f"{path}: {error}") from None


def save_task(task: Task, path: Path) -> None:
    """Write a task as JSON lines, atomically. Raises BadRequest if the file cannot be written."""
    kind = kind_of(task.metric_of_pairs)
    lines: list[dict[str, Any]] = [{"task": task.name, "metric": kind}]
    for example in task.examples:
        record: dict[str, Any] = {
            "clean": _plain(example.clean),
            "counterfactual": _plain(example.counterfactual),
            "good": _short(example.good),
        }
        record |= {"bad": _short(example.bad)} if example.bad else {}
        record |= {"split": example.split}
        record |= {key: getattr(example, key) for key in ("template", "fillers", "places") if getattr(example, key)}
        lines.append(record)
    write_whole(path, "".join(f"{json.dumps(line)}\n" for line in lines).encode())


def _plain(text: Text) -> str | list[int]:
    return text if isinstance(text, str) else [int(token) for token in text]


def _short(tokens: Sequence[Token]) -> Token | list[Token]:
    return tokens[0] if len(tokens) == 1 else list(tokens)


def _lines(path: Path) -> list[tuple[str, dict[str, Any]]]:
    """The objects of a file, each with its location for messages; empty lines are skipped."""
    reads(path)
    objects: list[tuple[str, dict[str, Any]]] = []
    try:
        if not path.is_file():
            raise BadRequest(f"{path} is not a file; name a .jsonl file, or a task of loadstore tasks")
        if (size := path.stat().st_size) > MOST_BYTES:
            raise BadRequest(f"{path} has {size:,} bytes, expected at most {MOST_BYTES:,}; give fewer pairs")
        with path.open("rb") as file:
            number = 0
            while line := file.readline(MOST_LINE + 1):
                number += 1
                where = f"{path}, line {number}"
                if len(line) > MOST_LINE:
                    raise BadRequest(f"{where} is longer than {MOST_LINE:,} bytes; {REMEDY}")
                if line.strip():
                    objects.append((where, _object(line, where)))
                if len(objects) > MOST_PAIRS + 1:
                    raise BadRequest(f"{path} has more than {MOST_PAIRS:,} pairs; give fewer")
    except (OSError, ValueError) as error:
        raise BadRequest(f"{path} cannot be read ({quote(error)}); name a .jsonl file that you may read") from None
    return objects


def _object(line: bytes, where: str) -> dict[str, Any]:
    try:
        return parsed(line.decode("utf-8"), where, REMEDY)
    except (LoadstoreError, UnicodeDecodeError) as error:
        text = str(error) if isinstance(error, LoadstoreError) else f"{where} is not UTF-8; {REMEDY}"
        raise BadRequest(text) from None


def _header(where: str, line: dict[str, Any], name: str) -> tuple[str, Kind]:
    _known(where, line, ("task", "metric"), ())
    title: object = line.get("task", name)
    kind = line.get("metric", KINDS[0])
    if not isinstance(title, str) or not 0 < len(title) <= 100:
        raise BadRequest(f"{where}: 'task' is a name of 1 to 100 characters; {REMEDY}")
    if kind not in KINDS:
        raise BadRequest(f"{where}: 'metric' is one of {', '.join(KINDS)}; got {quote(repr(kind), 60)}; {REMEDY}")
    return title, kind


def _example(where: str, line: dict[str, Any], kind: Kind) -> Example:
    """Read one pair. Raises BadRequest for missing or unknown keys and for values of the wrong type."""
    bad = kind != "log_probability"
    _known(where, line, (*NEEDED, *OPTIONAL), (*NEEDED, "bad") if bad else NEEDED)
    if not bad and "bad" in line:
        raise BadRequest(f"{where}: a log_probability has no 'bad' targets; {REMEDY}")
    for key in ("split", "template"):
        if not isinstance(line.get(key, ""), str):
            raise BadRequest(f"{where}: {key!r} is a text; {REMEDY}")
    return Example(
        _prompt(where, line, "clean"),
        _prompt(where, line, "counterfactual"),
        _targets(where, line, "good"),
        _targets(where, line, "bad") if bad else (),
        line.get("split", ""),
        line.get("template", ""),
        _words(where, line, "fillers"),
        _words(where, line, "places"),
    )


def _known(where: str, line: dict[str, Any], keys: Sequence[str], needed: Sequence[str]) -> None:
    if lacking := [key for key in needed if key not in line]:
        raise BadRequest(f"{where} has no {lacking[0]!r}; {REMEDY}")
    if other := [key for key in line if key not in keys]:
        raise BadRequest(f"{where} has the unknown key '{quote(other[0], 40)}'; known are {', '.join(keys)}; {REMEDY}")


def _prompt(where: str, line: dict[str, Any], key: str) -> Text:
    value: object = line[key]
    if isinstance(value, str) or (isinstance(value, list) and all(type(token) is int for token in value)):
        return cast("Text", value)
    raise BadRequest(f"{where}: {key!r} is a text or a list of token ids; {REMEDY}")


def _targets(where: str, line: dict[str, Any], key: str) -> tuple[Token, ...]:
    value: object = line[key]
    tokens = cast("list[object]", value) if isinstance(value, list) else [value]
    if not tokens or not all(isinstance(token, str) or type(token) is int for token in tokens):
        raise BadRequest(f"{where}: {key!r} is a token (a text or an id) or a list of tokens; {REMEDY}")
    return tuple(cast("list[Token]", tokens))


def _words(where: str, line: dict[str, Any], key: str) -> tuple[str, ...]:
    value: object = line.get(key, [])
    if not isinstance(value, list) or not all(isinstance(word, str) for word in cast("list[object]", value)):
        raise BadRequest(f"{where}: {key!r} is a list of texts; {REMEDY}")
    return tuple(cast("list[str]", value))
