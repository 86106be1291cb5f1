"""The weights of a model: its matrices, in one canonical naming, as an immutable value.

Row vectors, ``x @ W``. Loading never changes weights; exact rewrites return new values. Matrices keep the dtype of
their file and are often memory-mapped. They are widened on use, one layer or head at a time.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, fields, replace

import torch
from jaxtyping import Float
from torch import Tensor

from loadstore.errors import BadRequest, Undefined
from loadstore.model.architecture import Architecture
from loadstore.model.comparison import Comparison
from loadstore.model.finite import Unchecked
from loadstore.model.head_matrices import HeadMatrices
from loadstore.model.latent import Latent
from loadstore.model.layers import Experts, Layer, MlpLayer, Norm, map_tensors
from loadstore.model.mixture import experts_in
from loadstore.model.quantised import Quantised
from loadstore.quote import quote
from loadstore.sites import Head
from loadstore.tokenizer.tokens import Tokens, begins


@dataclass(frozen=True, repr=False)
class Weights:
    """All matrices of one model, its architecture, its name and (if it has one) its tokenizer.

    Example:
        >>> import loadstore as ls
        >>> model = ls.load("builtin")
        >>> model.name, model.architecture.n_layers, model.W_E.shape
        ('builtin', 2, torch.Size([4096, 384]))
    """

    architecture: Architecture
    W_E: Float[Tensor, "vocab d_model"]
    W_pos: Float[Tensor, "ctx d_model"] | None
    layers: tuple[Layer, ...]
    W_U: Float[Tensor, "d_model vocab"]
    b_U: Float[Tensor, " vocab"] | None = None
    final_norm: Norm | None = None
    name: str = "unnamed"
    tokens: Tokens | None = None
    untokenised: str = ""  # why there is no tokenizer, if the file gives a reason
    origin: str = ""  # the file, if its name adds information to the model's
    ignored: tuple[str, ...] = ()  # config keys that the user chose to ignore
    unread: tuple[str, ...] = ()  # parts of the file for other inputs than text
    compared: Comparison | None = None  # with transformers, for the model as loaded
    by_structure: bool = False  # no family is for it; its context is the number of tokens that were verified
    computed: torch.dtype | None = None  # compute dtype; None: as stored
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    experts_as_sites: tuple[int, ...] = ()  # layers whose experts are writers and readers, in the place of the MLP
    unchecked: Unchecked | None = None  # set if the file is too large to check for NaN at loading

    def __repr__(self) -> str:
        return f"Weights({self.name!r}: {self.architecture.brief})"

    @property
    def dtype(self) -> torch.dtype:
        """The compute dtype: ``computed`` if given, else the stored dtype, promoted to at least float32."""
        return torch.promote_types(self.W_E.dtype, torch.float32) if self.computed is None else self.computed

    @property
    def begins(self) -> str:
        """The BOS token prepended to text and where it comes from: ``<|endoftext|> before the prompt (model)``."""
        return begins(self.tokens)

    @property
    def tied(self) -> bool:
        """Whether W_U is W_E transposed, in the same memory."""
        return self.W_U.shape[::-1] == self.W_E.shape and self.W_U.data_ptr() == self.W_E.data_ptr()

    def read(self, tensor: Tensor, of: Tensor | None = None) -> Tensor:
        """Return a stored tensor, part of one, or rows taken from the tensor ``of``, unchanged.

        Raises BadCheckpoint if an entry is not finite.
        """
        if self.unchecked is not None and not isinstance(tensor, Quantised):  # which checks what it returns
            self.unchecked.check(tensor, tensor if of is None else of)
        return tensor

    def wide(self, tensor: Tensor) -> Tensor:
        """A stored tensor in the compute dtype and on the compute device. No copy is made if both already match.

        Raises BadCheckpoint if an entry is not finite.
        """
        return self.read(tensor).to(self.device, self.dtype)

    def stored(self, tensor: Tensor) -> Tensor:
        """A matrix or bias of what heads or an MLP store, widened, with the multiplier of all that they store."""
        scale = self.architecture.residual_scale
        return self.wide(tensor) if scale == 1 else self.wide(tensor) * scale

    def layer(self, index: int) -> Layer:
        """Return one layer, widened, with the multiplier of what its heads and its MLP store."""
        return map_tensors(self.layers[index], self.wide).storing(self.architecture.residual_scale)

    def norm(self, layer: int | None) -> Norm | None:
        """The norm before a layer's attention, or the final norm for None, widened."""
        norm = self.final_norm if layer is None else self.layers[layer].norm
        return None if norm is None else map_tensors(norm, self.wide)

    def sinks(self, layer: int) -> Float[Tensor, " head"] | None:
        """The scores of the sinks of a layer's heads, widened; None without sinks."""
        sinks = self.layers[layer].sinks
        return None if sinks is None else self.wide(sinks)

    def mlp_norm(self, layer: int) -> Norm | None:
        """The norm before a layer's MLP, widened."""
        mlp = self.layers[layer].mlp
        return None if mlp is None or mlp.norm is None else map_tensors(mlp.norm, self.wide)

    def head(self, head: Head) -> HeadMatrices:
        """The matrices of one head; no other part of the file is read. Raises NoSuchSite."""
        self.architecture.check(head, self.name)
        layer, own, kv = self.layers[head.layer], head.index, self.architecture.kv(head.index)

        def bias(tensor: Tensor | None, index: int) -> Tensor | None:
            return None if tensor is None else self.wide(tensor[index])

        return HeadMatrices(
            self.wide(layer.W_Q[own]),
            self.wide(layer.W_K[kv]),
            self.wide(layer.W_V[kv]),
            self.stored(layer.W_O[own]),
            bias(layer.b_Q, own),
            bias(layer.b_K, kv),
            bias(layer.b_V, kv),
        )

    def map(self, change: Callable[[Tensor], Tensor]) -> "Weights":
        """Apply ``change`` to every tensor and return the new Weights."""
        return replace(
            self,
            W_E=change(self.W_E),
            W_pos=None if self.W_pos is None else change(self.W_pos),
            W_U=change(self.W_U),
            b_U=None if self.b_U is None else change(self.b_U),
            layers=tuple(map_tensors(layer, change) for layer in self.layers),
            final_norm=None if self.final_norm is None else map_tensors(self.final_norm, change),
        )

    def double(self) -> "Weights":
        """Return the same weights with compute dtype float64; nothing is copied."""
        return replace(self, computed=torch.float64)

    def with_experts(self, layers: int | Sequence[int]) -> "Weights":
        """Return the same weights with the experts of some layers as sites; nothing is copied.

        ``L3.E5`` and ``L3.shared`` are then writers and readers in the place of ``L3.mlp``, and ``L3.router`` is a
        reader. The stores of ``L3.E*`` and ``L3.shared`` sum to that of ``L3.mlp``.

        Args:
            layers: One or several layers, from 0; an empty list for none.

        Raises:
            NoSuchSite: A layer has no experts.
            BadRequest: Anything else than layers.
        """
        asked = [layers] if isinstance(layers, int) else list(layers)
        if any(type(layer) is not int for layer in asked):
            raise BadRequest(f"with_experts({quote(repr(layers), 60)}): expected a layer or a list of layers")
        shape = self.architecture
        for layer in asked:
            experts_in(shape.experts, layer, shape.n_layers, f"{self.name} is {shape.brief}")
            mlp = self.layers[layer].mlp
            if mlp is not None and mlp.after is not None:
                raise Undefined(
                    f"experts of layer {layer} share the scale of the norm after them; use L{layer}.mlp as one site"
                )
        return replace(self, experts_as_sites=tuple(sorted(set(asked))))

    def named(self) -> Iterator[tuple[str, Tensor]]:
        """Every tensor by its name in loadstore's own files (``layers.0.W_Q``, ``layers.0.mlp.W_in``)."""
        yield from _named("", self)
        for index, layer in enumerate(self.layers):
            yield from _named(f"layers.{index}.", layer)
        if self.final_norm is not None:
            yield from _named("final_norm.", self.final_norm)


def _named(prefix: str, value: Weights | Layer | Norm | MlpLayer | Experts | Latent) -> Iterator[tuple[str, Tensor]]:
    for each in fields(value):
        part = getattr(value, each.name)
        if isinstance(part, Tensor):
            yield prefix + each.name, part
        elif not isinstance(value, Weights) and isinstance(part, Norm | MlpLayer | Experts | Latent):
            yield from _named(f"{prefix}{each.name}.", part)
    for index, expert in enumerate(value if isinstance(value, Experts) else ()):
        yield from _named(f"{prefix}{index}.", expert)
