"""Quantities that this architecture does not define, the reason, and the report's replacement."""

from loadstore.figures.facts import met, tied
from loadstore.figures.words import last_tokens, listed, plural
from loadstore.model.architecture import Architecture
from loadstore.model.ports import reading
from loadstore.model.weights import Weights
from loadstore.model.wiring import wiring
from loadstore.views.model import Figure, figure, table

Row = tuple[str, str, str]
COLUMNS = (("what", "what", None), ("why", "why it is undefined or not one number", None), ("instead", "instead", None))


def undefined(weights: Weights) -> list[Row]:
    """Rows (quantity, reason, replacement) for a model, from its architecture alone."""
    shape = weights.architecture
    rows = [
        *_positions(shape),
        *_norms(weights),
        *_caps(shape),
        *_latents(weights),
        *_sinks(weights),
        *_mlp(shape),
        *_sharing(weights),
    ]
    if shape.windows is not None and (narrow := sorted({w for w in shape.windows if w is not None})):
        layers = sum(window is not None for window in shape.windows)
        rows.append(
            (
                "attention beyond the window",
                f"{plural(layers, 'layer')} of {shape.n_layers} {'sees' if layers == 1 else 'see'} only the "
                f"{last_tokens(narrow)}",
                "impossible cells are hatched; addresses stop there",
            )
        )
    if weights.tokens is None:
        rows.append(("text", "the model came without a tokenizer that can be read", "token ids"))
    return rows


def _positions(shape: Architecture) -> list[Row]:
    if shape.slopes is not None:
        return [
            ("pos as a writer", "ALiBi is a bias of scores by distance; nothing is stored", "no wire from pos"),
            (
                "the distance in scores of wires",
                "the bias depends on the two positions alone, so W_QK does not have it",
                "scores and traffic are those without it; in sums of a run it is a part of const",
            ),
        ]
    if shape.rotary is None and not shape.has_pos:
        return [("pos as a writer", "the model has no positions", "order is known from the causal mask alone")]
    if shape.rotary is None:
        return []
    turned = shape.rotary.dimensions
    part = "the" if turned == shape.d_head else f"{turned} of {shape.d_head}"
    return [
        ("pos as a writer", "rotary positions turn queries and keys; nothing is stored", "no wire from pos"),
        (
            "W_QK as one matrix",
            f"it depends on the offset between query and key, which turns {part} dimensions of a head",
            f"scores average over {met(shape)}; offset= gives one",
        ),
        *_unturned(shape),
        (
            "the pairs of tokens that a head matches",
            "a content score needs one W_QK",
            "matched(…, offset=) for one offset",
        ),
    ]


def _unturned(shape: Architecture) -> list[Row]:
    if not shape.unturned:
        return []
    layers = ", ".join(f"L{layer}" for layer in shape.unturned)
    return [
        (
            "the offset in layers without positions",
            f"queries and keys of {layers} are not turned, so their W_QK is one matrix",
            "an offset changes nothing there; order is known from the causal mask alone",
        )
    ]


def _norms(weights: Weights) -> list[Row]:
    shape = weights.architecture
    rows: list[Row] = []
    if {shape.norm, shape.last_norm} != {"none"}:
        rows.append(
            (
                "a wire's size on every prompt",
                "a norm divides by the size of the whole stream, which the weights do not know",
                "gains are folded into the reader; sums and cuts of a run keep its scales frozen, and state this",
            )
        )
    if weights.layers[0].after_heads is not None:
        rows.append(
            (
                "the size of one head's store",
                "a norm after the heads divides their sum by its size, one scale for all heads of a layer",
                "its gain is folded into W_O; a run records the scale, and edits are of what comes out",
            )
        )
    ports = [reading(weights, reader) for reader in wiring(weights).readers if reader.index == 0]
    if any(port.inner_scale is not None and port.typical is None for port in ports):
        rows.append(
            (
                "the scale of W_QK",
                f"queries and keys are normed {_alone(weights)}, so W_QK is known up to a positive factor per token",
                "scores are free of scale; gains are folded; sums and cuts of a run hold the factor frozen",
            )
        )
    return rows


def _caps(shape: Architecture) -> list[Row]:
    rows: list[Row] = []
    if shape.score_cap is not None:
        rows.append(
            (
                "a score as a sum over writers",
                f"a soft cap of {shape.score_cap:g} bends it before the softmax",
                "sums are of the score before the cap; patterns and cuts have the cap, traffic its slope",
            )
        )
    if shape.logit_cap is not None:
        rows.append(
            (
                "a logit as a sum over writers",
                f"a soft cap of {shape.logit_cap:g} bends it; log odds after the cap are smaller than the sums",
                "sums are of the logit before the cap, which has the same order; predictions have the cap",
            )
        )
    return rows


def _latents(weights: Weights) -> list[Row]:
    latent = weights.layers[0].kv_latent
    if latent is None:
        return []
    shared = f"; the {plural(latent.direct, 'column')} of a rotary key for all heads are not" if latent.direct else ""
    return [
        (
            "the size of a head's keys and values",
            f"they load through {latent.rank:,} numbers of each token, which are divided by their size{shared}",
            "scores and W_QK take the size of a random normed stream; sums and cuts of a run hold its sizes frozen",
        )
    ]


def _sinks(weights: Weights) -> list[Row]:
    if weights.layers[0].sinks is None:
        return []
    return [
        (
            "a row of attention that sums to 1",
            "a learned sink of each head takes part in every row; no writer stores it, and it has no value",
            "the sink's weight is shown beside the tokens; in sums of a run its score is a part of const",
        )
    ]


def _alone(weights: Weights) -> str:
    return "with one scale for all heads" if weights.layers[0].across_heads else "by themselves"


def _mlp(shape: Architecture) -> list[Row]:
    if shape.mlp is None:
        return []
    inside = "W_in beside W_gate" if shape.mlp.gated else "W_in"
    rows: list[Row] = [
        (
            "an MLP as one matrix",
            "it is not linear",
            f"as a writer W_out ({shape.mlp.width:,} rows), as a reader {inside}; what it stored is exact for a run",
        ),
    ]
    if shape.experts is not None:
        rows.append(
            (
                "a wire of one expert",
                f"each token uses {shape.experts.chosen} of {shape.experts.count} experts, whose stores are one sum",
                "scores and traffic count every expert fully, and the router; cuts and circuits choose experts again; "
                "with_experts(LAYER), or --experts, gives single experts",
            )
        )
    if shape.mlp.parallel:
        rows.append(("attention → MLP within a layer", "both load before either stores", "no such wire"))
    return rows


def _sharing(weights: Weights) -> list[Row]:
    shape = weights.architecture
    rows: list[Row] = []
    if shape.kv_heads < shape.n_heads:
        rows.append(
            (
                "a separate K and V for every head",
                f"{shape.n_heads} query heads share {plural(shape.kv_heads, 'key/value head')} a layer",
                "each head is shown with the K and V that it uses",
            )
        )
    if tied(weights):
        rows.append(
            (
                "a separate unembedding",
                "it is the embedding transposed (tied)",
                "the direct path embed → unembed is W_E W_Eᵀ",
            )
        )
    return rows


def undefined_figure(weights: Weights) -> Figure | None:
    """The table; None for an architecture like the article's, where everything is defined."""
    rows = undefined(weights)
    if not rows:
        return None
    return figure(
        "Undefined",
        "What this architecture does not define",
        f"Of what the article defines, {plural(len(rows), 'thing')} {'is' if len(rows) == 1 else 'are'} different in "
        f"{weights.name}: {listed([what for what, _, _ in rows])}.",
        [table("What, why, and what is shown instead", COLUMNS, rows)],
    )
