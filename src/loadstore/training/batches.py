"""Batches: windows of text, and random blocks of tokens repeated."""

import hashlib
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from loadstore.axes import Tokens
from loadstore.training.corpus import Corpus
from loadstore.training.recipe import Phase


@dataclass(frozen=True)
class Batch:
    """Tokens [batch, token], what each should predict, and the weight of each prediction (summing to about 1)."""

    tokens: Tokens
    targets: Int[Tensor, "batch token"]
    weight: Float[Tensor, "batch token"]
    second_copy: Bool[Tensor, "batch token"]


def text_windows(ids: np.ndarray, bos: int, count: int, length: int, generator: torch.Generator) -> Tokens:
    """Windows of ``length`` + 1 tokens from random places, BOS first."""
    starts = torch.randint(0, len(ids) - length, (count,), generator=generator)
    return _windows(ids, bos, starts.tolist(), length)


def packed_windows(ids: np.ndarray, bos: int, count: int, length: int, step: int, seed: str) -> Tokens:
    """The windows of batch ``step``, BOS first: an epoch has each window of the text once, in an order of its own.

    Windows follow each other without a gap, across documents; an epoch begins at another token of the first window.
    What a batch holds follows from its number and the seed alone, so that a resumed run needs no more than those.
    """
    each = (len(ids) - length + 1) // length
    starts: list[int] = []
    for number in range(step * count, (step + 1) * count):
        epoch, index = divmod(number, each)
        order, first = _epoch(each, length, f"{seed} {epoch}")
        starts.append(first + length * int(order[index]))
    return _windows(ids, bos, starts, length)


@lru_cache(maxsize=2)
def _epoch(windows: int, length: int, seed: str) -> tuple[Tensor, int]:
    """The order of the windows of an epoch, and the token at which its first window begins."""
    generator = torch.Generator().manual_seed(int.from_bytes(hashlib.sha256(seed.encode()).digest()[:7], "big"))
    first = int(torch.randint(0, length, (1,), generator=generator))
    return torch.randperm(windows, generator=generator), first


def _windows(ids: np.ndarray, bos: int, starts: list[int], length: int) -> Tokens:
    windows = np.stack([ids[start : start + length] for start in starts]).astype(np.int64)
    return torch.cat([torch.full((len(starts), 1), bos), torch.from_numpy(windows)], 1)


def repeated_blocks(
    vocab: int, bos: int, count: int, length: int, block: tuple[int, int], generator: torch.Generator
) -> tuple[Tokens, Bool[Tensor, "batch target"]]:
    """Random blocks repeated to ``length`` + 1 tokens, BOS first, and which predictions a repeat makes certain."""
    tokens = torch.full((count, length + 1), bos)
    certain = torch.zeros(count, length, dtype=torch.bool)
    sizes = torch.randint(block[0], block[1] + 1, (count,), generator=generator)
    for row, size in enumerate(sizes.tolist()):
        piece = torch.randint(0, vocab - 1, (size,), generator=generator)
        piece = piece + (piece >= bos)
        tokens[row, 1:] = piece.repeat(-(-length // size))[:length]
        certain[row, size + 1 :] = True
    return tokens, certain


def next_batch(
    corpus: Corpus, vocab: int, phase: Phase, generator: torch.Generator, *, step: int = 0, seed: str = ""
) -> Batch:
    """Batch ``step`` of a phase: its share of repeats, the rest text; ``seed`` decides the order of packed windows."""
    repeats = round(phase.batch * phase.repeats)
    parts: list[Tensor] = []
    weights: list[Tensor] = []
    masks: list[Tensor] = []
    if repeats < phase.batch:
        ids, count = corpus.train, phase.batch - repeats
        if phase.windows == "packed":
            texts = packed_windows(ids, corpus.bos, count, phase.length, step, seed)
        else:
            texts = text_windows(ids, corpus.bos, count, phase.length, generator)
        mask = texts[:, 1:] != corpus.bos
        parts.append(texts)
        weights.append(mask / mask.sum())
        masks.append(torch.zeros_like(mask))
    if repeats:
        tokens, certain = repeated_blocks(vocab, corpus.bos, repeats, phase.length, phase.block, generator)
        parts.append(tokens)
        weights.append(phase.repeat_weight * certain / certain.sum())
        masks.append(certain)
    tokens = torch.cat(parts)
    return Batch(tokens[:, :-1], tokens[:, 1:], torch.cat(weights), torch.cat(masks))
