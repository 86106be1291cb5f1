"""GPT-J: attention and MLP beside each other behind one LayerNorm, rotary positions of adjacent pairs."""

from functools import partial

import torch

from loadstore.checkpoints.checkpoint import Checkpoint
from loadstore.checkpoints.families.attention import layer_of, plain
from loadstore.checkpoints.families.decoder import GPT, decoder
from loadstore.checkpoints.families.gpt_key_tables import GPTJ
from loadstore.checkpoints.families.huggingface import Facts, Reader
from loadstore.checkpoints.families.keys import settled
from loadstore.errors import BadCheckpoint
from loadstore.model.architecture import Architecture
from loadstore.model.layers import Layer
from loadstore.model.mlp_facts import Mlp
from loadstore.model.rotary import Rotary
from loadstore.model.weights import Weights

KEYS = {"gptj": GPTJ}
TYPES = tuple(KEYS)
IGNORED = r".*\.attn\.(bias|masked_bias|embed_positions)"
BASE = 10_000


def build(checkpoint: Checkpoint, facts: Facts) -> Weights:
    """Name the tensors. Raises NotThisModel on unsupported facts, BadCheckpoint on damage."""
    facts = settled(facts, KEYS["gptj"])
    n_layers, d = facts.whole("n_layer"), facts.whole("n_embd")
    d_head, width = facts.share("n_embd", "n_head"), facts.whole("n_inner", 4 * d)
    facts.layers(n_layers)
    activation = facts.activation("activation_function")
    shape = Architecture(
        n_layers=n_layers,
        n_heads=facts.whole("n_head"),
        d_model=d,
        d_head=d_head,
        vocab=facts.whole("vocab_size"),
        context=facts.whole("n_positions"),
        positions="rotary",
        norm="layer",
        eps=facts.number("layer_norm_epsilon"),
        rotary=_rotary(facts, d_head),
        mlp=Mlp(width, gated=False, activation=activation, parallel=True),
    )
    layer = partial(_layer, shape)
    return decoder(
        *(checkpoint, facts, shape, layer, lambda read: read.norm("ln_f", d, centres=True)),
        biased=True,
        around=GPT,
        ignored=IGNORED,
    )


def _rotary(facts: Facts, d_head: int) -> Rotary:
    """The first ``rotary_dim`` dimensions of a head turn; frequencies are those of the reference, in float32."""
    turning = facts.whole("rotary_dim")
    if turning % 2 or turning > d_head:
        raise BadCheckpoint(
            f"{facts.checkpoint.path}: its config says rotary_dim = {turning}, expected an even number up to {d_head}"
        )
    steps = torch.arange(0, turning, 2, dtype=torch.int64) / turning
    return Rotary(tuple((1.0 / BASE**steps).tolist()), "adjacent", single=True)


def _layer(shape: Architecture, read: Reader, at: str) -> Layer:
    d = shape.d_model
    norm = read.norm(f"{at}ln_1", d, centres=True)
    mlp = plain(read, shape, (f"{at}mlp.fc_in", f"{at}mlp.fc_out"), norm, biased=True)
    return layer_of(read, f"{at}attn.", shape, norm, mlp, inputs=False, output=False, out="out_proj")
