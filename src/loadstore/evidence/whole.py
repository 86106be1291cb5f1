"""A whole listing as a circuit: with only its wires, and with all others, on the listing's prompt.

    F(listing) = (m(listing) − m(none)) / (m(all) − m(none))        m = log p(target)

All other wires carry the stores of a counterfactual prompt, or the mean of a reference at each position. One prompt
gives no confidence interval; ``ls.prove`` measures circuits on many prompts. Tests: tests/evidence/test_whole.py.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import torch

from loadstore.axes import Tokens
from loadstore.causal.metrics import log_probability
from loadstore.circuits.circuit import mask_of
from loadstore.circuits.context import Context, contexts
from loadstore.circuits.live import Live, live
from loadstore.circuits.pairs import Pairs
from loadstore.circuits.replaced import recorded
from loadstore.corpora.shipped import shipped
from loadstore.decomposition.graph_of_listing import listing_graph
from loadstore.decomposition.program import Listing
from loadstore.decomposition.short import short
from loadstore.errors import BadPrompt
from loadstore.execution.run import Prompt, as_prompts
from loadstore.execution.trace import Trace
from loadstore.model.weights import Weights
from loadstore.sites import CONST, UNEMBED, Reader, Writer, parse_reader, parse_writer

REFERENCE = 32  # prompts in the reference
LEAST = 3  # tokens of a piece of the corpus: BOS and two more


@dataclass(frozen=True)
class Whole:
    """The joint effect of a listing's wires.

    Args:
        wires: How many of its wires can differ; biases and positions cannot.
        live: How many such wires the model has.
        replaced: The values that all other wires carry, in words.
        all: log p(target) with all wires, as on the prompt.
        none: log p(target) with no wires.
        alone: log p(target) with only the listing's wires.
        without: log p(target) with all wires except the listing's.
        drawn_wires: How many of the wires that can differ its picture shows.
        drawn: log p(target) with only these.
    """

    wires: int
    live: int
    replaced: str
    all: float
    none: float
    alone: float
    without: float
    drawn_wires: int
    drawn: float

    @property
    def drawn_sufficiency(self) -> float:
        """F of the wires in the listing's picture; NaN if all wires and none give the same value."""
        return self._share(self.drawn)

    @property
    def sufficiency(self) -> float:
        """F of the listing's wires; NaN if all wires and none give the same value."""
        return self._share(self.alone)

    @property
    def necessity(self) -> float:
        """1 − F of all other wires; NaN if all wires and none give the same value."""
        return 1 - self._share(self.without)

    def _share(self, value: float) -> float:
        span = self.all - self.none
        return (value - self.none) / span if span else float("nan")

    def __str__(self) -> str:
        return (
            f"whole listing: {self.wires} of {self.live:,} wires; all others carry {self.replaced}: "
            f"sufficiency {short(self.sufficiency)}, necessity {short(self.necessity)} "
            f"(log p {_signed(self.all)} with all wires, {_signed(self.none)} with none, {_signed(self.alone)} with "
            f"these alone, {_signed(self.without)} without them)"
        )


def _signed(value: float) -> str:
    return f"{value:.2f}".replace("-", "−")


def whole_listing(listing: Listing, against: Prompt | None = None, seed: int = 0) -> Whole:
    """Run the prompt with only a listing's wires, and with only all others.

    Args:
        listing: The listing.
        against: A counterfactual prompt of equally many tokens. None: the mean of a reference at each position, which
            is the beginnings of the shipped documents, or random ids for a model whose tokenizer cannot read them.
        seed: The seed of random ids.

    Raises:
        BadPrompt: The counterfactual prompt is too short or does not differ.
    """
    weights = listing.trace.weights
    tokens = listing.trace.tokens[:, : listing.at + 1]
    network = live(weights)
    ends = [(part.writer, str(UNEMBED)) for part in listing.target.parts if part.writer != CONST]
    wires = _live(network, [*listing.wires, *ends])
    drawn = _live(network, listing_graph(listing).wires)
    mask = mask_of(network, wires)
    context, replaced = _context(weights, tokens, listing.token, against, seed)
    return Whole(
        len(wires),
        network.count,
        replaced,
        float(context.all[0]),
        float(context.none[0]),
        float(context.of(mask)[0]),
        float(context.of(network.exists & ~mask)[0]),
        len(drawn),
        float(context.of(mask_of(network, drawn))[0]),
    )


def wires_alone(
    trace: Trace, at: int, target: int, wires: Iterable[tuple[str, str]], seed: int = 0
) -> tuple[int, float, str]:
    """F of some wires on one prompt, for the log-probability of a token.

    Args:
        trace: A run of one prompt.
        at: The token after which the target is predicted.
        target: The id of the target.
        wires: Writers and readers by name.
        seed: The seed of random ids, for a model whose tokenizer cannot read them.

    Returns:
        How many of the wires can differ, F of these (NaN if all wires and none give the same value), and the values
        that all other wires carry.
    """
    network = live(trace.weights)
    chosen = _live(network, wires)
    context, replaced = _context(trace.weights, trace.tokens[:, : at + 1], target, None, seed)
    span = float(context.all[0] - context.none[0])
    alone = float(context.of(mask_of(network, chosen))[0] - context.none[0])
    return len(chosen), alone / span if span else float("nan"), replaced


def _live(network: Live, wires: Iterable[tuple[str, str]]) -> list[tuple[Writer, Reader]]:
    """The distinct wires among these that can differ."""
    named = dict.fromkeys((parse_writer(writer), parse_reader(reader)) for writer, reader in wires)
    return [wire for wire in named if wire[0] in network.place_of_writer]


def _context(weights: Weights, tokens: Tokens, target: int, against: Prompt | None, seed: int) -> tuple[Context, str]:
    length = tokens.shape[1]
    if against is not None:
        other = as_prompts(weights, against)[0]
        if len(other) != 1 or other.shape[1] < length:
            raise BadPrompt(
                f"against= has {other.shape[1]} tokens and the listing's prompt {length} up to its target; give one "
                "prompt with at least as many"
            )
        other = other[:, :length]
        if bool((other == tokens).all()):
            raise BadPrompt("against= is the same prompt up to the target; change a token before it")
        over, replaced = None, "the counterfactual prompt"
    else:
        reference, replaced = _reference(weights, length, seed)
        other, over = tokens, recorded(weights, reference)
    pairs = Pairs(weights, tokens, other, (length - 1,), log_probability(target), ("",), ((),))
    (context,) = contexts(pairs, "counterfactual" if over is None else "mean", "free", over)
    return context, replaced


def _reference(weights: Weights, length: int, seed: int) -> tuple[Tokens, str]:
    """Prompts of one length, and a description of them."""
    if weights.architecture.context >= LEAST and (corpus := shipped(weights, max(LEAST, length))) is not None:
        texts = [piece[:length] for document in corpus.documents for piece in document if len(piece) >= length]
        if texts:
            return torch.stack(
                texts[:REFERENCE]
            ), f"their mean over {len(texts[:REFERENCE])} texts of the default corpus"
    generator = torch.Generator().manual_seed(seed)
    ids = torch.randint(weights.architecture.vocab, (REFERENCE, length), generator=generator)
    return ids, f"their mean over {REFERENCE} prompts of random tokens"
