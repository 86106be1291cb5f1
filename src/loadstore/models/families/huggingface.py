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

from loadstore.errors import BadCheckpoint, NotThisModel
from loadstore.models.architecture import Activation
from loadstore.models.checkpoint import Checkpoint
from loadstore.models.quote import quote, some
from loadstore.models.weights import Norm

MOST = 1 << 40  # of what is a size: what multiplies two of them is still a number
ACTIVATIONS: dict[str, Activation] = {
    "gelu": "gelu",
    "gelu_new": "gelu_tanh",
    "gelu_pytorch_tanh": "gelu_tanh",
    "gelu_fast": "gelu_tanh",
    "silu": "silu",
    "swish": "silu",
    "relu": "relu",
}
OTHERS: dict[str, tuple[object, ...]] = {  # settings of models akin that change numbers, and what changes none
    "alibi": (False,),
    "attention_chunk_size": (),
    "attention_multiplier": (),
    "attn_logit_softcapping": (),
    "clip_qkv": (),
    "embedding_multiplier": (1,),
    "final_logit_softcapping": (),
    "is_encoder_decoder": (False,),
    "logit_scale": (1,),
    "logits_scaling": (1,),
    "no_rope_layers": (),
    "qk_layernorm": (False,),
    "quantization_config": (),
    "query_pre_attn_scalar": (),
    "residual_multiplier": (1,),
    "scale_depth": (),
    "scale_emb": (1,),
    "use_bidirectional_attention": (False,),
    "use_mrope": (False,),
    "use_qk_norm": (False,),
}


@dataclass(frozen=True)
class Facts:
    """A config.json that must state what it is asked for, and the file that it describes."""

    checkpoint: Checkpoint
    config: dict[str, Any]

    def whole(self, *names: str, default: int | None = None) -> int:
        """A whole number under the first of several names. Raises BadCheckpoint when there is none."""
        value = next((self.config[name] for name in names if self.config.get(name) is not None), default)
        if type(value) is not int or not 1 <= value <= MOST:
            raise BadCheckpoint(
                f"{self.checkpoint.path}: its config says {names[0]} = {quote(value, 40)}, expected 1 up"
            )
        return value

    def share(self, name: str, heads: str) -> int:
        """A width divided by the number of heads. Raises BadCheckpoint where it is not a multiple."""
        width, n = self.whole(name), self.whole(heads)
        if width % n:
            raise BadCheckpoint(
                f"{self.checkpoint.path}: its config says {name} = {width} and {heads} = {n}, expected a multiple; "
                "fetch the config again"
            )
        return width // n

    def number(self, *names: str, default: float) -> float:
        """A number under the first of several names."""
        value = next((self.config[name] for name in names if self.config.get(name) is not None), default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= sys.float_info.max:
            raise BadCheckpoint(f"{self.checkpoint.path}: its config says {names[0]} = {quote(value, 40)}, a number?")
        return float(value)

    def flag(self, name: str, *, default: bool) -> bool:
        """True or false."""
        value = self.config.get(name)
        if value is not None and type(value) is not bool:
            raise BadCheckpoint(f"{self.checkpoint.path}: its config says {name} = {quote(value, 40)}, true or false?")
        return default if value is None else value

    def activation(self, name: str, default: str) -> Activation:
        """The activation under a name of Hugging Face. Raises NotThisModel for one that is not computed."""
        stated = str(self.config.get(name) or default)
        if stated not in ACTIVATIONS:
            raise NotThisModel(
                f"{self.checkpoint.path}: activation '{quote(stated, 40)}' is not supported; supported are "
                f"{', '.join(ACTIVATIONS)}"
            )
        return ACTIVATIONS[stated]

    def refuse(self, name: str, allowed: Sequence[object]) -> None:
        """Raise NotThisModel where a setting changes numbers in a way that is not computed."""
        value = self.config.get(name)
        if value is not None and value not in allowed:
            raise NotThisModel(
                f"{self.checkpoint.path}: its config says {name} = {quote(value, 60)}, which is not supported; "
                f"supported: {some([str(one) for one in allowed]) or 'none'}"
            )

    def refuse_others(self, kinds: Sequence[str] = ("full_attention",)) -> None:
        """Raise NotThisModel for schemes of other families, and for kinds of layers other than ``kinds``."""
        for name, allowed in OTHERS.items():
            self.refuse(name, allowed)
        stated: object = self.config.get("layer_types") or []
        found = sorted({str(one) for one in cast("list[Any]", stated)} if isinstance(stated, list) else {str(stated)})
        if strange := [one for one in found if one not in kinds]:
            raise NotThisModel(
                f"{self.checkpoint.path}: its config says layer_types = {some([quote(one, 40) for one in strange])}, "
                f"which is not supported; supported: {some(list(kinds))}"
            )


class Reader:
    """Takes tensors by name from a checkpoint and remembers which, so that what is left over can be told."""

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
                f"{self.checkpoint.path}: this family has no place for its tensors {some(left)}; its config belongs to "
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
            "take the whole model's file, or set tie_word_embeddings to true if that is right"
        )
    own = reader(name, *embedding.shape) if reader.has(name) else embedding
    if tied and own.data_ptr() != embedding.data_ptr() and not torch.equal(own, embedding):
        raise BadCheckpoint(
            f"{reader.checkpoint.path}: its config ties embedding and unembedding, but '{name}' differs; "
            "set tie_word_embeddings to false if the file is right"
        )
    weight = embedding if tied else own
    return weight.mT
