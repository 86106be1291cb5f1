"""A listing, and its lines as an assembly-like program.

Marks duplicate the information of colours, so that no line depends on colour.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, TypeAlias

from loadstore.decomposition.address import sink_of
from loadstore.decomposition.loads import Cell, Kind, Load, Part
from loadstore.decomposition.logits import cap_words
from loadstore.decomposition.search import LEAST, Step
from loadstore.decomposition.short import short, signed
from loadstore.execution.trace import Trace
from loadstore.sites import CONST, parse_head
from loadstore.tokenizer.tokens import text_of

Op: TypeAlias = Literal["target", "LOAD", "LOAD.Q", "LOAD.K", "LOAD.V", "ADDR", "STORE", ""]
OPS: Mapping[Kind, Op] = {"Q": "LOAD.Q", "K": "LOAD.K", "V": "LOAD.V", "mlp": "LOAD", "unembed": "LOAD"}
Mark: TypeAlias = Literal["", "estimated", "verified", "beyond", "failed"]
Notes: TypeAlias = Mapping[tuple[str, str], tuple[str, Mark]]  # measured values of a wire, by writer and reader
TOKENS = 3  # tokens shown of an address
PARTS = 6  # parts shown of a load


@dataclass(frozen=True, eq=False)
class Listing:
    """The program of one prediction, from the target down; ``str`` prints it, each step once.

    ``logit`` and ``probability`` are the run's. ``contrast`` is what is divided: the logit less that of ``against``, or
    less the mean over the vocabulary, which no common shift of the logits changes; both before a soft cap.
    ``explained``: the part of it that the listed writers of the target sum to. ``left`` more steps weigh enough, beyond
    ``most``.
    """

    trace: Trace
    at: int
    token: int
    against: int | None
    logit: float
    probability: float
    contrast: float
    target: Load
    steps: tuple[Step, ...]
    share: float
    left: int

    @property
    def explained(self) -> float:
        """The sum of the target's listed writers, relative to the contrast."""
        return self.target.explained

    @cached_property
    def labels(self) -> list[str]:
        """Token labels of the prompt, decoded once."""
        return self.trace.labels

    @cached_property
    def by_place(self) -> dict[Cell, Step]:
        """Steps by writer and token."""
        return {(step.site, step.at): step for step in self.steps}

    @property
    def wires(self) -> list[tuple[str, str]]:
        """The distinct wires in the loads of all steps, as input for ``ls.experiments.sweep``."""
        named = [
            (part.writer, step.site if load.kind == "mlp" else f"{step.site}.{load.kind}")
            for step in self.steps
            for load in step.loads
            for part in load.parts
            if part.writer != CONST
        ]
        return list(dict.fromkeys(named))

    def text_of(self, token: int) -> str:
        """Return the text of a token id with visible white space; ``#17`` if there is no tokenizer."""
        return text_of(token, self.trace.weights.tokens)

    def __str__(self) -> str:
        return "\n".join(line.text for line in program(self))

    def __repr__(self) -> str:
        """The explained prediction and the explained fraction; ``print`` shows the program."""
        above = "the mean logit" if self.against is None else self.text_of(self.against)
        return (
            f"Listing of {self.text_of(self.token)} after {self.labels[self.at]} by {self.trace.weights.name}: "
            f"probability {short(self.probability)}, {short(self.contrast)} nats above {above}"
            f"{cap_words(self.trace.weights)}\n"
            f"  {len(self.steps)} steps, {len(self.wires)} wires; the writers listed hold {self.explained:.0%} of it. "
            "print() shows the program"
        )


@dataclass(frozen=True, slots=True)
class Line:
    """One line: its step's site (on the step's first line), operation, token, operands and comment.

    ``parts``: a text and, if it names a loaded writer, that writer and its token.
    """

    site: str
    op: Op
    place: str
    parts: tuple[tuple[str, Cell | None], ...]
    comment: str = ""
    mark: Mark = ""

    @property
    def text(self) -> str:
        """The line, formatted in columns."""
        body = " | ".join(text for text, _ in self.parts)
        line = f"{self.site:<8} {self.op:<7} {self.place:<11} {body}"
        return f"{line:<79} ; {self.comment}" if self.comment else line.rstrip()


def program(listing: Listing, notes: Notes | None = None) -> Iterator[Line]:
    """The lines of a listing; ``notes`` replaces estimates by measured values."""
    labels, at = listing.labels, listing.at
    than = "the mean of all tokens" if listing.against is None else listing.text_of(listing.against)
    said = (
        f"{listing.text_of(listing.token)}   logit {signed(listing.logit)}, {signed(listing.contrast)} above {than}"
        f"{cap_words(listing.trace.weights)}   "
        f"p {short(listing.probability)}   explained {100 * listing.explained:.0f} %"
    )
    yield Line("", "target", labels[at], ((said, None),))
    notes = {} if notes is None else notes
    yield Line("unembed", "LOAD", labels[at], _parts(listing, listing.target))
    for step in listing.steps:
        yield from _step(listing, step, notes)
    if listing.left:
        yield Line("", "", "", (), f"{listing.left} more steps weigh at least {short(LEAST)}; top= (--top) adds them")


def _step(listing: Listing, step: Step, notes: Notes) -> Iterator[Line]:
    site, labels = step.site, listing.labels
    for load in step.loads:
        token = step.at if load.undefined else _place(load)
        token_label = "·" if token is None else labels[token]
        yield Line(site, OPS[load.kind], token_label, _parts(listing, load), *_comment(listing, step, load, notes))
        site = ""
        if load.kind == "K":
            yield Line("", "ADDR", labels[step.at], _plain(_address(listing, step)))
    yield Line("", "STORE", labels[step.at], _plain(_stored(listing, step)))


def _comment(listing: Listing, step: Step, load: Load, notes: Notes) -> tuple[str, Mark]:
    """The origin of the largest part, and the effect of cutting it: measured if available, else estimated."""
    part = next((part for part in load.parts if part.writer != CONST), None)
    if part is None:
        return "", ""
    reader = step.site if load.kind == "mlp" else f"{step.site}.{load.kind}"
    estimate = f"cut {part.writer}: {listing.text_of(listing.token)} {signed(-step.carried * part.share)} estimated"
    text, mark = notes.get((part.writer, reader), (estimate, "estimated"))
    return "; ".join([*_origin(listing, part), text]), mark


def _parts(listing: Listing, load: Load) -> tuple[tuple[str, Cell | None], ...]:
    if load.undefined:
        return ((f"undefined: {load.undefined}", None),)
    about, one_place = "" if load.additive else "≈", _place(load) is not None
    listed: list[tuple[str, Cell | None]] = []
    before = -1
    for part in load.parts[:PARTS]:
        token = "" if one_place or part.token == before else f"{listing.labels[part.token]}: "
        listed.append((f"{token}{part.writer} {about}{short(part.share)}", (part.writer, part.token)))
        before = part.token
    hidden = [part.share for part in load.parts[PARTS:]]
    if others := load.others + len(hidden):
        rest = short(load.rest + math.fsum(hidden))
        most = max([load.largest, *map(abs, hidden)])
        said = rest if load.additive else f"≤ {short(most)}"
        listed.append((f"{others} {'others' if others > 1 else 'other'} {said}", None))
    return tuple(listed)


def _plain(texts: list[str]) -> tuple[tuple[str, Cell | None], ...]:
    return tuple((text, None) for text in texts)


def _place(load: Load) -> int | None:
    """The only loaded token; None if there are several."""
    places = {part.token for part in load.parts}
    return places.pop() if len(places) == 1 else None


def _address(listing: Listing, step: Step) -> list[str]:
    order = sorted(range(len(step.attended)), key=lambda j: -step.attended[j])[:TOKENS]
    shown = [f"{listing.labels[j]} {short(step.attended[j])}" for j in order]
    rest = len(step.attended) - len(shown)
    sink = sink_of(listing.trace, parse_head(step.site), step.at)
    shown += [] if sink is None else [f"sink {short(sink)}"]
    return [*shown, f"+{rest}"] if rest else shown


def _origin(listing: Listing, part: Part) -> list[str]:
    """The origin of a part's store, if that store is itself a step."""
    source = listing.by_place.get((part.writer, part.token))
    values = next((each for each in source.loads if each.kind == "V"), None) if source is not None else None
    if values is None or not values.parts:
        return []
    return [f"{part.writer} stored {listing.labels[values.parts[0].token]} here"]


def _stored(listing: Listing, step: Step) -> list[str]:
    said: list[str] = []
    if not math.isnan(step.stored):
        said.append(f"{listing.text_of(listing.token)} {signed(step.stored)}")
    if step.decoded is not None:
        said.append(f"like {step.decoded[0]} {short(step.decoded[1])}")
    users = [user for user in step.users if user != "unembed"]
    if users:
        said.append("for " + ", ".join(users[:4]) + (f" +{len(users) - 4}" if len(users) > 4 else ""))
    return said
