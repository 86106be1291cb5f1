"""Weights of a live decoder that no family is for: pieces found in one pass, then verified in others.

Names of submodules decide nothing. A piece is what its inputs and results in a pass say, and the whole is what the
model's own logits and patterns confirm. Nothing is executed but the model's forward pass.
"""

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn

from loadstore.checkpoints.checkpoint import Checkpoint
from loadstore.checkpoints.structure.blocks import Block, block_of, names_of_blocks
from loadstore.checkpoints.structure.build import built
from loadstore.checkpoints.structure.differs import differs, rounding
from loadstore.checkpoints.structure.entry import entry_of
from loadstore.checkpoints.structure.exits import exit_of
from loadstore.checkpoints.structure.heads import Subject
from loadstore.checkpoints.structure.hints import Hints
from loadstore.checkpoints.structure.passes import Pass, copied, eager, passed
from loadstore.checkpoints.structure.scores import window_of
from loadstore.checkpoints.structure.verify import Samples, longest_of, verified
from loadstore.errors import NotThisModel
from loadstore.model.weights import Weights
from loadstore.quote import quote

LOOKED_AT = 29  # tokens of the pass in which pieces are found


class ByStructure(UserWarning):
    """A model that no family is for was recognised by its structure and verified up to a length."""


def words(weights: Weights) -> str:
    """The warning in one line."""
    shape, compared = weights.architecture, weights.compared
    return (
        f"{weights.name} belongs to no family that loadstore knows; it was recognised by its structure and verified "
        f"against the live model ({compared}) in prompts of up to {shape.context} tokens; longer ones are refused"
    )


def recognised(model: nn.Module, checkpoint: Checkpoint) -> Weights:
    """Return the weights of a live decoder that no family is for, verified against it.

    Args:
        model: The live model of ``transformers``. It is not changed; it runs in a copy that shares its parameters.
        checkpoint: Its config, and its name for messages.

    Returns:
        Weights whose context is the number of tokens that were verified, with the comparison.

    Raises:
        NotThisModel: A piece is not one that loadstore computes, or results differ. The message names the first.
    """
    config = checkpoint.config or {}
    try:
        return _found(model, Hints.of(config))
    except NotThisModel as error:
        kind = quote(config.get("model_type"), 40)
        raise NotThisModel(
            f"{checkpoint.path}: there is no family for model_type '{kind}', and its structure is not one that "
            f"loadstore computes: {error}{_remedy(model)}"
        ) from None


def _remedy(model: nn.Module) -> str:
    """What to try with a model in float64: parts of it may round to float32, which float64 does not tolerate."""
    wide = any(parameter.dtype == torch.float64 for parameter in model.parameters())
    return "; if parts of it round to float32, load model.float()" if wide else ""


def _found(model: nn.Module, hints: Hints) -> Weights:
    """Find the pieces in one pass, and verify what is built of them."""
    own = copied(model)
    explicit = copied(own)
    eager(explicit)
    vocab, most = _vocab(model, hints), longest_of(hints, None)
    tokens = torch.randint(vocab, (1, min(LOOKED_AT, most)), generator=torch.Generator().manual_seed(1))
    seen = passed(explicit, tokens, [name for name, _ in explicit.named_modules() if name])
    subject = Subject(explicit, hints, rounding(seen.patterns, _unlearned(explicit, seen)))
    names = names_of_blocks(explicit, seen)
    blocks = _blocks(subject, seen, names)
    outside = [call for call in seen.calls if not any(f"{call.name}.".startswith(f"{name}.") for name in names)]
    entry = entry_of(subject, seen, seen.only(names[0]).given, outside)
    leaving = exit_of(subject, seen, seen.only(names[-1]).result, outside)
    longest = longest_of(hints, entry.most(model))
    samples = Samples(vocab, longest, hints.special, sum(each.numel() for each in model.parameters()))
    windows = [window_of(pattern) for pattern in passed(explicit, samples.batches()[0]).patterns]
    weights = built(model, entry, blocks, leaving, windows, longest)
    comparison = verified(weights, own, explicit, names, blocks, samples, subject.eps)
    return replace(weights, compared=comparison, by_structure=True)


def _blocks(subject: Subject, seen: Pass, names: Sequence[str]) -> list[Block]:
    """What is inside every block; projections are read in all as in the first."""
    blocks: list[Block] = []
    for layer, name in enumerate(names):
        blocks.append(block_of(subject, seen, layer, name, blocks[0] if blocks else None))
    return blocks


def _unlearned(model: nn.Module, seen: Pass) -> list[Tensor]:
    """Results of submodules without parameters that are not copies of their inputs."""
    own = {name for name, module in model.named_modules() if next(module.parameters(), None) is None}
    changed = [call.result for call in seen.calls if call.name in own and call.changes]
    return [result for result in changed if result.is_floating_point() and bool((result != result.round()).any())]


def _vocab(model: nn.Module, hints: Hints) -> int:
    """How many ids to draw from: the config's vocab_size, else the rows of the first embedding. Raises NotThisModel."""
    stated = [value for key, value in hints.entries if key == "vocab_size" and type(value) is int and value > 0]
    rows = [module.num_embeddings for module in model.modules() if isinstance(module, nn.Embedding)]
    if not rows:
        raise differs("embedding", "a table with a row for every token", "none")
    return min(rows[0], *stated)
