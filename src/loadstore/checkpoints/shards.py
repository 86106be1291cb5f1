"""A model in several files, and the index that maps tensors to files."""

from pathlib import Path
from typing import Any, cast

from torch import Tensor

from loadstore.checkpoints.tensorfile import MOST_TENSORS, read_tensors
from loadstore.errors import BadCheckpoint
from loadstore.jsonfile import json_object
from loadstore.quote import quote, some

INDEXES = ("model.safetensors.index.json", "pytorch_model.bin.index.json")
ENDING = ".index.json"
MOST_SHARDS = 1000
AGAIN = "download the index and its shards again, from one revision"


def is_index(path: Path) -> bool:
    """Whether a file is named like an index of shards."""
    return path.name.endswith((f".safetensors{ENDING}", f".bin{ENDING}"))


def read_shards(index: Path) -> dict[str, Tensor]:
    """The tensors of all shards in an index, memory-mapped if the format allows it.

    Raises BadCheckpoint if the index lists no files of its folder, a shard is missing, or index and shards disagree on
    the location of a tensor.
    """
    places = places_of(index)
    try:
        there = {file.name for file in index.parent.iterdir()}
    except OSError as error:
        raise BadCheckpoint(f"the folder of {index} cannot be listed ({quote(error)})") from None
    held: dict[str, str] = {}
    tensors: dict[str, Tensor] = {}
    for shard in sorted(set(places.values())):
        path = index.parent / shard
        if shard not in there:
            listed = some([name for name, tensor in places.items() if tensor == shard], 2)
            raise BadCheckpoint(f"{index} lists the shard '{quote(shard)}' (of {listed}), which is not there; {AGAIN}")
        for name, tensor in read_tensors(path)[0].items():
            if name in held:
                raise BadCheckpoint(
                    f"{path}: tensor '{quote(name)}' lies in '{quote(held[name])}' too, expected it in one shard; "
                    f"{AGAIN}"
                )
            if name not in places:
                raise BadCheckpoint(f"{path}: tensor '{quote(name)}' is not listed in {index.name}; {AGAIN}")
            if places[name] != shard:
                raise BadCheckpoint(
                    f"{path}: tensor '{quote(name)}' lies here, but {index.name} expects it in "
                    f"'{quote(places[name])}'; {AGAIN}"
                )
            held[name], tensors[name] = shard, tensor
    for name, shard in places.items():
        if name not in tensors:
            raise BadCheckpoint(
                f"{index.parent / shard} has no tensor '{quote(name)}', but {index.name} expects it there; {AGAIN}"
            )
    return tensors


def places_of(index: Path) -> dict[str, str]:
    """The shard of every tensor. Raises BadCheckpoint unless all are files of the index's own kind and folder."""
    mapping: object = json_object(index, str(index), "download it again").get("weight_map")
    if not isinstance(mapping, dict) or not mapping:
        raise BadCheckpoint(
            f"{index} lists no shards, expected tensors and their files as weight_map; download it again"
        )
    places = cast("dict[str, Any]", mapping)
    suffix = Path(index.name.removesuffix(ENDING)).suffix
    for name, shard in places.items():
        if type(shard) is not str or Path(shard).name != shard or "\\" in shard or not shard.endswith(suffix):
            raise BadCheckpoint(
                f"{index} says that tensor '{quote(name)}' lies in '{quote(shard)}', expected the name of a {suffix} "
                "file in its own folder; download it again"
            )
    if len(places) > MOST_TENSORS or len(set(places.values())) > MOST_SHARDS:
        raise BadCheckpoint(
            f"{index} lists {len(places)} tensors in {len(set(places.values()))} shards; at most {MOST_TENSORS} in "
            f"{MOST_SHARDS} are read"
        )
    return places
