"""How the scores of a run emerge: its checkpoints, measured one after the other."""

import json
from collections.abc import Callable, Hashable, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import torch

from loadstore.bounds import Within
from loadstore.checkpoints.checkpoint import read_checkpoint
from loadstore.checkpoints.library import load
from loadstore.errors import BadRequest
from loadstore.heads.patterns import ROLES
from loadstore.progress import Progress
from loadstore.quote import quote
from loadstore.training.batches import Batch, next_batch
from loadstore.training.checkpoints import Kept, kept_checkpoints
from loadstore.training.corpus import Corpus
from loadstore.training.onset import over_runs, with_onsets
from loadstore.training.prepare import ARRAYS, kept
from loadstore.training.recipe import Phase
from loadstore.training.stage import SEQUENCES, Pair, eventual_pair, losses, of_heads, of_pair, places
from loadstore.training.synthetic import made_up_words

if TYPE_CHECKING:
    import xarray as xr

BATCH = 8 * SEQUENCES
Pairs = Annotated[int, Within(3, 1_000)]
Known: TypeAlias = dict[Hashable, Any]
"""What was measured of checkpoints, by file, time and kind of measurement."""


def emergence(
    runs: str | Path | Sequence[str | Path], *, pairs: Pairs = 16, progress: Progress | None = None
) -> "xr.Dataset":
    """Measure every checkpoint that training runs keep, and when each measure formed.

    Args:
        runs: The folder of one run of ``loadstore train``, or the folders of several, such as seeds of one recipe.
        pairs: Pairs of the generated task of induction, on which wires are attributed.
        progress: Called with the checkpoints done and all of them.

    Returns:
        Over ``step`` (coordinate ``tokens``): ``loss`` on held-out data made as the last phase's, ``early_loss`` and
        ``late_loss``, at the 50th and 500th of 512 shares of a sequence, and ``in_context``, the second less the first
        (Olsson et al. 2022); ``second_copy``, the loss of the second copy of random repeats; all in nats. Of the
        induction head that the run ends with and its previous-token head (attributes ``induction_head``,
        ``previous_head``): ``alignment``, ``traffic`` and ``effect`` of the wire to its K, the last by how much the
        induction score falls when it is cut, and ``attribution``, the signed attributions of the circuit, added, in
        units of the task. Over (step, head): the role scores, and ``copying``, Σλ/Σ|λ| of W_E W_OV W_U. Over
        (measure, share): ``onset``, the tokens after which a measure had made 10, 50 and 90 % of its way from the first
        to the last checkpoint. For several runs all of them have a dimension ``run``, and ``typical_onset`` is the
        geometric mean over runs with ``onset_low`` and ``onset_high``, Student's 95 % interval of it (NaN below four
        runs); ``lead`` (earlier, later) is by how many doublings of the tokens one measure is ahead of another at 50 %,
        with ``lead_low`` and ``lead_high``.

    Raises:
        BadRequest: No runs, a run without two checkpoints or of damaged ones, or runs of different machines.

    Example:
        >>> import loadstore as ls
        >>> emerged = ls.experiments.emergence("run/")  # a folder of loadstore train
        >>> emerged.onset.dims
        ('measure', 'share')
    """
    folders = [Path(runs)] if isinstance(runs, str | Path) else [Path(folder) for folder in runs]
    if not folders:
        raise BadRequest("runs is empty; give the folder of at least one run")
    listed = [(folder, kept_checkpoints(folder)) for folder in folders]
    for folder, checkpoints in listed:
        if len(checkpoints) < 2:
            raise BadRequest(f"{quote(folder)} keeps one checkpoint; train on, so that there is a first and a last one")
    done, of = 0, sum(len(checkpoints) for _, checkpoints in listed)
    tables: list[xr.Dataset] = []
    for folder, checkpoints in listed:

        def report(now: int, _: int, before: int = done) -> None:
            if progress is not None:
                progress(before + now, of)

        tables.append(followed(folder, pairs, report))
        done += len(checkpoints)
    return tables[0] if len(tables) == 1 else over_runs(tables, [str(folder) for folder in folders])


def followed(folder: Path, pairs: int, progress: Progress, earlier: Known | None = None) -> "xr.Dataset":
    """Measure the checkpoints that one run keeps now, and when each measure formed.

    Args:
        folder: The folder of the run.
        pairs: Pairs of the task of induction.
        progress: Called with the checkpoints done and all of them.
        earlier: What was measured before. It is completed, so that a run that goes on is measured only where it is new.

    Returns:
        The table of ``emergence`` for one run.

    Raises:
        BadRequest: The run keeps no checkpoints, or damaged ones.
    """
    import xarray as xr

    checkpoints, values = kept_checkpoints(folder), {} if earlier is None else earlier
    card = _card(checkpoints[-1])
    last = load(checkpoints[-1].path)
    pair = eventual_pair(last)
    corpus = kept(folder) if (folder / ARRAYS).exists() else made_up_words(last.architecture.vocab)
    batch = _held_out(corpus, last.architecture.vocab, card["recipe"]["phases"][-1])
    tokens: list[int] = []
    scalars: list[dict[str, float]] = []
    heads: list[dict[str, list[float]]] = []
    for index, checkpoint in enumerate(checkpoints):
        progress(index, len(checkpoints))
        tokens.append(int(_card(checkpoint)["tokens"]))
        of_all, of_circuit, of_each = _measured(checkpoint, batch, pair, pairs, values)
        scalars.append({**of_all, **of_circuit})
        heads.append(of_each)
    progress(len(checkpoints), len(checkpoints))
    early, late = places(batch.tokens.shape[1])
    data: dict[str, Any] = {name: ("step", [row[name] for row in scalars]) for name in scalars[0]}
    data |= {name: (("step", "head"), [row[name] for row in heads]) for name in (*ROLES, "copying")}
    table = xr.Dataset(
        data,
        coords={
            "step": [checkpoint.step for checkpoint in checkpoints],
            "tokens": ("step", tokens),
            "head": [str(head) for head in last.architecture.heads],
        },
        attrs={
            "model": last.name,
            "seed": card["recipe"]["seed"],
            **_named(pair),
            "early": early + 1,
            "late": late + 1,
            "definition": f"in_context: loss at token {late + 1} minus loss at token {early + 1} of a sequence, in "
            f"nats",
        },
    )
    return with_onsets(table)


def _measured(checkpoint: Kept, batch: Batch, pair: Pair | None, pairs: int, earlier: Known) -> tuple[Any, Any, Any]:
    """Losses, the measures of the pair, and the scores of all heads, each from ``earlier`` where it is there."""
    weights = cache(lambda: load(checkpoint.path))
    file = (checkpoint.path, checkpoint.path.stat().st_mtime_ns)

    def once(kind: Hashable, measure: Callable[[], object]) -> object:
        if (key := (file, kind)) not in earlier:
            earlier[key] = measure()
        return earlier[key]

    return (
        once("losses", lambda: losses(weights(), batch)),
        once((pair, pairs), lambda: of_pair(weights(), pair, pairs)),
        once("heads", lambda: of_heads(weights())),
    )


def _named(pair: Pair | None) -> dict[str, str]:
    """The heads of the circuit, empty where a machine has one layer."""
    return {
        "previous_head": "" if pair is None else str(pair.previous),
        "induction_head": "" if pair is None else str(pair.induction),
    }


def _card(checkpoint: Kept) -> dict[str, Any]:
    """What training wrote beside the weights. Raises BadRequest where it is not there."""
    try:
        card = json.loads(read_checkpoint(checkpoint.path).metadata["card"])
        return {"tokens": int(card["tokens"]), "recipe": dict(card["recipe"])}
    except (KeyError, TypeError, ValueError, RecursionError):
        raise BadRequest(
            f"{quote(checkpoint.path)} is not a checkpoint that a run kept (its card is missing); move it away"
        ) from None


def _held_out(corpus: Corpus, vocab: int, facts: dict[str, Any]) -> Batch:
    """Sequences made as those of a phase, of held-out text."""
    stated: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in facts.items()}
    stated |= {"batch": BATCH, "accumulate": 1, "windows": "random"}
    phase = Phase(**stated)
    held = Corpus(corpus.tokenizer, corpus.held_out, corpus.held_out, corpus.documents, corpus.characters)
    return next_batch(held, vocab, phase, torch.Generator().manual_seed(5))
