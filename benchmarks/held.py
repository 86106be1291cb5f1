"""Memory that torch holds: the most bytes of tensors that some work creates and has not freed, counted exactly."""

import weakref
from collections.abc import Callable
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode


class Held(TorchDispatchMode):
    """Counts the bytes of the storages that operations create, until they are freed.

    Memory that operations use inside, and arrays of numpy, are not counted. Settings of threads are not inherited, so
    that work must stay on one thread.
    """

    def __init__(self) -> None:
        super().__init__()
        self.now = self.most = 0
        self._storages: dict[int, weakref.ref[Any]] = {}

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        for each in result if isinstance(result, (tuple, list)) else (result,):
            if isinstance(each, torch.Tensor):
                self._keep(each.untyped_storage())
        return result

    def _keep(self, storage: Any) -> None:
        key = storage._cdata
        if key in self._storages:
            return
        size = storage.nbytes()

        def freed(_: Any) -> None:
            if self._storages.pop(key, None) is not None:
                self.now -= size

        self._storages[key] = weakref.ref(storage, freed)
        self.now += size
        self.most = max(self.most, self.now)


def held(work: Callable[[], object]) -> int:
    """Return the most bytes that some work held at a time."""
    with Held() as counted:
        work()
    return counted.most
