"""A verified listing and its text: the program with measured values, joint cuts, and the verdict."""

import math
from dataclasses import dataclass

import numpy as np

from loadstore.causal.beyond import beyond, p_value
from loadstore.decomposition.program import Listing, Notes, program
from loadstore.decomposition.short import short
from loadstore.evidence.claimed import Claim
from loadstore.evidence.whole import Whole

ERRORS = 2.0  # standard errors


@dataclass(frozen=True)
class Check:
    """One cut: its effects on the target and on its reader, its controls, and its replicates.

    ``effect`` in nats; ``change``: total variation of the reader's pattern (Q, K, unembed) or relative change of its
    store (V, MLP), NaN for joint cuts; ``attention``: of every watched load, before and after.
    """

    claim: Claim
    traffic: float
    effect: float
    change: float
    probability: float
    attention: tuple[tuple[float, float], ...]
    controls: tuple[float, ...]
    mean: float
    standard_error: float

    @property
    def beyond(self) -> bool:
        """Whether it moves the target in the claimed direction, further than any control moves it."""
        return beyond(self.claim.sign * self.effect, self.controls)

    @property
    def p(self) -> float:
        """p-value of the cut among its controls, under exchangeability."""
        return p_value(self.claim.sign * self.effect, self.controls)

    @property
    def replicated(self) -> bool:
        """Whether its mean over replicates is more than two standard errors from 0 in the claimed direction."""
        return self.claim.sign * self.mean > ERRORS * self.standard_error

    @property
    def verified(self) -> bool:
        """Whether it is both beyond its controls and replicated."""
        return self.beyond and self.replicated


@dataclass(frozen=True, eq=False)
class Verified:
    """A listing and the checks of its cuts; ``str`` prints the program with measured values.

    ``replicates``: how many other prompts; ``on``: their kind. ``whole``: the joint effect of the listing's wires.
    A cut has the requested number of controls, or fewer if the model has fewer.
    """

    listing: Listing
    checks: tuple[Check, ...]
    replicates: int
    on: str
    whole: Whole | None = None

    @property
    def count(self) -> int:
        """The number of verified cuts."""
        return sum(check.verified for check in self.checks)

    @property
    def luck(self) -> float:
        """p-value: the chance of at least this many cuts exceeding all of their controls under exchangeability."""
        chances = np.ones(1)
        for check in self.checks:
            least = p_value(math.inf, check.controls)
            chances = np.convolve(chances, [1 - least, least])
        return float(chances[self.count :].sum())

    @property
    def holds(self) -> bool:
        """Whether more cuts are verified than chance would put beyond their controls (p below 1 %)."""
        return self.luck < 0.01

    def __str__(self) -> str:
        return verdict(self)

    def __repr__(self) -> str:
        """The number of verified cuts; ``print`` shows the program with measured values."""
        return (
            f"Verified listing: {self.count} of {len(self.checks)} cuts verified, so the listing "
            f"{'holds' if self.holds else 'fails'} (p {self.luck:.2g}); {self.replicates} replicates on {self.on}\n"
            f"{self.listing!r}"
        )


def mark(check: Check) -> str:
    """Verified, beyond its controls but not replicated, or neither; in words, not by colour alone."""
    if check.verified:
        return "✔ verified"
    if check.beyond:
        return "◦ beyond its controls, not replicated"
    return "✘ not beyond its controls"


def nats(value: float) -> str:
    """Two digits, or three for small numbers."""
    return short(value) if abs(value) >= 0.095 else f"{value:.3f}".replace("0.", ".").replace("-", "−")


def note(proof: Verified, check: Check) -> str:
    """One check in a line: ``cut L0.H7: p .99 → .52, −.64 nats (controls ≤ .03; replicates −1.2 ± .2) ✔ verified``."""
    most = max(map(abs, check.controls))
    return (
        f"{brief(proof, check)}, {nats(check.effect)} nats (controls ≤ {nats(most)}; replicates {nats(check.mean)} ± "
        f"{nats(check.standard_error)}) {mark(check)}"
    )


def brief(proof: Verified, check: Check) -> str:
    """The cut and its probabilities: ``cut L0.H7: p .99 → .52``."""
    return f"cut {check.claim.wires[0][0]}: p {short(proof.listing.probability)} → {short(check.probability)}"


def notes(proof: Verified, *, whole: bool = True) -> Notes:
    """The results for every single wire, for the lines of its program; with controls if ``whole``."""
    return {
        (str(check.claim.wires[0][0]), str(check.claim.wires[0][1])): (
            note(proof, check) if whole else f"{brief(proof, check)} {mark(check)}",
            "verified" if check.verified else "beyond" if check.beyond else "failed",
        )
        for check in proof.checks
        if len(check.claim.wires) == 1
    }


def verdict(proof: Verified) -> str:
    """The complete text."""
    first = [] if proof.whole is None else [str(proof.whole), ""]
    lines = [*first, *(line.text for line in program(proof.listing, notes(proof)))]
    together = [check for check in proof.checks if len(check.claim.wires) > 1]
    if together:
        lines.append("\ncut together:")
    for check in together:
        lines.append(f"  {check.claim.text}\n      {note(proof, check)}")
        seen = [
            f"{head} {proof.listing.labels[query]} → {proof.listing.labels[key]} {short(before)} → {short(after)}"
            for (head, query, key), (before, after) in zip(check.claim.watched, check.attention, strict=True)
        ]
        if seen:
            lines.append("      attention: " + ", ".join(seen))
    return "\n".join([*lines, "", summary(proof)])


def summary(proof: Verified) -> str:
    """The number of verified cuts, and the number expected by chance."""
    n, beyond = len(proof.checks), sum(check.beyond for check in proof.checks)
    by_luck = math.fsum(p_value(math.inf, check.controls) for check in proof.checks)
    fewest, most = (pick(len(check.controls) for check in proof.checks) for pick in (min, max))
    verdict = "the listing holds" if proof.holds else "the listing FAILS verification"
    return (
        f"{verdict}: {proof.count} of {n} cuts are verified, {beyond} are beyond all of their controls "
        f"({fewest if fewest == most else f'{fewest} to {most}'} each; by luck {by_luck:.1f} would be, and "
        f"{proof.count} or more with p {'< 1e-9' if proof.luck < 1e-9 else f'{proof.luck:.1g}'}); "
        f"replicated on {proof.replicates} {proof.on}"
    )
