"""One step of training: a batch, its gradients, an update."""

import math
from contextlib import nullcontext

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor
from torch.nn.parallel import DistributedDataParallel

from loadstore.errors import BadRequest
from loadstore.training.batches import Batch, next_batch
from loadstore.training.corpus import Corpus
from loadstore.training.parameters import close_heads
from loadstore.training.recipe import Phase
from loadstore.training.run import Run

SMOOTH = 0.9


def take_step(run: Run, phase: Phase, corpus: Corpus) -> tuple[float, float]:
    """One batch, one update; returns the loss and the loss of tokens that no repeat makes certain, in nats."""
    recipe, context = run.recipe, run.recipe.context
    close_heads(recipe, phase.open_heads, run.parameters)
    batch = next_batch(corpus, recipe.vocab, phase, run.generator, step=run.at, seed=f"{recipe.seed} {run.phase}")
    offset = int(torch.randint(0, context - phase.length + 1, (1,), generator=run.generator))
    for parameter in run.parameters.values():
        parameter.grad = None
    each = _backward(run, batch, phase.accumulate, offset)
    close_heads(recipe, phase.open_heads, run.parameters)
    run.optimisers.step(phase, run.at)
    if bool(batch.second_copy.any()):
        now = _mean(each[batch.second_copy])
        run.second_copy = now if math.isinf(run.second_copy) else SMOOTH * run.second_copy + (1 - SMOOTH) * now
    run.at, run.step, run.tokens = run.at + 1, run.step + 1, run.tokens + batch.tokens.numel()
    value = float((each * batch.weight).sum())
    if not math.isfinite(value):
        raise BadRequest(f"the loss became {value} at step {run.step}; lower lr or muon_lr in the recipe")
    return value, _mean(each[~batch.second_copy])


def _backward(run: Run, batch: Batch, accumulate: int, offset: int) -> Float[Tensor, "batch token"]:
    """Add the gradients of all parts of a batch; returns the loss of every token of it, in nats.

    The weights of a batch sum over all of it, so that parts, and those of other processes, are added as they are.
    """
    rows = run.group.rows(len(batch.tokens))
    losses: list[Tensor] = []
    for part in torch.arange(rows.start, rows.stop).chunk(accumulate):
        mine = slice(int(part[0]), int(part[-1]) + 1)
        targets = batch.targets[mine]
        last = mine.stop == rows.stop
        machine = run.machine
        with machine.no_sync() if isinstance(machine, DistributedDataParallel) and not last else nullcontext():
            with torch.autocast("cpu", dtype=torch.bfloat16, enabled=run.bfloat16):
                logits = machine(batch.tokens[mine], offset)
            logits = logits.float() if run.bfloat16 else logits
            each = F.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="none").view(targets.shape)
            loss = (each * batch.weight[mine]).sum()
            (loss * run.group.size if run.group.size > 1 else loss).backward()  # which takes the mean over processes
        losses.append(each.detach())
    return run.group.whole(torch.cat(losses))


def _mean(losses: Tensor) -> float:
    return float(losses.mean())
