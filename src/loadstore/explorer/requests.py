"""The questions of a page: the fields of each, their types and their bounds. Anything else is refused.

A missing or null field takes its default. ``scripts/model_types.py`` writes the same types in TypeScript.
"""

from typing import Annotated, Literal, TypeAlias

from msgspec import Meta, Struct

from loadstore.sites import Side

SCHEMA = "loadstore/explorer@1"
NAME = 64  # characters of a name
CHARACTERS = 20_000  # of a prompt
LEAST, MOST = -(2**31), 2**31  # bounds of any number
EDITS = 64  # at once
NULLS = 64  # wires of one request for nulls
SIZE = 24  # characters of the size of a circuit
SWITCHED = 16_384  # groups or wires of a circuit

Number = Annotated[int, Meta(ge=LEAST, lt=MOST)]
Name = Annotated[str, Meta(max_length=NAME)]
Target: TypeAlias = Number | Name | None
"""A token by its id or its text; null for the likeliest."""
About: TypeAlias = Number | Literal["most", "row"] | None
"""The key of an address: its index, the most attended one (also for null), or the whole row."""


class Part(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part of a question."""


class Request(Part, frozen=True, kw_only=True, tag_field="schema", tag=SCHEMA):
    """A question. Its schema may be missing; any other schema is refused."""


class ModelRequest(Request, frozen=True, kw_only=True):
    """The facts of the current model."""


class ModelsRequest(Request, frozen=True, kw_only=True):
    """The models that can be opened, with example sentences."""


class OpenRequest(Request, frozen=True, kw_only=True):
    """Open a listed model, possibly the current one, on one of its sentences."""

    model: Name
    example: Number | None = None


class RunRequest(Request, frozen=True, kw_only=True):
    """Run a text or token ids, or look up a run by name; without any of them, the prompt of the page."""

    run: Name | None = None
    prompt: Annotated[str, Meta(max_length=CHARACTERS)] | None = None
    ids: Annotated[tuple[Number, ...], Meta(max_length=CHARACTERS)] | None = None


class PatternsRequest(Request, frozen=True, kw_only=True):
    """All patterns of a run, from the token ``first`` on."""

    run: Name
    first: Number | None = None


class HeadRequest(Request, frozen=True, kw_only=True):
    """The pattern of one head, from the token ``first`` on."""

    run: Name
    head: Name
    first: Number | None = None


class QuestionRequest(Request, frozen=True, kw_only=True):
    """The prediction in question; by default after the last token, and of the two likeliest tokens."""

    run: Name
    at: Number | None = None
    predict: Target = None
    against: Target = None


class CompareRequest(QuestionRequest, frozen=True, kw_only=True):
    """The same question about another prompt of equal length, a text or token ids."""

    prompt: Annotated[str, Meta(max_length=CHARACTERS)] | None = None
    ids: Annotated[tuple[Number, ...], Meta(max_length=CHARACTERS)] | None = None


class SearchRequest(Request, frozen=True, kw_only=True):
    """Search for a typed address."""

    run: Name
    text: Name


class RolesRequest(Request, frozen=True, kw_only=True):
    """The roles of all heads."""


class ChannelRequest(Request, frozen=True, kw_only=True):
    """The channels of one wire; tokens of Q and K under rotary positions at an offset."""

    writer: Name
    reader: Name
    offset: Number | None = None


class AddressRequest(Request, frozen=True, kw_only=True):
    """Where a head loads from at a token, or which writers interact there."""

    run: Name
    head: Name
    at: Number
    about: About = None


class DecodedRequest(Request, frozen=True, kw_only=True):
    """Decode a writer's store at a token."""

    run: Name
    writer: Name
    at: Number


class CutEdit(Part, frozen=True, kw_only=True, tag_field="kind", tag="cut"):
    """Cut one wire."""

    writer: Name
    reader: Name


class AblateEdit(Part, frozen=True, kw_only=True, tag_field="kind", tag="ablate"):
    """Ablate one writer."""

    writer: Name


class ControlsRequest(Request, frozen=True, kw_only=True):
    """Edits, and the prediction to compare.

    Args:
        after: The token whose next token is predicted; ``at`` by default.
        by: The replacement of a store; the mean by default.
    """

    run: Name
    at: Number
    after: Number | None = None
    predict: Target = None
    edits: Annotated[tuple[CutEdit | AblateEdit, ...], Meta(max_length=EDITS)]
    by: Literal["mean", "zero"] | None = None


class EffectRequest(ControlsRequest, frozen=True, kw_only=True):
    """The same, with the head whose row is shown."""

    head: Name | None = None


class VerifyRequest(QuestionRequest, frozen=True, kw_only=True):
    """The program of a prediction, with its wires cut, the number of controls and the number of other prompts."""

    controls: Number | None = None
    replicates: Number | None = None


class MemoryRequest(Request, frozen=True, kw_only=True):
    """The stores at every token from ``first`` on, by size or by load."""

    run: Name
    first: Number | None = None
    measure: Literal["stored", "loaded"] | None = None


class StoreRequest(DecodedRequest, frozen=True, kw_only=True):
    """One store, and the loads that use it."""

    by: Literal["share", "traffic"] | None = None
    predict: Target = None


class RegionRequest(Request, frozen=True, kw_only=True):
    """The region of one writer on text, with its overwriters and readers."""

    writer: Name


class SideWire(Part, frozen=True, kw_only=True):
    """A wire into one side of a head."""

    writer: Name
    side: Side


class NullsRequest(Request, frozen=True, kw_only=True):
    """The numbers of wires into one head, with their nulls."""

    head: Name
    wires: Annotated[tuple[SideWire, ...], Meta(max_length=NULLS)]


class WalkRequest(Request, frozen=True, kw_only=True):
    """The guided walk, on a run and at a token if the circuit is active there."""

    run: Name | None = None
    at: Number | None = None


class WiresRequest(Request, frozen=True, kw_only=True):
    """Every wire of the model."""

    measure: Literal["alignment", "traffic"]


class TasksRequest(Request, frozen=True, kw_only=True):
    """The tasks and the kept circuits."""


class FindRequest(Request, frozen=True, kw_only=True):
    """The circuit of a task, with a size as in the command line, found on ``pairs`` pairs."""

    task: Name
    size: Annotated[str, Meta(max_length=SIZE)] | None = None
    pairs: Number | None = None


class PictureRequest(Request, frozen=True, kw_only=True):
    """The picture of a kept circuit at one of its pairs."""

    circuit: Name
    pair: Number | None = None


class SwitchRequest(PictureRequest, frozen=True, kw_only=True):
    """The same without the given groups of wires and single wires."""

    off: Annotated[tuple[Number, ...], Meta(max_length=SWITCHED)] | None = None
    wires: Annotated[tuple[Number, ...], Meta(max_length=SWITCHED)] | None = None


class TrainingRequest(Request, frozen=True, kw_only=True):
    """The training run that the model comes from, as it is now."""
