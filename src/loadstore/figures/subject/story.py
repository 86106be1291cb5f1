"""The subject of a set of figures: one model, one prompt, one question, and shared results."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from loadstore.causal.proof import CutProof, induction_circuit, prove_wire
from loadstore.decomposition.listing import listing
from loadstore.decomposition.logits import logit_parts
from loadstore.decomposition.program import Listing
from loadstore.decomposition.question import Question, main_head
from loadstore.evidence.wires import wires
from loadstore.execution.trace import Trace
from loadstore.figures.facts import met
from loadstore.figures.subject import of_model
from loadstore.figures.subject.on_text import stored_on_text
from loadstore.figures.subject.prompt import Prompt
from loadstore.figures.subject.results import Results
from loadstore.heads.roles import IS_ROLE, measured_roles
from loadstore.model.opened import whole_mlps
from loadstore.model.weights import Weights
from loadstore.scores.scores import subspace_scores
from loadstore.sites import Head, parse_head
from loadstore.tokenizer.tokens import text_of
from loadstore.wire_traffic.moments import Moments
from loadstore.wire_traffic.traffic import traffic

if TYPE_CHECKING:
    import xarray as xr

STEPS = 6  # of the program
PROVED = 4  # random repeats for cutting a wire


@dataclass(frozen=True)
class Scope:
    """The heads that a set of figures covers.

    Args:
        previous: The layers to search for the previous-token head.
        scored: Patterns of the readers whose wires are scored; None for all.
    """

    previous: "Callable[[Story], range]"
    scored: "Callable[[Story], Sequence[str] | None]"


EVERYTHING = Scope(previous=lambda story: range(1), scored=lambda story: None)
"""The previous-token head of layer 0, as in the article, and the scores of all wires."""


@dataclass(frozen=True)
class Story:
    """One model, one prompt and one question about it; each result is computed at its first use.

    Args:
        weights: The model.
        trace: A run of the prompt.
        prompt: The prompt.
        asked: The question.
        scope: The heads that the figures cover.
        results: Further results by name.
        quick: Whether slow results are left out.
    """

    weights: Weights
    trace: Trace
    prompt: Prompt
    asked: Question
    scope: Scope = EVERYTHING
    results: Results = field(default_factory=Results, compare=False, repr=False)
    quick: bool = False

    def __post_init__(self) -> None:
        whole_mlps(self.weights, "figures are drawn")

    @cached_property
    def main(self) -> Head:
        """The head whose own store adds most to the explained prediction."""
        return main_head(self.trace, self.asked)

    @cached_property
    def parts(self) -> "xr.DataArray":
        """The question's logit difference by writer and source token."""
        return logit_parts(self.trace, self.asked.at, self.asked.predict, against=self.asked.against, by_source=True)

    @cached_property
    def listing(self) -> Listing:
        """The program of the prediction. Raises Undefined if there is none."""
        return listing(self.trace, self.asked.at, predict=self.asked.predict, against=self.asked.against, top=STEPS)

    @cached_property
    def proof(self) -> CutProof:
        """The cut of the wire from the previous-token head to the first induction head's K, with its controls.

        Raises Undefined if there is no wire to compare it with. There must be an induction head.
        """
        apart = induction_circuit(self.previous, self.induction)
        return prove_wire(self.weights, self.previous, self.induction[0], apart=apart, sequences=PROVED)

    @property
    def after(self) -> str:
        """The label of the token after which the prediction is explained."""
        return self.trace.labels[self.asked.at]

    @property
    def predicted(self) -> str:
        """The text of the explained prediction."""
        return self.text_of(self.asked.predict)

    def text_of(self, token: int) -> str:
        """A token of the vocabulary as text, or its id."""
        return text_of(token, self.weights.tokens)

    @cached_property
    def first_writers(self) -> tuple[str, ...]:
        """The writers before layer 0: ``embed``, and ``pos`` if the model has one."""
        return ("embed", "pos") if self.weights.architecture.has_pos else ("embed",)

    @property
    def averaged(self) -> str:
        """A sentence for notes on Q and K scores under rotary positions; otherwise empty."""
        shape = self.weights.architecture
        if shape.rotary is None:
            return ""
        return f" Rotary positions make Q and K depend on the offset; their scores average over {met(shape)}."

    @cached_property
    def roles(self) -> "xr.Dataset":
        """Role scores on random repeats."""
        return measured_roles(self.weights)

    @cached_property
    def scores(self) -> "xr.Dataset":
        """Subspace scores of the wires in the scope."""
        readers = self.scope.scored(self)
        return of_model.scores(self.weights) if readers is None else subspace_scores(self.weights, readers=readers)

    @cached_property
    def reversed(self) -> "xr.Dataset":
        """The same with the coordinates of writers' outputs reversed."""
        return subspace_scores(self.weights, control="reversed")

    @cached_property
    def haar(self) -> "xr.Dataset":
        """Scores of the last first writer (pos, or else embed) with its output randomly rotated."""
        return subspace_scores(self.weights, writers=self.first_writers[-1], readers="L0.*", control="haar")

    @cached_property
    def negated(self) -> "xr.Dataset":
        """The same with its output negated: computed, not assumed to be equal."""
        negated = of_model.negated(self.weights)
        return subspace_scores(negated, writers=self.first_writers[-1], readers="L0.*")

    @cached_property
    def carried(self) -> Moments:
        """The moments of ``stored_on_text``, which may raise Undefined."""
        return stored_on_text(self.weights, self.trace)

    def loads(self, readers: Sequence[str]) -> "xr.Dataset":
        """Traffic of every wire into the given readers."""
        return traffic(self.weights, self.carried, readers=readers)

    def evidence(self, head: Head, most: int) -> "xr.Dataset":
        """The wires with the most traffic into each side of a head, with alignment, traffic and effect."""
        return wires(self.weights, self.carried, readers=f"{head}.*", top=most, effect=most)

    def role(self, head: Head, role: str) -> float:
        """One role score."""
        return float(self.roles[role].sel(head=str(head)))

    def error(self, head: Head, role: str) -> float:
        """Its standard error over sequences."""
        return float(self.roles[f"{role}_se"].sel(head=str(head)))

    def strongest(self, role: str, layers: range) -> list[Head]:
        """Heads of the given layers, strongest in a role first."""
        names = [str(head) for head in self.weights.architecture.heads if head.layer in layers]
        ranked = self.roles[role].sel(head=names).to_series().sort_values(ascending=False)
        return [parse_head(str(name)) for name in ranked.index]

    @cached_property
    def previous(self) -> Head:
        """The strongest previous-token head of the scope, even if it is below the threshold."""
        return self.strongest("previous", self.scope.previous(self))[0]

    @cached_property
    def is_previous(self) -> bool:
        """Whether it reaches the threshold of the role."""
        return self.role(self.previous, "previous") > IS_ROLE

    @cached_property
    def induction(self) -> tuple[Head, ...]:
        """The induction heads after layer 0, strongest first; may be empty."""
        later = range(1, self.weights.architecture.n_layers)
        return tuple(head for head in self.strongest("induction", later) if self.role(head, "induction") > IS_ROLE)

    @cached_property
    def candidate(self) -> Head | None:
        """The head in the induction figures: the strongest after layer 0; None in a one-layer model."""
        later = self.strongest("induction", range(1, self.weights.architecture.n_layers))
        return later[0] if later else None
