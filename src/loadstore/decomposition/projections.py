"""Inner products of every writer's part of q, k or v with given directions, without forming the parts.

A part is linear in its writer's store: part_t^w = T_t(N(store_t^w) W), where N is the norm (its scale frozen) and T_t
the head's own norm and rotary rotation. A direction f_t is therefore pulled back through the reader once and multiplied
with the stores:

    ⟨f_t, part_t^w⟩ = ⟨store_t^w, N*(T_t*(f_t) Wᵀ)⟩; for heads, ⟨z_t, N*(…) W_Oᵀ⟩, for all heads of a layer at once.

Time: one product [token, d_model] × [d_model, d_model] per layer. Memory: writers × token.
Tests: tests/decomposition/test_projections.py.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from loadstore.decomposition.reading import back_through, inner_scale, refuse_cuts
from loadstore.execution.trace import Trace
from loadstore.model.ports import banks, reading
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
    """A question pulled back to the stores: after the norm, before it, and the contribution of const."""

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
    cuts = [len(question.before) for question in asked]
    before, behind = (
        torch.cat([question.before for question in asked]),
        torch.cat([question.behind for question in asked]),
    )
    answers: list[dict[str, Tensor]] = [{} for _ in asked]
    network = wiring(weights)
    reach = [
        writer for writer in network.writers if any(network.connects(writer, question.reader) for question in questions)
    ]
    for bank in banks(weights, reach):
        places = [
            number for number, question in enumerate(questions) if network.connects(bank.writers[0], question.reader)
        ]
        inner, back = record.inner(bank.writers)[0], bank.back(behind if bank.bypasses_norm else before).split(cuts)
        for number in places:
            met = torch.linalg.vecdot(inner[asked[number].tokens], back[number])
            answers[number] |= {str(writer): met[:, index] for index, writer in enumerate(bank.writers)}
    for answer, question in zip(answers, asked, strict=True):
        answer[CONST] = question.const
    return answers


def _back(trace: Trace, question: Question) -> _Back:
    reader, start = question.reader, question.start
    port, tokens = reading(trace.weights, reader), slice(start, start + len(question.along))
    matrix = port.matrix
    along = turned_back(trace, reader, question.along.to(matrix), start)
    behind = along @ matrix.mT
    return _Back(tokens, behind, back_through(trace, reader, behind, start), along @ port.const)


def turned_back(
    trace: Trace, reader: Reader, along: Float[Tensor, "token d_head"], start: int = 0
) -> Float[Tensor, "token d_head"]:
    """Pull directions g inside q or k back through T, the map of ``turned``: ⟨T(part), g⟩ = ⟨part, T*(g)⟩."""
    scale = inner_scale(trace, reader)
    tokens = slice(start, start + len(along))
    return reading(trace.weights, reader).turn_back(along, None if scale is None else scale[0, tokens], start)
