"""Numbers that stay in a file: every format and every view as the gguf package dequantises the whole, and no more."""

import copy
import pickle
import random
from collections.abc import Callable

import gguf
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from close import assert_close
from each import each
from gguf import GGML_QUANT_SIZES, GGMLQuantizationType
from hostile import refusal
from numpy.typing import NDArray
from torch import Tensor

from loadstore.errors import BadCheckpoint, Undefined
from loadstore.model import quantised, stored
from loadstore.model.quantised import FACTS, VIEWS, Quantised, stored_as
from loadstore.model.stored import KINDS, Matrix

ROWS, WIDTH = 12, 512  # rows of 16 or 2 blocks
BOTH = pytest.mark.parametrize("keep", [False, True], ids=["not kept", "kept"])


def raw(kind: int, rows: int = ROWS, width: int = WIDTH) -> NDArray[np.uint8]:
    """Rows of a format: quantised from normal numbers where gguf can, else random bytes whose scales are finite."""
    numbers = np.random.default_rng(kind).normal(size=(rows, width)).astype(np.float32)
    format = GGMLQuantizationType(kind)
    try:
        return gguf.quantize(numbers, format).view(np.uint8)
    except NotImplementedError:
        found = np.random.default_rng(kind).integers(0, 256, (rows * width // KINDS[kind].numbers, KINDS[kind].bytes))
        found = found.astype(np.uint8)
        with np.errstate(all="ignore"):
            found[~np.isfinite(gguf.dequantize(found, format)).all(1)] = 0
        assert len(np.unique(found)) > 100
        return found.reshape(rows, -1)


def whole(kind: int) -> Tensor:
    with np.errstate(all="ignore"):
        return torch.from_numpy(np.array(gguf.dequantize(raw(kind), GGMLQuantizationType(kind)), dtype=np.float32))


def matrix(kind: int = 3, *, keep: bool = False, rows: int = ROWS, width: int = WIDTH) -> Quantised:
    return Quantised.of(Matrix(raw(kind, rows, width), kind, "a file: tensor 'W'", keep=keep), (rows, width))


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many bytes the dequantiser was asked for, call by call."""
    counts: list[int] = []
    real = stored.dequantise

    def counted(found: NDArray[np.uint8], kind: int) -> NDArray[np.float32]:
        counts.append(found.nbytes)
        return real(found, kind)

    monkeypatch.setattr(stored, "dequantise", counted)
    return counts


def test_the_formats_are_all_that_gguf_dequantises() -> None:
    for kind, sizes in GGML_QUANT_SIZES.items():
        blocks = np.zeros((1, sizes[1]), np.uint8)
        if int(kind) in KINDS:
            assert KINDS[int(kind)] == (kind.name, *sizes)
            gguf.dequantize(blocks, kind)
        else:
            with pytest.raises(NotImplementedError):
                gguf.dequantize(blocks, kind)
    assert set(KINDS) <= {int(kind) for kind in GGML_QUANT_SIZES}


def a_view(tensor: Tensor, dice: random.Random) -> Tensor:
    """A few random views, one after another."""
    for _ in range(dice.randrange(1, 5)):
        axis = dice.randrange(tensor.ndim)
        length = tensor.shape[axis]
        match dice.randrange(9):
            case 0 if tensor.ndim > 1:
                tensor = tensor.mT
            case 1 if tensor.ndim > 1:
                tensor = tensor.permute(*dice.sample(range(tensor.ndim), tensor.ndim))
            case 2 if tensor.ndim > 1:
                tensor = tensor.select(axis, dice.randrange(length))
            case 3:
                start = dice.randrange(length)
                tensor = tensor[(slice(None),) * axis + (slice(start, dice.randrange(start, length) + 1),)]
            case 4:
                tensor = tensor[(slice(None),) * axis + (slice(None, None, dice.randrange(1, 4)),)]
            case 5 if length % 2 == 0:
                tensor = tensor.unflatten(axis, (-1, 2) if dice.random() < 0.5 else (2, -1))
            case 6 if length > 1:
                tensor = tensor.split([length // 2, length - length // 2], axis)[dice.randrange(2)]
            case 7:
                tensor = tensor.unsqueeze(axis).expand(*tensor.shape[:axis], 3, *tensor.shape[axis:])
            case 8 if tensor.ndim > 1:
                tensor = tensor.diagonal()
            case _:
                tensor = tensor.detach()
    return tensor


@pytest.mark.parametrize("kind", KINDS, ids=[kind.name for kind in KINDS.values()])
def test_every_format_and_every_view_is_as_gguf_dequantises_the_whole(kind: int) -> None:
    keep = bool(kind % 2)  # whether what was dequantised is kept has nothing to do with the format
    ours, theirs = matrix(kind, keep=keep), whole(kind)
    for seed in range(60):
        view, expected = a_view(ours, random.Random(seed)), a_view(theirs, random.Random(seed))
        assert type(view) is Quantised
        assert (view.shape, view.stride(), view.dtype) == (expected.shape, expected.stride(), torch.float32)
        assert type(view.float()) is Tensor
        assert torch.equal(view.float(), expected), (kind, seed)
    assert torch.equal(ours.to(torch.float32), theirs)
    assert type(ours.to(torch.float32)) is Tensor


@BOTH
def test_a_view_may_run_from_row_to_row(keep: bool) -> None:
    ours, theirs = matrix(keep=keep).view(-1), whole(3).view(-1)
    for start, stop in ((0, WIDTH), (0, WIDTH + 1), (WIDTH - 1, WIDTH + 1), (40, 3 * WIDTH), (WIDTH, ROWS * WIDTH)):
        assert type(ours[start:stop]) is Quantised
        assert torch.equal(ours[start:stop].float(), theirs[start:stop])


@BOTH
def test_a_view_dequantises_the_blocks_that_it_touches(asked: list[int], keep: bool) -> None:
    weight = matrix(keep=keep)  # Q4_1: 32 numbers in 20 bytes
    heads = weight.unflatten(0, (3, -1)).transpose(1, 2)
    outputs = weight.mT.unflatten(0, (8, -1))
    narrow, column, block = weight[2:5, 40:60], weight[:, 70], weight[0, 64:96]
    assert asked == []
    row = WIDTH // 32 * 20
    for view, expected in (
        (heads[1], 4 * row),
        (outputs[7], ROWS * 2 * 20),
        (narrow, 60),
        (column, ROWS * 20),
        (block, 20),
    ):
        asked.clear()
        view.double()
        assert sum(asked) in ((0, expected) if keep else (expected,))
        asked.clear()
        view.double()
        assert sum(asked) == (0 if keep else expected)


def test_an_embedding_takes_each_of_its_rows_once(asked: list[int]) -> None:
    weight, ids = matrix(), torch.tensor([[3, 3, 0], [11, 3, 0]])
    assert torch.equal(F.embedding(ids, weight), whole(3)[ids])
    assert asked == [3 * WIDTH // 32 * 20]
    assert torch.equal(F.embedding(ids % 11, weight[1:]), whole(3)[1:][ids % 11])  # of a part: the part
    assert torch.equal(F.embedding(ids, weight.mT[:12]), whole(3).mT[ids])
    for beyond in (ROWS, -1):
        with pytest.raises(IndexError):
            F.embedding(torch.tensor([beyond]), weight)


@BOTH
def test_products_of_large_matrices_are_formed_a_tile_at_a_time(
    asked: list[int], monkeypatch: pytest.MonkeyPatch, keep: bool
) -> None:
    monkeypatch.setattr(quantised, "TILE", 4 * WIDTH)
    weight, x = matrix(keep=keep), torch.randn(2, 3, WIDTH, generator=torch.Generator().manual_seed(0))
    assert_close(x @ weight.mT, x @ whole(3).mT, terms=WIDTH)
    assert_close(weight @ x[0].mT, whole(3) @ x[0].mT, terms=WIDTH)
    assert_close(torch.matmul(x[0], weight.mT), x[0] @ whole(3).mT, terms=WIDTH)
    size = ROWS * WIDTH // 32 * 20
    assert asked == ([size] if keep else [size // 3] * 9)


COMPUTED: dict[str, Callable[[Tensor], object]] = {
    "isfinite": torch.isfinite,
    "add": lambda w: 1 + w + 1,
    "mean": lambda w: w.mean(),
    "einsum": lambda w: torch.einsum("ab,cb->ac", w, w),
    "cat": lambda w: torch.cat([w, w.detach()]),
    "stack": lambda w: torch.stack((w[0], w[1])),
    "flatten": lambda w: w.flatten(),
    "reshape": lambda w: w.reshape(-1, 4),
    "contiguous": lambda w: w.mT.contiguous(),
    "clone": lambda w: w.clone(),
    "half": lambda w: w.half(),
    "bytes": lambda w: w.view(torch.uint8),
    "list": lambda w: w[[0, 1]],
    "mask": lambda w: w[torch.arange(ROWS) > 3],
    "rows": lambda w: w[torch.tensor([3, 1])],
    "true": lambda w: w[True],
    "qr": lambda w: torch.linalg.qr(w.mT)[1],
    "linear": lambda w: F.linear(torch.ones(1, WIDTH), w),
    "outer": lambda w: w[:, :1] @ w[0][None],
    "iterated": lambda w: torch.stack(list(w)),
    "where": lambda w: torch.where(w > 0, w, 0 * w),
    "copied": copy.deepcopy,
    "pickled": lambda w: pickle.loads(pickle.dumps(w)),
}


@each("name", COMPUTED)
def test_what_computes_gets_a_plain_tensor(name: str) -> None:
    found, expected = COMPUTED[name](matrix()), COMPUTED[name](whole(3))
    assert type(found) is Tensor
    assert isinstance(expected, Tensor)
    assert torch.equal(found, expected)


def test_numbers_leave_as_python_and_numpy_do() -> None:
    weight, expected = matrix()[:2, :3], whole(3)[:2, :3]
    assert weight.tolist() == expected.tolist()
    assert np.array_equal(weight.numpy(), expected.numpy())
    assert np.array_equal(np.asarray(weight), expected.numpy())
    assert float(weight[1, 2]) == weight[1, 2].item() == expected[1, 2].item()
    assert torch.equal(weight, expected)
    assert torch.equal(expected, weight)
    assert not torch.equal(weight, expected + 1)


def test_facts_and_ties_are_told_without_a_read(asked: list[int]) -> None:
    weight = matrix()
    assert (weight.numel(), weight.nbytes, weight.element_size(), len(weight)) == (
        ROWS * WIDTH,
        4 * ROWS * WIDTH,
        4,
        ROWS,
    )
    assert (weight.device.type, weight.layout, weight.ndim) == ("cpu", torch.strided, 2)
    assert not weight.requires_grad
    assert weight.mT.data_ptr() == weight.data_ptr() != weight[1:].data_ptr()
    assert matrix().data_ptr() != weight.data_ptr()
    assert "12, 512" in repr(weight)
    assert "'W'" in repr(weight)
    assert asked == []


def test_how_it_is_stored_is_told_without_a_read(asked: list[int]) -> None:
    size = ROWS * WIDTH // 32 * 20
    assert stored_as(matrix()) == ("Q4_1", size)
    assert stored_as(matrix()[:6]) == ("Q4_1", size // 2)
    assert stored_as(torch.zeros(3, dtype=torch.float16)) == ("float16", 6)
    assert asked == []


def test_gradients_flow_past_it_to_what_it_multiplies() -> None:
    x = torch.ones(1, WIDTH, requires_grad=True)
    (x @ matrix().mT).sum().backward()
    assert x.grad is not None
    assert_close(x.grad[0], whole(3).sum(0), terms=ROWS)


@each(
    "write",
    [
        lambda w: w.add_(1),
        lambda w: w.zero_(),
        lambda w: w.__setitem__(0, 1.0),
        lambda w: w.requires_grad_(),
        lambda w: w.copy_(torch.zeros(ROWS, WIDTH)),
    ],
)
def test_it_cannot_be_written_to(write: Callable[[Tensor], object]) -> None:
    refusal(lambda: write(matrix()), Undefined, "tensor 'W'", "cannot be written to", ".clone()")


@BOTH
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_number_that_is_none_is_told_when_it_is_met(bad: float, keep: bool) -> None:
    numbers = np.ones((4, 8), np.float16)
    numbers[2, 5] = bad
    for kind, format in ((1, np.float16), (0, np.float32)):
        rows = numbers.astype(format).view(np.uint8)
        weight = Quantised.of(Matrix(rows, kind, "a file: tensor 'W'", keep=keep), (4, 8))
        assert weight[:2].sum() == 16
        refusal(lambda weight=weight: weight.sum(), BadCheckpoint, "a file: tensor 'W'", "NaN or infinite", "again")


def test_the_names_of_views_and_facts_are_torchs() -> None:
    assert all(hasattr(torch.Tensor, name) for name in VIEWS | FACTS)
    assert not VIEWS & FACTS
