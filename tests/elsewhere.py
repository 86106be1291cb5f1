"""A second device that computes on the CPU: it refuses to mix tensors of two devices, and counts transfers.

Tensors of the device are wrappers that say they lie there. As on an accelerator, an operation with a tensor of the CPU
(but for a single number, or an index) is an error, and a tensor that a factory makes without ``device=`` lies on the
CPU.
"""

from collections import Counter
from typing import Any

import torch
from torch import Tensor
from torch.utils._mode_utils import no_dispatch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten, tree_map
from torch.utils.backend_registration import _setup_privateuseone_for_python_backend

_setup_privateuseone_for_python_backend("second")
DEVICE = torch.device("second", 0)
aten = torch.ops.aten
MOVES = (aten._to_copy.default, aten.copy_.default, aten._copy_from.default)
INDEXING = ("aten.index", "aten._index_put", "aten._unsafe_index")
READS = (aten._local_scalar_dense.default, aten.equal.default, aten.is_nonzero.default)


class Elsewhere(Tensor):
    """A tensor that says it lies on the second device."""

    inner: Tensor

    @staticmethod
    def __new__(cls, inner: Tensor) -> "Elsewhere":
        made = Tensor._make_wrapper_subclass(
            cls,
            inner.size(),
            strides=inner.stride(),
            storage_offset=inner.storage_offset(),
            dtype=inner.dtype,
            device=DEVICE,
        )
        made.inner = inner
        return made

    def tolist(self) -> Any:
        """The numbers, which come back for it."""
        return self.cpu().tolist()

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return _dispatched(func, args, kwargs or {}, Counter())


class SecondDevice(TorchDispatchMode):
    """While this is active, the device computes; ``transfers`` counts what comes back from it, by operation."""

    def __init__(self) -> None:
        super().__init__()
        self.transfers: Counter[str] = Counter()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return _dispatched(func, args, kwargs or {}, self.transfers)


def _dispatched(func: Any, args: Any, kwargs: dict[str, Any], transfers: Counter[str]) -> Any:
    given = [each for each in tree_flatten((args, kwargs))[0] if isinstance(each, Tensor)]
    there = [each for each in given if isinstance(each, Elsewhere)]
    here = [each for each in given if not isinstance(each, Elsewhere) and each.dim() > 0]
    if there and here and func not in MOVES and not str(func).startswith(INDEXING):
        raise AssertionError(f"{func} of tensors on the CPU {[list(t.shape) for t in here]} and on {DEVICE}")
    target = kwargs.get("device")
    if there and (func in READS or (func in MOVES and target is not None and torch.device(target).type == "cpu")):
        transfers[str(func)] += 1
    wrapped = {id(each.inner): each for each in there}
    plain_args, plain_kwargs = tree_map(lambda x: x.inner if isinstance(x, Elsewhere) else x, (args, dict(kwargs)))
    if target is not None:
        plain_kwargs["device"] = torch.device("cpu")
    result = func(*plain_args, **plain_kwargs)
    if there and torch.Tag.inplace_view in func.tags:  # of the wrapper, too
        with no_dispatch():
            return func(*args, **kwargs)
    is_there = bool(there) if target is None else torch.device(target).type == DEVICE.type
    if func is aten.copy_.default:
        is_there = isinstance(args[0], Elsewhere)
    if not is_there:
        return result

    def there_too(x: Any) -> Any:
        if not isinstance(x, Tensor):
            return x
        return wrapped[id(x)] if id(x) in wrapped else Elsewhere(x)

    return tree_map(there_too, result)


def _registered() -> list[torch.library.Library]:
    """What torch does by itself on the device, as where a list becomes an index: the same, without counting."""
    kept = torch.library.Library("aten", "IMPL")
    every = torch.library.Library("_", "IMPL")
    every.fallback(lambda op, *args, **kwargs: _dispatched(op, args, kwargs, Counter()), "PrivateUse1")

    def empty(size: Any, *, dtype: Any = None, **_: Any) -> Tensor:
        return Elsewhere(torch.empty(size, dtype=dtype))

    def empty_strided(size: Any, stride: Any, *, dtype: Any = None, **_: Any) -> Tensor:
        return Elsewhere(torch.empty_strided(size, stride, dtype=dtype))

    def copy_from(source: Tensor, to: Tensor, non_blocking: bool = False) -> Tensor:
        _inner(to).copy_(_inner(source))
        return to

    kept.impl("empty.memory_format", empty, "PrivateUse1")
    kept.impl("empty_strided", empty_strided, "PrivateUse1")
    kept.impl("_copy_from", copy_from, "PrivateUse1")
    return [kept, every]


def _inner(tensor: Tensor) -> Tensor:
    return tensor.inner if isinstance(tensor, Elsewhere) else tensor


LIBRARIES = _registered()  # torch forgets what it was told once these are gone
