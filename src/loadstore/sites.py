"""Names of the places that store to and load from the residual stream.

Writers are ``embed``, ``pos``, ``L0.H7``, ``L0.mlp``, ``L0.bias``; readers are ``L1.H4.Q``, ``L1.H4.K``,
``L1.H4.V``, ``L1.mlp`` and ``unembed``. ``const`` is the pseudo-writer of the exact sums: the reader's own constant.
Where a model has its experts as sites, ``L3.E5`` and ``L3.shared`` are writers and readers in the place of ``L3.mlp``,
and ``L3.router`` is a reader.

Names are case-insensitive on input, and heads may be given as ``L1H4`` or ``1.4``. They are always printed as above.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, TypeAlias

from loadstore.errors import NoSuchSite

Side: TypeAlias = Literal["Q", "K", "V"]
SIDES: tuple[Side, ...] = ("Q", "K", "V")
Inside: TypeAlias = Literal["mlp", "router", "expert", "shared"]
INSIDE: tuple[Inside, ...] = ("mlp", "router", "expert", "shared")


@dataclass(frozen=True, slots=True, order=True)
class Head:
    """One attention head, written ``L1.H4``.

    Example:
        >>> import loadstore as ls
        >>> ls.Head(1, 4)
        Head(layer=1, index=4)
        >>> str(ls.Head(1, 4))
        'L1.H4'
    """

    layer: int
    index: int

    def __post_init__(self) -> None:
        """Raise NoSuchSite unless layer and index are two non-negative integers."""
        if not (type(self.layer) is int and type(self.index) is int and self.layer >= 0 and self.index >= 0):
            given = f"{self.layer!r}, {self.index!r}"[:120]
            raise NoSuchSite(f"Head({given}): expected a layer and an index, two whole numbers of at least 0")

    def __str__(self) -> str:
        return f"L{self.layer}.H{self.index}"


@dataclass(frozen=True, slots=True)
class Writer:
    """A site that stores: ``embed``, ``pos``, a head, an MLP or a part of one, or the constant ``b_O`` of a layer.

    ``L5.stream`` is a pseudo-writer for edits: the residual stream before layer 5.
    """

    kind: Literal["embed", "pos", "head", "mlp", "expert", "shared", "bias", "stream"]
    layer: int = -1
    index: int = -1

    @property
    def in_mlp(self) -> bool:
        """Whether this is an MLP, or an expert or the shared units of one."""
        return self.kind in ("mlp", "expert", "shared")

    @property
    def is_part(self) -> bool:
        """Whether this is an expert or the shared units of an MLP."""
        return self.kind in ("expert", "shared")

    @property
    def head(self) -> Head:
        """The head of this writer. Raises NoSuchSite if it is not a head."""
        if self.kind != "head":
            raise NoSuchSite(f"{self} is a writer but not a head; a head is written L1.H4")
        return Head(self.layer, self.index)

    def __str__(self) -> str:
        match self.kind:
            case "head":
                return f"L{self.layer}.H{self.index}"
            case "expert":
                return f"L{self.layer}.E{self.index}"
            case "bias" | "mlp" | "shared" | "stream":
                return f"L{self.layer}.{self.kind}"
            case _:
                return self.kind


@dataclass(frozen=True, slots=True)
class Reader:
    """A site that loads: one side of a head, an MLP or a part of one, or the unembedding (``side`` empty)."""

    layer: int = -1
    index: int = -1
    side: Side | Inside | Literal[""] = ""

    @property
    def is_unembed(self) -> bool:
        """Whether this is the unembedding."""
        return self.side == ""

    @property
    def head_side(self) -> Side:
        """The side of its head. Raises NoSuchSite for an MLP and the unembedding."""
        if self.side == "Q" or self.side == "K" or self.side == "V":
            return self.side
        raise NoSuchSite(f"{self} is not a side of a head; a side is written L1.H4.K")

    @property
    def is_mlp(self) -> bool:
        """Whether this is an MLP, or a part of one."""
        return self.side in INSIDE

    @property
    def is_part(self) -> bool:
        """Whether this is the router, an expert or the shared units of an MLP."""
        return self.side in INSIDE and self.side != "mlp"

    @property
    def head(self) -> Head:
        """The head of this reader. Raises NoSuchSite for an MLP and the unembedding."""
        if self.is_unembed or self.is_mlp:
            raise NoSuchSite(f"{self} is a reader but not a side of a head; a side is written L1.H4.K")
        return Head(self.layer, self.index)

    def __str__(self) -> str:
        if self.is_unembed:
            return "unembed"
        if self.side == "expert":
            return f"L{self.layer}.E{self.index}"
        return f"L{self.layer}.{self.side}" if self.is_mlp else f"L{self.layer}.H{self.index}.{self.side}"


EMBED = Writer("embed")
POS = Writer("pos")
CONST = "const"
UNEMBED = Reader()

_MARKS = re.compile(r"l?(\d{1,4})\.?h|l(?=\d|$)", re.ASCII)
_HEAD = re.compile(r"(\d{1,4})\.(\d{1,4})", re.ASCII)
_LAYER = re.compile(r"(\d{1,4})\.(bias|mlp|shared|router)", re.ASCII)
_EXPERT = re.compile(r"(\d{1,4})\.e(\d{1,4})", re.ASCII)
_SIDE = re.compile(r"(\d{1,4})\.(\d{1,4})\.([qkv])", re.ASCII)


def short_form(name: str) -> str:
    """A canonical form of a name, common to all of its spellings.

    ``L5.H1``, ``l5h1`` and ``5.1`` become ``5.1``, ``L5.mlp`` becomes ``5.mlp``. A prefix of a name becomes a prefix of
    its short form.
    """
    text = name.strip().lower()
    match = _MARKS.match(text)
    return text if match is None else (f"{match[1]}." if match[1] else "") + text[match.end() :]


def parse_head(name: "Head | Writer | str") -> Head:
    """Parse ``L1.H4`` in any spelling. Raises NoSuchSite if the name is not a head."""
    if isinstance(name, Head):
        return name
    if isinstance(name, Writer):
        return name.head
    if match := _HEAD.fullmatch(short_form(str(name))):
        return Head(int(match[1]), int(match[2]))
    raise NoSuchSite(f"{str(name)[:40]!r} is not a head; a head is written like L1.H4")


def parse_writer(name: "Writer | Head | str") -> Writer:
    """Parse ``embed``, ``pos``, ``L0.H7``, ``L0.mlp`` or ``L0.bias``. Raises NoSuchSite for any other name."""
    if isinstance(name, Writer):
        return name
    if isinstance(name, Head):
        return Writer("head", name.layer, name.index)
    return _writer_named(str(name).strip())


@lru_cache(4096)  # a search of loads parses the same names tens of thousands of times
def _writer_named(text: str) -> Writer:
    short = short_form(text)
    if short in ("embed", "pos"):
        return EMBED if short == "embed" else POS
    if (match := _LAYER.fullmatch(short)) and match[2] != "router":
        return Writer("mlp" if match[2] == "mlp" else "shared" if match[2] == "shared" else "bias", int(match[1]))
    if match := _EXPERT.fullmatch(short):
        return Writer("expert", int(match[1]), int(match[2]))
    if match := _HEAD.fullmatch(short):
        return Writer("head", int(match[1]), int(match[2]))
    raise NoSuchSite(f"{text[:40]!r} is not a writer; writers are embed, pos, L0.H7 (a head), L0.mlp and L0.bias")


def parse_reader(name: "Reader | str") -> Reader:
    """Parse ``L1.H4.K``, ``L1.mlp`` or ``unembed``. Raises NoSuchSite for any other name."""
    if isinstance(name, Reader):
        return name
    short = short_form(str(name))
    if short == "unembed":
        return UNEMBED
    if (match := _LAYER.fullmatch(short)) and match[2] != "bias":
        return Reader(int(match[1]), -1, "mlp" if match[2] == "mlp" else "shared" if match[2] == "shared" else "router")
    if match := _EXPERT.fullmatch(short):
        return Reader(int(match[1]), int(match[2]), "expert")
    if match := _SIDE.fullmatch(short):
        side: Side = "Q" if match[3] == "q" else "K" if match[3] == "k" else "V"
        return Reader(int(match[1]), int(match[2]), side)
    raise NoSuchSite(f"{str(name)[:40]!r} is not a reader; readers are L1.H4.Q, L1.H4.K, L1.H4.V, L1.mlp and unembed")
