"""Checks that edits fit the model, the prompt and each other."""

from collections.abc import Hashable, Sequence
from itertools import combinations

from loadstore.errors import BadPrompt, BadRequest
from loadstore.execution.edits import Ablate, Cut, Deny, Edit, Freeze, Replacing, reader_of, source_of
from loadstore.execution.lifted import lifted
from loadstore.execution.plan import frozen_heads, strongest
from loadstore.execution.record import Pass
from loadstore.execution.several import streams
from loadstore.model.opened import whole_mlps
from loadstore.model.weights import Weights
from loadstore.model.wiring import wiring
from loadstore.quote import quote
from loadstore.sites import Reader


def check(prompts: Pass, edits: Sequence[Edit]) -> None:
    """Raise NoSuchSite, NoSuchWire, BadPrompt, BadRequest or Undefined if one run cannot make all of these edits."""
    weights = prompts.weights
    network = wiring(weights)
    for edit in edits:
        if isinstance(edit, Deny):
            _denied(weights, edit)
            continue
        if isinstance(edit, Freeze):
            frozen_heads(weights, edit)
        elif (reader := reader_of(edit)) is None:
            if edit.writer not in streams(weights):
                network.writer(edit.writer)
        else:
            network.wire(edit.writer, reader)
        if not isinstance(edit, Freeze):
            _places(weights, min(prompts.lengths), edit)
        if not isinstance(edit, Ablate | Cut) or edit.over is not None:
            _source(prompts, edit, source_of(edit))
    for length in set(prompts.lengths):
        _conflicts(weights, length, strongest(edits))


def _denied(weights: Weights, edit: Deny) -> None:
    """Check that the denied site exists and that the rows fit the stream."""
    whole_mlps(weights, "rights are denied")
    network, d = wiring(weights), weights.architecture.d_model
    rows = edit.rows
    if rows.dim() != 2 or rows.shape[1] != d or not bool(rows.isfinite().all()):
        raise BadRequest(f"{edit}: expected finite rows of {d} numbers")
    if isinstance(edit.site, Reader):
        network.reader(edit.site)
        return
    network.writer(edit.site)


def _places(weights: Weights, length: int, edit: Replacing) -> None:
    for at in edit.at or ():
        if not -length <= at < length:
            raise BadRequest(f"{edit}: there is no token {at}: the prompt has tokens 0 to {length - 1}")
    if edit.channel is not None:
        lifted(weights, edit.writer, edit.channel, reader_of(edit))


def _source(prompts: Pass, edit: Edit, source: Pass | None) -> None:
    """Check the run that an edit takes from: same model, and equal lengths if positions are matched one by one."""
    weights, tokens = prompts.weights, prompts.tokens
    others = getattr(source, "tokens", None)
    if source is None or others is None or not hasattr(source, "record"):
        raise BadRequest(
            f"{edit}: expected a run to take stores from, run(model, prompts); got {quote(repr(source), 40)}"
        )
    if source.weights is not weights:
        raise BadRequest(
            f"{edit}: the other run is of another model ({source.weights.name}, not {weights.name}); "
            "load one and run both on it"
        )
    if isinstance(edit, Ablate | Cut) and edit.by == "mean":
        if others.shape[1] < 2:
            raise BadRequest(
                f"{edit}: the reference is empty: its first position is left out, and its prompts have no other token"
            )
        return
    if others.shape[1] != tokens.shape[1]:
        raise BadPrompt(
            f"{edit}: the other run has {others.shape[1]} tokens, this prompt {tokens.shape[1]}; positions are matched "
            "one by one, so give prompts of equal length"
        )
    if prompts.padded or source.padded:
        _equally_long(prompts, edit, source)
    if not isinstance(edit, Ablate | Cut) and len(others) not in (1, len(tokens)):
        raise BadPrompt(
            f"{edit}: the other run has {len(others)} prompts, not {len(tokens)} as this one; give as many, or one"
        )


def _equally_long(prompts: Pass, edit: Edit, source: Pass) -> None:
    """Raise BadPrompt unless every prompt is matched with one of the same length."""
    mine, others = prompts.lengths, source.lengths
    if not isinstance(edit, Ablate | Cut) and mine == others:
        return
    pair = next((length, other) for other in others for length in mine if length != other)
    raise BadPrompt(
        f"{edit}: prompts of {pair[0]} and of {pair[1]} tokens would be matched; positions are matched one by one, so "
        "give the other run a prompt as long for each prompt"
    )


def _conflicts(weights: Weights, length: int, edits: Sequence[Edit]) -> None:
    groups: dict[Hashable, list[Edit]] = {}
    for edit in edits:
        if isinstance(edit, Freeze):
            places: list[Hashable] = [edit.what] if edit.what == "norms" else list(frozen_heads(weights, edit))
        elif isinstance(edit, Deny):
            places = []
        else:
            places = [(edit.writer, reader_of(edit))]
        for token in places:
            groups.setdefault(token, []).append(edit)
    for group in groups.values():
        for first, other in combinations(group, 2):
            if _overlap(length, first, other):
                raise BadRequest(f"two edits put different things in the same place: {first}, and {other}; keep one")


def _overlap(length: int, this: Edit, other: Edit) -> bool:
    if isinstance(this, Freeze | Deny) or isinstance(other, Freeze | Deny):
        return source_of(this) is not source_of(other)
    first, second = (range(length) if edit.at is None else [at % length for at in edit.at] for edit in (this, other))
    if this.channel is not None and other.channel is not None and set(this.channel).isdisjoint(other.channel):
        return False
    return not set(first).isdisjoint(second)
