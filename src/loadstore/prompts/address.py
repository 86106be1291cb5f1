"""The soft address of one load: which tokens, and per side, which writers.

With s_ij the pre-softmax scores, A_ij the pattern, n the keys that the mask allows:

    Q share of c = q_i^c · (k_j − k̄) /(s_ij − s̄)         K share of c = q_i · (k_j^c − k̄^c) /(s_ij − s̄)
    V share of c = ⟨o^c, o⟩ / ‖o‖²,  o = Σ_j A_ij v_j W_O

where a bar is the uniform mean over the allowed keys: softmax ignores what all keys share, and s_ij − s̄ is
log A_ij − mean log A_ij′. For the row as a whole the contrast is Σ_j (A_ij − 1/n) s_ij = KL(A‖U) + KL(U‖A).
Shares are signed and sum to 1 with ``const``. Tests: tests/prompts/test_address.py.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from jaxtyping import Float
from torch import Tensor

from loadstore.models.trace import Trace
from loadstore.models.wiring import wiring
from loadstore.prompts.contrast import About, direction_of, keys_of
from loadstore.prompts.decomposition import reader_parts
from loadstore.prompts.single import one_prompt_index
from loadstore.prompts.stored import nearest
from loadstore.sites import CONST, SIDES, Head, Reader, Side, parse_head

MASS = 0.7
VANISHED = 1e-9  # of the size of the scores, or of the parts of an output: below this there is nothing to share


@dataclass(frozen=True)
class Address:
    """Where one head at one query token loads from: tokens (attention) and, per side, writers (weights).

    ``weights`` is the row over all tokens (0 where the mask forbids), ``first`` the earliest token that it allows (0
    unless the layer has a window); ``smallest`` the fewest tokens that hold 70 %; ``effective`` = 2^H tokens.
    ``shares[side][writer]`` sum to 1, or are NaN for the reason in ``undefined[side]``. ``key`` is the token that the
    Q and K shares are about; None if they are about the row as a whole; ``than`` the token that it is compared with,
    None for the mean of all allowed ones. ``remainder[side]``: what the sum over writers lacks of the recorded number,
    in parts of that sum. ``decoded``: the nearest rows, as (token id, or position for pos; cosine), to what V's largest
    writer stored at the most attended token; empty for a constant, an MLP, or no V shares.
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
    decoded: tuple[tuple[int, float], ...] = ()

    def top(self, side: Side) -> str:
        """Return the writer with the largest share of a side; empty where shares are undefined."""
        known = self.shares[side]
        return "" if side in self.undefined else max(known, key=lambda writer: known[writer])

    @property
    def tokens(self) -> str:
        """The token part in one line: ``on·4 .71 | ⏎·0 .18 | +11``."""
        shown = [f"{self.labels[j]} {_short(self.weights[j])}" for j in self.smallest[:3]]
        rest = self.at + 1 - self.first - len(shown)
        return " | ".join([*shown, f"+{rest}"] if rest else shown)

    def __str__(self) -> str:
        key = self.smallest[0] if self.key is None else self.key
        places = {"Q": self.labels[self.at], "K": self.labels[key], "V": self.labels[self.smallest[0]]}
        parts = [f"{side} {places[side]}:{self._subspace(side)}" for side in SIDES]
        return f"{self.head}  {' | '.join(parts)}"

    def _subspace(self, side: Side) -> str:
        writer = self.top(side)
        return f"{writer} {_short(self.shares[side][writer])}" if writer else "undefined"


def address(trace: Trace, head: Head | str, at: int, about: About = "most") -> Address:
    """The address of ``head`` at query token ``at``, its Q and K shares about one key or the whole row.

    ``about``: the most attended key (default), a token index, ``"row"``, or two token indices, whose scores are then
    compared with each other: the shares divide s_ij − s_ij′. Raises NoSuchSite; Undefined for a batch, a token that is
    not there, a key that the mask forbids, a key compared with itself, or a run with cuts.
    """
    head = trace.weights.architecture.check(parse_head(head), trace.weights.name)
    at = one_prompt_index(trace, at)
    row = trace.pattern(head)[at].double()
    first = max(0, at + 1 - (trace.weights.architecture.window(head.layer) or at + 1))
    key, than = keys_of(trace, row, first, at, about)
    q, k, v = ({w: part[0].double() for w, part in _parts(trace, head, side).items()} for side in SIDES)
    scale = trace.weights.architecture.d_head**-0.5
    allowed = slice(first, at + 1)
    direction = direction_of(row[allowed], *(None if one is None else one - first for one in (key, than)))
    query, keys = sum_of(q)[at], sum_of(k)[allowed]
    by_query = {w: float(part[at] @ (direction @ keys)) * scale for w, part in q.items()}
    by_key = {w: float(query @ (direction @ part[allowed])) * scale for w, part in k.items()}
    W_O = trace.weights.head(head).W_O.double()
    stored = {w: row @ part @ W_O for w, part in v.items()}
    whole = sum_of(stored)
    by_value = {w: float(part @ whole) for w, part in stored.items()}
    recorded = {"V": float((row @ trace.record.layers[head.layer].v[0, :, head.index].double() @ W_O).square().sum())}
    recorded |= dict.fromkeys("QK", float(direction @ trace.scores(head)[at, allowed].double()))
    size = float(query.norm() * keys.norm()) * scale
    lengths = sum(float(part.norm()) for part in stored.values())
    reason = "one key: there is nothing to choose" if at == first else "every key has the same score"
    shares: dict[Side, Mapping[str, float]] = {}
    remainder: dict[Side, float] = {}
    undefined: dict[Side, str] = {}
    sides: tuple[tuple[Side, dict[str, float], float, str], ...] = (
        ("Q", by_query, VANISHED * size, reason),
        ("K", by_key, VANISHED * size, reason),
        ("V", by_value, (VANISHED * lengths) ** 2, "the head stores nothing here"),
    )
    for side, parts, least, why in sides:
        total = math.fsum(parts.values())
        vanished = not abs(total) > least
        shares[side] = {w: math.nan if vanished else part / total for w, part in parts.items()}
        remainder[side] = math.nan if vanished else recorded[side] / total - 1
        if vanished:
            undefined[side] = why
    entropy = -float(torch.special.xlogy(row, row).sum()) / math.log(2)
    writer = max(by_value, key=lambda name: shares["V"][name])
    decoded: tuple[tuple[int, float], ...] = ()
    if "V" not in undefined and writer != CONST:
        site = wiring(trace.weights).writer(writer)
        decoded = nearest(trace.weights, site, trace.store(site)[0, smallest_set(row)[0]].double())
    return Address(
        head,
        at,
        tuple(trace.labels),
        tuple(row.tolist()),
        smallest_set(row),
        2**entropy,
        key,
        shares,
        undefined,
        first,
        than,
        remainder,
        decoded,
    )


def smallest_set(row: Float[Tensor, " key"], mass: float = MASS) -> tuple[int, ...]:
    """The fewest tokens that hold ``mass`` of a row, heaviest first; of equal ones the earlier."""
    order = row.argsort(descending=True, stable=True)
    held = row[order].cumsum(0)
    return tuple(order[: int((held < mass - 1e-9).sum()) + 1].tolist())


def sum_of(parts: Mapping[str, Tensor]) -> Tensor:
    """The sum over writers."""
    return torch.stack(list(parts.values())).sum(0)


def _parts(trace: Trace, head: Head, side: Side) -> dict[str, Tensor]:
    return reader_parts(trace, Reader(head.layer, head.index, side))


def _short(value: float) -> str:
    """``.71``, ``1.0``, ``−.12``."""
    text = f"{abs(value):.2f}"
    text = text[1:] if text.startswith("0") else text
    return f"−{text}" if value < 0 and float(f"{value:.2f}") != 0 else text
