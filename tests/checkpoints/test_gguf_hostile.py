"""GGUF files that are torn, that lie, or that were made to harm: a model or a refusal, and nothing that is claimed is
allocated before it is known to be there."""

import random
import struct
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest
from depth import deep
from each import each
from gguf_files import ARRAY, BOOL, F32, I32, TEXT, U8, U32, U64, Array, File, Listed, byte_level, llama, packed, pieces
from gguf_models import converted
from hostile import refusal
from mutations import NUMBERS, mutated, survive

from loadstore.checkpoints import gguf
from loadstore.checkpoints.families.gguf import build
from loadstore.errors import BadCheckpoint, NotThisModel, Undefined
from loadstore.execution.run import run
from loadstore.model.weights import Weights

HUGE = 2**62


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "model.gguf"


def used(model: Weights) -> None:
    """Read every number, and answer a prompt."""
    shape = model.architecture
    with suppress(Undefined):  # the numbers of a file may be finite, and those of a pass not
        logits = run(model, [index % shape.vocab for index in range(min(3, shape.context))]).logits
        assert logits.shape[-1] == shape.vocab
    if model.tokens is not None:
        model.tokens.text(model.tokens.encode("the cat")[0])


def quick(file: File) -> File:
    """The same file with its arrays as bytes already."""
    facts = tuple((name, kind, packed(kind, value) if kind == ARRAY else value) for name, kind, value in file.facts)
    return replace(file, facts=facts)


BASES = [
    llama(vocabulary=byte_level(letters="Ġtheinacso")),
    llama(numbers=8, vocabulary=pieces(), heads=1),
    llama(kind="qwen2", numbers=1, biases=True, vocabulary=[]),
    llama(kind="qwen3", numbers=0, norms=True, vocabulary=byte_level(merges=(), letters="Ġtheinac")),
    converted("gpt_oss"),
    converted("deepseek_v3"),
]
BASES = [quick(file) for file in BASES]


def test_the_files_that_are_made_wrong_are_right(path: Path) -> None:
    for base in BASES:
        path.write_bytes(base.written())
        used(build(path))


def by_bytes(count: int, seed: int) -> Iterator[tuple[str, bytes]]:
    """Files with wounds anywhere, mostly in their headers."""
    written = [(base.written(), len(base.head())) for base in BASES]
    for case in range(count):
        dice = random.Random(seed * count + case)
        content, head = dice.choice(written)
        yield f"bytes {case}", mutated(content, dice, head)


def by_parts(count: int, seed: int) -> Iterator[tuple[str, bytes]]:
    """Files that are whole, and whose header says something else than what is there."""
    for case in range(count):
        dice = random.Random(seed * count + case)
        file = dice.choice(BASES)
        file = LIES[case % len(LIES)](file, dice)  # each kind of lie as often as any other
        for _ in range(dice.choice((0, 0, 1))):
            file = dice.choice(LIES)(file, dice)
        yield f"parts {case}", file.written()


def some_value(dice: random.Random) -> tuple[int, object]:
    """A value of any type, among them arrays that claim more than they hold and arrays in arrays."""
    number = dice.choice(NUMBERS)
    deep = struct.pack("<IQ", ARRAY, 1) * dice.choice((1, 2, 3, 2000)) + struct.pack("<IQ", U8, 0)
    return dice.choice(
        [
            (U32, number % 2**32),
            (U64, number),
            (I32, -(number % 2**31)),
            (F32, dice.choice((0.0, -1.0, 1e-38, 1e38, float("nan"), float("inf")))),
            (BOOL, dice.random() < 0.5),
            (TEXT, dice.choice(("", "llama", "gpt-2", "\x1b[2J" * 9, "x" * 5000, b"\xff\xfe", "linear", "yarn"))),
            (ARRAY, Array(U8, [1, 2, 3])),
            (ARRAY, Array(TEXT, ["a", "a", ""])),
            (ARRAY, Array(dice.choice((U8, U32, F32, TEXT, ARRAY, 99)), [], number)),
            (ARRAY, deep),
            (dice.choice((11, 13, 99, 2**31)), 0),
        ]
    )


def change_fact(file: File, dice: random.Random) -> File:
    name = dice.choice(file.facts)[0]
    return file.with_fact(name, *some_value(dice))


def drop_fact(file: File, dice: random.Random) -> File:
    return file.without(dice.choice(file.facts)[0])


def repeat_fact(file: File, dice: random.Random) -> File:
    return replace(file, facts=(*file.facts, dice.choice(file.facts)))


def add_fact(file: File, dice: random.Random) -> File:
    kind = file.facts[0][2]
    names = ("rope.scaling.type", "rope.scaling.factor", "attention.key_length", "attention.value_length")
    names += ("attention.sliding_window", "expert_count", "attention.head_count_kv", "rope.dimension_count")
    return file.with_fact(f"{kind}.{dice.choice(names)}", *some_value(dice))


def align(file: File, dice: random.Random) -> File:
    return file.with_fact("general.alignment", U32, dice.choice((0, 1, 3, 7, 8, 64, 2**20, 2**20 + 1, 2**31)))


def renamed(one: Listed, name: str) -> Listed:
    return replace(one, name=name)


def change_tensor(file: File, dice: random.Random) -> File:
    index = dice.randrange(len(file.tensors))
    one, other = file.tensors[index], dice.choice(file.tensors)
    number = dice.choice(NUMBERS)
    changed = dice.choice(
        [
            renamed(one, other.name),
            renamed(one, "\x1b[2J" + "y" * 3000),
            renamed(one, "rope_freqs.weight"),
            renamed(one, "output.weight"),
            replace(one, dimensions=()),
            replace(one, dimensions=(number, *one.dimensions[1:])),
            replace(one, dimensions=(*one.dimensions[:-1], number)),
            replace(one, dimensions=(number, number, number, number)),
            replace(one, dimensions=(1,) * dice.choice((3, 4, 5, 1000))),
            replace(one, dimensions=tuple(reversed(one.dimensions))),
            replace(one, kind=dice.choice((*range(45), 2**31))),
            replace(one, offset=other.offset),
            replace(one, offset=one.offset + dice.choice((1, 4, 31, 32, 64))),
            replace(one, offset=number),
        ]
    )
    return replace(file, tensors=(*file.tensors[:index], changed, *file.tensors[index + 1 :]))


def drop_tensor(file: File, dice: random.Random) -> File:
    gone = dice.choice(file.tensors)
    return replace(file, tensors=tuple(one for one in file.tensors if one is not gone))


def miscount(file: File, dice: random.Random) -> File:
    number = dice.choice((*NUMBERS, len(file.facts) - 1, len(file.facts) + 1, len(file.tensors) - 1))
    return replace(file, counts=dice.choice(((number, None), (None, number), (number, number))))


def other_numbers(file: File, dice: random.Random) -> File:
    data = bytes(dice.choice((0, 0x7F, 0xFF, dice.randrange(256))) for _ in range(64)) * (len(file.data) // 64 + 1)
    start = dice.randrange(len(file.data))
    return replace(file, data=(file.data[:start] + data)[: len(file.data)])


LIES: tuple[Callable[[File, random.Random], File], ...] = (
    *(change_fact, change_fact, drop_fact, repeat_fact, add_fact, align),
    *(change_tensor, change_tensor, change_tensor, drop_tensor, miscount, other_numbers),
)


CASES = pytest.mark.parametrize("cases", [by_bytes, by_parts], ids=["bytes", "parts"])


@pytest.mark.parametrize("seed", range(deep(4, usual=1)))
@CASES
def test_thousands_of_wounded_files(
    path: Path, cases: Callable[[int, int], Iterator[tuple[str, bytes]]], seed: int
) -> None:
    count = deep(2500, usual=600)
    models, refused = survive(cases(count, seed), path, build, used)
    assert models + refused == count
    assert models > count // 25
    assert refused > count * 2 // 5


@contextmanager
def little(most: int) -> Iterator[None]:
    """Fail where more bytes than this are allocated at a time."""
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < most
    finally:
        tracemalloc.stop()


@CASES
def test_nothing_is_allocated_because_a_file_claims_it(
    path: Path, cases: Callable[[int, int], Iterator[tuple[str, bytes]]]
) -> None:
    with little(8 << 20):  # a file has less than 40 kB; ten million of anything would be 80 MB
        survive(cases(150, 99), path, build, used)


CLAIMS = {
    "tensors": (replace(llama(), counts=(10**5, None)), "more bytes"),
    "more tensors": (replace(llama(), counts=(HUGE, None)), f"{HUGE:,} tensors"),
    "facts": (replace(llama(), counts=(None, 10**4)), "more bytes"),
    "more facts": (replace(llama(), counts=(None, HUGE)), f"{HUGE:,} facts"),
    "array": (llama().with_fact("a", ARRAY, Array(U8, [], 10**7)), "an array of 10,000,000"),
    "texts": (llama().with_fact("a", ARRAY, Array(TEXT, [], 10**7)), "an array of 10,000,000"),
    "arrays": (llama().with_fact("a", ARRAY, Array(ARRAY, [], HUGE)), f"an array of {HUGE:,}"),
    "deep": (llama().with_fact("a", ARRAY, struct.pack("<IQ", ARRAY, 1) * 10_000), "unknown type 9"),
    "deep and wide": (llama().with_fact("a", ARRAY, struct.pack("<IQ", ARRAY, HUGE) * 10_000), "an array of"),
    "unknown type": (llama().with_fact("a", 99, 0), "unknown type 99"),
    "unknown type in an array": (
        llama().with_fact("a", ARRAY, struct.pack("<IQ", 99, 1) + bytes(8)),
        "unknown type 99",
    ),
    "a fact twice": (
        replace(llama(), facts=(*llama().facts, ("general.alignment", U32, 32))),
        "'general.alignment' twice",
    ),
    "a tensor twice": (replace(llama(), tensors=(*llama().tensors, llama().tensors[0])), "two tensors of one name"),
    "over another": (replace(llama(), tensors=(*llama().tensors[:3], replace(llama().tensors[3], offset=0))), "over"),
    "version": (replace(llama(), version=4), "version 4, expected 2 or 3"),
    "version 1": (replace(llama(), version=1), "version 1, expected 2 or 3"),
    "other end": (replace(llama(), version=3 << 24), "expected 2 or 3"),
    "alignment of 0": (llama().with_fact("general.alignment", U32, 0), "aligns its tensors to 0"),
    "alignment of text": (llama().with_fact("general.alignment", TEXT, "32"), "aligns its tensors to 32"),
    "alignment": (llama().with_fact("general.alignment", U32, 2**31), "aligns its tensors to 2147483648"),
}


@each("name", CLAIMS)
def test_a_header_that_lies_is_told(path: Path, name: str) -> None:
    file, words = CLAIMS[name]
    path.write_bytes(file.written())
    with little(1 << 20):
        refusal(lambda: build(path), BadCheckpoint, path, words, "download it again")


def test_more_entries_than_any_header_has(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gguf, "MOST_ENTRIES", 900)  # the arrays of this one have 529
    path.write_bytes(llama().written())
    used(build(path))
    path.write_bytes(llama().with_fact("a", ARRAY, Array(U8, [1] * 400)).written())
    refusal(lambda: build(path), BadCheckpoint, path, "an array of 400")


def with_first(**changes: object) -> File:
    """A file whose first tensor, token_embd.weight, is listed otherwise."""
    file = llama()
    return replace(file, tensors=(replace(file.tensors[0], **changes), *file.tensors[1:]))


@each(
    ("changes", "words"),
    [
        ({"offset": 1 << 20}, "beyond its end"),
        ({"offset": 2**64 - 32}, "beyond its end"),
        ({"dimensions": (32, HUGE)}, "shape"),
        ({"dimensions": (32, 0)}, "shape [0, 32]"),
        ({"dimensions": (0, 320)}, "shape"),
        ({"dimensions": (31, 320)}, "shape [320, 31]"),
        ({"dimensions": ()}, "shape []"),
        ({"dimensions": (32, 1, 1, 1, 1)}, "5 dimensions"),
        ({"dimensions": (32, 2**16, 2**16, 2**16)}, "shape"),
        ({"name": "\x1b[2J" + "x" * 5000}, "\\x1b[2Jxxx"),
    ],
)
def test_a_tensor_that_cannot_be_there_is_told(path: Path, changes: dict[str, object], words: str) -> None:
    path.write_bytes(with_first(**changes).written())
    with little(1 << 20):
        refusal(lambda: build(path), BadCheckpoint, path, words)


@each("kind", [4, 9, 15, 24, 28, 36, 41, 2**31])
def test_a_number_format_that_is_not_read_is_told(path: Path, kind: int) -> None:
    path.write_bytes(with_first(kind=kind).written())
    refusal(lambda: build(path), NotThisModel, path, "'token_embd.weight'", f"format {kind}", "Q4_1", "Q6_K")


def test_a_file_cut_short_at_any_length(path: Path) -> None:
    content = llama().written()
    for length in [*range(0, 40), *range(40, len(content), 331), len(content) - 1]:
        path.unlink(missing_ok=True)
        path.write_bytes(content[:length])
        refusal(lambda: build(path), BadCheckpoint, path)


def test_what_is_no_gguf_or_cannot_be_read(path: Path) -> None:
    refusal(lambda: build(path), BadCheckpoint, path, "cannot be read")
    path.write_bytes(b"")
    refusal(lambda: build(path), BadCheckpoint, path, "cannot be read")
    path.write_bytes(b"PK\x03\x04" + bytes(100))
    refusal(lambda: build(path), BadCheckpoint, path, "does not begin with GGUF", "download it again")


def test_numbers_that_are_none_are_told_where_they_are_met(path: Path) -> None:
    file = llama(numbers=1)
    path.write_bytes(replace(file, data=b"\xff" * len(file.data)).written())
    refusal(lambda: run(build(path), [0, 1]), BadCheckpoint, path, "'token_embd.weight'", "NaN or infinite")
