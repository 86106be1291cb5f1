"""The measures of a wire, in one table that computation, printing, export and drawing all use.

To add a measure of scores, add an entry here; nothing else changes. See "A measure of a wire" in CONTRIBUTING.md.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Literal, TypeAlias

import torch
from jaxtyping import Float
from torch import Tensor

from loadstore.linear.null import Null
from loadstore.sites import Reader

ROUNDING = 1e-15  # squared scores below this are rounding of the double-precision cores
Product: TypeAlias = Float[Tensor, "writer reader"]
Analysis: TypeAlias = Literal["scores", "traffic", "effect"]
QUESTIONS: dict[Analysis, str] = {"scores": "can it carry", "traffic": "does it carry", "effect": "does it matter"}
Kind: TypeAlias = Literal["Q", "K", "V", "mlp", "unembed"]
UNITS: dict[Kind, str] = {
    "Q": "nats",
    "K": "nats",
    "V": "units of the stream",
    "mlp": "units of an MLP's inside",
    "unembed": "logits",
}
"""Units of traffic, by the kind of its reader."""


@dataclass(frozen=True, slots=True)
class Measure:
    """One number of every wire.

    Args:
        name: The variable of the dataset, the field of the JSON document and the column of a table.
        meaning: Its meaning, in one line.
        of: The measure of X = ‖A B‖² of many wires and of their null. None if it compares a wire with all others, or if
            another analysis gives it.
        analysis: The analysis that gives it: ``ls.subspace_scores``, ``ls.traffic`` or a cut.
        main: Whether it is the main result of its analysis.
        unit: Its unit; None if the kind of the reader decides (``UNITS``).
        decimals: Decimals in a page's table; None for a p-value, which keeps its magnitude.
        heading: The heading of its column, if that is not its name.
        detail: Whether pages show it next to the measure that they draw.
        beside: Whether ``ls.wires`` has it next to the measures of the other analyses.
        printed: Whether tables of all three analyses show it.
        edge: Whether an edge of the explorer's graph of wires carries it.
        single: Whether it is given for a single wire: in a head's dossier, and for the wire of an induction circuit.
        scale: The name of its axis, if that is not its heading.
    """

    name: str
    meaning: str
    of: Callable[[Product, Null], Product] | None = None
    analysis: Analysis = "scores"
    main: bool = False
    unit: str | None = ""
    decimals: int | None = 4
    heading: str = ""
    detail: bool = True
    beside: bool = True
    printed: bool = True
    edge: bool = False
    single: bool = False
    scale: str = ""

    @property
    def column(self) -> tuple[str, str, int | None]:
        """Its column of a page's table: name, heading and decimals."""
        text = f"{self.name}: {QUESTIONS[self.analysis]}" if self.main else self.heading or self.name
        return self.name, text, self.decimals

    @property
    def label(self) -> str:
        """The heading of its column in a table without a main measure."""
        return self.heading or self.name.replace("_", " ")

    @property
    def axis(self) -> str:
        """The name of its axis in a plot."""
        return self.scale or self.label


MEASURES = (
    Measure(
        "score",
        "how far directions that are written are directions that are read",
        lambda x, null: (x / null.norms).sqrt(),
        printed=False,
    ),
    Measure("chance", "the score of a random rotation", lambda _, null: null.chance(), beside=False),
    Measure(
        "z",
        "standard deviations above chance",
        lambda x, null: null.z(x),
        decimals=1,
        beside=False,
        edge=True,
        single=True,
    ),
    Measure("p", "probability of a score this high by chance", lambda x, null: null.p(x), decimals=None, single=True),
    Measure("q", "p adjusted for all wires", decimals=None, beside=False, edge=True, single=True),
    Measure("ceiling", "the most that the spectra allow", lambda _, null: null.ceiling(), beside=False),
    Measure(
        "alignment",
        "the score from chance (0) to its ceiling (1)",
        lambda x, null: null.alignment(x),
        main=True,
        decimals=2,
        single=True,
        scale="alignment (0 chance, 1 ceiling)",
    ),
    Measure("relative", "alignment beside that of the other writers", detail=False, beside=False),
    Measure("p_heads", "p among the heads", decimals=None, detail=False, beside=False),
    Measure(
        "traffic",
        "how far the writer moves what the reader does on text",
        analysis="traffic",
        main=True,
        unit=None,
        decimals=3,
        scale=f"{UNITS['Q']} into Q and K, {UNITS['V']} into V",
    ),
    Measure(
        "standard_error",
        "standard error of traffic over documents",
        analysis="traffic",
        unit=None,
        decimals=3,
        heading="±",
        edge=True,
    ),
    Measure("share", "share of all that the reader loads, signed", analysis="traffic", decimals=2, edge=True),
    Measure(
        "own",
        "variance of the store over that of all loads",
        analysis="traffic",
        decimals=2,
        detail=False,
        printed=False,
    ),
    Measure(
        "change",
        "of the pattern on Q and K (total variation), relative of what is stored on V and MLPs, of the prediction at "
        "the unembedding",
        analysis="effect",
        main=True,
        decimals=3,
        scale="change of the pattern (Q, K) or the store (V)",
    ),
    Measure("kl", "divergence of the pattern or of the prediction", analysis="effect", unit="nats"),
    Measure("target", "log-probability of the next token", analysis="effect", unit="nats", heading="next token"),
)
BY_NAME = {measure.name: measure for measure in MEASURES}
OF_A_WIRE = tuple(measure.name for measure in MEASURES if measure.of is not None)
DETAILS = tuple(measure.name for measure in MEASURES if measure.detail and measure.analysis == "scores")
DECIMALS = {measure.name: measure.decimals for measure in MEASURES}
WHOLE = tuple(m for m in MEASURES if m.main and m.analysis != "effect")
"""The measures that can colour every wire of a model; an effect would need a run for each wire."""
SINGLE = tuple(sorted((m.name for m in MEASURES if m.single), key=lambda name: not BY_NAME[name].main))
"""The measures of a single wire, the main one first."""
PRINTED = tuple(measure for measure in MEASURES if measure.beside and measure.printed)


def measured(x: Product, null: Null) -> dict[str, Product]:
    """Every measure that a wire has on its own.

    Args:
        x: X = ‖A B‖² of every pair [writer, reader]. Values at rounding level count as 0.
        null: The null of the same pairs.

    Returns:
        The measures of ``OF_A_WIRE`` by name, each [writer, reader].
    """
    x = torch.where(x < ROUNDING * null.norms, 0.0, x)
    return {measure.name: measure.of(x, null) for measure in MEASURES if measure.of is not None}


def present(names: Collection[str]) -> list[str]:
    """The measures in a result, in the order of the table."""
    return [measure.name for measure in MEASURES if measure.name in names]


def beside(analysis: Analysis) -> tuple[str, ...]:
    """The measures of one analysis that ``ls.wires`` includes."""
    return tuple(measure.name for measure in MEASURES if measure.analysis == analysis and measure.beside)


def details_of(drawn: str) -> tuple[str, ...]:
    """The measures that pages show next to the one that they draw: the others of its analysis."""
    analysis = BY_NAME[drawn].analysis
    every = (measure for measure in MEASURES if measure.analysis == analysis and measure.detail)
    return tuple(measure.name for measure in every if measure.name != drawn)


def edge_details(drawn: str) -> tuple[str, ...]:
    """The subset of ``details_of`` that an edge of the explorer's graph carries."""
    carried = {measure.name for measure in MEASURES if measure.edge}
    return tuple(name for name in details_of(drawn) if name in carried)


def columns(*names: str) -> tuple[tuple[str, str, int | None], ...]:
    """The columns of the named measures in a page's table."""
    return tuple(BY_NAME[name].column for name in names)


def kind_of(reader: Reader) -> Kind:
    """The kind of a reader, which decides the unit of traffic into it."""
    return "unembed" if reader.is_unembed else "mlp" if reader.is_mlp else reader.head_side
