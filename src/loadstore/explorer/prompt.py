"""A prompt and all its heads: tokens, predictions, attention on the keys of each role, patterns as bytes."""

from collections.abc import Sequence

import numpy as np
import torch

from loadstore.errors import BadRequest
from loadstore.execution.trace import Trace
from loadstore.explorer.requests import HeadRequest, PatternsRequest, RunRequest
from loadstore.explorer.state import Document, Explorer
from loadstore.figures.heads.sinks import sinks_said
from loadstore.heads.patterns import ROLES, mass_on, role_masks
from loadstore.heads.roles import IS_ROLE, bos_of
from loadstore.sites import parse_head
from loadstore.tokenizer.tokens import text_of as label_of

WINDOW = 256  # tokens drawn at once
PREDICTED = 5  # tokens listed for a prediction


def run_prompt(explorer: Explorer, ask: RunRequest) -> Document:
    """Run a text or token ids, or look up a run by name."""
    if ask.run is not None:
        return run_document(explorer, ask.run, explorer.runs.get(ask.run))
    if ask.ids is not None:
        return run_document(explorer, *explorer.runs.make(list(ask.ids)))
    if ask.prompt is not None:
        return run_document(explorer, *explorer.runs.make(ask.prompt))
    return run_document(explorer, *explorer.runs.make(explorer.prompt)) | {"asked": explorer.asked}


def run_document(explorer: Explorer, name: str, trace: Trace) -> Document:
    """The document of a run for the page."""
    strength = attention(trace)
    heads = zip(trace.weights.architecture.heads, strength, strict=True)
    tokens = trace.weights.tokens
    ids: list[int] = trace.tokens[0].tolist()
    begins = int(bool(ids) and ids[0] == bos_of(trace.weights))
    return {
        "run": name,
        "labels": trace.labels,
        "ids": ids,
        "prompt": None if tokens is None else tokens.joined(ids[begins:]),
        "window": WINDOW,
        "strength": strength,
        "inducing": [str(head) for head, shares in heads if mostly(shares, "induction")],
        "repeats": repeats(ids[begins:], begins),
        "next": predicted(trace, len(ids) - 1),
        **({"sinks": said} if (said := sinks_said(trace, trace.weights.architecture.heads).strip()) else {}),
    }


def predicted(trace: Trace, at: int, most: int = PREDICTED) -> list[Document]:
    """The likeliest next tokens after ``at``."""
    logits = trace.logits[at].double()
    probabilities = logits.softmax(-1)
    best = logits.topk(min(most, len(logits)))
    return [
        {"id": index, "text": text_of(trace, index), "logit": logit, "probability": float(probabilities[index])}
        for index, logit in zip(best.indices.tolist(), best.values.tolist(), strict=True)
    ]


def text_of(trace: Trace, index: int) -> str:
    """A token as visible text, or its id if the model has no tokenizer."""
    return label_of(index, trace.weights.tokens)


def attention(trace: Trace) -> list[list[float]]:
    """For each head, in depth order: its attention on the keys of each of ROLES on this prompt."""
    strength: list[list[float]] = []
    for index, layer in enumerate(trace.record.layers):
        masks = role_masks(trace.tokens, bos_of(trace.weights), trace.weights.architecture.window(index))
        shares = torch.stack([mass_on(layer.pattern, masks[role])[0][0] for role in ROLES]).nan_to_num(0.0)
        strength += [[round(share, 4) for share in head] for head in shares.mT.tolist()]
    return strength


def mostly(shares: Sequence[float], role: str) -> bool:
    """Whether a head puts more than half its attention on a role's keys; ``shares`` are in the order of ROLES."""
    return shares[ROLES.index(role)] > IS_ROLE


def repeats(ids: list[int], first: int) -> list[int]:
    """Indices of repeated tokens of the prompt, where induction has a match."""
    seen: set[int] = set()
    indices: list[int] = []
    for index, token in enumerate(ids, first):
        if token in seen:
            indices.append(index)
        seen.add(token)
    return indices


def patterns(explorer: Explorer, ask: PatternsRequest) -> bytes:
    """All heads' patterns in a window: uint8 levels of 1/255, head after head, lower triangles row by row."""
    trace = explorer.trace(ask.run)
    first, last = window(trace, ask.first)
    n = last - first
    corner = torch.ones(n, n, dtype=torch.bool).tril()
    levels = [
        (layer.pattern[0, :, first:last, first:last][:, corner].clamp(0, 1) * 255).round().to(torch.uint8)
        for layer in trace.record.layers
    ]
    return torch.cat(levels).numpy().tobytes()


def window(trace: Trace, first: int | None) -> tuple[int, int]:
    """The range of tokens drawn at once, starting at ``first``. Raises BadRequest."""
    n = trace.tokens.shape[1]
    first = first or 0
    if not 0 <= first < n:
        raise BadRequest(f"first: {first}, and the prompt has tokens 0 to {n - 1}")
    return first, min(n, first + WINDOW)


def head(explorer: Explorer, ask: HeadRequest) -> Document:
    """One head's pattern in full precision within the window, and each query's attention before it."""
    trace = explorer.trace(ask.run)
    name = trace.weights.architecture.check(parse_head(ask.head), trace.weights.name)
    first, last = window(trace, ask.first)
    rows = trace.pattern(name)[first:last].double().numpy()
    return {
        "head": str(name),
        "first": first,
        "rows": [[float(f"{v:.7g}") for v in row[first : first + i + 1]] for i, row in enumerate(rows)],
        "before": [float(v) for v in np.asarray(rows[:, :first].sum(1))],
    }
