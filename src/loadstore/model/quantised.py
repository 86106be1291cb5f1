"""Tensors whose quantised numbers, or factors, stay in a file and are dequantised, or multiplied, on use.

A view (a head, a transpose, some rows) changes only the geometry. A computation dequantises the box of rows and columns
that its view covers; an embedding lookup dequantises only its tokens' rows.
"""

from collections.abc import Sequence
from typing import Any, cast

import torch
from torch import Tensor

from loadstore.errors import Undefined
from loadstore.model.composed import Composed
from loadstore.model.stored import KINDS, Matrix

# Names of torch functions and properties. A view missing from this list is still correct; it dequantises more.
_TURNS = {"T", "mT", "t", "transpose", "swapaxes", "permute", "movedim", "detach"}
_PARTS = {"select", "narrow", "diagonal", "split", "chunk", "unbind", "__getitem__"}
VIEWS = _TURNS | _PARTS | {"unflatten", "view", "expand", "unsqueeze", "squeeze"}
_SIZES = {"shape", "size", "stride", "ndim", "dim", "storage_offset", "numel", "nelement", "nbytes", "itemsize"}
_KINDS = {"dtype", "device", "layout", "is_contiguous", "is_floating_point", "is_complex", "is_sparse", "is_meta"}
FACTS = _SIZES | _KINDS | {"element_size", "is_leaf", "requires_grad", "grad", "grad_fn", "__len__", "__hash__"}
TILE = 1 << 24  # numbers that a product dequantises at a time if the matrix is not cached


class Quantised(Tensor):
    """A read-only view of a matrix in a file, usable wherever code expects a tensor of numbers.

    Views of it change only the geometry. ``to``, ``float`` and every computation use the result of ``plain``.
    """

    matrix: Matrix

    @staticmethod
    def __new__(cls: "type[Quantised]", matrix: Matrix, like: Tensor) -> "Quantised":
        """``like`` gives the view's geometry, counted in numbers of the row-major matrix; it may be a meta tensor."""
        self = cls._make_wrapper_subclass(
            cls, like.size(), strides=like.stride(), storage_offset=like.storage_offset(), dtype=matrix.dtype
        )
        self.matrix = matrix
        return self

    @classmethod
    def of(cls, matrix: Matrix, shape: tuple[int, ...]) -> "Quantised":
        """A whole matrix, with its rows in any shape."""
        return cls(matrix, torch.empty(shape, device="meta"))

    def plain(self) -> Tensor:
        """The numbers as an ordinary tensor, dequantised unless already cached. Raises BadCheckpoint."""
        if not self.numel():
            return torch.empty(self.size())
        width, offset = self.matrix.width, self.storage_offset()
        row, column = divmod(offset, width)
        reach = [(step, (count - 1) * step) for count, step in zip(self.size(), self.stride(), strict=True)]
        right = column + sum(far for step, far in reach if step % width)
        if right >= width:  # the view wraps around row ends: take whole rows
            rows, columns = slice(row, (offset + sum(far for _, far in reach)) // width + 1), slice(0, width)
        else:
            rows = slice(row, row + sum(far for step, far in reach if not step % width) // width + 1)
            columns = slice(column, right + 1)
        box = self.matrix.box(rows, columns)
        left = column - columns.start // self.matrix.block * self.matrix.block
        along = box.stride(0)
        steps = [step if right >= width else step // width * along + step % width for step in self.stride()]
        return box.as_strided(self.size(), steps, box.storage_offset() + left)

    def __repr__(self, **_: Any) -> str:
        return f"Quantised({list(self.size())} of {self.matrix.where})"

    # Not __torch_dispatch__ alone: it makes torch import its distributed tensors, which takes a second.
    @classmethod
    def __torch_function__(
        cls, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        named, first = kwargs or {}, args[0] if args else None
        name: str = func.__self__.__name__ if func.__name__ == "__get__" else func.__name__
        if isinstance(first, Quantised):
            if name in FACTS:
                return Tensor.__torch_function__(func, (), args, named)
            if name == "data_ptr":  # equal for tied matrices
                return first.matrix.address(int(first.storage_offset()))
            rest = (*args[1:], *named.values())
            if name in VIEWS and all(_basic(each, lists=name != "__getitem__") for each in rest):
                return first.view_by(func, args[1:], named)
            if name == "__setitem__" or (name.endswith("_") and not name.endswith("__")):
                raise Undefined(f"{first!r} is in a file and cannot be written to; use .clone()")
        if name == "embedding" and isinstance(weight := args[1], Quantised) and weight.is_whole():
            return weight.matrix.take(args[0])
        if name in ("matmul", "mm", "__matmul__"):
            return _product(args[0], args[1])
        return func(*_plain(args), **{key: _plain(value) for key, value in named.items()})

    @classmethod
    def __torch_dispatch__(
        cls, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        return func(*_plain(args), **{key: _plain(value) for key, value in (kwargs or {}).items()})

    def view_by(self, func: Any, args: tuple[Any, ...], named: dict[str, Any]) -> Any:
        """Apply a view function to the geometry and return the resulting view or views."""
        shadow = torch.empty(self.matrix.rows * self.matrix.width, device="meta")
        seen = func(shadow.as_strided(self.size(), self.stride(), self.storage_offset()), *args, **named)
        if isinstance(seen, Tensor):
            return Quantised(self.matrix, seen)
        return [Quantised(self.matrix, part) for part in seen]

    def tiled(self) -> bool:
        """Whether it is too large to dequantise at once."""
        return self.numel() > TILE and not self.matrix.keep

    def is_whole(self) -> bool:
        """Whether it covers its whole matrix, row by row."""
        return (*self.size(), *self.stride()) == (self.matrix.rows, self.matrix.width, self.matrix.width, 1)


def stored_as(tensor: Tensor) -> tuple[str, int]:
    """The storage format of a tensor and its size in bytes."""
    if isinstance(tensor, Quantised) and isinstance(tensor.matrix, Composed):
        own = [part for piece in tensor.matrix.pieces for part in piece.own]
        return stored_as(own[0])[0], sum(stored_as(part)[1] for part in own)
    if isinstance(tensor, Quantised):
        kind = KINDS[tensor.matrix.kind]
        return kind.name, tensor.numel() // kind.numbers * kind.bytes
    return str(tensor.dtype).removeprefix("torch."), tensor.nbytes


def numbers_of(tensor: Tensor) -> int:
    """How many numbers are stored for a tensor; for a product of others, those that only it has."""
    if isinstance(tensor, Quantised) and isinstance(tensor.matrix, Composed):
        return sum(part.numel() for piece in tensor.matrix.pieces for part in piece.own)
    return tensor.numel()


def _basic(index: Any, *, lists: bool) -> bool:
    """Whether this argument yields a view. A list makes a copy when used as an index, but not when used as sizes."""
    if isinstance(index, tuple) or (lists and isinstance(index, list)):
        return all(_basic(entry, lists=lists) for entry in cast("Sequence[Any]", index))
    return index is None or index is ... or (isinstance(index, int | slice) and not isinstance(index, bool))


def _product(left: Tensor, right: Tensor) -> Tensor:
    """Left times right. If a factor is not cached, at most one tile of it is dequantised at a time."""
    if isinstance(left, Quantised) and left.ndim == right.ndim == 2 and left.tiled():
        tiles = left.split(max(1, TILE // left.shape[1]))
        return torch.cat([_plain(tile) @ _plain(right) for tile in tiles])
    if isinstance(right, Quantised) and right.ndim == 2 and right.tiled():
        tiles = right.split(max(1, TILE // right.shape[0]), 1)
        return torch.cat([_plain(left) @ _plain(tile) for tile in tiles], -1)
    return _plain(left) @ _plain(right)


def _plain(value: Any) -> Any:
    """The same arguments with every quantised tensor dequantised."""
    if isinstance(value, list | tuple):
        return type(value)(_plain(item) for item in value)
    return value.plain() if isinstance(value, Quantised) else value
