"""Cuts a wire or ablates a writer on one prompt: prediction and address before and after, and controls."""

from collections.abc import Callable, Sequence

from torch import Tensor

from loadstore.causal.beyond import reaching
from loadstore.causal.controls import controls_of, nearest, sizes_on, store_size
from loadstore.causal.engine import rerun, reruns
from loadstore.decomposition.single import one_prompt_index
from loadstore.errors import BadRequest, Undefined
from loadstore.execution.edits import Ablate, By, Cut, ablate, cut
from loadstore.execution.trace import Trace
from loadstore.explorer.address import head_of
from loadstore.explorer.prompt import PREDICTED, text_of
from loadstore.explorer.requests import AblateEdit, ControlsRequest, CutEdit, EffectRequest
from loadstore.explorer.state import Document, Explorer
from loadstore.figures.prediction.address import pattern_row
from loadstore.figures.words import plural
from loadstore.model.target import target_id
from loadstore.model.wiring import wiring
from loadstore.progress import Progress
from loadstore.sites import Head
from loadstore.views.base import View
from loadstore.views.pictures import address as address_view

CONTROLS = 12  # control wires or writers for an edit


def effect(explorer: Explorer, ask: EffectRequest) -> Document:
    """The prediction after ``after``, and the row of ``head`` at ``at``, with and without edits.

    ``after`` defaults to ``at``, and ``predict`` (a token's id or text) to the likeliest token there.
    ``edits`` are {"kind": "cut", writer, reader} and {"kind": "ablate", writer}; ``by`` is "mean" (of the writer's
    stores on this prompt without the first token) or "zero". Raises the errors of ``ls.run`` for edits that do not fit.
    """
    trace = explorer.trace(ask.run)
    at = one_prompt_index(trace, ask.at)
    asked, predict = _asked(trace, ask, at)
    edits = edits_of(trace, ask.edits, ask.by or "mean")
    head = None if ask.head is None else head_of(trace, ask.head)
    after = rerun(trace, edits)
    intact, edited = trace.logits[asked].double(), after.logits[asked].double()
    most = min(PREDICTED, len(intact))
    likely = [*intact.topk(most).indices.tolist(), *edited.topk(most).indices.tolist()]
    listed = list(dict.fromkeys([predict, *likely]))
    before, then = intact.log_softmax(-1), edited.log_softmax(-1)
    return {
        "at": asked,
        "edits": [str(edit) for edit in edits],
        "by": _replaced(trace, edits[0].by),
        "target": {"id": predict, "text": text_of(trace, predict)},
        "change": float(then[predict] - before[predict]),
        "kl": float((before.exp() * (before - then)).sum()),
        "tokens": [
            {
                "id": index,
                "text": text_of(trace, index),
                "before": {"logit": float(intact[index]), "probability": float(before[index].exp())},
                "after": {"logit": float(edited[index]), "probability": float(then[index].exp())},
            }
            for index in listed
        ],
        "sentence": None if head is None else _rows(trace, after, head, at),
    }


def _asked(trace: Trace, ask: ControlsRequest, at: int) -> tuple[int, int]:
    """Return the index of the token whose next token is predicted, and the id of the predicted token."""
    after = one_prompt_index(trace, at if ask.after is None else ask.after)
    return after, int(trace.logits[after].argmax()) if ask.predict is None else target_id(trace.weights, ask.predict)


def edits_of(trace: Trace, wanted: Sequence[CutEdit | AblateEdit], by: By) -> list[Ablate | Cut]:
    """The edits of a request. Raises BadRequest, NoSuchSite, NoSuchWire."""
    if not wanted:
        raise BadRequest("edits: expected at least one")
    network = wiring(trace.weights)
    return [
        cut(*network.wire(edit.writer, edit.reader), by=by)
        if isinstance(edit, CutEdit)
        else ablate(network.writer(edit.writer), by=by)
        for edit in wanted
    ]


def _rows(trace: Trace, after: Trace, head: Head, at: int) -> View:
    """One head's row, intact and edited."""
    rows = [pattern_row("before", trace, head, at), pattern_row("after", after, head, at)]
    return address_view(f"{head}@{trace.labels[at]} before and after", trace.labels, rows)


def _replaced(trace: Trace, by: By) -> str:
    """The replacement of a store, in words (docs/interventions.md)."""
    later = trace.tokens.shape[1] - 1
    if by == "zero":
        return "by zero at every token"
    if later == 0:
        return "by its mean over the only token of this prompt, which leaves it unchanged"
    return f"by its mean over the {plural(later, 'token')} of this prompt after the first"


def controls(explorer: Explorer, ask: ControlsRequest) -> Callable[[Progress], Document]:
    """The same edit at other sites, for the same prediction as in ``effect``: the null of an effect.

    A cut wire is compared with wires into the same kind of reader with similar traffic on this prompt, each cut alone.
    An ablated writer is compared with others of its kind in its layer, the most similar variance first.
    """
    trace = explorer.trace(ask.run)
    at, predict = _asked(trace, ask, one_prompt_index(trace, ask.at))
    edits = edits_of(trace, ask.edits, ask.by or "mean")
    if len(edits) != 1:
        raise BadRequest("edits: controls are for one edit")
    edit = edits[0]

    def work(progress: Progress) -> Document:
        others, what = _cuts(trace, edit) if isinstance(edit, Cut) else _ablations(trace, edit)
        changes, done = [0.0] * (1 + len(others)), 0
        for batch in reruns(trace, [[edit], *([other] for other in others)], at=at):
            for index, logits in zip(batch.places, batch.logits[:, 0], strict=True):
                changes[index] = _change(trace.logits[at], logits, predict)
            done += len(batch.places)
            progress(done, len(changes))
        own, *moved = changes
        controls = [{"edit": str(other), "change": change} for other, change in zip(others, moved, strict=True)]
        return {"what": what, "own": own, "controls": controls, "as_large": reaching(abs(own), moved)}

    return work


def _change(intact: Tensor, edited: Tensor, target: int) -> float:
    """The change of a token's log-probability, from the logits at one place."""
    before, then = (float(logits.double().log_softmax(-1)[target]) for logits in (intact, edited))
    return then - before


def _cuts(trace: Trace, edit: Cut) -> tuple[Sequence[Ablate | Cut], str]:
    wire = edit.writer, edit.reader
    chosen = controls_of(wire, CONTROLS, sizes_on(trace), wiring(trace.weights).readers)
    return [cut(*other, by=edit.by) for other in chosen.wires], "wires that carry as much on this prompt"


def _ablations(trace: Trace, edit: Ablate) -> tuple[Sequence[Ablate | Cut], str]:
    writer = edit.writer
    same = [
        writer_of_layer
        for writer_of_layer in wiring(trace.weights).writers
        if (writer_of_layer.kind, writer_of_layer.layer) == (writer.kind, writer.layer)
    ]
    others = [writer_of_layer for writer_of_layer in same if writer_of_layer != writer]
    if not others:
        raise Undefined(f"no other writer stores in the way that {writer} does, so there is nothing to compare with")
    size = {writer_of_layer: store_size(trace, writer_of_layer) for writer_of_layer in same}
    if not size[writer] > 0:
        raise Undefined(f"{writer} stores the same at every token of this prompt, so no other store varies as much")
    chosen = nearest(size[writer], {writer_of_layer: size[writer_of_layer] for writer_of_layer in others}, CONTROLS)
    return [ablate(writer_of_layer, by=edit.by) for writer_of_layer in chosen], f"other heads of layer {writer.layer}"
