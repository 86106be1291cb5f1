"""GPT-2: learned positions, LayerNorms with biases, an MLP after attention, embedding and unembedding tied.

Its projections are stored [in, out], Q, K and V side by side.
"""

from functools import partial

from loadstore.checkpoints.checkpoint import Checkpoint
from loadstore.checkpoints.families.decoder import GPT, decoder
from loadstore.checkpoints.families.gpt_key_tables import GPT2
from loadstore.checkpoints.families.huggingface import Facts, Reader, biases_of, some_bias
from loadstore.checkpoints.families.keys import settled
from loadstore.model.architecture import Architecture
from loadstore.model.layers import Layer, MlpLayer
from loadstore.model.mlp_facts import Mlp
from loadstore.model.weights import Weights

KEYS = {"gpt2": GPT2}
TYPES = tuple(KEYS)
IGNORED = r"(.*\.)?attn\.(bias|masked_bias)"


def build(checkpoint: Checkpoint, facts: Facts) -> Weights:
    """Name the tensors. Raises NotThisModel on unsupported facts, BadCheckpoint on damage."""
    facts = settled(facts, KEYS["gpt2"])
    n_layers, n_heads, d = facts.whole("n_layer"), facts.whole("n_head"), facts.whole("n_embd")
    facts.agree("n_ctx", facts.config["n_positions"], "n_positions")
    facts.layers(n_layers)
    width = facts.whole("n_inner", 4 * d)
    shape = Architecture(
        n_layers=n_layers,
        n_heads=n_heads,
        d_model=d,
        d_head=facts.share("n_embd", "n_head"),
        vocab=facts.whole("vocab_size"),
        context=facts.whole("n_positions"),
        positions="learned",
        norm="layer",
        eps=facts.number("layer_norm_epsilon"),
        mlp=Mlp(width, gated=False, activation=facts.activation("activation_function")),
    )
    layer = partial(_layer, shape, width)
    return decoder(
        *(checkpoint, facts, shape, layer, lambda read: read.norm("ln_f", d, centres=True)), around=GPT, ignored=IGNORED
    )


def _layer(shape: Architecture, width: int, read: Reader, at: str) -> Layer:
    h, d = shape.n_heads, shape.d_model
    parts = read(f"{at}attn.c_attn.weight", d, 3 * d).split(d, 1)
    biases = read(f"{at}attn.c_attn.bias", 3 * d).split(d)
    W_Q, W_K, W_V = (part.unflatten(1, (h, -1)).permute(1, 0, 2) for part in parts)
    b_Q, b_K, b_V = (biases_of(bias, h) for bias in biases)
    return Layer(
        W_Q=W_Q,
        W_K=W_K,
        W_V=W_V,
        W_O=read(f"{at}attn.c_proj.weight", d, d).unflatten(0, (h, -1)),
        b_Q=b_Q,
        b_K=b_K,
        b_V=b_V,
        b_O=some_bias(read(f"{at}attn.c_proj.bias", d)),
        norm=read.norm(f"{at}ln_1", d, centres=True),
        mlp=MlpLayer(
            W_in=read(f"{at}mlp.c_fc.weight", d, width),
            b_in=some_bias(read(f"{at}mlp.c_fc.bias", width)),
            W_out=read(f"{at}mlp.c_proj.weight", width, d),
            b_out=some_bias(read(f"{at}mlp.c_proj.bias", d)),
            norm=read.norm(f"{at}ln_2", d, centres=True),
        ),
    )
