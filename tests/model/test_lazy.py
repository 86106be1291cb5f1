"""Opening a model of a 7B shape reads nothing of it, and one head's spectrum reads one head.

The checkpoint has the sizes of Llama 7B with 4 layers, 2.1 GB of float16 in two shards. Layer 2's attention repeats one
random block, the rest are holes of a sparse file, which read as zeros: what is counted is which bytes are touched.
"""

import json
import os
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pace import slowness

pytestmark = pytest.mark.alone

D, HEADS, D_HEAD, WIDTH, VOCAB, LAYERS = 4096, 32, 128, 11008, 32000, 4
FLOAT16 = 2
MATRIX = D * D_HEAD * FLOAT16  # one of a head's four matrices
RANDOM = ("model.layers.2.self_attn.", "model.layers.2.input_layernorm.")
CONFIG = {
    **{"model_type": "llama", "hidden_size": D, "num_attention_heads": HEADS, "num_key_value_heads": HEADS},
    **{"intermediate_size": WIDTH, "vocab_size": VOCAB, "num_hidden_layers": LAYERS, "max_position_embeddings": 4096},
    **{"rms_norm_eps": 1e-5, "tie_word_embeddings": False, "hidden_act": "silu", "rope_theta": 10000.0},
}
SCRIPT = """
import json, sys, time
from pathlib import Path
import torch, xarray
from loadstore.scores.spectra import spectrum
from loadstore.checkpoints.library import load
from loadstore.model.weights import Weights

def anonymous():
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("RssAnon"))
    return int(line.split()[1]) << 10

def resident():
    total, ours = 0, False
    for line in Path("/proc/self/smaps").read_text().splitlines():
        if "-" in line.split()[0] and not line.split()[0].endswith(":"):
            ours = line.endswith(".safetensors")
        elif ours and line.startswith("Rss:"):
            total += int(line.split()[1]) << 10
    return total

def mapped():
    return sum(line.endswith(".safetensors") for line in Path("/proc/self/maps").read_text().splitlines())

torch.linalg.eigvalsh(torch.eye(2)), torch.linalg.svdvals(torch.eye(2))
before, start = anonymous(), time.perf_counter()
model = load(sys.argv[1])
told = {"seconds": time.perf_counter() - start, "anonymous": anonymous() - before, "mapped": mapped()}
told["resident at open"] = resident()
widened, wide = [], Weights.wide
def counting(self, tensor):
    widened.append(tensor.nbytes)
    return wide(self, tensor)
Weights.wide = counting
found = spectrum(model, "L2.H5")
told |= {"widened": sum(widened), "resident": resident(), "rank": int((found.eigenvalue > 1e-9).sum())}
told["total"] = sum(tensor.nbytes for _, tensor in model.named())
print(json.dumps(told))
"""


def layer(index: int) -> dict[str, list[int]]:
    """Names and shapes of one layer's tensors."""
    at, mlp = f"model.layers.{index}.", {"gate_proj": [WIDTH, D], "up_proj": [WIDTH, D], "down_proj": [D, WIDTH]}
    shapes = {f"{at}self_attn.{name}_proj.weight": [D, D] for name in "qkvo"}
    shapes |= {f"{at}mlp.{name}.weight": shape for name, shape in mlp.items()}
    return shapes | {f"{at}{name}_layernorm.weight": [D] for name in ("input", "post_attention")}


def shard(path: Path, shapes: dict[str, list[int]]) -> list[str]:
    """Write one shard: a header, one random block over and over where numbers matter, holes elsewhere."""
    header: dict[str, Any] = {}
    end = 0
    for name, shape in shapes.items():
        start, end = end, end + int(np.prod(shape)) * FLOAT16
        header[name] = {"dtype": "F16", "shape": shape, "data_offsets": [start, end]}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    block = np.random.default_rng(0).standard_normal(1 << 20).astype(np.float16).tobytes()
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        file.truncate(8 + len(text) + end)
        for name, entry in header.items():
            if name.startswith(RANDOM):
                first, last = entry["data_offsets"]
                file.seek(8 + len(text) + first)
                file.write((block * -(-(last - first) // len(block)))[: last - first])
    return list(shapes)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, float]]:
    """What a process of its own measured."""
    folder = tmp_path_factory.mktemp("seven-billion")
    ends = {"model.norm.weight": [D], "lm_head.weight": [VOCAB, D]}
    shards = {
        "model-00001-of-00002.safetensors": {"model.embed_tokens.weight": [VOCAB, D]} | layer(0) | layer(1),
        "model-00002-of-00002.safetensors": layer(2) | layer(3) | ends,
    }
    places = {name: file for file, shapes in shards.items() for name in shard(folder / file, shapes)}
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": places}))
    (folder / "config.json").write_text(json.dumps(CONFIG))
    command = [sys.executable, "-c", SCRIPT, str(folder)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    yield json.loads(done.stdout)
    for file in shards:
        (folder / file).unlink()


def test_a_large_model_opens_at_once(told: dict[str, float]) -> None:
    assert told["total"] > 2e9
    assert told["mapped"] >= 2
    assert told["seconds"] < slowness()
    assert told["anonymous"] < 200e6
    assert told["resident at open"] < told["total"] / 100


def test_the_spectrum_of_a_head_widens_that_head_alone(told: dict[str, float]) -> None:
    """Its four matrices and the gain before them, once each."""
    assert told["rank"] == D_HEAD
    assert told["widened"] == 2 * MATRIX + D * FLOAT16


def test_the_pages_of_one_heads_spectrum_are_those_of_its_matrices(told: dict[str, float]) -> None:
    """An upper bound: rows of W_Q, W_K and W_V lie together, but one head's columns of W_O lie in every row of it.

    A fault maps what lies around it (64 KiB, or a large page), so strided columns bring in all of W_O, 34 MB.
    """
    assert told["resident"] < told["total"] / 20
