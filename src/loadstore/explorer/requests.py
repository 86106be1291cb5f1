"""What a page may ask: the fields of every question, their types and their bounds. Nothing else gets in.

A field that is missing or null has its default. ``scripts/model_types.py`` writes the same types in TypeScript.
"""

from typing import Annotated, Literal, TypeAlias

from msgspec import Meta, Struct

from loadstore.sites import Side

SCHEMA = "loadstore/explorer@1"
NAME = 64  # characters of a name
CHARACTERS = 20_000  # of a prompt
LEAST, MOST = -(2**31), 2**31  # of any number
EDITS = 64  # at once
NULLS = 64  # wires whose nulls are asked for at once
SIZE = 24  # characters of the size of a circuit
SWITCHED = 16_384  # groups or wires of a circuit

Number = Annotated[int, Meta(ge=LEAST, lt=MOST)]
Name = Annotated[str, Meta(max_length=NAME)]
Target: TypeAlias = Number | Name | None
"""A token by its id or its text; null for the likeliest."""
About: TypeAlias = Number | Literal["most", "row"] | None
"""The key of an address: its index, the most attended one (also where null), or the row as a whole."""


class Part(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part of a question."""


class Request(Part, frozen=True, kw_only=True, tag_field="schema", tag=SCHEMA):
    """A question. Its schema may be missing; another one than this is refused."""


class ModelRequest(Request, frozen=True, kw_only=True):
    """What is the model?"""


class ModelsRequest(Request, frozen=True, kw_only=True):
    """Which models may be shown, and which sentences to begin with?"""


class OpenRequest(Request, frozen=True, kw_only=True):
    """Show another of these models, or the same, on one of its sentences."""

    model: Name
    example: Number | None = None


class RunRequest(Request, frozen=True, kw_only=True):
    """Run a text or token ids, or find the run of a name; without any of them the prompt of the page."""

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
    """Which prediction is asked about: after the last token and of the two likeliest where a field is missing."""

    run: Name
    at: Number | None = None
    predict: Target = None
    against: Target = None


class CompareRequest(QuestionRequest, frozen=True, kw_only=True):
    """The same question about another prompt of equal length, a text or token ids."""

    prompt: Annotated[str, Meta(max_length=CHARACTERS)] | None = None
    ids: Annotated[tuple[Number, ...], Meta(max_length=CHARACTERS)] | None = None


class SearchRequest(Request, frozen=True, kw_only=True):
    """Where does an address lead that is typed?"""

    run: Name
    text: Name


class RolesRequest(Request, frozen=True, kw_only=True):
    """Which roles do heads have?"""


class ChannelRequest(Request, frozen=True, kw_only=True):
    """The channels of one wire; tokens of Q and K under rotary positions at an offset."""

    writer: Name
    reader: Name
    offset: Number | None = None


class AddressRequest(Request, frozen=True, kw_only=True):
    """Where a head loads from at a token, or which writers meet there."""

    run: Name
    head: Name
    at: Number
    about: About = None


class DecodedRequest(Request, frozen=True, kw_only=True):
    """What a writer stored at a token."""

    run: Name
    writer: Name
    at: Number


class CutEdit(Part, frozen=True, kw_only=True, tag_field="kind", tag="cut"):
    """One wire is cut."""

    writer: Name
    reader: Name


class AblateEdit(Part, frozen=True, kw_only=True, tag_field="kind", tag="ablate"):
    """One writer is ablated."""

    writer: Name


class ControlsRequest(Request, frozen=True, kw_only=True):
    """Edits, and the prediction that they change.

    Args:
        after: The token whose next token is predicted; ``at`` where missing.
        by: What stands in the place of a store; the mean where missing.
    """

    run: Name
    at: Number
    after: Number | None = None
    predict: Target = None
    edits: Annotated[tuple[CutEdit | AblateEdit, ...], Meta(max_length=EDITS)]
    by: Literal["mean", "zero"] | None = None


class EffectRequest(ControlsRequest, frozen=True, kw_only=True):
    """The same, and the head whose row is shown."""

    head: Name | None = None


class VerifyRequest(QuestionRequest, frozen=True, kw_only=True):
    """The program of a prediction, with its wires cut beside so many controls and on so many other prompts."""

    controls: Number | None = None
    replicates: Number | None = None


class MemoryRequest(Request, frozen=True, kw_only=True):
    """What is stored at every token, from ``first`` on, by size or by how much of it is loaded."""

    run: Name
    first: Number | None = None
    measure: Literal["stored", "loaded"] | None = None


class StoreRequest(DecodedRequest, frozen=True, kw_only=True):
    """One store, and the loads that use it."""

    by: Literal["share", "traffic"] | None = None
    predict: Target = None


class RegionRequest(Request, frozen=True, kw_only=True):
    """The region of one writer on text, who overwrites it and who loads it."""

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
    """The guided walk, on a run and at a token where the circuit is at work there."""

    run: Name | None = None
    at: Number | None = None


class WiresRequest(Request, frozen=True, kw_only=True):
    """Every wire of the model."""

    measure: Literal["alignment", "traffic"]


class TasksRequest(Request, frozen=True, kw_only=True):
    """Which tasks are there, and which circuits are kept?"""


class FindRequest(Request, frozen=True, kw_only=True):
    """The circuit of a task, of a size as in the command line, found on so many pairs."""

    task: Name
    size: Annotated[str, Meta(max_length=SIZE)] | None = None
    pairs: Number | None = None


class PictureRequest(Request, frozen=True, kw_only=True):
    """A circuit that is kept, drawn at one of its pairs."""

    circuit: Name
    pair: Number | None = None


class SwitchRequest(PictureRequest, frozen=True, kw_only=True):
    """The same without some groups of wires and some single wires."""

    off: Annotated[tuple[Number, ...], Meta(max_length=SWITCHED)] | None = None
    wires: Annotated[tuple[Number, ...], Meta(max_length=SWITCHED)] | None = None
