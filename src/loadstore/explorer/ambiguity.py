"""Prompts on which induction has several answers: the last token occurred before, with different tokens after it."""

import re
from dataclasses import dataclass, replace

import torch

from loadstore.errors import LoadstoreError
from loadstore.evidence.answers import induction_answers
from loadstore.evidence.circuit import Circuit
from loadstore.execution.trace import Trace
from loadstore.explorer.circuit import batch, mostly
from loadstore.explorer.runs import TooLong
from loadstore.explorer.state import Explorer
from loadstore.heads.roles import bos_of
from loadstore.model.weights import Weights
from loadstore.progress import Progress
from loadstore.sites import Head

SENTENCES = (
    "the cat sat on the mat. the dog sat on the log. the",
    "red car, red house, red door, red",
    "a cup of tea, a cup of milk, a cup of",
    "he went to London, then to Paris, then to Rome, then to",
    "my name is Tom. my name is Mary. my name is",
    "she likes cats. he likes dogs. they like",
)
MADE = 64  # generated sequences of the model's own tokens
GAPS = (1, 2, 3, 3)  # tokens before each occurrence of the repeated one
SHARE = 0.15  # of a head's attention, above which the head attends to a token
TOP = 5  # an answer counts as predicted if it is among this many


@dataclass(frozen=True)
class Answer:
    """A token that followed the repeated one, its probability now, and its rank among the predictions."""

    token: int
    probability: float
    rank: int


@dataclass(frozen=True, eq=False)
class Ambiguity:
    """A run, the head whose attention divides, the tokens after earlier occurrences of the last one, and the answers.

    ``weights``: the head's attention on each of these tokens. ``tried``: the number of prompts compared.
    """

    name: str
    trace: Trace
    head: Head
    followers: tuple[int, ...]
    weights: tuple[float, ...]
    answers: tuple[Answer, ...]
    made: bool
    tried: int = 1

    @property
    def seen(self) -> int:
        """The number of places that the head attends to."""
        return sum(weight >= SHARE for weight in self.weights)

    @property
    def predicted(self) -> int:
        """The number of answers among the top predictions."""
        return sum(answer.rank < TOP for answer in self.answers)

    @property
    def shown(self) -> bool:
        """Whether attention divides over places with most of its mass, and several answers are predicted."""
        return mostly(sum(self.weights)) and self.seen > 1 and self.predicted > 1

    @property
    def strength(self) -> tuple[bool, int, float]:
        """The sort key of examples: whether it is shown, answers predicted, the second largest weight."""
        return self.shown, self.predicted, sorted(self.weights)[-2]


def ambiguity_of(explorer: Explorer, circuit: Circuit, progress: Progress) -> Ambiguity | None:
    """The first sentence that shows it, or else the best prompt tried; None if none can be made."""
    weights, tried = explorer.weights, 0
    best: Ambiguity | None = None
    for text in SENTENCES if weights.tokens is not None else ():
        progress(tried, len(SENTENCES) + MADE)
        try:
            name, trace = explorer.runs.make(text)
        except (LoadstoreError, TooLong):
            continue  # too long for this model
        tried += 1
        best = _better(best, _best(name, trace, circuit, made=False))
        if best is not None and best.shown:
            return replace(best, tried=tried)
    prompts = _made(weights)
    if prompts:
        tried += len(prompts)
        name, trace = explorer.runs.make(prompts[_strongest(batch(weights, prompts), circuit)])
        best = _better(best, _best(name, trace, circuit, made=True))
    return None if best is None else replace(best, tried=tried)


def _better(left: Ambiguity | None, other: Ambiguity | None) -> Ambiguity | None:
    if left is None or other is None:
        return other if left is None else left
    return other if other.strength > left.strength else left


def _best(name: str, trace: Trace, circuit: Circuit, *, made: bool) -> Ambiguity | None:
    """The head of the circuit whose attention divides most evenly on one run; None if there is only one answer."""
    table = induction_answers(trace, heads=circuit.heads)
    ids: list[int] = table.token.values.tolist()
    first = {token: ids.index(token) for token in ids}
    if len(first) < 2:
        return None
    answers = tuple(
        Answer(token, float(table.probability[index]), int(table["rank"][index])) for token, index in first.items()
    )
    followers = tuple(table["place"].values.tolist())
    weights = zip(circuit.heads, table.attention.values.tolist(), strict=True)
    candidates = [Ambiguity(name, trace, head, followers, tuple(row), answers, made) for head, row in weights]
    return max(candidates, key=lambda candidate: candidate.strength)


def _made(weights: Weights) -> list[list[int]]:
    """Sequences … X a … X b … X c … X of the model's own tokens (words, with a tokenizer). Empty if too few."""
    bos = bos_of(weights)
    words = [token for token in range(weights.architecture.vocab) if token != bos]
    if weights.tokens is not None:
        texts = weights.tokens
        words = [token for token in words[:20_000] if re.fullmatch(r" [a-z]{3,8}", texts.text(token))] or words
    begin = [] if bos is None else [bos]
    length = sum(GAPS) + len(GAPS)
    if len(words) <= length or weights.architecture.context < length + len(begin):
        return []
    generator = torch.Generator().manual_seed(0)
    prompts: list[list[int]] = []
    for _ in range(MADE):
        repeated, *others = (words[index] for index in torch.randperm(len(words), generator=generator)[: length + 1])
        prompt = list(begin)
        for gap in GAPS:
            prompt += [*(others.pop() for _ in range(gap)), repeated]
        prompts.append(prompt)
    return prompts


def _strongest(trace: Trace, circuit: Circuit) -> int:
    """The best sequence of a batch, by the product of the second largest probability and second largest attention."""
    ids = trace.tokens
    places = (ids[0, :-1] == ids[0, -1]).nonzero().flatten() + 1
    probabilities = trace.logits[:, -1].double().softmax(-1).gather(1, ids[:, places])
    looked = torch.stack([trace.pattern(head)[:, -1][:, places] for head in circuit.heads]).sort(-1).values[..., -2]
    return int((probabilities.sort(-1).values[:, -2] * looked.max(0).values.double()).argmax())
