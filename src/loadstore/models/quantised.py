"""Tensors whose numbers stay in a file, quantised, and are dequantised where they are used.

A view (a head, a transpose, some rows) is geometry only. Whatever computes dequantises the box of rows and columns
that its view touches; an embedding takes the rows of its tokens.
"""

from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor

from loadstore.errors import Undefined
from loadstore.models.stored import Matrix

TILE = 1 << 24  # numbers of a matrix that a product widens at a time, where nothing is kept


class Quantised(Tensor):
    """A view of a matrix in a file, for any code that takes a float32 tensor. It cannot be written to.

    Other views of it are geometry; ``to``, ``float`` and all that computes go through ``plain``.
    """

    matrix: Matrix

    @staticmethod
    def __new__(cls: "type[Quantised]", matrix: Matrix, like: Tensor) -> "Quantised":
        """``like`` has the geometry of the view, counted in numbers of the matrix row by row; it may hold none."""
        self = cls._make_wrapper_subclass(
            cls, like.size(), strides=like.stride(), storage_offset=like.storage_offset(), dtype=torch.float32
        )
        self.matrix = matrix
        return self

    @classmethod
    def of(cls, matrix: Matrix, shape: tuple[int, ...]) -> "Quantised":
        """A whole matrix, its rows in any shape."""
        return cls(matrix, torch.empty(shape, device="meta"))

    def plain(self) -> Tensor:
        """An ordinary tensor of the numbers, dequantised as far as they are not kept. Raises BadCheckpoint."""
        if not self.numel():
            return torch.empty(self.size())
        width, offset = self.matrix.width, self.storage_offset()
        row, column = divmod(offset, width)
        reach = [(step, (count - 1) * step) for count, step in zip(self.size(), self.stride(), strict=True)]
        right = column + sum(far for step, far in reach if step % width)
        if right >= width:  # a step from row to row that is none of whole rows: take the rows whole
            rows, columns = slice(row, (offset + sum(far for _, far in reach)) // width + 1), slice(0, width)
        else:
            rows = slice(row, row + sum(far for step, far in reach if not step % width) // width + 1)
            columns = slice(column, right + 1)
        box = self.matrix.box(rows, columns)
        left = column - columns.start // self.matrix.block * self.matrix.block
        along = box.stride(0)
        steps = [step if right >= width else step // width * along + step % width for step in self.stride()]
        return box.as_strided(self.size(), steps, box.storage_offset() + left)

    def to(self, *args: Any, **kwargs: Any) -> Tensor:
        """As for any tensor, and plain even where nothing else changes."""
        return self.plain().to(*args, **kwargs)

    def float(self, *args: Any, **kwargs: Any) -> Tensor:
        """Plain."""
        return self.plain().float(*args, **kwargs)

    def numpy(self, *args: Any, **kwargs: Any) -> NDArray[Any]:
        """The numbers."""
        return self.plain().numpy(*args, **kwargs)

    def data_ptr(self) -> int:
        """Where the first number's block lies in the mapped file: equal for tied matrices."""
        return self.matrix.address(int(self.storage_offset()))

    def tolist(self) -> Any:
        """The numbers."""
        return self.plain().tolist()

    def __deepcopy__(self, memo: dict[int, Any]) -> Tensor:
        return self.plain().clone()

    def __reduce_ex__(self, protocol: Any) -> Any:
        return self.plain().clone().__reduce_ex__(protocol)

    def __repr__(self, **_: Any) -> str:
        return f"Quantised({list(self.size())} of {self.matrix.where})"

    @classmethod
    def __torch_function__(
        cls, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        return Tensor.__torch_function__(func, (), args, kwargs or {})  # as for a Tensor: results are as dispatched

    @classmethod
    def __torch_dispatch__(
        cls, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        named, one = kwargs or {}, args[0] if args else None
        if func.is_view and isinstance(one, Quantised):
            shadow = torch.empty(one.matrix.rows * one.matrix.width, device="meta")
            seen = func(shadow.as_strided(one.size(), one.stride(), one.storage_offset()), *args[1:], **named)
            if not isinstance(seen, Tensor):
                return [cls(one.matrix, part) for part in seen]
            if seen.dtype == torch.float32:
                return cls(one.matrix, seen)
        if func is torch.ops.aten.embedding.default and isinstance(one, Quantised) and one.is_whole():
            return one.matrix.take(args[1])
        if func is torch.ops.aten.mm.default:
            return _product(*args)
        if "out" in named or (isinstance(one, Quantised) and func.name().split(".")[0].endswith("_")):
            raise Undefined(f"{one!r} lies in a file and cannot be written to; take .clone()")
        return func(*_plain(args), **{name: _plain(value) for name, value in named.items()})

    def is_whole(self) -> bool:
        """Whether this is its matrix, row by row."""
        return (*self.size(), *self.stride()) == (self.matrix.rows, self.matrix.width, self.matrix.width, 1)


def _product(left: Tensor, right: Tensor) -> Tensor:
    """Left times right; of one that is not kept no more than a tile of it is plain at a time."""
    if isinstance(left, Quantised) and left.numel() > TILE and not left.matrix.keep:
        tiles = left.split(max(1, TILE // left.shape[1]))
        return torch.cat([_plain(tile) @ _plain(right) for tile in tiles])
    if isinstance(right, Quantised) and right.numel() > TILE and not right.matrix.keep:
        tiles = right.split(max(1, TILE // right.shape[0]), 1)
        return torch.cat([_plain(left) @ _plain(tile) for tile in tiles], 1)
    return _plain(left) @ _plain(right)


def _plain(value: Any) -> Any:
    """The same arguments with plain tensors in them."""
    if isinstance(value, list | tuple):
        return type(value)(_plain(one) for one in value)
    return value.plain() if isinstance(value, Quantised) else value
