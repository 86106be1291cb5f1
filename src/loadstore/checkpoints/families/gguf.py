"""Models in GGUF: their names and facts said in the words of Hugging Face, whose families then build them."""

import re
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import Any

from torch import Tensor

from loadstore.checkpoints.checkpoint import Checkpoint
from loadstore.checkpoints.families.gguf_facts import FACTORED, FACTORS, layout_of
from loadstore.checkpoints.families.gguf_keys import one_fact, own_facts
from loadstore.checkpoints.families.gguf_kinds import KINDS
from loadstore.checkpoints.families.gguf_names import Names
from loadstore.checkpoints.families.huggingface import Facts
from loadstore.checkpoints.families.table import FAMILIES
from loadstore.checkpoints.gguf import GGUF
from loadstore.checkpoints.gguf_parts import name_of, read_model, without_later_parts
from loadstore.checkpoints.tensorfile import PACKED, SUFFIXES
from loadstore.checkpoints.vocabulary import tokens_of
from loadstore.errors import NotThisModel
from loadstore.model.weights import Weights
from loadstore.quote import quote

LAYER = re.compile(r"blk\.([0-9]{1,4})\.([a-z0-9_]+)\.(weight|bias)")


def packed(path: Path) -> Path | None:
    """The GGUF file that a path means: itself, or the only model of a folder; None where it means another."""
    if path.suffix == PACKED:
        return path
    try:
        names = [entry.name for entry in path.iterdir() if entry.suffix in (PACKED, *SUFFIXES) and entry.is_file()]
    except OSError:
        return None
    models = without_later_parts(names)
    return path / models[0] if len(models) == 1 and models[0].endswith(PACKED) else None


def build(path: Path, ignore: Collection[str] = ()) -> Weights:
    """Open a model in GGUF, one file or several parts: its weights, its name, its tokenizer where one is read.

    Only headers are read, and what biases there are.

    Args:
        path: The file, or one of the parts.
        ignore: Keys of the file, in full, to take as if they were not stated.

    Returns:
        The model.

    Raises:
        BadCheckpoint: The file is damaged or contradicts itself.
        NotThisModel: It holds something that is not supported.
    """
    file = read_model(path, ignore)
    kind = str(file.facts.get("general.architecture"))
    if kind not in KINDS:
        raise NotThisModel(
            f"{path} holds the architecture '{quote(kind, 40)}'; in GGUF, supported are {', '.join(KINDS)}"
        )
    own, read = own_facts(path, file.facts, kind, ignore), KINDS[kind]
    config = read.config(file, own) | _around(file, kind, own)
    layout = layout_of(file, kind, own, read.pairs, added=read.added, apart=read.apart)
    checkpoint = Checkpoint(path, _tensors(file, kind, read.names(file)), {}, config)
    weights = FAMILIES[config["model_type"]](checkpoint, Facts(checkpoint, config, layout=layout))
    tokens = tokens_of(
        replace(file, facts={key: value for key, value in file.facts.items() if key not in ignore}),
        weights.architecture.vocab,
    )
    weights = replace(weights, name=quote(name_of(path), 60), origin=quote(path.name, 60))
    return replace(weights, untokenised=tokens) if isinstance(tokens, str) else replace(weights, tokens=tokens)


def _around(file: GGUF, kind: str, own: dict[str, Any]) -> dict[str, Any]:
    """The vocabulary, and whether the unembedding is the embedding."""
    rows = file.stored["token_embd.weight"].shape[0] if "token_embd.weight" in file.stored else None
    vocab = one_fact(file.path, **{f"{kind}.vocab_size": own.get("vocab_size"), "rows of token_embd.weight": rows})
    return {"vocab_size": vocab, "tie_word_embeddings": "output.weight" not in file.stored}


def _tensors(file: GGUF, kind: str, names: Names) -> dict[str, Tensor]:
    tensors: dict[str, Tensor] = {}
    for name, tensor in file.tensors().items():
        stem, _, part = name.rpartition(".")
        if name == FACTORS and kind in FACTORED:
            continue
        table, before = names.whole, ""
        if match := LAYER.fullmatch(name):
            stem, table, before = match[2], names.of_layer, f"{names.layers}.{match[1]}."
        if f"{stem}.{part}" in table:
            new = table[f"{stem}.{part}"]
        elif stem in table:
            new = f"{table[stem]}.{part}"
        else:
            raise NotThisModel(f"{file.path}: tensor '{quote(name)}' has no place in a {kind} model")
        if tensor.ndim == 2 and stem in names.turned:
            tensor = tensor.mT
        if tensor.ndim == 1 and stem in names.raised:
            tensor = tensor.unsqueeze(0)
        tensors[before + new] = tensor
    return tensors
