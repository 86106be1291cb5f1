"""A file of pairs that a random model solves: targets are chosen so that each prompt of a pair decides for its own."""

import json
from pathlib import Path

import torch

from loadstore.execution.run import run
from loadstore.model.weights import Weights


def solvable(model: Weights, path: Path, pairs: int = 8, length: int = 6) -> Path:
    """Write pairs of token ids with m(clean) > 0 > m(counterfactual); they differ from the third token on."""
    generator = torch.Generator().manual_seed(0)
    vocab = model.architecture.vocab
    lines: list[str] = []
    for _ in range(100 * pairs):
        clean = torch.randint(vocab, (length,), generator=generator).tolist()
        other = [*clean[:2], *torch.randint(vocab, (length - 2,), generator=generator).tolist()]
        first, second = (run(model, ids).logits[-1] for ids in (clean, other))
        difference = first[:, None] - first
        works = (difference > 0) & (second[:, None] - second < 0)
        if clean == other or not bool(works.any()):
            continue
        gain = (difference - (second[:, None] - second)) * works
        good, bad = divmod(int(gain.argmax()), vocab)
        lines.append(json.dumps({"clean": clean, "counterfactual": other, "good": good, "bad": bad}))
        if len(lines) == pairs:
            path.write_text("\n".join(lines))
            return path
    raise AssertionError("the model decides for the same tokens after all prompts")
