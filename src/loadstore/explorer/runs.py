"""The prompts that were run, by opaque names; a link carries the name in place of the prompt."""

import secrets
from collections import OrderedDict
from dataclasses import dataclass
from threading import Lock

from loadstore.execution.run import as_tokens, run
from loadstore.execution.trace import Trace
from loadstore.model.weights import Weights

NAMES = 4096  # prompts kept as token ids
RECORDED = 256 * 2**20  # bytes of recorded runs; the newest is kept whatever its size
TOKENS = 1024  # maximum tokens of a prompt
PATTERNS = 2**29  # bytes of the patterns of one run


class NoSuchRun(LookupError):
    """A name that this server does not know or has dropped."""


class TooLong(ValueError):
    """A prompt too long for the explorer but not for the model, with its number of tokens and the maximum."""

    def __init__(self, tokens: int, most: int) -> None:
        """Build the message from both numbers."""
        super().__init__(
            f"the prompt has {tokens} tokens; the explorer shows at most {most} of this model. Shorten it."
        )


@dataclass(frozen=True, eq=False)
class Kept:
    """A recorded run and its size in bytes."""

    trace: Trace
    size: int


class Runs:
    """Runs of one model, shared by all requests; the oldest are dropped first."""

    def __init__(self, weights: Weights) -> None:
        """Start without runs."""
        self._weights = weights
        self._lock = Lock()
        self._names: OrderedDict[tuple[int, ...], str] = OrderedDict()
        self._prompts: OrderedDict[str, tuple[int, ...]] = OrderedDict()
        self._kept: OrderedDict[str, Kept] = OrderedDict()

    @property
    def most(self) -> int:
        """The maximum number of tokens of a prompt."""
        shape = self._weights.architecture
        room = int((PATTERNS / (4 * shape.n_layers * shape.n_heads)) ** 0.5)
        return max(1, min(shape.context, TOKENS, room))

    def make(self, prompt: str | list[int]) -> tuple[str, Trace]:
        """Run a prompt, or look up its run. Raises BadPrompt, Undefined, TooLong."""
        tokens, _ = as_tokens(self._weights, prompt)
        ids = tuple(tokens[0].tolist())
        if len(ids) > self.most:
            raise TooLong(len(ids), self.most)
        with self._lock:
            name = self._names.get(ids) or secrets.token_hex(6)
            self._names[ids], self._prompts[name] = name, ids
            self._names.move_to_end(ids)
            while len(self._names) > NAMES:
                _, gone = self._names.popitem(last=False)
                self._prompts.pop(gone, None)
                self._kept.pop(gone, None)
        return name, self.get(name)

    def get(self, name: str) -> Trace:
        """The recorded run with that name, run again if its record was dropped. Raises NoSuchRun."""
        with self._lock:
            ids = self._prompts.get(name)
            if ids is None:
                raise NoSuchRun(name)
            if name in self._kept:
                self._kept.move_to_end(name)
                return self._kept[name].trace
        trace = run(self._weights, list(ids), record=True)
        with self._lock:
            self._kept[name] = Kept(trace, _size(trace))
            while len(self._kept) > 1 and sum(kept.size for kept in self._kept.values()) > RECORDED:
                self._kept.popitem(last=False)
        return trace


def _size(trace: Trace) -> int:
    """The approximate size of a recorded run, in bytes."""
    shape, n = trace.weights.architecture, trace.tokens.shape[1]
    each = shape.n_heads * n + 4 * shape.n_heads * shape.d_head + 6 * shape.d_model
    return 4 * n * (shape.n_layers * each + shape.vocab)
