"""Reading tensors from a file that may be torn, corrupt or hostile. Nothing from a file is executed."""

import json
import pickle
import warnings
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from loadstore.errors import BadCheckpoint, NotThisModel
from loadstore.models.architecture import Architecture
from loadstore.models.quote import quote, some
from loadstore.models.rotary import as_rotary

SUFFIXES = (".safetensors", ".pth", ".pt", ".bin")
MOST_TENSORS = 100_000
INDEX = "model.safetensors.index.json"
COMMON = ("model", "model_final", "pytorch_model", INDEX.removesuffix(".json"))
ZIP = b"PK\x03\x04"
FORMATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)


@dataclass(frozen=True)
class Checkpoint:
    """Named tensors of one file, its text metadata, and the config found inside or beside it."""

    path: Path
    tensors: dict[str, Tensor]
    metadata: dict[str, str]
    config: dict[str, Any] | None

    @property
    def name(self) -> str:
        """What to call the model: the file's name, or the folder's where the file is called as all such files are."""
        return self.path.parent.name if self.path.stem in COMMON else self.path.stem

    def stored(self, name: str, *shape: int) -> Tensor:
        """Return a tensor of an expected shape as it lies in the file. Raises BadCheckpoint."""
        if name not in self.tensors:
            raise BadCheckpoint(f"{self.path} has no tensor '{quote(name)}'; it has {some(sorted(self.tensors))}")
        tensor = self.tensors[name]
        if tuple(tensor.shape) != shape:
            raise BadCheckpoint(f"{self.path}: tensor '{quote(name)}' is {list(tensor.shape)}, expected {list(shape)}")
        if tensor.dtype not in FORMATS or tensor.layout != torch.strided or tensor.device.type != "cpu":
            kind = tensor.dtype if tensor.layout == torch.strided else tensor.layout
            raise BadCheckpoint(
                f"{self.path}: tensor '{quote(name)}' holds {kind} on {tensor.device.type}, expected dense "
                "floating point of 16, 32 or 64 bits; convert it and save it again"
            )
        return tensor.detach()

    def take(self, name: str, *shape: int) -> Tensor:
        """Return a tensor of an expected shape, widened to at least float32, finite. Raises BadCheckpoint."""
        tensor = self.stored(name, *shape)
        wide = tensor.detach() if tensor.dtype == torch.float64 else tensor.detach().float()
        if not bool(torch.isfinite(wide).all()):
            bad = int((~torch.isfinite(wide)).sum())
            raise BadCheckpoint(
                f"{self.path}: tensor '{quote(name)}' has {bad} NaN or infinite entries; the file is damaged or the "
                "training that made it diverged, fetch it again"
            )
        return wide.contiguous()

    def dimension(self, name: str, axis: int) -> int:
        """One size of a tensor. Raises BadCheckpoint if the tensor is missing or has fewer axes."""
        if name not in self.tensors or self.tensors[name].dim() <= axis:
            raise BadCheckpoint(f"{self.path} has no tensor '{quote(name)}' with {axis + 1} or more axes")
        return int(self.tensors[name].shape[axis])

    def architecture(self, facts: dict[str, Any]) -> Architecture:
        """Return the Architecture of these facts. Raises NotThisModel naming the file when they are impossible."""
        try:
            rest = {name: fact for name, fact in facts.items() if name != "rotary"}
            return Architecture(**rest, rotary=as_rotary(facts.get("rotary")))
        except NotThisModel as error:
            raise NotThisModel(f"{self.path}: {error}") from None
        except TypeError as error:
            raise BadCheckpoint(f"{self.path}: the header does not describe a model ({quote(error)})") from None


def read_checkpoint(path: Path) -> Checkpoint:
    """Read a file, or the one model of a folder (a file, or shards) with its config.json. Raises BadCheckpoint."""
    if path.is_dir():
        if (index := path / INDEX).is_file():
            return _sharded(index)
        files = _model_files(path)
        if len(files) != 1:
            raise BadCheckpoint(
                f"the folder {path} holds {len(files)} model files, expected one of {', '.join(SUFFIXES)}; "
                "name the file itself, or choose a folder that is a model"
            )
        return read_checkpoint(files[0])
    if path.suffix not in SUFFIXES:
        raise BadCheckpoint(f"{path} does not end in {', '.join(SUFFIXES)}, so it is not taken for a model")
    if not path.is_file():
        raise BadCheckpoint(f"{path} is neither a file nor a folder; name a model file")
    tensors, metadata = _safetensors(path) if path.suffix == ".safetensors" else (_pickled(path), {})
    if not tensors:
        raise BadCheckpoint(f"{path} holds no tensors at its top level; save the model's state dict itself")
    return Checkpoint(path, tensors, metadata, _config(path, metadata))


def _sharded(index: Path) -> Checkpoint:
    """The shards that an index lists, as one checkpoint; a name that leads out of the folder is refused."""
    found = _object(index)
    listed: object = found.get("weight_map")
    if not isinstance(listed, dict) or not all(type(part) is str for part in cast("dict[str, Any]", listed).values()):
        raise BadCheckpoint(f"{index} lists no shards (weight_map); fetch it again")
    places = cast("dict[str, str]", listed)
    tensors: dict[str, Tensor] = {}
    for shard in sorted(set(places.values())):
        if Path(shard).name != shard or not shard.endswith(".safetensors"):
            raise BadCheckpoint(f"{index} lists '{quote(shard)}', which is no safetensors file of this folder")
        tensors |= _safetensors(index.parent / shard)[0]
    if missing := sorted(set(places) - set(tensors)):
        raise BadCheckpoint(f"{index} lists {some(missing)}, which no shard holds; fetch the shards again")
    return Checkpoint(index, tensors, {}, _config(index, {}))


def _object(path: Path) -> dict[str, Any]:
    """A JSON object from a file. Raises BadCheckpoint."""
    try:
        found: object = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise BadCheckpoint(f"{path} is not JSON ({quote(error)}); fetch it again") from None
    if not isinstance(found, dict):
        raise BadCheckpoint(f"{path} holds a {type(found).__name__}, expected an object")
    return cast("dict[str, Any]", found)


def _model_files(folder: Path) -> list[Path]:
    try:
        return sorted(file for file in folder.iterdir() if file.suffix in SUFFIXES and file.is_file())
    except OSError as error:
        raise BadCheckpoint(f"the folder {folder} cannot be listed ({quote(error)})") from None


def _safetensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    try:
        with safe_open(path, framework="pt") as file:
            names = list(file.keys())
            if len(names) > MOST_TENSORS:
                raise BadCheckpoint(f"{path} claims {len(names)} tensors; at most {MOST_TENSORS} are read")
            return {name: file.get_tensor(name) for name in names}, dict(file.metadata() or {})
    except (SafetensorError, OSError, ValueError, RuntimeError, KeyError, AttributeError, MemoryError) as error:
        raise BadCheckpoint(
            f"{path} cannot be read as safetensors ({quote(error)}); it is torn or not one, fetch it again"
        ) from None


def _pickled(path: Path) -> dict[str, Tensor]:
    _check_zip(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what torch warns of (TorchScript, say) is an error that follows
            loaded: object = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        reason = quote(str(error).split(". ", 1)[0])
        raise BadCheckpoint(
            f"{path} asks for code to be run or is not a plain state dict ({reason}); nothing was executed. "
            "Convert it to safetensors where you trust it"
        ) from None
    except Exception as error:  # a torn pickle can raise anything, and none of it is ours
        raise BadCheckpoint(
            f"{path} cannot be read as a state dict ({quote(error)}); it is torn or not one, fetch it again"
        ) from None
    if not isinstance(loaded, dict):
        raise BadCheckpoint(f"{path} holds a {type(loaded).__name__}, expected a dict of tensors")
    tensors = {str(name): value for name, value in loaded.items() if isinstance(value, Tensor)}
    for name, tensor in tensors.items():
        if tensor.layout == torch.strided and tensor.nbytes > tensor.untyped_storage().nbytes():
            raise BadCheckpoint(
                f"{path}: tensor '{quote(name)}' claims more entries than the file holds; save it again as a "
                "contiguous tensor where you trust it"
            )
    return tensors


def _check_zip(path: Path) -> None:
    """Refuse an archive that unpacks to more than its own size: torch compresses nothing, a bomb must."""
    try:
        with path.open("rb") as file:
            if file.read(4) != ZIP:  # what torch looks at
                return
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(entry.file_size for entry in archive.infolist())
    except (OSError, ValueError, NotImplementedError, zipfile.BadZipFile) as error:
        raise BadCheckpoint(f"{path} cannot be unpacked ({quote(error)}); it is torn, fetch it again") from None
    if unpacked > (size := path.stat().st_size):
        raise BadCheckpoint(
            f"{path} would unpack from {size:,} to {unpacked:,} bytes, which no torch.save does; "
            "convert it to safetensors where you trust it"
        )


def _config(path: Path, metadata: dict[str, str]) -> dict[str, Any] | None:
    beside = path.parent / "config.json"
    try:
        if "config" in metadata:
            found: object = json.loads(metadata["config"])
        elif beside.exists():
            found = json.loads(beside.read_text(encoding="utf-8"))
        else:
            return None
    except (OSError, ValueError, RecursionError) as error:
        raise BadCheckpoint(
            f"the config of {path} is not JSON ({quote(error)}); mend it, or remove it and state positions="
        ) from None
    if not isinstance(found, dict):
        raise BadCheckpoint(f"the config of {path} is a {type(found).__name__}, expected an object of settings")
    return found
