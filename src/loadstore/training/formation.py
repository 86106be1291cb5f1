"""When an induction head formed: read from the measured lines of a run, nothing else."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from loadstore.errors import BadRequest
from loadstore.quote import quote
from loadstore.training.history import Line

FORMED = 0.9
LOW, HIGH = 0.1, 0.9


@dataclass(frozen=True, slots=True)
class Moment:
    """A point of a run, between two measurements where need be."""

    step: float
    tokens: float


@dataclass(frozen=True)
class Formation:
    """The head with the most induction at the end, its history, and the window in which its score rose.

    ``score`` and ``previous`` are attention shares, losses are in nats, all one value per measured line.
    ``began`` and ``ended``: the score last left 10 % and first reached 90 % of its rise; None where it never did.
    """

    head: str
    previous_head: str
    step: list[int]
    tokens: list[int]
    score: list[float]
    previous: list[float]
    first_copy: list[float]
    second_copy: list[float]
    began: Moment | None
    ended: Moment | None

    @property
    def formed(self) -> bool:
        """Whether the head ends with more than ``FORMED`` of its attention on the right token."""
        return self.score[-1] > FORMED


def strongest(line: Line, role: str, layer: int | None = None) -> tuple[str, float]:
    """The head with the highest score of a role in one line, of one layer or of all."""
    scores = {head: value for head, value in line[role].items() if layer is None or head.startswith(f"L{layer}.")}
    head = max(scores, key=lambda name: scores[name] or 0.0)
    return head, float(scores[head] or 0.0)


def formation(lines: Sequence[Line]) -> Formation:
    """Follow the induction head and the previous-token head of the last line through all lines.

    Raises BadRequest where a line lacks what is followed.
    """
    try:
        return _followed(lines)
    except (KeyError, IndexError, AttributeError, TypeError, ValueError) as error:
        raise BadRequest(
            f"the measured lines of this run are damaged ({quote(repr(error), 60)}); train again"
        ) from None


def _followed(lines: Sequence[Line]) -> Formation:
    head, _ = strongest(lines[-1], "induction")
    before, _ = strongest(lines[-1], "previous", layer=0)
    score = [float(line["induction"][head] or 0.0) for line in lines]
    tokens = [int(line["tokens"]) for line in lines]
    step = [int(line["step"]) for line in lines]
    began, ended = window(step, tokens, score)
    return Formation(
        head=head,
        previous_head=before,
        step=step,
        tokens=tokens,
        score=score,
        previous=[float(line["previous"][before] or 0.0) for line in lines],
        first_copy=[float(line["first_copy_loss"]) for line in lines],
        second_copy=[float(line["second_copy_loss"]) for line in lines],
        began=began,
        ended=ended,
    )


def window(step: Sequence[int], tokens: Sequence[int], score: Sequence[float]) -> tuple[Moment | None, Moment | None]:
    """From 10 % to 90 % of the rise from the first score to the last, interpolated; None without a rise."""
    return passing(step, tokens, score, LOW), passing(step, tokens, score, HIGH)


def passing(step: Sequence[int], tokens: Sequence[int], score: Sequence[float], level: float) -> Moment | None:
    """When a score passed a share of its rise from first to last, interpolated; None without a rise.

    It last did so before it first reached 90 %, which itself it first did then.
    """
    first, rise = score[0], score[-1] - score[0]
    if not rise > 0:
        return None
    shares = [(value - first) / rise for value in score]
    top = next(i for i, share in enumerate(shares) if share >= HIGH)
    i = top if level >= HIGH else next(i for i in range(top, 0, -1) if shares[i - 1] <= level)
    part = (level - shares[i - 1]) / (shares[i] - shares[i - 1])
    return Moment(step[i - 1] + part * (step[i] - step[i - 1]), tokens[i - 1] + part * (tokens[i] - tokens[i - 1]))


def verdict(formation: Formation) -> str:
    """One sentence: whether an induction head formed, by which measure, and when."""
    measured = (
        f"{formation.head} ends with {formation.score[-1]:.2f} of its attention on the token that followed before"
    )
    if not formation.formed:
        return f"no induction head formed: {measured}, the threshold is {FORMED}"
    when = ""
    began, ended = formation.began, formation.ended
    if began is not None and ended is not None:
        when = (
            f"; it formed between step {began.step:.0f} and {ended.step:.0f}, "
            f"{_tokens(began.tokens)} and {_tokens(ended.tokens)} tokens (10 % and 90 % of its rise)"
        )
    return f"an induction head formed: {measured} (threshold {FORMED}){when}"


def chance(formation: Formation, vocab: int) -> str:
    """What the two losses say, beside ln(vocab), the loss of knowing nothing."""
    return (
        f"second copies end at {formation.second_copy[-1]:.2f} nats (guessing: {math.log(vocab):.2f}), first copies, "
        f"which cannot be predicted, at {formation.first_copy[-1]:.2f}"
    )


def _tokens(count: float) -> str:
    return f"{count / 1e6:.2f} million" if count >= 1e6 else f"{round(count):,}"
