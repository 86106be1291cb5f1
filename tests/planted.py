"""A planted induction circuit whose every score is known, and variants that a right tool must tell apart.

The stream is four orthogonal blocks: E (the token, 20), P (the position, 16), S (the previous token, 20) and
O (the output, 20). Sites read and write whole blocks by the identity, so with d_head = 20

    L0.H0   QK: P shifted by one         OV: E → S        attends to the previous token and stores it in S
    L1.H0   QK: E on Q, S on K           OV: E → O        attends to what followed this token and stores it in O
    unembed reads O

A score of two maps that share a flat block of r directions is √r/(√rank A · √rank B): 1/√20 for the wire
L0.H0 → L1.H0.K, and 1/√16 = .25 for pos → L0.H0.Q: √15 of W_pos's √16 rows meet a shift of norm √15. Matching
keys score SHARPNESS, all others 0.

Learned positions are the stricter setting: P then lies in the stream, where a tool that reads it into V or the
unembedding would be seen. Shortformer positions give the same numbers, on fewer wires.
"""

from dataclasses import replace

import torch
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from torch import Tensor

from loadstore.model.architecture import Architecture, Positions
from loadstore.model.layers import Layer
from loadstore.model.weights import Weights
from loadstore.tokenizer.tokens import Tokens

VOCAB, CONTEXT, D_HEAD, SHARPNESS, BOS = 20, 16, 20, 30.0, 0
E, P, S, O = slice(0, 20), slice(20, 36), slice(36, 56), slice(56, 76)  # noqa: E741 (O is the block's name)
D_MODEL = 76
GAIN = (SHARPNESS * D_HEAD**0.5) ** 0.5  # on Q and on K


def planted(positions: Positions = "learned", *, bos: bool = True) -> Weights:
    """The circuit itself, in float64; with ``bos`` token 0 begins every prompt."""
    shift = torch.zeros(CONTEXT, D_HEAD, dtype=torch.float64)
    shift[1:, : CONTEXT - 1] = torch.eye(CONTEXT - 1)  # the query at i asks for i − 1
    tokens = Tokens(_tokenizer(), BOS) if bos else None
    return Weights(
        architecture=Architecture(2, 1, D_MODEL, D_HEAD, VOCAB, CONTEXT, positions),
        W_E=_reads(E).mT,
        W_pos=_reads(P)[:, :CONTEXT].mT,
        layers=(
            layer(query=_into(P, shift), key=_reads(P), value=_reads(E), output=_reads(S)),
            layer(query=_reads(E), key=_reads(S), value=_reads(E), output=_reads(O)),
        ),
        W_U=_reads(O),
        name="planted",
        tokens=tokens,
    )


def layer(*, query: Tensor, key: Tensor, value: Tensor, output: Tensor) -> Layer:
    """One head; all four are [d_model, d_head], ``output`` names the block written to."""
    return Layer(W_Q=GAIN * query[None], W_K=GAIN * key[None], W_V=value[None], W_O=output.mT[None].contiguous())


def with_v_composition(model: Weights, amount: float) -> Weights:
    """L1.H0 also copies what L0.H0 stored: its V reads E + amount · S."""
    return _with_layer(model, 1, W_V=(_reads(E) + amount * _reads(S))[None])


def with_clean_up(model: Weights) -> Weights:
    """A third layer whose head attends to its own token and removes S: W_OV = −projector on S."""
    cleaner = layer(query=_reads(P), key=_reads(P), value=_reads(S), output=-_reads(S))
    shape = replace(model.architecture, n_layers=3)
    return replace(model, architecture=shape, layers=(*model.layers, cleaner), name="planted, cleaned up")


def with_ranks(model: Weights, stored: int, read: int) -> Weights:
    """L0.H0 stores only the first ``stored`` of the 20 directions, L1.H0.K reads only the first ``read``."""
    keep_stored, keep_read = ((torch.arange(D_HEAD) < rank).double() for rank in (stored, read))
    narrow = _with_layer(model, 0, W_V=model.layers[0].W_V * keep_stored)
    return _with_layer(narrow, 1, W_K=model.layers[1].W_K * keep_read)


def with_noise(model: Weights, size: float, seed: int = 0) -> Weights:
    """Gaussian noise of standard deviation ``size`` on every entry."""
    generator = torch.Generator().manual_seed(seed)
    return model.map(lambda w: w + size * torch.randn(w.shape, generator=generator, dtype=w.dtype))


def with_negated_positions(model: Weights) -> Weights:
    """W_pos → −W_pos."""
    return replace(model, W_pos=-model.W_pos)


def with_transposed_ov(model: Weights) -> Weights:
    """W_OV → W_OVᵀ in layer 0: it reads S, where nothing is, and would write E."""
    first = model.layers[0]
    return _with_layer(model, 0, W_V=first.W_O.mT.contiguous(), W_O=first.W_V.mT.contiguous())


def rotation(d: int = D_MODEL, seed: int = 0) -> Tensor:
    """A random orthogonal matrix."""
    gaussian = torch.randn(d, d, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return torch.linalg.qr(gaussian)[0]


def _with_layer(model: Weights, index: int, **changed: Tensor) -> Weights:
    layers = list(model.layers)
    layers[index] = replace(layers[index], **changed)
    return replace(model, layers=tuple(layers))


def _reads(block: slice) -> Tensor:
    """The identity from one block to the inside of a head, [d_model, d_head]."""
    return _into(block, torch.eye(block.stop - block.start, D_HEAD, dtype=torch.float64))


def _into(block: slice, matrix: Tensor) -> Tensor:
    whole = torch.zeros(D_MODEL, D_HEAD, dtype=torch.float64)
    whole[block] = matrix
    return whole


def _tokenizer() -> Tokenizer:
    names = ["⊢", *"abcdefghijklmnopqrs"]
    tokenizer = Tokenizer(WordLevel({name: index for index, name in enumerate(names)}, unk_token="⊢"))
    tokenizer.pre_tokenizer = Whitespace()
    return tokenizer
