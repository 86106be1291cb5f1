"""The soft address of one load: its tokens and, for each side, its writers.

With s_ij the pre-softmax scores, A_ij the pattern, n the keys that the mask allows:

    Q share of c = q_i^c · (k_j − k̄) /(s_ij − s̄)         K share of c = q_i · (k_j^c − k̄^c) /(s_ij − s̄)
    V share of c = ⟨o^c, o⟩ / ‖o‖²,  o = Σ_j A_ij v_j W_O

where a bar is the uniform mean over the allowed keys. Softmax ignores a common shift of all keys, and s_ij − s̄ is
log A_ij − mean log A_ij′. For the row as a whole the contrast is Σ_j (A_ij − 1/n) s_ij = KL(A‖U) + KL(U‖A). A sink is
one more key of the row as a whole; its score belongs to ``const``.
Shares are signed and sum to 1 with ``const``. Derivations: docs/address.md. Tests: tests/decomposition/test_address.py.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch
from jaxtyping import Float
from torch import Tensor

from loadstore.decomposition.contrast import About, direction_of, keys_of, same_question
from loadstore.decomposition.read import Read, read_of
from loadstore.decomposition.reading import refuse_cuts
from loadstore.decomposition.short import short
from loadstore.decomposition.sides import divided
from loadstore.decomposition.single import one_prompt_index
from loadstore.execution.positions import At
from loadstore.execution.trace import Trace
from loadstore.sites import SIDES, Head, Side, parse_head
from loadstore.threads import threads_for

MASS = 0.7


@dataclass(frozen=True)
class Address:
    """The source of one head's load at one query token: tokens (attention) and, for each side, writers (shares).

    ``weights`` is the row over all tokens (0 if masked). ``sink`` is the weight of the head's sink, with which they
    sum to 1; None if it has none. ``first`` is the earliest allowed token (0 unless the layer has a window).
    ``smallest`` lists the fewest tokens that hold 70 % of their weight; ``effective`` = 2^H tokens.
    ``shares[side][writer]`` sum to 1, or are NaN for the reason in ``undefined[side]``. ``key`` is the token that the Q
    and K shares are about, None for the row as a whole. ``than`` is the token that it is compared with, None for the
    mean of all allowed tokens. ``remainder[side]``: recorded number minus the sum over writers, relative to that sum.
    ``read``: on K and V, the decoded store of the largest writer at the loaded token. ``against``: the labels of the
    other prompt, if the address is of a difference between two runs.
    """

    head: Head
    at: int
    labels: tuple[str, ...]
    weights: tuple[float, ...]
    smallest: tuple[int, ...]
    effective: float
    key: int | None
    shares: Mapping[Side, Mapping[str, float]]
    undefined: Mapping[Side, str]
    first: int = 0
    than: int | None = None
    remainder: Mapping[Side, float] = field(default_factory=dict[Side, float])
    read: Mapping[Side, Read] = field(default_factory=dict[Side, Read])
    against: tuple[str, ...] = ()
    sink: float | None = None

    @property
    def decoded(self) -> tuple[tuple[int, float], ...]:
        """The decoded store of V's largest writer at the most attended token, as (token id, cosine), nearest first."""
        return tuple((index, cosine) for index, _, cosine in self.read["V"].nearest) if "V" in self.read else ()

    @property
    def soft(self) -> str:
        """The token part: ``L1.H4@sat·10 → on·4 .71 | ⏎·0 .18 | +11``."""
        return f"{self.head}@{self.labels[self.at]} → {self.tokens}"

    @property
    def text(self) -> str:
        """The address, its token part, and the decoded stores, one line each."""
        read = " | ".join(f"{side} {read_store}" for side, read_store in self.read.items())
        return "\n".join([str(self), self.soft, *([f"read: {read}"] if read else [])])

    def top(self, side: Side) -> str:
        """Return the writer with the largest share of a side; empty if shares are undefined."""
        shares = self.shares[side]
        return "" if side in self.undefined else max(shares, key=lambda writer: shares[writer])

    @property
    def tokens(self) -> str:
        """The token part in one line: ``on·4 .71 | ⏎·0 .18 | +11``."""
        return tokens_text(self.labels, self.weights, self.smallest, self.at + 1 - self.first, self.sink)

    def __str__(self) -> str:
        key = self.smallest[0] if self.key is None else self.key
        places = {"Q": self.labels[self.at], "K": self.labels[key], "V": self.labels[self.smallest[0]]}
        parts = [f"{side} {places[side]}:{self._subspace(side)}" for side in SIDES]
        return f"{self.head}  {' | '.join(parts)}"

    def __repr__(self) -> str:
        """The token part, and the strongest writer of each side."""
        return f"Address of {self}\n  attends to {self.tokens}"

    def _subspace(self, side: Side) -> str:
        writer = self.top(side)
        return f"{writer} {short(self.shares[side][writer])}" if writer else "undefined"


@threads_for(0)
def address(trace: Trace, head: Head | str, at: At, *, about: About = "most", against: Trace | None = None) -> Address:
    """The address of ``head`` at query token ``at``, with Q and K shares about one key or the whole row.

    Args:
        trace: One prompt; for a batch, use ``trace.prompt(index)``.
        head: The head, such as ``"L1.H4"``.
        at: The query token, an index or a text.
        about: The subject of the Q and K shares: ``"most"``, the most attended key; a token; ``"row"``; or two tokens,
            whose score difference s_ij − s_ij′ the shares then divide.
        against: Another run of the same model on a prompt of the same length. The shares then divide the difference. Q
            and K *together* divide the change of the contrast, Δ(q · κ) = Δq · κ̄ + q̄ · Δκ with κ = Σ_j d_j k_j and
            bars the means of the two runs. This is exact, as the form is bilinear and the cross terms are split evenly.
            V divides the change of the output, ⟨Δo^c, Δo⟩/‖Δo‖². Tokens and key are those of ``trace``.

    Returns:
        The address: attention by token, and for each of Q, K and V the share of every writer (sums to 1).

    Raises:
        NoSuchSite: The head does not exist.
        BadRequest: The two runs are of different models.
        Undefined: The run is a batch or has cuts, a token does not exist, a key is masked or compared with itself, or
            two runs have prompts of different lengths or are asked about ``"row"``.

    Example:
        >>> import loadstore as ls
        >>> trace = ls.run(ls.load("builtin"), "the cat sat on the mat. the dog sat")
        >>> address = ls.address(trace, "L1.H4", at=10)
        >>> address.tokens, address.top("K")
        ('␣on·4 .83 | +10', 'L0.H7')
    """
    head = trace.weights.architecture.check(parse_head(head), trace.weights.name)
    at = one_prompt_index(trace, at)
    if against is not None:
        same_question(trace, against, about)
    for each in runs_of(trace, against):
        refuse_cuts(each)
    row = trace.pattern(head)[at].double()
    first = max(0, at + 1 - (trace.weights.architecture.window(head.layer) or at + 1))
    key, than = keys_of(trace, row, first, at, about)
    sink = sink_of(trace, head, at)
    places = (None if key_index is None else key_index - first for key_index in (key, than))
    direction = direction_of(row[first : at + 1], *places, sunk=sink is not None)
    sides = divided(runs_of(trace, against), head, at, first, direction)
    smallest = smallest_set(row)
    shares: dict[Side, Mapping[str, float]] = {side: side_shares.shares for side, side_shares in sides.items()}
    loaded: dict[Side, int] = {"K": smallest[0] if key is None else key, "V": smallest[0]}
    return Address(
        head=head,
        at=at,
        labels=tuple(trace.labels),
        weights=tuple(row.tolist()),
        smallest=smallest,
        effective=effective_tokens(row),
        key=key,
        shares=shares,
        undefined=_reasons({s for s in SIDES if sides[s].vanished}, one_key=at == first, two=against is not None),
        first=first,
        than=than,
        remainder={side: side_shares.remainder for side, side_shares in sides.items()},
        read=read_of(trace, {s: (shares[s], token) for s, token in loaded.items() if not sides[s].vanished}),
        against=() if against is None else tuple(against.labels),
        sink=sink,
    )


def runs_of(trace: Trace, against: Trace | None) -> tuple[Trace, ...]:
    """The run, or both runs."""
    return (trace,) if against is None else (trace, against)


def _reasons(vanished: set[Side], *, one_key: bool, two: bool) -> dict[Side, str]:
    """The reason for each side without shares."""
    scores = "every key has the same score"
    if one_key:
        scores = "one key: there is nothing to choose"
    elif two:
        scores = "the contrast is the same in both runs"
    output = "the head stores the same in both runs" if two else "the head stores nothing here"
    why: dict[Side, str] = {"Q": scores, "K": scores, "V": output}
    return {side: why[side] for side in SIDES if side in vanished}


def sink_of(trace: Trace, head: Head, at: int) -> float | None:
    """The weight of a head's sink in one row; None without a sink."""
    return None if trace.weights.layers[head.layer].sinks is None else float(trace.sink(head)[at])


def tokens_text(
    labels: Sequence[str],
    weights: Sequence[float],
    smallest: Sequence[int],
    allowed: int,
    sink: float | None = None,
) -> str:
    """The largest tokens of a row, its sink, and the count of other allowed ones: ``on·4 .71 | ⏎·0 .18 | +11``."""
    shown = [f"{labels[j]} {short(weights[j])}" for j in smallest[:3]]
    rest = allowed - len(shown)
    shown += [] if sink is None else [f"sink {short(sink)}"]
    return " | ".join([*shown, f"+{rest}"] if rest else shown)


def effective_tokens(row: Float[Tensor, " key"]) -> float:
    """2^H of a row, with its entropy H in bits: the effective number of tokens, of what a sink leaves to them."""
    row = row / row.sum()
    return 2 ** (-float(torch.special.xlogy(row, row).sum()) / math.log(2))


def smallest_set(row: Float[Tensor, " key"], mass: float = MASS) -> tuple[int, ...]:
    """The fewest tokens that hold ``mass`` of the weight of all, largest first; ties go to the earlier token."""
    order = row.argsort(descending=True, stable=True)
    held = row[order].cumsum(0)
    return tuple(order[: int((held < mass * held[-1] - 1e-9).sum()) + 1].tolist())
