"""Opening a mixture of 30 billion parameters reads nothing of it; a token or an analysis reads what it uses.

The checkpoint has the sizes of Qwen 3 30B-A3B, 61 GB of bfloat16 in sparse files, whose holes read as zeros. One expert
is random.
"""

import json
import os
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pace import slowness

pytestmark = pytest.mark.alone

D, HEADS, KV, D_HEAD, WIDTH, EXPERTS, USED, VOCAB, LAYERS = 2048, 32, 4, 128, 768, 128, 8, 151936, 48
CONFIG = {
    **{"model_type": "qwen3_moe", "hidden_size": D, "num_attention_heads": HEADS, "num_key_value_heads": KV},
    **{"head_dim": D_HEAD, "moe_intermediate_size": WIDTH, "num_experts": EXPERTS, "num_experts_per_tok": USED},
    **{"vocab_size": VOCAB, "num_hidden_layers": LAYERS, "norm_topk_prob": True, "rope_theta": 1e6},
}
RANDOM = "model.layers.7.mlp.experts.5.down_proj.weight"
SCRIPT = """
import json, sys, time
from pathlib import Path
import torch, xarray
from loadstore.checkpoints.library import load
from loadstore.model.mlp import mlp_sum
from loadstore.model.weights import Weights
from loadstore.scores.spectra import spectrum

def anonymous():
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("RssAnon"))
    return int(line.split()[1]) << 10

before, start = anonymous(), time.perf_counter()
model = load(sys.argv[1])
told = {"seconds": time.perf_counter() - start, "anonymous": anonymous() - before}
widened, wide = [], Weights.wide
def counting(self, tensor):
    widened.append(tensor.numel())
    return wide(self, tensor)
Weights.wide = counting
mlp = model.layer(7).mlp
told["layer"] = sum(widened)
mlp_sum(torch.randn(1, 1, model.architecture.d_model), mlp, model.architecture)
told["token"] = sum(widened) - told["layer"]
widened.clear()
table = spectrum(model.with_experts(7), "L7.E5")
told["spectrum"], told["directions"] = sum(widened), int(table.directions.sel(fraction=0.99))
told["parameters"] = sum(tensor.numel() for _, tensor in model.named())
print(json.dumps(told))
"""


def layer(index: int) -> dict[str, list[int]]:
    """Names and shapes of one layer's tensors."""
    at = f"model.layers.{index}."
    attention = {"q": [HEADS * D_HEAD, D], "k": [KV * D_HEAD, D], "v": [KV * D_HEAD, D], "o": [D, HEADS * D_HEAD]}
    expert = {"gate_proj": [WIDTH, D], "up_proj": [WIDTH, D], "down_proj": [D, WIDTH]}
    shapes = {f"{at}self_attn.{name}_proj.weight": shape for name, shape in attention.items()}
    shapes |= {f"{at}self_attn.{name}_norm.weight": [D_HEAD] for name in "qk"} | {f"{at}mlp.gate.weight": [EXPERTS, D]}
    for number in range(EXPERTS):
        shapes |= {f"{at}mlp.experts.{number}.{name}.weight": shape for name, shape in expert.items()}
    return shapes | {f"{at}{name}_layernorm.weight": [D] for name in ("input", "post_attention")}


def shard(path: Path, shapes: dict[str, list[int]]) -> dict[str, str]:
    """Write a header, and a hole for every number; return the file of every tensor."""
    header: dict[str, Any] = {}
    end = 0
    for name, shape in shapes.items():
        start, end = end, end + int(np.prod(shape)) * 2
        header[name] = {"dtype": "BF16", "shape": shape, "data_offsets": [start, end]}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        file.truncate(8 + len(text) + end)
        if (expert := header.get(RANDOM)) is not None:
            start, end = expert["data_offsets"]
            drawn = np.random.default_rng(0).standard_normal((end - start) // 2, dtype=np.float32)
            file.seek(8 + len(text) + start)
            file.write((drawn.view(np.uint32) >> 16).astype(np.uint16).tobytes())  # bfloat16
    return dict.fromkeys(shapes, path.name)


def write(folder: Path) -> None:
    """A file for every three layers, and one for what is around them."""
    ends = {"model.embed_tokens.weight": [VOCAB, D], "lm_head.weight": [VOCAB, D], "model.norm.weight": [D]}
    places = shard(folder / "model-ends.safetensors", ends)
    for first in range(0, LAYERS, 3):
        shapes = layer(first) | layer(first + 1) | layer(first + 2)
        places |= shard(folder / f"model-{first}.safetensors", shapes)
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": places}))


def test_a_mixture_of_30_billion_is_opened_unread_and_a_token_reads_its_experts_alone(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps(CONFIG))
    command = [sys.executable, "-c", SCRIPT, str(tmp_path)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, timeout=300)
    for file in tmp_path.glob("*.safetensors"):
        file.unlink()
    assert done.returncode == 0, done.stderr[-2000:]
    told = json.loads(done.stdout)
    assert told["parameters"] > 30e9
    assert told["seconds"] < 2 * slowness()
    assert told["anonymous"] < 300e6
    attention = 2 * D * (HEADS + KV) * D_HEAD + 2 * D_HEAD
    assert told["layer"] == attention + 2 * D + EXPERTS * D
    assert told["token"] == USED * 3 * D * WIDTH
    assert told["spectrum"] == D * WIDTH
    assert told["directions"] > 0.9 * WIDTH
