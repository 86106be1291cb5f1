"""Results by name: each is computed at its first use and cached."""

from collections.abc import Callable
from threading import Lock
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from loadstore.model.weights import Weights

_Result = TypeVar("_Result")


class Results:
    """Results by name.

    Args:
        known: Existing results.
    """

    def __init__(self, **values: Any) -> None:
        self._lock = Lock()
        self._known: dict[str, Any] = values

    def once(self, name: str, compute: Callable[[], _Result]) -> _Result:
        """Return the result of that name.

        Args:
            name: The name of the result; one name always denotes one computation.
            compute: Computes it. Two threads may both do so, and both get the result that was ready first.
        """
        with self._lock:
            if name in self._known:
                return self._known[name]
        result = compute()
        with self._lock:
            return self._known.setdefault(name, result)


_RESULTS: WeakKeyDictionary[Weights, Results] = WeakKeyDictionary()


def results_of(weights: Weights) -> Results:
    """The results that depend on a model alone, shared by report, notebook and explorer while the model is in use."""
    return _RESULTS.setdefault(weights, Results())
