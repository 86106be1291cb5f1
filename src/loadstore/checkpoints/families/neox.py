"""GPT-NeoX (Pythia): partial rotary positions, LayerNorms, attention and MLP beside each other in a block."""

from functools import partial

from loadstore.checkpoints.checkpoint import Checkpoint
from loadstore.checkpoints.families.attention import fused_layer, plain, two_norms
from loadstore.checkpoints.families.decoder import Around, decoder
from loadstore.checkpoints.families.gpt_key_tables import NEOX
from loadstore.checkpoints.families.huggingface import Facts, Reader
from loadstore.checkpoints.families.keys import settled
from loadstore.checkpoints.families.rope import QUARTER, rotary_of
from loadstore.model.architecture import Architecture
from loadstore.model.layers import Layer
from loadstore.model.mlp_facts import Mlp
from loadstore.model.weights import Weights

KEYS = {"gpt_neox": NEOX}
TYPES = tuple(KEYS)
IGNORED = r".*\.attention\.(bias|masked_bias|rotary_emb\.inv_freq)"


def build(checkpoint: Checkpoint, facts: Facts) -> Weights:
    """Name the tensors. Raises NotThisModel on unsupported facts, BadCheckpoint on damage."""
    facts = settled(facts, KEYS["gpt_neox"])
    n_layers, n_heads = facts.whole("num_hidden_layers"), facts.whole("num_attention_heads")
    d, width = facts.whole("hidden_size"), facts.whole("intermediate_size")
    d_head = facts.share("hidden_size", "num_attention_heads")
    if facts.config.get("head_dim") is not None:
        facts.agree("head_dim", d_head, "hidden_size / num_attention_heads")
    facts.layers(n_layers)
    parallel = facts.flag("use_parallel_residual")
    shape = Architecture(
        n_layers=n_layers,
        n_heads=n_heads,
        d_model=d,
        d_head=d_head,
        vocab=facts.whole("vocab_size"),
        context=facts.whole("max_position_embeddings"),
        positions="rotary",
        norm="layer",
        eps=facts.number("layer_norm_eps"),
        rotary=rotary_of(facts, d_head, QUARTER),
        mlp=Mlp(width, gated=False, activation=facts.activation("hidden_act"), parallel=parallel),
    )
    head = "lm_head.weight" if "lm_head.weight" in checkpoint.tensors else "embed_out.weight"
    return decoder(
        *(checkpoint, facts, shape, partial(_layer, facts, shape)),
        lambda read: read.norm("final_layer_norm", d, centres=True),
        around=Around("gpt_neox.", "embed_in.weight", unembedding=head),
        ignored=IGNORED,
    )


def _layer(facts: Facts, shape: Architecture, read: Reader, at: str) -> Layer:
    norm, after = two_norms(read, at, shape, centres=True)
    mlp = plain(read, shape, (f"{at}mlp.dense_h_to_4h", f"{at}mlp.dense_4h_to_h"), after, biased=True)
    return fused_layer(
        read, f"{at}attention.", shape, norm, mlp, biased=facts.flag("attention_bias"), apart=facts.layout.apart
    )
