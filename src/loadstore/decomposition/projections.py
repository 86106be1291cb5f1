"""What every writer's part of q, k or v is along given directions, without forming the parts.

A part is linear in what its writer stored, part_t^w = T_t(N(store_t^w) W), with N the norm (its scale frozen) and T_t
the head's own norm and rotary turn. So a direction f_t goes back through the reader once, and meets the stores there:

    ⟨f_t, part_t^w⟩ = ⟨store_t^w, N*(T_t*(f_t) Wᵀ)⟩,   of a head ⟨z_t, N*(…) W_Oᵀ⟩ for all heads of a layer at once.

Time: one product [token, d_model] × [d_model, d_model] a layer. Memory: writers × token.
Tests: tests/decomposition/test_projections.py.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from loadstore.decomposition.reading import back_through, inner_norm, is_beside, refuse_cuts
from loadstore.execution.trace import Trace
from loadstore.model.wiring import wiring
from loadstore.sites import CONST, Reader


@dataclass(frozen=True)
class Question:
    """Directions f_t inside one side of a head, for the tokens from ``start`` on."""

    reader: Reader
    along: Float[Tensor, "token d_head"]
    start: int = 0


@dataclass(frozen=True)
class _Back:
    """A question brought back to where writers store: behind the norm, before it, and what const answers."""

    tokens: slice
    behind: Float[Tensor, "token d_model"]
    before: Float[Tensor, "token d_model"]
    const: Float[Tensor, " token"]


def projections(trace: Trace, questions: Sequence[Question]) -> list[dict[str, Float[Tensor, " token"]]]:
    """⟨f_t, part_t⟩ of every writer and ``const``, for the tokens of each question; one prompt, heads of one layer.

    They sum to ⟨f_t, q_t⟩ (or k_t, v_t). Raises Undefined for a run with cuts.
    """
    refuse_cuts(trace)
    weights, record = trace.weights, trace.record
    asked = [_back(trace, question) for question in questions]
    cuts = [len(one.before) for one in asked]
    before = torch.cat([one.before for one in asked])
    answers: list[dict[str, Tensor]] = [{} for _ in asked]
    network, met = wiring(weights), dict[int, list[Tensor]]()
    for writer in network.writers:
        places = [place for place, one in enumerate(questions) if network.connects(writer, one.reader)]
        if places and writer.kind == "head" and writer.layer not in met:
            z = record.layers[writer.layer].z[0]
            back = before @ weights.wide(weights.layers[writer.layer].W_O).flatten(0, 1).mT
            pieces = zip(asked, back.unflatten(1, z.shape[1:]).split(cuts), strict=True)
            met = {writer.layer: [torch.linalg.vecdot(z[one.tokens], piece) for one, piece in pieces]}
        for place in places:
            one = asked[place]
            if writer.kind == "head":
                answers[place][str(writer)] = met[writer.layer][place][:, writer.index]
            else:
                directions = one.behind if is_beside(trace, writer) else one.before
                answers[place][str(writer)] = torch.linalg.vecdot(trace.store(writer)[0, one.tokens], directions)
    for answer, one in zip(answers, asked, strict=True):
        answer[CONST] = one.const
    return answers


def _back(trace: Trace, question: Question) -> _Back:
    reader, start = question.reader, question.start
    tokens = slice(start, start + len(question.along))
    weights = trace.weights
    matrix, bias = weights.head(reader.head).side(reader.head_side)
    along = turned_back(trace, reader, question.along.to(matrix), start)
    behind = along @ matrix.mT
    const = torch.zeros_like(behind[:, 0]) if bias is None else along @ bias
    outer = weights.norm(reader.layer)
    if outer is not None and outer.bias is not None:
        const = const + behind @ outer.bias
    return _Back(tokens, behind, back_through(trace, reader, behind, start), const)


def turned_back(
    trace: Trace, reader: Reader, along: Float[Tensor, "token d_head"], start: int = 0
) -> Float[Tensor, "token d_head"]:
    """Bring directions g inside q or k back through what ``turned`` does, T: ⟨T(part), g⟩ = ⟨part, T*(g)⟩."""
    if reader.side not in ("Q", "K"):
        return along
    rotary = trace.weights.architecture.rotary
    if rotary is not None:
        along = rotary.turn(along, -rotary.angles(len(along), start).to(along.device))
    norm, scale = inner_norm(trace, reader)
    if norm is None or scale is None:
        return along
    along = along * scale[0, start : start + len(along)]
    return along if norm.gain is None else along * norm.gain
