"""The heads of one layer: which linear maps make queries, keys, values and their store, and which norms there are."""

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor, nn

from loadstore.checkpoints.structure.differs import PIECE, apart, differs, off
from loadstore.checkpoints.structure.hints import Hints
from loadstore.checkpoints.structure.linears import Linear
from loadstore.checkpoints.structure.norms import NormForm, norm_of
from loadstore.checkpoints.structure.passes import Call
from loadstore.checkpoints.structure.scores import Scores, scores_of
from loadstore.checkpoints.structure.splits import Split, splits
from loadstore.checkpoints.structure.turns import rotaries
from loadstore.model.norms import normalise
from loadstore.quote import quote, some

LOADS = "linear maps of one input to queries, keys and values, three or one, then one of what the heads mix"
PATTERNS = "patterns softmax(c q·k), causal, in a window or not, with rotary positions of its buffers, ALiBi or none"


@dataclass(frozen=True)
class HeadNorm:
    """A norm of queries or keys; ``across``: with one scale for all heads."""

    form: NormForm
    across: bool


@dataclass(frozen=True)
class Heads:
    """The projections of a layer's heads, the norms of queries and keys, and the way to scores."""

    inputs: tuple[Linear, ...]
    split: Split
    out: Linear
    q_norm: HeadNorm | None
    k_norm: HeadNorm | None
    scores: Scores

    @property
    def norms(self) -> tuple[NormForm, ...]:
        """The norms inside."""
        return tuple(norm.form for norm in (self.q_norm, self.k_norm) if norm is not None)


@dataclass(frozen=True)
class Subject:
    """What is known of the model where a layer is looked at."""

    model: nn.Module
    hints: Hints
    eps: float


def heads_of(
    subject: Subject,
    at: str,
    linears: Sequence[Linear],
    calls: Sequence[Call],
    pattern: Tensor,
    like: "Heads | None" = None,
) -> Heads:
    """Return the heads of a layer.

    Args:
        subject: The model.
        at: The layer and the name of the submodule that mixes, for messages.
        linears: Its linear maps in their order.
        calls: The calls of its other submodules.
        pattern: Its patterns.
        like: The heads of the first layer.

    Raises:
        NotThisModel: Its patterns, or what its heads mix, are not what its projections give.
    """
    n_heads = pattern.shape[1]
    if len(linears) not in (2, 4) or linears[-1].given.shape[-1] % n_heads:
        raise differs(at, LOADS, some([quote(linear.name, 80) for linear in linears]) or "none")
    *inputs, out = linears
    if any(apart(linear.given, inputs[0].given) > 0 for linear in inputs[1:]):
        raise differs(at, LOADS, f"{quote(inputs[-1].name, 80)} with an input of its own")
    d_head = out.given.shape[-1] // n_heads
    tried = splits([linear.result.shape[-1] for linear in inputs], n_heads, d_head)
    if not tried:
        widths = [linear.result.shape[-1] for linear in inputs]
        raise differs(at, f"projections to {n_heads} heads of {d_head} and their keys and values", f"widths {widths}")
    chosen = [split for split in tried if like is None or like.split == split]
    candidates = [_candidate(subject, tuple(inputs), out, split, calls, pattern, like) for split in chosen]
    if not candidates:
        raise differs(at, "projections as in the first layer", "others")
    best = min(candidates, key=lambda heads: heads.scores.difference)
    if best.scores.difference > PIECE * subject.eps:
        raise differs(at, PATTERNS, f"patterns with {off(best.scores.difference)}{_sums(pattern)}")
    fitting = [heads for heads in candidates if heads.scores.difference <= PIECE * subject.eps]
    mixing = [_mixing(heads, pattern) for heads in fitting]
    if min(mixing) > PIECE * subject.eps:
        raise differs(at, "values of the projections, mixed by the patterns", off(min(mixing)))
    return fitting[mixing.index(min(mixing))]


def _candidate(
    subject: Subject,
    inputs: tuple[Linear, ...],
    out: Linear,
    split: Split,
    calls: Sequence[Call],
    pattern: Tensor,
    like: Heads | None,
) -> Heads:
    q, k, _ = split.of([linear.result for linear in inputs])
    (q, q_norm), (k, k_norm) = (_normed(subject, part, calls) for part in (q, k))
    turns = rotaries(subject.model, split.d_head)
    scores = scores_of(
        q, split.repeated(k), pattern, turns, subject.hints, subject.eps, None if like is None else like.scores
    )
    return Heads(inputs, split, out, q_norm, k_norm, scores)


def _normed(subject: Subject, part: Tensor, calls: Sequence[Call]) -> tuple[Tensor, HeadNorm | None]:
    """Queries or keys behind the norm that reads them, if there is one."""
    for call in (call for call in calls if call.changes):
        for layout in ("heads", "turned", "flat"):
            given, result = _laid(call.given, layout, part), _laid(call.result, layout, part)
            if given is None or apart(given, part) > 0:
                continue
            form = norm_of(subject.model, call, subject.hints, subject.eps)
            if form is None or result is None:
                raise differs(quote(call.name, 80), "a LayerNorm or an RMSNorm of queries or keys", "another function")
            return result, HeadNorm(form, across=layout == "flat")
    return _normed_later(subject, part, calls)


def _normed_later(subject: Subject, part: Tensor, calls: Sequence[Call]) -> tuple[Tensor, HeadNorm | None]:
    """Queries or keys behind an RMSNorm without a gain that reads them after they turned, which is the same."""
    for call in (call for call in calls if call.changes):
        if _laid(call.given, "heads", part) is None and _laid(call.given, "turned", part) is None:
            continue
        form = norm_of(subject.model, call, subject.hints, subject.eps)
        if form is not None and not (form.centres or form.gain or form.bias):
            return normalise(part, form.norm(subject.model), form.eps[0])[0], HeadNorm(form, across=False)
    return part, None


def _laid(x: Tensor, layout: str, like: Tensor) -> Tensor | None:
    """A tensor as [batch, token, head, d_head], None if it does not have this layout."""
    if layout == "flat" and x.dim() == 3 and x.shape[-1] == like.shape[-1] * like.shape[-2]:
        x = x.unflatten(-1, like.shape[-2:])
    elif layout == "turned" and x.dim() == 4:
        x = x.transpose(1, 2)
    return x if x.shape == like.shape else None


def _mixing(heads: Heads, pattern: Tensor) -> float:
    """How far what the heads mix is from what the output projection reads."""
    v = heads.split.repeated(heads.split.of([linear.result for linear in heads.inputs])[2])
    return apart((pattern @ v.transpose(1, 2)).transpose(1, 2).flatten(2), heads.out.given)


def _sums(pattern: Tensor) -> str:
    """A remark about rows that do not sum to 1, as with attention sinks, or see later tokens."""
    if float((pattern.sum(-1) - 1).abs().max()) > 1e-3:
        return " and rows that do not sum to 1, as with attention sinks"
    return " and keys after the query" if bool(pattern.triu(1).any()) else ""
