"""Safetensors files that are torn, that lie about their sizes, or that were made to harm."""

import json
from pathlib import Path

import pytest
import torch
from each import each
from hostile import legacy_state, parts, raw, refusal, small
from safetensors.torch import save_file
from tiny import Kind

from loadstore.checkpoints import tensorfile
from loadstore.checkpoints.families.own import save_weights
from loadstore.checkpoints.library import load
from loadstore.errors import BadCheckpoint

CONFIG = {"config": json.dumps({"positional_embedding_type": "shortformer"})}
HUGE = 2**62


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "model.safetensors"


def test_a_file_cut_short_at_any_length(path: Path) -> None:
    save_weights(small(), path)
    content = path.read_bytes()
    header = len(content) - len(parts(path)[1])
    for length in [*range(0, 16), *range(16, len(content), 97), header - 1, header, header + 1, len(content) - 1]:
        path.write_bytes(content[:length])
        refusal(lambda: load(path), BadCheckpoint, path, "cannot be read as safetensors", "download it again")


def test_bytes_after_the_end(path: Path) -> None:
    save_weights(small(), path)
    path.write_bytes(path.read_bytes() + b"\0" * 8)
    refusal(lambda: load(path), BadCheckpoint, path, "cannot be read as safetensors", "download it again")


@each(
    ("header", "length"),
    [
        (b"{}", HUGE),
        (b"{}", 2**64 - 1),
        (b"{}", 100_000_001),
        (b"", 0),
        (b"null", None),
        (b"[]", None),
        (b'{"__metadata__": {"a": 1}}', None),
        (b'{"__metadata__": []}', None),
        (b'{"a": ' + b"[" * 200_000 + b"]" * 200_000 + b"}", None),
        (b'{"__metadata__": ' + b'{"a": ' * 100_000 + b"1" + b"}" * 100_000 + b"}", None),
        (b'{"\xff": 1}', None),
        (b"{" + b" " * 1000, None),
    ],
)
def test_headers_that_lie_or_are_no_header(path: Path, header: bytes, length: int | None) -> None:
    refusal(lambda: load(raw(path, header, b"", length)), BadCheckpoint, path, "cannot be read as safetensors")


def entry(shape: list[object], start: int, end: int, dtype: str = "F32") -> dict[str, object]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [start, end]}


@each(
    "header",
    [
        {"embed.W_E": entry([HUGE], 0, 4 * HUGE)},
        {"embed.W_E": entry([HUGE, HUGE], 0, 16)},
        {"embed.W_E": entry([4], 0, 2**64 - 16)},
        {"embed.W_E": entry([-4], 0, 16)},
        {"embed.W_E": entry([4], 16, 0)},
        {"embed.W_E": entry([4], -16, 0)},
        {"embed.W_E": entry([4], 0, 16), "unembed.W_U": entry([4], 0, 16)},
        {"embed.W_E": entry([3], 0, 12), "unembed.W_U": entry([2], 8, 16)},
        {"embed.W_E": entry([2], 0, 8)},
        {"embed.W_E": entry([1], 0, 4), "unembed.W_U": entry([2], 8, 16)},
        {"embed.W_E": entry([5], 0, 16)},
        {"embed.W_E": entry([4], 0, 16, "F31")},
        {"embed.W_E": entry([4.5], 0, 16)},
        {"embed.W_E": {"shape": [4]}},
    ],
)
def test_offsets_that_overlap_leave_holes_or_reach_beyond_the_file(path: Path, header: dict[str, object]) -> None:
    refusal(lambda: load(raw(path, header, b"\0" * 16)), BadCheckpoint, path, "cannot be read as safetensors")


@each("dtype", ["BOOL", "U8", "I8", "F8_E5M2", "F8_E4M3", "F8_E8M0", "F6_E2M3", "F4", "I64", "C64"])
def test_a_number_format_that_no_weight_has(path: Path, dtype: str) -> None:
    save_file(legacy_state(small()), path, CONFIG)
    header, data = parts(path)
    begin, end = header["embed.W_E"]["data_offsets"]
    bits = {"I64": 64, "C64": 64, "F6_E2M3": 6, "F4": 4}.get(dtype, 8)
    size = -(-17 * 12 * bits // 8)
    for name, where in header.items():
        if name != "__metadata__" and where["data_offsets"][0] >= end:
            where["data_offsets"] = [offset + size - (end - begin) for offset in where["data_offsets"]]
    header["embed.W_E"] |= {"dtype": dtype, "data_offsets": [begin, begin + size]}
    raw(path, header, data[:begin] + b"\0" * size + data[end:])
    refusal(lambda: load(path), BadCheckpoint, path)


@each("dtype", [torch.int32, torch.int64, torch.bool, torch.uint8, torch.float8_e4m3fn])
def test_weights_that_are_not_floating_point(path: Path, dtype: torch.dtype) -> None:
    state = legacy_state(small())
    save_file({**state, "unembed.W_U": state["unembed.W_U"].to(dtype)}, path, CONFIG)
    refusal(lambda: load(path), BadCheckpoint, path, "'unembed.W_U'", dtype, "16, 32 or 64 bits")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("name", ["embed.W_E", "blocks.1.attn.W_K", "blocks.0.attn.b_O", "ln_final.w"])
def test_nan_and_infinite_weights_are_named(path: Path, name: str, value: float) -> None:
    state = legacy_state(small(Kind("shortformer", "layer", biases=True)))
    state[name] = state[name].clone()
    state[name].view(-1)[3] = value
    save_file(state, path, CONFIG)
    refusal(lambda: load(path), BadCheckpoint, path, f"'{name}'", "1 NaN or infinite", "download it again")


def test_more_tensors_than_any_model_has(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tensorfile, "MOST_TENSORS", 10)
    save_file(legacy_state(small()), path, CONFIG)
    refusal(lambda: load(path), BadCheckpoint, path, "claims 20 tensors", "at most 10")


def test_no_tensors(path: Path) -> None:
    save_file({}, path)
    refusal(lambda: load(path), BadCheckpoint, path, "no tensors", "state dict")


def test_a_tensor_name_can_neither_flood_nor_steer_a_terminal(path: Path) -> None:
    save_file({"\x1b[2J" + "x" * 100_000: torch.zeros(1), "embed.W_E": torch.zeros(1)}, path)
    refusal(lambda: load(path), BadCheckpoint, path, "\\x1b[2Jxxx", "does not belong")
    save_file({"\x1b[2J" + "x" * 100_000: torch.zeros(1)}, path)
    refusal(lambda: load(path), BadCheckpoint, path, "\\x1b[2Jxxx", "supported:")


@each(
    ("text", "words"),
    [
        ("[" * 100_000, "not JSON"),
        ('{"a": ' * 100_000, "not JSON"),
        ("1" * 10_000, "not JSON"),
        ("{", "not JSON"),
        ("", "not JSON"),
        ("[]", "a list, expected an object"),
        ("null", "a NoneType, expected an object"),
    ],
)
def test_a_config_that_is_none(path: Path, text: str, words: str) -> None:
    save_file(legacy_state(small()), path, {"config": text})
    refusal(lambda: load(path), BadCheckpoint, path, "config", words)
    save_file(legacy_state(small()), path)
    path.with_name("config.json").write_text(text)
    refusal(lambda: load(path), BadCheckpoint, path, "config", words)


def test_a_config_that_is_no_text(path: Path) -> None:
    save_file(legacy_state(small()), path)
    path.with_name("config.json").write_bytes(b"\xff\xfe\x00")
    refusal(lambda: load(path), BadCheckpoint, path, "config", "not JSON", "correct it")
