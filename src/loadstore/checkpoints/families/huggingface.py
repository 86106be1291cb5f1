"""What the families of Hugging Face share: facts from config.json, and matrices viewed the way round that we use.

Their linear layers are stored [out, in]; ours read row vectors, [in, out]. Every matrix here is a view of what lies in
the file: nothing is copied, and nothing is widened before it is used.
"""

import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor

from loadstore.checkpoints.checkpoint import Checkpoint
from loadstore.checkpoints.families.layout import FOLDER, Layout
from loadstore.errors import BadCheckpoint, NotThisModel
from loadstore.model import possible
from loadstore.model.architecture import MOST as LIMITS
from loadstore.model.layers import Norm
from loadstore.model.mlp_facts import Activation
from loadstore.quote import quote, some

LEGACY = {"attention": "full_attention"}  # older names of the kinds of layers
MOST = 1 << 40  # of what is a size: what multiplies two of them is still a number
COUNTS: dict[str, str] = {
    **dict.fromkeys(("num_hidden_layers", "n_layer", "n_layers", "num_layers"), "n_layers"),
    **dict.fromkeys(("num_attention_heads", "n_head", "n_heads", "num_heads"), "n_heads"),
}
ACTIVATIONS: dict[str, Activation] = {
    "gelu": "gelu",
    "gelu_new": "gelu_tanh",
    "gelu_pytorch_tanh": "gelu_tanh",
    "gelu_fast": "gelu_tanh",
    "gelu_accurate": "gelu_tanh",
    "gelu_python": "gelu",
    "gelu_python_tanh": "gelu_tanh",
    "silu": "silu",
    "swish": "silu",
    "relu": "relu",
    "relu2": "relu2",
}


@dataclass(frozen=True)
class Facts:
    """A config.json, the file that it describes, the keys that its user wants ignored, and how the file is laid out.

    A family settles it first (``keys.settled``): then every key of its table has a value, and null is None.
    """

    checkpoint: Checkpoint
    config: dict[str, Any]
    ignore: tuple[str, ...] = ()
    layout: Layout = FOLDER

    @property
    def kind(self) -> str:
        """The ``model_type``."""
        return str(self.config.get("model_type"))

    def whole(self, name: str, default: int | None = None) -> int:
        """A whole number from 1; ``default`` replaces null. Raises BadCheckpoint."""
        value = default if self.config.get(name) is None else self.config[name]
        if type(value) is not int or not 1 <= value <= MOST:
            raise BadCheckpoint(
                f"{self.checkpoint.path}: its config says {name} = {quote(value, 40)}, expected at least 1"
            )
        if name in COUNTS:  # before a list has an entry for each
            possible.whole(COUNTS[name], value, LIMITS[COUNTS[name]])
        return value

    def share(self, name: str, heads: str) -> int:
        """A width divided by the number of heads. Raises BadCheckpoint where it is not a multiple."""
        width, n = self.whole(name), self.whole(heads)
        if width % n:
            raise BadCheckpoint(
                f"{self.checkpoint.path}: its config says {name} = {width} and {heads} = {n}, expected a multiple; "
                "download the config again"
            )
        return width // n

    def number(self, name: str) -> float:
        """A finite number. Raises BadCheckpoint."""
        return self.finite(name, self.config.get(name))

    def finite(self, name: str, value: object) -> float:
        """``value`` as a finite number; ``name`` is for the message. Raises BadCheckpoint."""
        if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= sys.float_info.max:
            raise BadCheckpoint(
                f"{self.checkpoint.path}: its config says {name} = {quote(value, 40)}, expected a number"
            )
        return float(value)

    def listed(self, name: str) -> tuple[int, ...]:
        """A list of layers, by their numbers; empty for null. Raises BadCheckpoint."""
        stated: object = self.config.get(name)
        if stated is None:
            return ()
        if not isinstance(stated, list) or any(type(each) is not int for each in cast("list[object]", stated)):
            raise BadCheckpoint(
                f"{self.checkpoint.path}: its config says {name} = {quote(stated, 40)}, expected a list of layers"
            )
        return tuple(cast("list[int]", stated))

    def flag(self, name: str) -> bool:
        """True or false. Raises BadCheckpoint."""
        value = self.config.get(name)
        if type(value) is not bool:
            raise BadCheckpoint(
                f"{self.checkpoint.path}: its config says {name} = {quote(value, 40)}, expected true or false"
            )
        return value

    def activation(self, name: str) -> Activation:
        """The activation under a name of Hugging Face. Raises NotThisModel for one that is not computed."""
        stated = str(self.config.get(name))
        if stated not in ACTIVATIONS:
            raise NotThisModel(
                f"{self.checkpoint.path}: activation '{quote(stated, 40)}' is not supported; supported are "
                f"{', '.join(ACTIVATIONS)}"
            )
        return ACTIVATIONS[stated]

    def agree(self, name: str, expected: object, why: str) -> None:
        """Refuse a key that is stated and differs from what other keys say. Raises BadCheckpoint."""
        if name in self.config and self.config[name] != expected:
            raise BadCheckpoint(
                f"{self.checkpoint.path}: its config says {name} = {quote(self.config[name], 40)}, but {why} makes it "
                f"{quote(expected, 40)}; remove one of them"
            )

    def layers(self, n_layers: int, kinds: Sequence[str] = ("full_attention",)) -> tuple[str, ...] | None:
        """The kind of every layer, None where the config lists none. Raises NotThisModel, BadCheckpoint."""
        stated: object = self.config.get("layer_types")
        if stated is None:
            return None
        listed = cast("list[Any]", stated) if isinstance(stated, list) else [stated]
        layer_kinds = tuple(LEGACY.get(str(kind), str(kind)) for kind in listed)
        if strange := sorted(set(layer_kinds) - set(kinds)):
            raise NotThisModel(
                f"{self.checkpoint.path}: its config says layer_types = {some([quote(kind, 40) for kind in strange])}, "
                f"which is not supported; supported: {some(list(kinds))}"
            )
        if not isinstance(stated, list) or len(layer_kinds) != n_layers:
            raise BadCheckpoint(
                f"{self.checkpoint.path}: layer_types = {quote(stated, 60)}, expected {n_layers} of them"
            )
        return layer_kinds


class Reader:
    """Takes tensors by name from a checkpoint and remembers which, so that unused tensors can be named."""

    def __init__(self, checkpoint: Checkpoint, prefix: str) -> None:
        """``prefix`` may stand before every name or not, as files of bases and of whole models differ."""
        self.checkpoint = checkpoint
        self.prefix = prefix if any(name.startswith(prefix) for name in checkpoint.tensors) else ""
        self.taken: set[str] = set()

    def has(self, name: str) -> bool:
        """Whether a tensor is there."""
        return self.prefix + name in self.checkpoint.tensors or name in self.checkpoint.tensors

    def __call__(self, name: str, *shape: int) -> Tensor:
        """Return a tensor as it is stored. Raises BadCheckpoint on a missing name or another shape."""
        bare = name in self.checkpoint.tensors and self.prefix + name not in self.checkpoint.tensors
        full = name if bare else self.prefix + name
        self.taken.add(full)
        return self.checkpoint.stored(full, *shape)

    def maybe(self, name: str, *shape: int) -> Tensor | None:
        """Return a tensor that need not be there."""
        return self(name, *shape) if self.has(name) else None

    def norm(self, name: str, width: int, *, centres: bool) -> Norm:
        """A norm's gain and, where there is one, its bias."""
        return Norm(self(f"{name}.weight", width), self.maybe(f"{name}.bias", width), centres)

    def finish(self, ignored: str) -> None:
        """Raise NotThisModel for tensors that have no place: what is not computed would be missing in silence."""
        left = sorted(name for name in set(self.checkpoint.tensors) - self.taken if not re.fullmatch(ignored, name))
        if left:
            raise NotThisModel(
                f"{self.checkpoint.path}: this family does not use its tensors {some(left)}; its config belongs to "
                "another model, or it is of a kind that is not supported yet"
            )


def heads_of(weight: Tensor, heads: int) -> Tensor:
    """A projection [head · d_head, d_model] as [head, d_model, d_head], a view."""
    return weight.unflatten(0, (heads, -1)).transpose(1, 2)


def outputs_of(weight: Tensor, heads: int) -> Tensor:
    """An output projection [d_model, head · d_head] as [head, d_head, d_model], a view."""
    return weight.mT.unflatten(0, (heads, -1))


def biases_of(bias: Tensor | None, heads: int) -> Tensor | None:
    """A bias [head · d_head] as [head, d_head], a view; one of zeros is none, which changes no number."""
    return None if bias is None or not bool(bias.any()) else bias.unflatten(0, (heads, -1))


def some_bias(bias: Tensor | None) -> Tensor | None:
    """A bias, or None where it is all zeros: that changes no number and keeps idle wires out of the wiring."""
    return None if bias is None or not bool(bias.any()) else bias


def unembedding(reader: Reader, name: str, embedding: Tensor, *, tied: bool) -> Tensor:
    """W_U [d_model, vocab]: the matrix of that name, or the embedding where the two are tied. Raises BadCheckpoint."""
    if not tied and not reader.has(name):
        raise BadCheckpoint(
            f"{reader.checkpoint.path} has no unembedding '{name}', and its config does not tie it to the embedding; "
            "use the file of the whole model, or set tie_word_embeddings to true if that is right"
        )
    own = reader(name, *embedding.shape) if reader.has(name) else embedding
    if tied and own.data_ptr() != embedding.data_ptr() and not torch.equal(own, embedding):
        raise BadCheckpoint(
            f"{reader.checkpoint.path}: its config ties embedding and unembedding, but '{name}' differs; "
            "set tie_word_embeddings to false if the file is right"
        )
    weight = embedding if tied else own
    return weight.mT
