"""GGUF files: the header as gguf's own reader reads it, models as transformers and the Hugging Face families have
them, nothing read that is not used."""

import math
import subprocess
import sys
import tracemalloc
from dataclasses import replace
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest
import torch
from close import assert_close
from each import each
from gguf_files import ARRAY, BOOL, F32, TEXT, U32, Array, File, Listed, gpt2, llama
from hostile import refusal
from numpy.typing import NDArray
from torch import Tensor

import loadstore as ls
from loadstore.checkpoints.checkpoint import Checkpoint
from loadstore.checkpoints.families import gemma
from loadstore.checkpoints.families import gpt2 as gpt2_family
from loadstore.checkpoints.families import llama as llama_family
from loadstore.checkpoints.families.huggingface import Facts
from loadstore.checkpoints.gguf import KEPT, read_gguf
from loadstore.errors import BadCheckpoint, NotThisModel, Undefined
from loadstore.model import stored
from loadstore.model.quantised import Quantised
from loadstore.model.weights import Weights

IDS = [5, 80, 7, 300, 5, 80, 7, 12]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "tiny.gguf"


def opened(path: Path, file: File) -> Weights:
    path.unlink(missing_ok=True)
    path.write_bytes(file.written())
    return ls.load(path)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many bytes the dequantiser was asked for, call by call."""
    counts: list[int] = []
    real = stored.dequantise

    def counted(found: NDArray[np.uint8], kind: int) -> NDArray[np.float32]:
        counts.append(found.nbytes)
        return real(found, kind)

    monkeypatch.setattr(stored, "dequantise", counted)
    return counts


def test_facts_and_numbers_are_those_of_ggufs_own_reader(path: Path) -> None:
    file = llama(numbers=8, layers=2).with_fact(
        "some.list", ARRAY, Array(ARRAY, [Array(F32, [0.5, 2.0]), Array(TEXT, [])])
    )
    file = file.with_fact("some.flag", BOOL, True).with_fact("some.text", TEXT, "é\n")
    path.write_bytes(file.without("some.list").written())
    reader, ours = gguf.GGUFReader(path), read_gguf(path)
    names = {name for name in reader.fields if not name.startswith("GGUF.")}
    assert set(ours.facts) == names
    for name in names:
        theirs = reader.fields[name].contents()
        assert ours.facts[name] == theirs or theirs == pytest.approx(ours.facts[name]), name
    tensors = ours.tensors()
    assert list(tensors) == [tensor.name for tensor in reader.tensors]
    for tensor in reader.tensors:
        assert ours.stored[tensor.name].start == tensor.data_offset
        expected = gguf.dequantize(tensor.data, tensor.tensor_type)
        assert np.array_equal(tensors[tensor.name].numpy(), expected)
    path.unlink()
    path.write_bytes(file.written())
    assert read_gguf(path).facts["some.list"] == [[0.5, 2.0], []]


def test_opening_reads_the_header_and_a_head_its_own_rows(path: Path, asked: list[int]) -> None:
    model = opened(path, llama(heads=4, kv=2, d=256, width=512, layers=2))
    assert asked == []
    assert all(isinstance(tensor, Quantised) for _, tensor in model.named())
    assert sum(tensor.nbytes for _, tensor in model.named()) == 4 * sum(t.numel() for _, t in model.named())
    model.head(ls.Head(1, 2))
    row = 256 // 32 * 20  # bytes of 256 numbers in Q4_1
    assert sorted(asked) == sorted([64 * row, 64 * row, 64 * row, 256 * row // 4])
    model.head(ls.Head(1, 2))
    assert len(asked) == 4  # kept


def test_a_model_of_gibibytes_opens_without_reading_them(path: Path) -> None:
    """Its numbers are a hole in the file: what reads them takes seconds and memory, what does not takes neither."""
    vocab, d = 1 << 18, 4096
    small = llama(numbers=1, d=64, width=128, vocab=64, vocabulary=[])
    data = sum(one.dimensions[0] * math.prod(one.dimensions[1:]) * (2 if one.kind == 1 else 4) for one in small.tensors)
    wide = tuple(
        replace(one, dimensions=tuple({64: d, 32: d // 2, 128: 128}.get(n, n) for n in one.dimensions), offset=0)
        for one in small.tensors
    )
    wide = (replace(wide[0], dimensions=(d, vocab)), *wide[1:])
    place, placed = 0, list[Listed]()
    for one in wide:
        placed.append(replace(one, offset=place))
        place += math.prod(one.dimensions) * (2 if one.kind == 1 else 4)
        place += -place % 32
    facts = small.with_fact("llama.embedding_length", U32, d).with_fact("llama.rope.dimension_count", U32, d // 2)
    file = replace(facts, tensors=tuple(placed), data=b"")
    assert place > KEPT > data
    path.write_bytes(file.written())
    with path.open("r+b") as whole:
        whole.truncate(path.stat().st_size + place)
    tracemalloc.start()
    model = ls.load(path)
    row = model.wide(model.W_U[:, 7])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 << 20
    assert torch.equal(row, torch.zeros(d))
    assert all(not tensor.matrix.keep for _, tensor in model.named() if isinstance(tensor, Quantised))


def plain(file: File) -> dict[str, Tensor]:
    """Every tensor of a file as gguf dequantises it."""
    found: dict[str, Tensor] = {}
    for one in file.tensors:
        kind = gguf.GGMLQuantizationType(one.kind)
        numbers, size = gguf.GGML_QUANT_SIZES[kind]
        rows = np.frombuffer(file.data, np.uint8, math.prod(one.dimensions) // numbers * size, one.offset)
        values = gguf.dequantize(rows.reshape(-1, one.dimensions[0] // numbers * size), kind)
        found[one.name] = torch.from_numpy(np.array(values)).reshape(tuple(reversed(one.dimensions)))
    return found


LAYER = {
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "attn_q_norm": "self_attn.q_norm",
    "attn_k_norm": "self_attn.k_norm",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
WHOLE = {"token_embd": "model.embed_tokens", "output_norm": "model.norm", "output": "lm_head"}


def as_hugging_face(file: File, kind: str, heads: int, kv: int, **config: Any) -> Weights:
    """The same model from tensors in Hugging Face's names and, for Llama, order of rows."""
    facts = {name.removeprefix(f"{kind}."): value for name, _, value in file.facts}
    tensors: dict[str, Tensor] = {}
    for name, tensor in plain(file).items():
        stem, _, part = name.rpartition(".")
        if stem in WHOLE:
            tensors[f"{WHOLE[stem]}.{part}"] = tensor
        elif stem.startswith("blk."):
            _, layer, stem = stem.split(".")
            if kind == "llama" and stem in ("attn_q", "attn_k"):
                own = heads if stem == "attn_q" else kv
                tensor = tensor.unflatten(0, (own, -1, 2)).transpose(1, 2).reshape(tensor.shape)
            tensors[f"model.layers.{layer}.{LAYER[stem]}.{part}"] = tensor
    stated = {
        "model_type": kind,
        "num_hidden_layers": facts["block_count"],
        "num_attention_heads": heads,
        "num_key_value_heads": kv,
        "hidden_size": facts["embedding_length"],
        "head_dim": facts.get("attention.key_length", facts["embedding_length"] // heads),
        "intermediate_size": facts["feed_forward_length"],
        "vocab_size": len(tensors["model.embed_tokens.weight"]),
        "max_position_embeddings": facts["context_length"],
        "rms_norm_eps": float(np.float32(facts["attention.layer_norm_rms_epsilon"])),
        "rope_theta": 1000.0,
        "tie_word_embeddings": "lm_head.weight" not in tensors,
    }
    checkpoint = Checkpoint(Path("config.json"), tensors, {}, {**stated, **config})
    return llama_family.build(checkpoint, Facts(checkpoint, checkpoint.config or {}))


def llama3_factors(d_head: int, factor: float, low: float, high: float, old: float) -> list[float]:
    """What llama.cpp's converter writes of Llama 3's scaling."""
    factors: list[float] = []
    for pair in range(d_head // 2):
        length = 2 * math.pi * 1000.0 ** (2 * pair / d_head)
        smooth = (old / length - low) / (high - low)
        factors.append(
            1 if length < old / high else factor if length > old / low else 1 / ((1 - smooth) / factor + smooth)
        )
    return factors


SCALED = {"factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 64}
FACTORS = llama3_factors(16, 8.0, 1.0, 4.0, 64)
GROUPED = llama(layers=2, heads=4, kv=2, d=64)
SAME: dict[str, tuple[File, str, dict[str, Any]]] = {
    "llama": (GROUPED, "llama", {}),
    "quantised": (llama(numbers=8, layers=2, heads=4, kv=2, d=64), "llama", {}),
    "untied": (GROUPED.with_tensor("output.weight", np.random.default_rng(1).normal(size=(320, 64))), "llama", {}),
    "linear": (
        GROUPED.with_fact("llama.rope.scaling.type", TEXT, "linear").with_fact("llama.rope.scaling.factor", F32, 4.0),
        "llama",
        {"rope_parameters": {"rope_type": "linear", "factor": 4.0, "rope_theta": 1000.0}},
    ),
    "factors": (
        GROUPED.with_tensor("rope_freqs.weight", np.array(FACTORS)),
        "llama",
        {"rope_parameters": {"rope_type": "llama3", "rope_theta": 1000.0, **SCALED}},
    ),
    "window": (
        GROUPED.with_fact("llama.attention.sliding_window", U32, 3),
        "llama",
        {"model_type": "mistral", "sliding_window": 3},
    ),
    "qwen2": (llama(kind="qwen2", biases=True, layers=2, heads=4, kv=2, d=64), "qwen2", {}),
    "qwen3": (llama(kind="qwen3", norms=True, layers=2, heads=4, kv=2, d=64), "qwen3", {}),
}


@each("name", SAME)
def test_a_model_is_the_one_that_hugging_face_keeps(path: Path, name: str) -> None:
    file, kind, config = SAME[name]
    ours, theirs = opened(path, file), as_hugging_face(file, kind, 4, 2, **config)
    assert ours.architecture.windows == theirs.architecture.windows
    assert (theirs.architecture.windows is not None) == (name == "window")
    one, other = ls.run(ours, IDS), ls.run(theirs, IDS)
    assert_close(one.logits, other.logits)
    for head in ours.architecture.heads:
        assert_close(one.pattern(head), other.pattern(head), scale=float(one.scores(head).abs().max()))
    if name not in ("llama", "quantised", "untied"):
        unscaled = as_hugging_face(file, kind, 4, 2)
        changed = not torch.allclose(ls.run(unscaled, IDS).pattern("L1.H3"), one.pattern("L1.H3"), atol=1e-4)
        assert changed == (name in ("linear", "factors", "window"))


def test_partial_rotary_turns_the_dimensions_that_the_file_counts(path: Path) -> None:
    model = opened(path, GROUPED.with_fact("llama.rope.dimension_count", U32, 8))
    assert model.architecture.rotary is not None
    assert model.architecture.rotary.dimensions == 8
    theirs = as_hugging_face(llama(kind="qwen2", layers=2, heads=4, kv=2, d=64), "qwen2", 4, 2)
    turned = replace(theirs, architecture=model.architecture)  # as its rows lie: pairs are neighbours
    assert_close(ls.run(model, IDS).logits, ls.run(turned, IDS).logits)


def test_gemma_3_is_the_one_that_hugging_face_keeps(path: Path) -> None:
    """Gains less the 1 that is added, all layers but the sixth sliding and turned by a base of their own."""
    file = llama(kind="gemma3", norms=True, layers=7, heads=4, kv=2, d=64)
    names = LAYER | {"ffn_norm": "pre_feedforward_layernorm", "post_attention_norm": "post_attention_layernorm"}
    names |= {"post_ffw_norm": "post_feedforward_layernorm"}
    tensors: dict[str, Tensor] = {}
    for name, tensor in plain(file).items():
        stem, _, part = name.rpartition(".")
        _, layer, stem = stem.split(".") if stem.startswith("blk.") else ("", "", stem)
        new = f"model.layers.{layer}.{names[stem]}" if layer else WHOLE[stem]
        tensors[f"{new}.{part}"] = tensor.double() - 1 if stem.endswith("norm") else tensor.double()
    config = {"model_type": "gemma3_text", "num_hidden_layers": 7, "num_attention_heads": 4, "num_key_value_heads": 2}
    config |= {"hidden_size": 64, "head_dim": 16, "query_pre_attn_scalar": 16, "intermediate_size": 64}
    config |= {"vocab_size": 320, "max_position_embeddings": 64, "rms_norm_eps": float(np.float32(1e-5))}
    checkpoint = Checkpoint(Path("config.json"), tensors, {}, config | {"sliding_window": 3, "rope_theta": 1000.0})
    theirs = gemma.build(checkpoint, Facts(checkpoint, checkpoint.config or {}))
    ours = opened(path, file)
    assert ours.architecture == theirs.architecture
    assert ours.architecture.windows == (3, 3, 3, 3, 3, None, 3)
    assert_close(ls.run(ours.double(), IDS).logits, ls.run(theirs, IDS).logits)
    local = opened(path, file.with_fact("gemma3.rope.freq_base_swa", F32, 500.0)).architecture
    assert local.rotary == ours.architecture.rotary
    assert local.local_rotary != ours.architecture.local_rotary
    lacking = file.without("gemma3.attention.sliding_window")
    refusal(lambda: opened(path, lacking), BadCheckpoint, path, "gemma3.attention.sliding_window")


def test_gpt_2_is_the_one_that_hugging_face_keeps(path: Path) -> None:
    file = gpt2()
    names = {"attn_norm": "ln_1", "attn_qkv": "attn.c_attn", "attn_output": "attn.c_proj", "ffn_norm": "ln_2"}
    names |= {"ffn_up": "mlp.c_fc", "ffn_down": "mlp.c_proj"}
    outside = {"token_embd": "wte", "position_embd": "wpe", "output_norm": "ln_f"}
    tensors: dict[str, Tensor] = {}
    for name, tensor in plain(file).items():
        stem, _, part = name.rpartition(".")
        if stem in outside:
            tensors[f"transformer.{outside[stem]}.{part}"] = tensor
        else:
            _, layer, stem = stem.split(".")
            turned = tensor.mT.contiguous() if tensor.ndim == 2 else tensor
            tensors[f"transformer.h.{layer}.{names[stem]}.{part}"] = turned
    config = {"n_layer": 2, "n_head": 4, "n_embd": 64, "n_positions": 16, "vocab_size": 100}
    checkpoint = Checkpoint(Path("config.json"), tensors, {}, config)
    theirs = gpt2_family.build(checkpoint, Facts(checkpoint, config))
    ours = opened(path, file)
    assert_close(ls.run(ours, IDS[:3]).logits, ls.run(theirs, IDS[:3]).logits)
    assert ours.untokenised == "its file has no vocabulary"
    refusal(lambda: ls.run(ours, "text"), Undefined, "tiny has no tokenizer (its file has no vocabulary)", "ids")


REFUSED: dict[str, tuple[File, type[BadCheckpoint], tuple[str, ...]]] = {
    "architecture": (
        GROUPED.with_fact("general.architecture", TEXT, "mamba"),
        NotThisModel,
        ("'mamba'", "supported are llama, qwen2, qwen3, gemma", "deepseek2, gpt2"),
    ),
    "an architecture that": (GROUPED.without("general.architecture"), NotThisModel, ("'None'",)),
    "experts": (
        GROUPED.with_fact("llama.expert_weights_scale", F32, 2.5),
        NotThisModel,
        ("expert_weights_scale = 2.5",),
    ),
    "yarn": (GROUPED.with_fact("llama.rope.scaling.type", TEXT, "yarn"), NotThisModel, ("'yarn'", "linear")),
    "values": (GROUPED.with_fact("llama.attention.value_length", U32, 8), NotThisModel, ("its values are",)),
    "factors": (GROUPED.with_tensor("rope_freqs.weight", np.ones(5)), BadCheckpoint, ("expected 8 numbers above 0",)),
    "negative factors": (GROUPED.with_tensor("rope_freqs.weight", -np.ones(8)), BadCheckpoint, ("above 0",)),
    "rotary": (GROUPED.with_fact("llama.rope.dimension_count", U32, 18), BadCheckpoint, ("18 of 16",)),
    "tensor": (
        GROUPED.with_tensor("blk.0.ffn_exp_probs.weight", np.ones(64)),
        NotThisModel,
        ("ffn_exp_probs", "no place"),
    ),
    "no layers": (GROUPED.without("llama.block_count"), BadCheckpoint, ("num_hidden_layers = null",)),
    "too few heads": (GROUPED.with_fact("llama.attention.head_count_kv", U32, 3), NotThisModel, ("n_kv_heads",)),
    "too many layers": (GROUPED.with_fact("llama.block_count", U32, 10**9), NotThisModel, ("n_layers",)),
    "wider": (GROUPED.with_fact("llama.embedding_length", U32, 96), BadCheckpoint, ("[320, 64], expected [320, 96]",)),
}


@each("name", REFUSED)
def test_what_is_not_supported_is_told_with_the_file(path: Path, name: str) -> None:
    file, kind, words = REFUSED[name]
    refusal(lambda: opened(path, file), kind, path, *words)


def test_a_folder_with_one_model_file_is_that_model(path: Path) -> None:
    model = opened(path, GROUPED)
    assert model.name == "tiny"
    assert torch.equal(ls.run(ls.load(path.parent), IDS).logits, ls.run(model, IDS).logits)


def test_it_computes_in_double_and_changes_as_any_other(path: Path) -> None:
    model = opened(path, GROUPED)
    expected = ls.run(model, IDS).logits
    double, changed = ls.run(model.double(), IDS).logits, model.map(lambda tensor: tensor.clone())
    assert double.dtype == torch.float64
    assert_close(double, expected)
    assert all(type(tensor) is Tensor for _, tensor in changed.named())
    assert_close(ls.run(changed, IDS).logits, expected)


def test_it_is_scored_as_any_other(path: Path) -> None:
    model = opened(path, llama(layers=2, heads=2, kv=1, d=32))
    scores, same = ls.subspace_scores(model), ls.subspace_scores(model.map(lambda tensor: tensor.clone()))
    assert_close(scores.score.values, same.score.values, dtype=torch.float32)


def test_opening_imports_neither_gguf_nor_what_torch_distributes(path: Path) -> None:
    path.write_bytes(GROUPED.written())
    code = (
        "import sys, loadstore as ls; model = ls.load(sys.argv[1]); early = 'gguf' in sys.modules; "
        "ls.run(model, [1, 2]); print(early, 'torch.distributed.tensor' in sys.modules, 'sympy' in sys.modules)"
    )
    found = subprocess.run([sys.executable, "-c", code, path], capture_output=True, check=True, text=True)
    assert found.stdout.split() == ["False", "False", "False"]
