"""The list of blocks of a live model, and what is inside one: heads, MLP, norms, and how they add to the stream."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from torch import Tensor, nn

from loadstore.checkpoints.structure.differs import PIECE, apart, differs, off
from loadstore.checkpoints.structure.heads import Heads, Subject, heads_of
from loadstore.checkpoints.structure.linears import Linear, has_matrix, linear_of
from loadstore.checkpoints.structure.norms import NormForm, norm_of
from loadstore.checkpoints.structure.passes import Call, Pass
from loadstore.checkpoints.structure.units import Units, units_of
from loadstore.quote import quote


@dataclass(frozen=True)
class Block:
    """One layer, with a norm before and after its heads and its MLP, or none.

    ``residual``: the multiplier of all that it stores. ``stores``: the submodules whose results are the stores.
    ``parallel``: the MLP reads what the heads read, not what they stored.
    """

    heads: Heads
    norm: NormForm | None
    after_heads: NormForm | None
    residual: float
    stores: tuple[str, ...]
    units: Units | None = None
    mlp_norm: NormForm | None = None
    after_mlp: NormForm | None = None
    parallel: bool = False

    @property
    def norms(self) -> tuple[NormForm, ...]:
        """All norms inside."""
        norms = (self.norm, *self.heads.norms, self.after_heads, self.mlp_norm, self.after_mlp)
        return tuple(norm for norm in norms if norm is not None)


def names_of_blocks(model: nn.Module, seen: Pass) -> tuple[str, ...]:
    """Return the names of the blocks: a list of as many as there are patterns, each given what the one before returned.

    Raises:
        NotThisModel: There is no such list.
    """
    depth, called = len(seen.patterns), {call.name for call in seen.calls}
    for name, module in model.named_modules():
        if isinstance(module, nn.ModuleList) and len(module) == depth:
            names = tuple(f"{name}.{index}" for index in range(depth))
            if called.issuperset(names) and all(_mixing(model, seen, block) for block in names):
                _in_turn(seen, names)
                return names
    raise differs("the model", f"a list of {depth} blocks with attention in each", "no such list")


def _mixing(model: nn.Module, seen: Pass, block: str) -> list[str]:
    """The submodules of a block that return patterns, one within the other."""
    return [call.name for call in seen.inside(block) if call.mixes and not _is_leaf(model, call.name)]


def _is_leaf(model: nn.Module, name: str) -> bool:
    return next(model.get_submodule(name).children(), None) is None


def _in_turn(seen: Pass, names: Sequence[str]) -> None:
    blocks = [seen.only(name) for name in names]
    for layer, (before, after) in enumerate(pairwise(blocks), start=1):
        if apart(after.given, before.result) > 0:
            raise differs(f"layer {layer}", f"the stream that layer {layer - 1} returns", "another input")


def block_of(subject: Subject, seen: Pass, layer: int, name: str, like: Block | None = None) -> Block:
    """Return what is inside one block.

    Args:
        subject: The model.
        seen: A pass.
        layer: The layer.
        name: The block's name.
        like: The first block, whose facts are tried first.

    Raises:
        NotThisModel: A piece is not one that is computed. The message names it.
    """
    model, eps = subject.model, subject.eps
    calls = [call for call in seen.inside(name) if _is_leaf(model, call.name)]
    mixing = max(_mixing(model, seen, name), key=lambda each: each.count("."))
    linears = {call.name: linear for call in calls if (linear := linear_of(model, call, eps)) is not None}
    for call in calls:
        if call.name in linears:
            seen.only(call.name)
        elif has_matrix(model, call) and norm_of(model, call, subject.hints, eps) is None:
            piece = "attention" if call.name.startswith(f"{mixing}.") else "MLP"
            at = f"layer {layer}, {piece} ({quote(call.name, 80)})"
            raise differs(at, "x W + b of its own weight", "another function")
    others = [call for call in calls if call.name not in linears]
    own = [linear for each, linear in linears.items() if each.startswith(f"{mixing}.")]
    rest = [linear for each, linear in linears.items() if not each.startswith(f"{mixing}.")]
    at = f"layer {layer}, attention ({quote(mixing, 80)})"
    inside = [call for call in others if call.name.startswith(f"{mixing}.")]
    heads = heads_of(subject, at, own, inside, seen.patterns[layer], None if like is None else like.heads)
    block = seen.only(name)
    read = Reads(subject, others, layer, () if like is None else (like.residual,))
    norm = read.before("attention", heads.inputs[0].given, block.given)
    after_heads, stored = read.after("attention", heads.out)
    first = (after_heads.name if after_heads else heads.out.name,)
    if not rest:
        return Block(heads, norm, after_heads, read.residual(block, stored), first)
    units = units_of(f"layer {layer}, MLP", rest, eps)
    after_mlp, second = read.after("MLP", units.out)
    residual = read.residual(block, stored + second)
    mlp_norm, parallel = read.either(units.inputs[0].given, block.given + residual * stored, block.given)
    stores = (*first, after_mlp.name if after_mlp else units.out.name)
    return Block(heads, norm, after_heads, residual, stores, units, mlp_norm, after_mlp, parallel)


@dataclass(frozen=True)
class Reads:
    """Finds the norms of one layer among the calls that are not linear maps."""

    subject: Subject
    calls: Sequence[Call]
    layer: int
    residuals: tuple[float, ...] = ()

    def before(self, piece: str, x: Tensor, stream: Tensor) -> NormForm | None:
        """The norm between the stream and an input, None if the input is the stream. Raises NotThisModel."""
        read = self._between(x, [stream])
        if read is None:
            raise differs(f"layer {self.layer}, {piece}", "the stream or a norm of it as input", "another input")
        return read[0]

    def either(self, x: Tensor, middle: Tensor, first: Tensor) -> tuple[NormForm | None, bool]:
        """The norm before an MLP, and whether it reads the stream before the heads. Raises NotThisModel."""
        read = self._between(x, [middle, first])
        if read is None:
            raise differs(f"layer {self.layer}, MLP", "the stream or a norm of it as input", "another input")
        return read[0], read[1] == 1

    def after(self, piece: str, out: Linear) -> tuple[NormForm | None, Tensor]:
        """The norm of what heads or an MLP store, and the store. Raises NotThisModel."""
        for call in self.calls:
            if apart(call.given, out.result) == 0 and call.given.shape == call.result.shape and call.changes:
                form = norm_of(self.subject.model, call, self.subject.hints, self.subject.eps)
                if form is None:
                    at = f"layer {self.layer}, {piece} ({quote(call.name, 80)})"
                    raise differs(at, "a norm of what is stored, or none", "another function")
                return form, call.result
        return None, out.result

    def residual(self, block: Call, stored: Tensor) -> float:
        """The multiplier of what a layer stores. Raises NotThisModel if the stream is not the sum."""
        change = block.result - block.given
        residual = self.subject.hints.factor(stored, change, self.residuals, self.subject.eps)
        difference = apart(block.given + residual * stored, block.result)
        if difference > PIECE * self.subject.eps or residual <= 0:
            at = f"layer {self.layer}, sum ({quote(block.name, 80)})"
            raise differs(at, "the stream plus what its heads and its MLP store", off(difference))
        return residual

    def _between(self, x: Tensor, streams: Sequence[Tensor]) -> tuple[NormForm | None, int] | None:
        close = PIECE * self.subject.eps
        for index, stream in enumerate(streams):
            if apart(x, stream) <= close:
                return None, index
        for call in self.calls:
            if apart(x, call.result) > 0:
                continue
            for index, stream in enumerate(streams):
                if apart(call.given, stream) <= close and (form := self._norm(call)) is not None:
                    return form, index
        return None

    def _norm(self, call: Call) -> NormForm | None:
        form = norm_of(self.subject.model, call, self.subject.hints, self.subject.eps)
        if form is None and call.changes:
            at = f"layer {self.layer}, norm ({quote(call.name, 80)})"
            raise differs(at, "a LayerNorm or an RMSNorm with its own parameters", "another function")
        return form
