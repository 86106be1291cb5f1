"""Prompts of unequal length in one batch: each gives what it gives alone, and NaN behind its end."""

import torch
from close import assert_close
from each import each
from tiny import FEW, Kind, tiny

import loadstore as ls
from loadstore.execution.kinds import Asked

PROMPTS = [[3, 1, 4, 1, 5, 9, 2, 6, 5], [2, 7, 1, 8], [1, 6, 1, 8, 0, 3]]
OTHERS = [[2, 1, 4, 3, 5, 8, 2, 6, 6], [1, 7, 0, 8], [5, 6, 9, 8, 0, 1]]


def edits_of(source: ls.Trace, reference: ls.Trace) -> list[Asked]:
    """Edits of every kind that do not take a mean over the batch."""
    return [
        ls.ablate("L0.H1", by="zero", at=[0, -1]),
        ls.ablate("L1.H*", over=reference, at=-2),
        ls.cut(["L0.H0", "embed"], "L2.H1.?", by="zero"),
        ls.patch("L0.H2", source, at=-1),
        ls.patch("L1.stream", source, at=-1),
    ]


@each("kind", FEW, ids=str)
def test_each_prompt_of_a_batch_gives_what_it_gives_alone(kind: Kind) -> None:
    model = tiny(kind)
    reference, together = ls.run(model, [3, 5, 2, 4, 1]), ls.run(model, OTHERS)
    batch = ls.run(model, PROMPTS, edits_of(together, reference))
    for index, (prompt, other) in enumerate(zip(PROMPTS, OTHERS, strict=True)):
        alone = ls.run(model, prompt, edits_of(ls.run(model, other), reference))
        mine, length = batch.prompt(index), len(prompt)
        assert_close(mine.logits, alone.logits)
        assert_close(batch.logits[index, :length], alone.logits)
        assert_close(batch.pattern("L1.H1")[index, :length, :length], alone.pattern("L1.H1"))
        assert_close(mine.scores("L2.H0"), alone.scores("L2.H0"))
        assert_close(mine.written("L1.H2"), alone.written("L1.H2"))
        assert_close(mine.residual(2), alone.residual(2))
        behind = [
            batch.logits,
            batch.pattern("L1.H1"),
            batch.written("embed"),
            batch.residual(3),
            batch.scores("L0.H0"),
        ]
        assert all(bool(value[index, length:].isnan().all()) for value in behind)


@each("kind", FEW[3:6], ids=str)
def test_a_mean_of_the_run_leaves_the_padding_out(kind: Kind) -> None:
    model = tiny(kind)
    batch = ls.run(model, PROMPTS, record=True)
    for writer in ("embed", "L1.H0"):
        stores = [ls.run(model, prompt).written(writer)[1:] for prompt in PROMPTS]
        edited = ls.run(model, PROMPTS, [ls.ablate(writer)])
        assert_close(edited.prompt(1).written(writer), torch.cat(stores).mean(0).expand(4, -1))
        over = ls.run(model, PROMPTS[1], [ls.ablate(writer, over=batch)])
        assert_close(over.logits, edited.prompt(1).logits)
