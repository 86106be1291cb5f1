"""Safetensors headers and indexes of shards that are wrong in every way: a model loads, or an error names the file."""

import json
import random
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from depth import deep
from fuzz import VALUES, check, dumped, mutated, rewrite, torn
from hostile import legacy_config, legacy_state, parts, small
from reference_models import Shape, llama_like, reference, save
from safetensors.torch import save_file

from loadstore.checkpoints.library import load

CASES = deep(15_000, usual=1_500)
DTYPES = ["F64", "F32", "F16", "BF16", "I64", "U8", "BOOL", "F8_E4M3", "F4", "C64", "f32", "F31"]
NUMBERS = [[], [0], [1], [8, 8], [-1], [1, -1], [2**20, 2**20], [2**32, 2**32], [2**62], [1.5], [0, 2**63], [16, 0]]
LENGTHS = [0, 1, 7, 8, 2**31, 2**40, 2**63, 2**64 - 1]
SHARDS = ["../x.safetensors", "/x.safetensors", "x", "", ".", "a\0.safetensors", "\ud800.safetensors", 3, None, ["x"]]


def one_file(folder: Path) -> Path:
    """A Llama of one layer, as `transformers` writes it."""
    return save(reference(Shape("one", "llama", llama_like(1, 2, 1, 8, 6, vocab_size=11))), folder)


def several_files(folder: Path) -> Path:
    """The same in shards."""
    shape = Shape("several", "llama", llama_like(1, 2, 1, 8, 6, vocab_size=11))
    return save(reference(shape), folder, max_shard_size="2KB")


def hooked(folder: Path) -> Path:
    """A HookedTransformer, its config in the header."""
    folder.mkdir()
    model = small()
    save_file(legacy_state(model), folder / "model.safetensors", {"config": json.dumps(legacy_config(model))})
    return folder


def header(found: dict[str, Any], dice: random.Random) -> Any:
    """A header with a tensor's entry, a name or the metadata changed."""
    name = dice.choice(list(found))
    values = [*VALUES, *DTYPES, *NUMBERS]
    match dice.randrange(6):
        case 0 if "shape" in found[name]:
            return found | {name: found[name] | {"dtype": dice.choice(DTYPES)}}
        case 1 if "shape" in found[name]:
            return found | {name: found[name] | {"shape": dice.choice([found[name]["shape"][::-1], *NUMBERS])}}
        case 2 if "shape" in found[name]:
            return found | {name: found[name] | {"data_offsets": dice.choice(NUMBERS)}}
        case 3:
            other = dice.choice(list(found))
            return found | {name: found[other], other: found[name]}
        case 4:
            return {(key + "x" if key == name else key): value for key, value in found.items()}
        case _:
            return mutated(found, dice, list(found), values)


def twice(content: bytes, found: dict[str, Any], dice: random.Random) -> bytes:
    """The same header with one of its names again, with the same or another entry."""
    name, other = (dice.choice(list(found)) for _ in range(2))
    return content[:-1] + b"," + json.dumps(name).encode() + b":" + dumped(found[dice.choice([name, other])]) + b"}"


def file_cases(path: Path, dice: random.Random) -> Iterator[object]:
    """Write a safetensors file with a changed header, length or end, for ever."""
    found, data = parts(path)
    while True:
        changed = header(found, dice)
        content = dumped(changed)
        match dice.randrange(8):
            case 0:
                content = torn(content, dice)
            case 1:
                content = twice(dumped(found), found, dice)
        length = dice.choice([*LENGTHS, len(content) - 1]) if dice.random() < 0.05 else len(content)
        end = dice.choice([data[:-1], data + b"\0", b"", data[: len(data) // 2]]) if dice.random() < 0.05 else data
        rewrite(path, struct.pack("<Q", length) + content + end)
        yield content


def index_cases(path: Path, dice: random.Random) -> Iterator[object]:
    """Write a changed index, for ever."""
    found = json.loads(path.read_text())
    places = found["weight_map"]
    while True:
        name, other = dice.choice(list(places)), dice.choice(list(places))
        match dice.randrange(6):
            case 0:
                changed = found | {"weight_map": places | {name: dice.choice(SHARDS)}}
            case 1:
                changed = found | {"weight_map": places | {name: places[other]}}
            case 2:
                changed = found | {"weight_map": {key: place for key, place in places.items() if key != name}}
            case 3:
                changed = found | {"weight_map": places | {name + "x": places[other]}}
            case _:
                changed = mutated(found, dice, ["weight_map", "metadata", name], [*VALUES, *SHARDS])
        content = dumped(changed)
        rewrite(path, torn(content, dice) if dice.random() < 0.1 else content)
        yield content


def alternating(cases: list[tuple[Path, Iterator[object]]], dice: random.Random, count: int) -> Iterator[object]:
    """One file is wrong at a time; the others are as they were."""
    whole = {path: path.read_bytes() for path, _ in cases}
    for _ in range(count):
        path, wrong = dice.choice(cases)
        case = next(wrong)
        yield case
        del case
        rewrite(path, whole[path])


@pytest.mark.parametrize("make", [one_file, several_files, hooked], ids=lambda make: make.__name__)
def test_a_wrong_header_or_index_loads_or_is_refused(make: Callable[[Path], Path], tmp_path: Path) -> None:
    folder, dice = make(tmp_path / "model"), random.Random(f"header {make.__name__}")
    load(folder)
    wrong = [(path, file_cases(path, dice)) for path in sorted(folder.glob("*.safetensors"))]
    indexes = list(folder.glob("*.index.json"))
    wrong += [(path, index_cases(path, dice)) for path in indexes for _ in wrong]
    counts = check(alternating(wrong, dice, CASES // 3), lambda: load(folder), tmp_path)
    assert counts["loaded"] > 20
    assert counts["BadCheckpoint"] > CASES // 6
