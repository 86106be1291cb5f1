"""How logits leave the stream: the last norm, the unembedding, a multiplier of logits and a soft cap."""

from dataclasses import dataclass

from torch import Tensor

from loadstore.checkpoints.structure.differs import PIECE, apart, differs, off
from loadstore.checkpoints.structure.heads import Subject
from loadstore.checkpoints.structure.linears import Linear, linear_of
from loadstore.checkpoints.structure.norms import NormForm, norm_of
from loadstore.checkpoints.structure.passes import Call, Pass
from loadstore.model.caps import capped
from loadstore.quote import quote


@dataclass(frozen=True)
class Exit:
    """The last norm, the unembedding, what its results are multiplied by, and the soft cap behind that."""

    norm: NormForm | None
    unembedding: Linear
    scale: float
    cap: float | None


def exit_of(subject: Subject, seen: Pass, last: Tensor, outside: list[Call]) -> Exit:
    """Return how logits leave.

    Args:
        subject: The model.
        seen: A pass.
        last: The stream that the last block returns.
        outside: The calls outside the blocks.

    Raises:
        NotThisModel: Logits are not a linear map of that stream or of a norm of it, scaled or capped.
    """
    n_logits = seen.logits.shape[-1]
    maps = [
        linear
        for call in outside
        if call.result.shape == seen.logits.shape
        and (linear := linear_of(subject.model, call, subject.eps)) is not None
    ]
    if not maps:
        raise differs("unembedding", f"a linear map to {n_logits} logits", "no such submodule")
    unembedding = maps[-1]
    norm = _norm(subject, unembedding.given, last, outside)
    tried = [
        (apart(capped(unembedding.result * scale, cap), seen.logits), scale, cap)
        for scale, cap in _ways(subject, unembedding, seen.logits)
    ]
    difference, scale, cap = min(tried, key=lambda way: way[0])
    if difference > PIECE * subject.eps or scale <= 0:
        at = f"unembedding ({quote(unembedding.name, 80)})"
        raise differs(at, "logits that are its results, scaled or softly capped", off(difference))
    return Exit(norm, unembedding, scale, cap)


def _norm(subject: Subject, x: Tensor, last: Tensor, outside: list[Call]) -> NormForm | None:
    if apart(x, last) <= PIECE * subject.eps:
        return None
    for call in outside:
        if apart(x, call.result) == 0 and apart(call.given, last) <= PIECE * subject.eps:
            form = norm_of(subject.model, call, subject.hints, subject.eps)
            if form is not None:
                return form
            raise differs(f"last norm ({quote(call.name, 80)})", "a LayerNorm or an RMSNorm", "another function")
    raise differs("last norm", "the last stream or a norm of it as input of the unembedding", "another input")


def _ways(subject: Subject, unembedding: Linear, logits: Tensor) -> list[tuple[float, float | None]]:
    """Multipliers and caps to try."""
    scale = subject.hints.factor(unembedding.result, logits, (), subject.eps)
    return [(scale, None), *((1.0, cap) for cap in subject.hints.caps)]
