"""Real files of models in every format, with what reads them."""

import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gguf_files import gpt2 as gguf_gpt2
from gguf_files import llama as gguf_llama
from hostile import legacy_config
from safetensors.torch import load_file, save_file
from tiny import tiny
from tokenizer_files import byte_level

import loadstore as ls
from attack.folders import LEGACY, family, state_dict
from loadstore.errors import LoadstoreError, Undefined

DRAWN = ("gpt2", "gpt_neox", "llama", "mistral", "qwen3", "gemma3_text", "opt", "phi", "stablelm")


@dataclass(frozen=True)
class Format:
    """One file of a format.

    Args:
        name: The format.
        path: The file that is damaged.
        read: What reads it, and returns what must not change, or None where damage may go unnoticed.
        head: How many first bytes most of the damage is done to; None for the whole file.
    """

    name: str
    path: Path
    read: Callable[[], Any]
    head: int | None = None


def used(path: Path) -> None:
    """Load a model and run it; numbers that overflow are documented."""
    model = ls.load(path)
    try:
        logits = ls.run(model, [0]).logits
    except Undefined:
        return
    assert logits.shape == (1, model.architecture.vocab)


def weights(folder: Path, seed: int) -> list[Format]:
    model, found = tiny(LEGACY[seed % len(LEGACY)], seed), []
    for ending in ("pth", "safetensors"):
        place = folder / f"legacy-{ending}"
        place.mkdir()
        (place / "config.json").write_text(json.dumps(legacy_config(model)))
        path = state_dict(model, place / f"model.{ending}")
        found.append(Format(f"state dict .{ending}", path, lambda p=path: used(p), 3000))
    found.append(
        Format("config of a state dict", folder / "legacy-pth" / "config.json", lambda: used(folder / "legacy-pth"))
    )
    for name, made_file in {"llama": gguf_llama(seed=seed), "gpt2": gguf_gpt2(d=32, heads=2, layers=1)}.items():
        path = folder / f"{name}.gguf"
        path.write_bytes(made_file.written())
        found.append(Format(f"gguf {name}", path, lambda p=path: used(p), len(made_file.head())))
    return found


def published(folder: Path, seed: int) -> list[Format]:
    found: list[Format] = []
    dice = random.Random(seed)
    for name in dice.sample(DRAWN, 3):
        place, _ = family(name, folder / name, seed)
        path = place / "model.safetensors"
        found.append(Format("config.json", place / "config.json", lambda p=place: used(p)))
        found.append(Format("model.safetensors", path, lambda p=place: used(p), 3000))
    place, _ = family("llama", folder / "llama in shards", seed)
    tensors = load_file(place / "model.safetensors")
    names = sorted(tensors)
    shards = {"model-1.safetensors": names[::2], "model-2.safetensors": names[1::2]}
    split = folder / "shards"
    split.mkdir()
    (split / "config.json").write_bytes((place / "config.json").read_bytes())
    for file, chosen in shards.items():
        save_file({key: tensors[key] for key in chosen}, split / file)
    index = {"metadata": {}, "weight_map": {key: file for file, chosen in shards.items() for key in chosen}}
    (split / "model.safetensors.index.json").write_text(json.dumps(index))
    found.append(Format("index of shards", split / "model.safetensors.index.json", lambda: used(split)))
    found.append(Format("a shard", split / "model-1.safetensors", lambda: used(split), 3000))
    return [*found, *_tokenizers(folder, seed)]


def _tokenizers(folder: Path, seed: int) -> list[Format]:
    spoken = next(
        place
        for number in range(99)
        if (place := family("llama", folder / f"t{number}", seed + number)[0]) and (place / "tokenizer.json").exists()
    )
    facts = {"bos_token": "<|endoftext|>", "tokenizer_class": "PreTrainedTokenizerFast"}
    (spoken / "tokenizer_config.json").write_text(json.dumps(facts))
    byte_level().save(str(spoken / "tokenizer.json"))

    def spoke() -> None:
        model = ls.load(spoken)
        try:
            ls.run(model, "the cat 12")
        except LoadstoreError:
            return

    return [
        Format("tokenizer.json", spoken / "tokenizer.json", spoke),
        Format("tokenizer_config.json", spoken / "tokenizer_config.json", spoke),
    ]
