"""GGUF files written by hand, so that every count, type, size and offset in them can be a lie."""

import random
import struct
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import gguf
import numpy as np
from gguf import GGMLQuantizationType
from numpy.typing import NDArray

U8, U32, I32, F32, BOOL, TEXT, ARRAY, U64 = 0, 4, 5, 6, 7, 8, 9, 10
CODES = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}


@dataclass(frozen=True)
class Array:
    """An array of one type, and how many it claims to hold where that is not its length."""

    kind: int
    values: list[Any]
    claimed: int | None = None


@dataclass(frozen=True)
class Listed:
    """A tensor in the header: its dimensions in the file's order, width first."""

    name: str
    dimensions: tuple[int, ...]
    kind: int
    offset: int


@dataclass(frozen=True)
class File:
    """A whole file as a value; ``written`` makes it bytes."""

    facts: tuple[tuple[str, int, Any], ...]
    tensors: tuple[Listed, ...] = ()
    data: bytes = b""
    alignment: int = 32
    version: int = 3
    counts: tuple[int | None, int | None] = (None, None)

    def with_fact(self, name: str, kind: int, value: Any) -> "File":
        """The same with a fact added, or changed where there was one of that name."""
        return replace(self, facts=(*(fact for fact in self.facts if fact[0] != name), (name, kind, value)))

    def without(self, name: str) -> "File":
        """The same without a fact."""
        return replace(self, facts=tuple(fact for fact in self.facts if fact[0] != name))

    def with_tensor(self, name: str, values: NDArray[Any], kind: int = 0) -> "File":
        """The same with a tensor added, quantised if need be."""
        stored = gguf.quantize(values.astype(np.float32), GGMLQuantizationType(kind)).tobytes()
        start = len(self.data) + -len(self.data) % self.alignment
        listed = Listed(name, tuple(reversed(values.shape)), kind, start)
        return replace(self, tensors=(*self.tensors, listed), data=self.data.ljust(start, b"\0") + stored)

    def head(self) -> bytes:
        """The header, without what pads it."""
        tensors, facts = (
            len(own) if count is None else count
            for own, count in zip((self.tensors, self.facts), self.counts, strict=True)
        )
        out = [b"GGUF", struct.pack("<IQQ", self.version, tensors, facts)]
        for name, kind, value in self.facts:
            out += [packed(TEXT, name), struct.pack("<I", kind), packed(kind, value)]
        for one in self.tensors:
            count = len(one.dimensions)
            out += [packed(TEXT, one.name), struct.pack(f"<I{count}Q", count, *one.dimensions)]
            out += [struct.pack("<IQ", one.kind, one.offset)]
        return b"".join(out)

    def written(self) -> bytes:
        """The file."""
        head = self.head()
        return head + bytes(-len(head) % self.alignment) + self.data


def packed(kind: int, value: Any) -> bytes:
    """One value as it lies in the header, of an unknown type as a number of 32 bits; an array may be bytes already."""
    if kind == ARRAY and isinstance(value, bytes):
        return value
    if kind == TEXT:
        text = value.encode() if isinstance(value, str) else bytes(value)
        return struct.pack("<Q", len(text)) + text
    if kind == ARRAY:
        count = len(value.values) if value.claimed is None else value.claimed
        return struct.pack("<IQ", value.kind, count) + b"".join(packed(value.kind, one) for one in value.values)
    return struct.pack(f"<{CODES.get(kind, 'I')}", value)


# How byte-level vocabularies spell the 256 bytes, in no order.
LETTERS = [chr(code) for code in (*range(33, 127), *range(161, 173), *range(174, 256), *range(256, 324))]


def byte_level(
    merges: tuple[str, ...] = ("t h", "th e", "Ġ the", "i n", "Ġ a"), letters: Sequence[str] = LETTERS
) -> list[tuple[str, int, Any]]:
    """The facts of a byte-level vocabulary: 256 bytes, the merged ones, and a special token."""
    tokens = [*letters, *(merge.replace(" ", "") for merge in merges), "<|end|>"]
    types = [1] * (len(tokens) - 1) + [3]
    return [
        ("tokenizer.ggml.model", TEXT, "gpt2"),
        ("tokenizer.ggml.pre", TEXT, "gpt-2"),
        ("tokenizer.ggml.tokens", ARRAY, Array(TEXT, tokens)),
        ("tokenizer.ggml.token_type", ARRAY, Array(I32, types)),
        ("tokenizer.ggml.merges", ARRAY, Array(TEXT, list(merges))),
        ("tokenizer.ggml.bos_token_id", U32, len(tokens) - 1),
    ]


def pieces() -> list[tuple[str, int, Any]]:
    """The facts of a vocabulary of scored pieces, with bytes for what is no piece."""
    words = ["▁", "t", "h", "e", "a", "c", "b", "th", "he", "the", "▁the", "▁a", "ab", "abc", "bc", "▁t", "aa", "aaaa"]
    scores = [-float(place) for place in range(len(words) - 1, -1, -1)]
    random.Random(0).shuffle(scores)
    tokens = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256)), *words]
    return [
        ("tokenizer.ggml.model", TEXT, "llama"),
        ("tokenizer.ggml.tokens", ARRAY, Array(TEXT, tokens)),
        ("tokenizer.ggml.scores", ARRAY, Array(F32, [0.0] * 259 + [score - 1 for score in scores])),
        ("tokenizer.ggml.token_type", ARRAY, Array(I32, [2, 3, 3] + [6] * 256 + [1] * len(words))),
        ("tokenizer.ggml.bos_token_id", U32, 1),
        ("tokenizer.ggml.unknown_token_id", U32, 0),
    ]


def llama(
    *,
    kind: str = "llama",
    numbers: int = 3,
    layers: int = 1,
    heads: int = 2,
    kv: int = 1,
    d: int = 32,
    width: int = 64,
    vocabulary: list[tuple[str, int, Any]] | None = None,
    vocab: int = 320,
    biases: bool = False,
    norms: bool = False,
    seed: int = 0,
) -> File:
    """A small random model of the Llama kind, whose matrices are in one format and whose norms in float32."""
    random_numbers = np.random.default_rng(seed)
    facts: list[tuple[str, int, Any]] = [
        ("general.architecture", TEXT, kind),
        ("general.alignment", U32, 32),
        (f"{kind}.block_count", U32, layers),
        (f"{kind}.context_length", U32, 64),
        (f"{kind}.embedding_length", U32, d),
        (f"{kind}.feed_forward_length", U32, width),
        (f"{kind}.attention.head_count", U32, heads),
        (f"{kind}.attention.head_count_kv", U32, kv),
        (f"{kind}.attention.layer_norm_rms_epsilon", F32, 1e-5),
        (f"{kind}.rope.freq_base", F32, 1000.0),
        (f"{kind}.rope.dimension_count", U32, d // heads),
        *([(f"{kind}.attention.sliding_window", U32, 3)] if kind == "gemma3" else []),
        *(byte_level() if vocabulary is None else vocabulary),
    ]
    file = File(tuple(facts))

    def add(name: str, *shape: int, stored: int = numbers) -> None:
        nonlocal file
        values = random_numbers.normal(size=shape)
        file = file.with_tensor(name, values / shape[-1] ** 0.5 if len(shape) > 1 else 1 + values / 4, stored)

    e = d // heads
    add("token_embd.weight", vocab, d)
    for layer in range(layers):
        add(f"blk.{layer}.attn_norm.weight", d, stored=0)
        for name, rows in (("attn_q", heads * e), ("attn_k", kv * e), ("attn_v", kv * e)):
            add(f"blk.{layer}.{name}.weight", rows, d)
            if biases:
                add(f"blk.{layer}.{name}.bias", rows, stored=0)
        if norms:
            add(f"blk.{layer}.attn_q_norm.weight", e, stored=0)
            add(f"blk.{layer}.attn_k_norm.weight", e, stored=0)
        add(f"blk.{layer}.attn_output.weight", d, heads * e)
        add(f"blk.{layer}.ffn_norm.weight", d, stored=0)
        if kind == "gemma3":
            add(f"blk.{layer}.post_attention_norm.weight", d, stored=0)
            add(f"blk.{layer}.post_ffw_norm.weight", d, stored=0)
        add(f"blk.{layer}.ffn_gate.weight", width, d)
        add(f"blk.{layer}.ffn_up.weight", width, d)
        add(f"blk.{layer}.ffn_down.weight", d, width)
    add("output_norm.weight", d, stored=0)
    return file


def gpt2(d: int = 64, heads: int = 4, layers: int = 2, context: int = 16) -> File:
    """A small random model of the GPT-2 kind, without a vocabulary."""
    numbers = np.random.default_rng(0)
    facts = {
        "block_count": layers,
        "context_length": context,
        "embedding_length": d,
        "feed_forward_length": 4 * d,
        "attention.head_count": heads,
    }
    file = File(
        (
            ("general.architecture", TEXT, "gpt2"),
            *((f"gpt2.{name}", U32, value) for name, value in facts.items()),
            ("gpt2.attention.layer_norm_epsilon", F32, 1e-5),
        )
    )
    shapes: dict[str, tuple[int, ...]] = {"token_embd.weight": (100, d), "position_embd.weight": (context, d)}
    for layer in range(layers):
        for name, (rows, columns) in {
            "attn_qkv": (3 * d, d),
            "attn_output": (d, d),
            "ffn_up": (4 * d, d),
            "ffn_down": (d, 4 * d),
        }.items():
            shapes[f"blk.{layer}.{name}.weight"] = (rows, columns)
            shapes[f"blk.{layer}.{name}.bias"] = (rows,)
        for name in ("attn_norm", "ffn_norm"):
            shapes |= {f"blk.{layer}.{name}.weight": (d,), f"blk.{layer}.{name}.bias": (d,)}
    shapes |= {"output_norm.weight": (d,), "output_norm.bias": (d,)}
    for name, shape in shapes.items():
        file = file.with_tensor(name, numbers.normal(size=shape) / 4, 8 if len(shape) == 2 and shape[0] > 99 else 0)
    return file
