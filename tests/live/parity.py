"""Every variant of a real HookedTransformer against load(live) and load(file): logits, patterns and tokens.

Run by `make live` in an environment of its own, where TransformerLens is installed; it is no part of `make test`.
Prints the worst difference of each variant, relative to the largest value, and exits 1 beyond the bounds.
"""

import itertools
import json
import sys
import tempfile
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import torch
from hostile import words
from transformer_lens import HookedTransformer, HookedTransformerConfig
from transformers import PreTrainedTokenizerFast

from loadstore.checkpoints.library import load
from loadstore.execution.run import run
from loadstore.model.weights import Weights

BOUND = {torch.float32: 1e-5, torch.float64: 1e-10}
SIZES = {"n_layers": 3, "d_model": 24, "d_head": 8, "n_heads": 3, "n_ctx": 40, "d_vocab": 17, "attn_only": True}
POSITIONS: dict[str, dict[str, Any]] = {
    "standard": {"positional_embedding_type": "standard"},
    "shortformer": {"positional_embedding_type": "shortformer"},
    "rotary": {"positional_embedding_type": "rotary"},
    "rotary adjacent": {"positional_embedding_type": "rotary", "rotary_adjacent_pairs": True},
    "rotary partial": {"positional_embedding_type": "rotary", "rotary_dim": 4, "rotary_base": 500},
}
NORMS: dict[str, dict[str, Any]] = {
    "no norm": {"normalization_type": None},
    "LN": {"normalization_type": "LN", "eps": 1e-3},
    "LN final_rms": {"normalization_type": "LN", "final_rms": True},
    "LNPre": {"normalization_type": "LNPre"},
    "LNPre final_rms": {"normalization_type": "LNPre", "final_rms": True},
    "RMS": {"normalization_type": "RMS"},
    "RMSPre": {"normalization_type": "RMSPre"},
}
MLP, LN, RMS = {"attn_only": False, "d_mlp": 20}, {"normalization_type": "LN"}, {"normalization_type": "RMS"}
MLPS: dict[str, dict[str, Any]] = {
    **{f"LN, {act}": {**LN, "act_fn": act} for act in ("gelu", "gelu_new", "gelu_fast", "silu", "relu", "solu")},
    "LN, solu_ln": {**LN, "act_fn": "solu_ln"},
    "LNPre, solu_ln": {"normalization_type": "LNPre", "act_fn": "solu_ln"},
    "no norm, solu_ln": {"normalization_type": None, "act_fn": "solu_ln"},
    "LN, gelu, parallel": {**LN, "act_fn": "gelu", "parallel_attn_mlp": True},
    "RMS, silu gated": {**RMS, "act_fn": "silu", "gated_mlp": True},
    "RMS, silu gated, shared keys": {**RMS, "act_fn": "silu", "gated_mlp": True, "n_key_value_heads": 1},
    "LN, gelu_new gated, parallel": {**LN, "act_fn": "gelu_new", "gated_mlp": True, "parallel_attn_mlp": True},
}
PROCESSED = ("fold_ln", "center_writing_weights", "center_unembed", "refactor_factored_attn_matrices")


class Case(NamedTuple):
    """One real model and what it is called."""

    name: str
    model: HookedTransformer


def real(settings: dict[str, Any], dtype: torch.dtype, seed: int, *, biases: bool) -> HookedTransformer:
    """A random HookedTransformer in which every parameter matters."""
    model = HookedTransformer(HookedTransformerConfig(**{**SIZES, **settings}, dtype=dtype, device="cpu", seed=seed))
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            noise = torch.randn(parameter.shape, generator=generator, dtype=torch.float64)
            if ".b_" in name and not biases:
                parameter.zero_()
            else:
                parameter.copy_(1 + 0.3 * noise if name.endswith(".w") else 0.25 * noise)
    return model


def cases(dtype: torch.dtype) -> Iterator[Case]:
    """Positions × norm × biases, MLPs × positions, then what TransformerLens makes of LN and RMS by processing them."""
    for (place, positions), (norm, norms) in itertools.product(POSITIONS.items(), NORMS.items()):
        for biases in (True, False):
            name = f"{place}, {norm}{'' if biases else ', no biases'}"
            yield Case(name, real({**positions, **norms}, dtype, 1, biases=biases))
    for (place, positions), (kind, mlp) in itertools.product(POSITIONS.items(), MLPS.items()):
        yield Case(f"{place}, {kind}", real({**positions, **MLP, **mlp}, dtype, 1, biases=True))
    plain = (("LN", "standard", {}), ("RMS", "standard", {}), ("LN", "rotary", {}), ("RMS", "rotary", {}))
    for norm, place, more in (*plain, ("LN", "standard", {**MLP, "act_fn": "solu_ln"})):
        model = real({**POSITIONS[place], "normalization_type": norm, **more}, dtype, 2, biases=True)
        steps = dict.fromkeys(PROCESSED, True)
        if place == "rotary":  # it may not change the basis of queries under a rotation
            steps["refactor_factored_attn_matrices"] = False
        if norm == "RMS":
            steps["center_writing_weights"] = False
        tables = {name: table.clone() for name, table in model.named_buffers() if "rotary" in name}
        model.process_weights_(**steps)
        for name, table in model.named_buffers():  # processing rounds the sines to float32: give back the exact ones
            table.copy_(tables.get(name, table))
        act = f", {more['act_fn']}" if more else ""
        yield Case(f"{place}, {norm}{act} processed to {model.cfg.normalization_type}", model)


def saved(model: HookedTransformer, folder: Path) -> Path:
    """The same model as people save it: a state dict, and its config as JSON."""
    torch.save(model.state_dict(), folder / "model.pth")
    (folder / "config.json").write_text(json.dumps(model.cfg.to_dict(), default=str))
    return folder


def difference(model: HookedTransformer, ours: Weights, tokens: torch.Tensor) -> float:
    """The worst of logits and of all patterns, relative to the largest value."""
    with torch.no_grad():
        logits, cache = model.run_with_cache(tokens)
        trace = run(ours, tokens, record=True)
    worst = float((trace.logits - logits).abs().max() / logits.abs().max())
    for layer, head in itertools.product(range(model.cfg.n_layers), range(model.cfg.n_heads)):
        pattern = cache["pattern", layer][:, head]
        worst = max(worst, float((trace.pattern(f"L{layer}.H{head}") - pattern).abs().max() / pattern.max()))
    return worst


def speaks_alike(folder: Path) -> bool:
    """Whether text becomes the same tokens, BOS first."""
    PreTrainedTokenizerFast(tokenizer_object=words(), bos_token="cat", eos_token="log").save_pretrained(folder)
    tokenizer = PreTrainedTokenizerFast.from_pretrained(folder)
    model = real(POSITIONS["standard"], torch.float32, 3, biases=True)
    model.set_tokenizer(tokenizer)
    text = "the dog sat on"
    live = run(load(model), text).tokens
    return torch.equal(live, model.to_tokens(text)) and torch.equal(live, run(load(saved(model, folder)), text).tokens)


def main() -> int:
    """Compare all, print each, and return how many are beyond the bound."""
    print(f"TransformerLens {version('transformer-lens')}, torch {torch.__version__}")
    tokens = torch.randint(SIZES["d_vocab"], (3, SIZES["n_ctx"]), generator=torch.Generator().manual_seed(0))
    failed = 0
    for dtype, bound in BOUND.items():
        count, worst = 0, 0.0
        for case in cases(dtype):
            with tempfile.TemporaryDirectory() as folder:
                pairs = [load(case.model), load(saved(case.model, Path(folder)))]
            found = max(difference(case.model, ours, tokens) for ours in pairs)
            print(
                f"{'ok' if found < bound else 'WRONG':6}{found:.1e}  {str(dtype).removeprefix('torch.')}  {case.name}"
            )
            count, worst, failed = count + 1, max(worst, found), failed + (found >= bound)
        print(f"{count} variants in {dtype}: worst {worst:.1e}, bound {bound:.0e}")
    with tempfile.TemporaryDirectory() as folder:
        alike = speaks_alike(Path(folder))
    print(f"{'ok' if alike else 'WRONG':6}the same tokens for the same text")
    return failed + (not alike)


if __name__ == "__main__":
    sys.exit(1 if main() else 0)
