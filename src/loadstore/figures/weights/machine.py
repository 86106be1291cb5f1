"""The machine: its stream as a bus, the sites that load from it and those that store to it."""

from collections.abc import Sequence

from loadstore.figures.subject.story import Story
from loadstore.figures.wires.pieces import LEVEL, wire
from loadstore.figures.words import plural
from loadstore.model.mlp_facts import Mlp
from loadstore.sites import Head
from loadstore.views.model import Figure, figure, reading
from loadstore.views.pictures import Composition, Source, diagram, step

MOST_LAYERS = 4  # maximum layers that remain legible; the layers of the report's heads are kept


def machine_figure(story: Story) -> Figure:
    """One head of each layer, preferably the report's, and the number of the others."""
    shape = story.weights.architecture
    short = shape.positions_bypass_norm
    steps = [step("embed", "embed", f"W_E {shape.vocab:,} × {shape.d_model}", stores="a row of W_E")]
    if shape.has_pos:
        stores = None if short else "a row of W_pos"
        steps.append(step("pos", "pos", f"W_pos {shape.context:,} × {shape.d_model}", stores=stores))
    for head in _heads(story):
        loads: Sequence[tuple[str, Source]] = [("Q", "stream"), ("K", "stream"), ("V", "stream")]
        if short:
            loads = [*loads, ("Q", "pos"), ("K", "pos")]
        detail = f"Q, K, V {shape.d_model} × {shape.d_head}, O {shape.d_head} × {shape.d_model}"
        steps.append(step(str(head), "head", detail, loads, "A · x · W_OV", more=shape.n_heads - 1))
        if shape.mlp is not None:
            inside = f"in {shape.d_model} × {shape.width(head.layer):,}{', gated' if shape.mlp.gated else ''}"
            steps.append(step(f"L{head.layer}.mlp", "mlp", inside, [("in", "stream")], "act(x · W_in) · W_out"))
    steps.append(step("unembed", "unembed", f"W_U {shape.d_model} × {shape.vocab:,}", [("logits", "stream")]))
    composed = composition(story)
    n = len(story.trace.labels)
    drawn, heads = len(_heads(story)), shape.n_layers * shape.n_heads
    hidden = shape.n_layers - drawn
    mlps = "" if shape.mlp is None else f" {_mlps_load(shape.n_layers)}"
    claim = (
        f"{story.weights.name} has {plural(shape.n_layers, 'layer')} of {plural(shape.n_heads, 'head')}. The stream of "
        f"this prompt is a memory of {plural(n, 'token')} × {shape.d_model} numbers: "
        f"{'the head' if heads == 1 else f'each of the {heads:,} heads'} loads from it three times (Q, K and V) and "
        f"stores once.{mlps}" + ("" if composed is None else f" In colour: K-composition. {_found(composed)}.")
    )
    beside = [] if shape.n_heads == 1 else ["heads of one layer load in parallel and do not see each other's stores"]
    beside += [] if shape.mlp is None else [_mlps(shape.mlp, shape.n_heads)]
    beside += [] if shape.n_heads == 1 else ["one head of each layer is drawn"]
    beside += [f"{plural(hidden, 'layer')} of {shape.n_layers} left out"] if hidden else []
    sentence = "; ".join(beside)
    note = reading(
        (f"{sentence[0].upper()}{sentence[1:]}. " if sentence else "")
        + f"{POSITIONS[shape.positions]}"
        + (" Every load goes through a norm, whose gain belongs to the reader." if shape.norm != "none" else "")
    )
    return figure(
        "Machine",
        "The machine",
        claim,
        [
            diagram(
                "Loads and stores",
                f"residual stream: {plural(n, 'token')} × {shape.d_model}",
                steps,
                [] if composed is None else [composed],
            )
        ],
        note,
    )


def _found(composed: Composition) -> str:
    return f"The K of {composed.reader} can find tokens by what {composed.writer} stored there"


def composition(story: Story) -> Composition | None:
    """K-composition: the wire from the previous-token head to the K of the induction head.

    Args:
        story: The model, and the heads of the report.

    Returns:
        The wire, or None unless both heads are drawn and have their roles and the wire is aligned above chance.
    """
    writer, reader = story.previous, story.candidate
    if reader is None or reader not in story.induction or not story.is_previous:
        return None
    if writer.layer >= reader.layer or not {writer, reader} <= set(_heads(story)):
        return None
    if wire(story.scores, str(writer), reader, "K") <= 0 or wire(story.scores, str(writer), reader, "K", "p") >= LEVEL:
        return None
    return Composition(writer=str(writer), reader=str(reader), side="K", label=f"K-composition, {writer} → {reader}.K")


POSITIONS = {
    "learned": "Positions are stored in the stream once, beside the embedding.",
    "shortformer": "Positions are added to what Q and K load, in every layer, and are never in the stream.",
    "rotary": "Positions turn queries and keys by an angle; no writer stores them.",
    "alibi": "A score falls with the distance between its tokens (ALiBi); no writer stores positions.",
    "none": "Nothing stores a position; a head knows the order only from the causal mask.",
}


def _mlps_load(count: int) -> str:
    if count == 1:
        return "The MLP loads a token and stores to it."
    return f"{count} MLPs load a token and store to it."


def _mlps(mlp: Mlp, heads: int) -> str:
    name, load, have = ("head", "loads", "has") if heads == 1 else ("heads", "load", "have")
    order = f"what the {name} of its layer {load}" if mlp.parallel else f"after the {name} of its layer {have} stored"
    return f"the MLP loads {order}"


def _heads(story: Story) -> list[Head]:
    """One head per layer: the report's head if there is one, otherwise the first."""
    named = {story.previous.layer: story.previous}
    if story.candidate is not None:
        named[story.candidate.layer] = story.candidate
    named[story.main.layer] = story.main
    layers = list(range(story.weights.architecture.n_layers))
    if len(layers) > MOST_LAYERS:
        ends = [layers[0], layers[-1], *layers[1:]]
        layers = sorted([*named, *(layer for layer in ends if layer not in named)][:MOST_LAYERS])
    return [named.get(layer, Head(layer, 0)) for layer in layers]
