"""The stream as the sum of its stores, before and after layer 0."""

import numpy as np
import torch

from loadstore.decomposition.address import smallest_set
from loadstore.decomposition.stored import Stored, stores
from loadstore.figures.subject.story import Story
from loadstore.figures.wires.pieces import largest
from loadstore.figures.words import number, size
from loadstore.heads.roles import bos_of
from loadstore.sites import parse_head, parse_writer
from loadstore.views.model import Figure, bars, figure, heatmap, panel, reading, remark
from loadstore.views.pictures import formula, term
from loadstore.visible import SPACE


def first_stream_figure(story: Story) -> Figure:
    """The stream before layer 0."""
    shape, labels = story.weights.architecture, story.trace.labels
    n, d = len(labels), shape.d_model
    written = [story.trace.written(writer).double() for writer in story.first_writers]
    sizes = torch.stack([store.norm(dim=-1) for store in written]).numpy()
    details = {}
    if len(written) == 2:
        cosine = torch.nn.functional.cosine_similarity(written[0], written[1], dim=-1).numpy()
        details["cosine with the other"] = np.stack([cosine, cosine])
    in_stream = "pos" in story.first_writers and not shape.positions_bypass_norm
    whole = sum(written) if in_stream else written[0]
    wrong = float((story.trace.residual(0).double() - whole).abs().max())
    x0 = [term("x", sub="0", shape=(n, d)), term("="), term("W", sub="E", sup="t", shape=(n, d))]
    rows = [("stream", x0, "The rows of W_E of the prompt's tokens")]
    if in_stream:
        x0 += [term("+"), term("W", sub="pos", shape=(n, d))]
    elif "pos" in story.first_writers:
        address = [*x0[2:], term("+"), term("p", shape=(n, d))]
        rows.append(("inputs of Q and K", address, "p = the rows of W_pos of the prompt's positions"))
        rows.append(("input of V", x0[2:], "no position"))
    first = f"The median norm of what embed stores is {number(float(np.median(sizes[0])))}"
    if len(sizes) == 2:
        where = "pos stores" if in_stream else "Q and K see of pos"
        first += f", of what {where} {number(float(np.median(sizes[1])))}; their median cosine is "
        first += f"{number(float(np.median(details['cosine with the other'][0])))}"
    same = "sum of both" if in_stream else "embedding alone"
    claim = f"{first}. The stream and the {same} differ by at most {size(wrong)}."
    note = None
    if shape.positions_bypass_norm:
        note = remark(
            "The article's picture is the sum of embedding and positions. With shortformer positions this is what Q "
            "and K load; the stream itself, and V, hold the embedding alone."
        )
    view = heatmap(
        "Size of what layer 0 reads, token by token",
        ("writer", story.first_writers),
        ("token", labels),
        [panel("norm", sizes, None, details)],
        scale=("sequential", 0.0, largest(sizes), "norm"),
    )
    return figure(
        "First stream",
        "What layer 0 reads from the stream",
        claim,
        [formula("The stream before layer 0", rows), view],
        note,
    )


def later_stream_figure(story: Story) -> Figure:
    """One token's stream after layer 0: every store, and its decoding."""
    has_bos = bos_of(story.weights) is not None
    at = min(1 + has_bos, len(story.trace.labels) - 1)
    label = story.trace.labels[at]
    held = stores(story.trace, 1, at)
    rows = [(store.writer, store.share, _described(story, store, at)) for store in held]
    head = str(story.previous)
    mine = next(store for store in held if store.writer == head)
    view = bars(
        f"Stores in the stream of {label} after layer 0",
        "share of the squared norm",
        ("writer", "size, source and what it decodes to"),
        rows,
        total=("sum", sum(store.share for store in held)),
        digits=3,
        strong=[index for index, store in enumerate(held) if store.writer == head],
    )
    return figure(
        "Later stream",
        f"The stream of {label} after layer 0",
        f"{_claim(story, mine, at)} The stream is the sum of {len(held)} stores; their shares of its squared norm sum "
        f"to {number(sum(store.share for store in held), 4)}.",
        [view],
        reading(
            "A store decodes to the token whose embedding would make its writer store just that: nearest by cosine, 1 "
            "being the same direction. Broad attention mixes tokens, so its store is near none or near many."
        ),
    )


def _claim(story: Story, mine: Stored, at: int) -> str:
    """Whether the previous-token head stored the previous token, judged by its nearest row."""
    label = story.trace.labels[at]
    if not mine.nearest or at == 0:
        return f"{mine.writer} stored nothing that decodes to a token at {label}."
    token, cosine = mine.nearest[0]
    before = int(story.trace.tokens[0, at - 1])
    nearest = f"what {mine.writer} stored is nearest to its copy of {_name(story, token)} (cosine {number(cosine)})"
    if token == before and not story.is_previous:
        return f"Though no head of layer 0 is a previous-token head, {nearest}: that of the token before {label}."
    if token == before:
        return f"The token before {label} is in its stream: {nearest}, with norm {number(mine.norm)}."
    return f"The token before {label} is not what decodes there: {nearest}."


def _described(story: Story, store: Stored, at: int) -> str:
    parts = [f"norm {number(store.norm)}"]
    if parse_writer(store.writer).kind == "head":
        row = story.trace.pattern(parse_head(store.writer))[at]
        source = smallest_set(row)
        shown = f"{story.trace.labels[source[0]]} {number(float(row[source[0]]))}"
        parts.append(f"from {shown}" + (f" and {len(source) - 1} more" if len(source) > 1 else ""))
    if store.nearest:
        token, cosine = store.nearest[0]
        parts.append(f"decodes to {_name(story, token, store.writer)} {number(cosine)}")
    return "; ".join(parts)


def _name(story: Story, token: int, writer: str = "") -> str:
    if writer == "pos":
        return f"position {token}"
    tokens = story.weights.tokens
    if tokens is None:
        return f"#{token}"
    text = tokens.label(token)
    return "⊢" if token == tokens.bos else text if text.startswith(SPACE) else f"‘{text}’"
