"""A changed model as a folder for ``transformers``: its own checkpoint with the changed matrices inserted.

A family names views of a file's tensors, so the folder can be written without a second table of names. The tensors are
copied and the family is built over the copy. The new numbers are written into its views. Finally the model is built
from the result again and compared, bit for bit. Test: tests/permissions/test_folder.py.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save
from torch import Tensor

from loadstore.atomic import check_target, write_whole
from loadstore.checkpoints.checkpoint import USUAL, Checkpoint, read_checkpoint
from loadstore.checkpoints.families import gguf, legacy, own, table
from loadstore.checkpoints.families.huggingface import Facts
from loadstore.checkpoints.place import find
from loadstore.errors import BadRequest
from loadstore.model.weights import Weights
from loadstore.quote import quote

CONFIG = "config.json"
BESIDE = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "generation_config.json")
DTYPES = ("dtype", "torch_dtype")
PARTS = (CONFIG, USUAL[0], *BESIDE)
LM_HEAD = {"gpt_neox": "embed_out.weight"}


@dataclass(frozen=True)
class Written:
    """The contents of a folder to write: the files by name, and their layout."""

    files: Mapping[str, bytes]
    layout: str


def folder_of(weights: Weights, source: str | Path) -> Written:
    """Return the files of a changed model.

    Args:
        weights: The model, changed from the contents of ``source``.
        source: The origin of the model. A folder or file in Hugging Face's layout is written in that layout, with the
            numbers in the compute dtype; any other as one of loadstore's own files.

    Raises:
        BadRequest: The source's architecture has no place for a changed tensor, such as a bias.
    """
    location = find(source, None)
    if gguf.packed(location.path) is not None:
        return _own(weights)
    checkpoint = read_checkpoint(location.path)
    if own.recognise(checkpoint) or legacy.recognise(checkpoint) or not _is_whole(checkpoint):
        return _own(weights)
    if any(layer.kv_latent is not None for layer in weights.layers):
        return _own(weights)  # the heads' matrices are products there, in which they cannot be changed one by one
    config, tensors = _changed(weights, checkpoint)
    files = {
        CONFIG: json.dumps(config, indent=2).encode(),
        USUAL[0]: save({name: tensor.contiguous() for name, tensor in tensors.items()}, {"format": "pt"}),
    }
    folder = location.folder(checkpoint.path)
    for name in BESIDE if folder is not None else ():
        if folder is not None and (folder / name).is_file():
            files[name] = (folder / name).read_bytes()
    return Written(files, f"Hugging Face, {quote(config['model_type'], 40)}")


def free_folder(folder: Path) -> None:
    """Raise BadRequest unless the folder can be created, is empty, or holds only a model's files."""
    try:
        names = sorted(file.name for file in folder.iterdir()) if folder.is_dir() else []
    except OSError as error:
        raise BadRequest(f"{folder} cannot be listed: {error.strerror}; name a new folder") from None
    if others := [name for name in names if name not in PARTS]:
        raise BadRequest(f"{folder} holds '{quote(others[0])}', which is not a part of a model; name a new folder")
    if not folder.is_dir() and (folder.exists() or not folder.absolute().parent.is_dir()):
        raise BadRequest(f"{folder} cannot be made: it is a file, or its parent is missing; name a new folder")


def write_folder(written: Written, folder: Path) -> None:
    """Write the files into a folder, which is created if missing; each atomically, the config last.

    Raises BadRequest if the folder has other files or the disk refuses.
    """
    free_folder(folder)
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise BadRequest(f"{folder} cannot be made: {error.strerror}; name a new folder in one that exists") from None
    for name in written.files:
        check_target(folder / name)
    for name, data in sorted(written.files.items(), key=lambda item: item[0] == CONFIG):
        write_whole(folder / name, data)


def _is_whole(checkpoint: Checkpoint) -> bool:
    """Whether a family reads all of a checkpoint, and not the text decoder in it."""
    return (checkpoint.config or {}).get("model_type") in table.FAMILIES


def _own(weights: Weights) -> Written:
    """One of loadstore's own files, for models in loadstore's or an older layout, or from a quantised file."""
    return Written({USUAL[0]: own.packed(weights)}, "loadstore's own file")


def _changed(weights: Weights, checkpoint: Checkpoint) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """The config and the tensors with the new numbers. Raises BadRequest if a tensor has no place."""
    config = dict(checkpoint.config or {})
    dtype = weights.dtype
    tensors = {name: tensor.to(dtype, copy=True) for name, tensor in checkpoint.tensors.items()}
    for name, tensor in tensors.items():
        if name.endswith(".bias") and not bool(tensor.any()):
            tensor.fill_(1)  # a family omits zero biases, but the place is needed; the values are written below
    for name in DTYPES:
        if name in config:
            config[name] = str(dtype).removeprefix("torch.")
    before = _built(checkpoint, config, tensors, weights)
    if before.architecture.kv_heads != weights.architecture.kv_heads:
        _regroup(before, weights, tensors)
        config["num_key_value_heads"] = weights.architecture.kv_heads
        before = _built(checkpoint, config, tensors, weights)
    if before.tied and not weights.tied:
        config["tie_word_embeddings"] = False
        tensors[LM_HEAD.get(str(config.get("model_type")), "lm_head.weight")] = weights.wide(
            weights.W_U
        ).mT.contiguous()
        before = _built(checkpoint, config, tensors, weights)
    new = dict(weights.named())
    places = dict(before.named())
    if missing := sorted(set(new) - set(places)):
        raise BadRequest(
            f"{weights.name} has {missing[0]}, and a {quote(config.get('model_type'), 40)} model of transformers has "
            "no place for it: what a LayerNorm's bias sent through the denied directions became a bias of the reader. "
            "Leave that reader out of what the policy denies"
        )
    for name, stored in places.items():
        if ".gain" not in name:  # gains never change, and some families compute theirs
            stored.copy_(weights.wide(new[name]) if name in new else torch.zeros_like(stored))
    after = dict(_built(checkpoint, config, tensors, weights).named())
    for name, tensor in new.items():
        if name not in after or not torch.equal(after[name].to(dtype), weights.wide(tensor)):
            raise BadRequest(f"{weights.name} cannot be written for transformers: {name} did not survive it")
    return config, tensors


def _built(checkpoint: Checkpoint, config: dict[str, Any], tensors: dict[str, Tensor], like: Weights) -> Weights:
    """The model built from some tensors."""
    build = table.FAMILIES[str(config["model_type"])]
    copy = replace(checkpoint, tensors=tensors, config=config)
    return build(copy, Facts(copy, config, like.ignored))


def _regroup(before: Weights, weights: Weights, tensors: dict[str, Tensor]) -> None:
    """Repeat the grouped keys and values in the file's tensors, which the built model's views refer to."""
    names = {tensor.data_ptr(): name for name, tensor in tensors.items()}
    old, each = before.architecture.kv_heads, weights.architecture.n_heads // before.architecture.kv_heads
    for layer in before.layers:
        for part in (layer.W_K, layer.W_V, layer.b_K, layer.b_V):
            if part is not None:
                if part.data_ptr() not in names:
                    raise BadRequest(
                        f"{weights.name} keeps queries, keys and values in one matrix, in which heads that share keys "
                        "cannot be given their own; leave ungroup out"
                    )
                name = names[part.data_ptr()]
                tensors[name] = tensors[name].unflatten(0, (old, -1)).repeat_interleave(each, 0).flatten(0, 1)
