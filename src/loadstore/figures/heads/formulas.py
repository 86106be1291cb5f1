"""Figure 6: the computation of a head, with this model's shapes, evaluated as written."""

from torch import Tensor

from loadstore.execution.attention import project
from loadstore.execution.patterns import causal_softmax
from loadstore.figures.subject.story import Story
from loadstore.figures.words import size
from loadstore.model.latent import Latent
from loadstore.model.layers import Layer, map_tensors
from loadstore.model.norms import apply_gain, normalise
from loadstore.model.recency import entering
from loadstore.sites import Head
from loadstore.views.machine import Term
from loadstore.views.model import Figure, figure, reading
from loadstore.views.pictures import formula, term


def formula_figure(story: Story) -> Figure:
    """The QK circuit, the OV circuit and the whole head, each with its shapes and checked against the run."""
    head = story.main
    pattern, output = evaluate(story, head)
    wrong = float((pattern - story.trace.pattern(head)).abs().max())
    stored = story.trace.written(head)
    off = float((output - stored).abs().max() / stored.abs().max().clamp(min=1e-30))
    return figure(
        "Formulas",
        "Two circuits make a head",
        f"In double precision, the formulas differ from the recorded pattern of {head} "
        f"by at most {size(wrong)}, and from what it stored by {size(off)} of its largest entry.",
        [formula(f"The formulas of {head}", _rows(story, head))],
        reading(
            "W_QK is a bilinear form: it gives a score for a pair, and softmax over the keys turns scores into a "
            "pattern. W_OV is linear in one stream. Both have rank d_head at most; but for this check they are never "
            "multiplied out."
        ),
    )


def evaluate(story: Story, head: Head) -> tuple[Tensor, Tensor]:
    """Pattern and store of a head by the formulas of the figure, W_OV (and, without biases, W_QK) multiplied out."""
    weights, shape = story.weights.double(), story.weights.architecture
    own, layer = weights.head(head), weights.layers[head.layer]
    x = normalise(story.trace.residual(head.layer)[None].double(), layer.norm, shape.eps)[0][0]
    address = x
    if shape.positions_bypass_norm and weights.W_pos is not None:
        address = x + weights.W_pos[: len(x)]
    still = shape.rotary_of(head.layer) is None and layer.q_latent is None and layer.kv_latent is None
    linear = still and own.b_Q is None and own.b_K is None and layer.q_norm is None
    if linear and layer.k_norm is None:
        scores = address @ (own.W_Q @ own.W_K.mT) @ address.mT
    else:
        wide, kv = weights.layer(head.layer), shape.kv(head.index)  # a norm may take its scale from all heads
        q = normalise(project(address[None], wide.W_Q, wide.b_Q), wide.q_norm, shape.eps)[0][0, :, head.index]
        k = normalise(project(address[None], wide.W_K, wide.b_K), wide.k_norm, shape.eps)[0][0, :, kv]
        q = q * _through(wide.q_latent, address, shape.d_head)
        k = k * _through(wide.kv_latent, address, shape.d_head)
        rotary = shape.rotary_of(head.layer)
        if rotary is not None:
            q, k = (rotary.at(side[None, :, None])[0, :, 0] for side in (q, k))
        scores = q @ k.mT
    sinks = weights.sinks(head.layer)
    sink = None if sinks is None else sinks[head.index : head.index + 1]
    entered = entering(shape, scores[None, None], [head.index])
    pattern = causal_softmax(entered, shape.window(head.layer), sink)[0, 0]
    values = x @ (own.W_V @ own.W_O)
    values = values if own.b_V is None else values + own.b_V @ own.W_O
    latent = layer.latent("V")
    output = pattern @ (values * _through(None if latent is None else map_tensors(latent, weights.wide), x, 1))
    scale = story.trace.record.layers[head.layer].after_heads
    if layer.after_heads is not None and scale is not None:
        output = apply_gain(output * scale[0], layer.after_heads)
    return pattern, output


def _through(latent: Latent | None, x: Tensor, width: int) -> Tensor | float:
    """What a latent multiplies the columns of a head by."""
    return 1.0 if latent is None else latent.scale(latent.of(x), width)


def _rows(story: Story, head: Head) -> list[tuple[str, list[Term], str]]:
    shape = story.weights.architecture
    layer = story.weights.layers[head.layer]
    n, d, e, width = len(story.trace.labels), shape.d_model, shape.d_head, shape.value_width
    x = "x" if shape.norm == "none" else "x̂"
    short, rotary = shape.positions_bypass_norm, shape.rotary_of(head.layer) is not None
    stream = term(x, shape=(n, d))
    read = [term("("), term(x, shape=(n, d)), term("+"), term("p", shape=(n, d)), term(")")] if short else [stream]

    def side(name: str, bias: object) -> list[Term]:
        terms = [*read, term("W", sub=name, shape=(d, e))]
        return terms if bias is None else [*terms, term("+"), term("b", sub=name, shape=(e,))]

    queries = [
        term("q", shape=(n, e)),
        term("="),
        *side("Q", layer.b_Q),
        *([term("· R", kind="word")] if rotary else []),
    ]
    keys = [term("k", shape=(n, e)), term("="), *side("K", layer.b_K), *([term("· R", kind="word")] if rotary else [])]
    root = f"/ √{e}"
    scores = [term("A", shape=(n, n)), term("="), term("softmax", kind="word"), term("("), term("q", shape=(n, e))]
    scores += [term("k", sup="⊤", shape=(e, n)), term(root), term(")")]
    if shape.slopes is not None:
        scores[-1:] = [term(f"− {shape.slopes[head.index]:.3g} (i − j)", kind="word"), term(")")]
    if shape.score_cap is not None:
        scores.insert(3, term(f"cap {shape.score_cap:g}", kind="word"))
    value = [term("v", shape=(n, width)), term("="), term(x, shape=(n, d)), term("W", sub="V", shape=(d, width))]
    value += [] if layer.b_V is None else [term("+"), term("b", sub="V", shape=(width,))]
    whole = [term("h", shape=(n, d)), term("="), term("A", shape=(n, n)), term("v", shape=(n, width))]
    whole += [term("W", sub="O", shape=(width, d))]
    if layer.after_heads is not None:
        whole += [term("/ σ", kind="word"), term("· γ", kind="word")]
    rank = f"of rank {e} at most"
    rows = [
        ("queries", queries, "What every token asks for" + (", turned by its position" if rotary else "")),
        ("keys", keys, "What every token offers to be found by" + (", turned by its position" if rotary else "")),
        ("QK circuit", scores, _bilinear(short=short, rotary=rotary, x=x, rank=rank) + _sink(layer)),
        ("values", value, "What every token gives if it is attended to"),
        (
            "OV circuit and head",
            whole,
            f"h = (A ⊗ W_OV) {x} with W_OV = W_V W_O, {d} × {d}, of rank {width} at most: A mixes rows, W_OV columns"
            + ("" if layer.after_heads is None else "; σ is that of all heads together, in the norm after them"),
        ),
    ]
    if shape.norm != "none":
        kind = (
            "its mean removed and divided by its standard deviation"
            if shape.norm == "layer"
            else "divided by its root mean square"
        )
        rows.insert(
            0,
            (
                "norm",
                [
                    term("x̂", shape=(n, d)),
                    term("="),
                    term("norm", kind="word"),
                    term("("),
                    term("x", shape=(n, d)),
                    term(")"),
                ],
                f"Every row of the stream {kind}, times the gain",
            ),
        )
    return rows


def _sink(layer: Layer) -> str:
    return "" if layer.sinks is None else ", and the head's sink, which has a score and no value"


def _bilinear(*, short: bool, rotary: bool, x: str, rank: str) -> str:
    read = f"({x} + p)" if short else x
    if rotary:
        return (
            f"A score depends on {x} and on the offset between the two tokens; softmax over the keys up to each query"
        )
    return f"q kᵀ = {read} W_QK {read}ᵀ with W_QK = W_Q W_Kᵀ, {rank}; softmax over the keys up to each query"
