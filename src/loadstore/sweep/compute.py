"""Computes one item, on one thread, in whichever process it is asked; a failure becomes its reason."""

import resource
import sys
import time
from dataclasses import dataclass
from functools import lru_cache

import torch

from loadstore.checkpoints.library import load
from loadstore.errors import BadRequest, LoadstoreError
from loadstore.model.weights import Weights
from loadstore.quote import quote
from loadstore.sweep.analyses import analyse
from loadstore.sweep.item import Item, content_of, key_of
from loadstore.sweep.result_file import packed

UNIT = 1 if sys.platform == "darwin" else 1024  # bytes of ru_maxrss


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an item ended.

    Args:
        key: The key of the item.
        reason: Why it failed; empty if it did not.
        seconds: How long it took, with the opening of its checkpoint.
        peak: The largest memory that its process has had so far, in bytes.
    """

    key: str
    reason: str = ""
    seconds: float = 0.0
    peak: int = 0


def compute(item: Item, suffix: str) -> tuple[bytes, Outcome]:
    """Compute an item: the bytes of its result file, empty if it failed, and how it ended."""
    start, threads = time.monotonic(), torch.get_num_threads()
    torch.set_num_threads(1)  # the same sums in the same order, however many items run beside this one
    try:
        weights = _opened(item.model, item.content)
        if key_of(item.content, item.analysis, item.options, item.layers) != item.key:
            raise BadRequest("the texts that it reads have changed since the sweep began; run the sweep again")
        data, reason = packed(analyse(weights, item.analysis, item.options, item.layers), item.key, suffix), ""
    except LoadstoreError as error:
        data, reason = b"", str(error)
    except Exception as error:  # no failure of one item may stop the others
        data, reason = b"", quote(f"{type(error).__name__}: {error}")
    finally:
        torch.set_num_threads(threads)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * UNIT
    return data, Outcome(item.key, reason, time.monotonic() - start, peak)


@lru_cache(1)
def _opened(model: str, content: str) -> Weights:
    """The checkpoint, as it was when the sweep began; kept, as the next item is probably of the same one."""
    weights = load(model)
    if content_of(weights) != content:
        raise BadRequest(f"{quote(model)} has changed since the sweep began; run the sweep again")
    return weights
