"""Scores so far, kept in a file while a long run goes on, so that an interrupted one continues where it was."""

import hashlib
import io
import time
import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from torch import Tensor

from loadstore.atomic import write_whole
from loadstore.circuits.options import Asked
from loadstore.errors import BadRequest
from loadstore.models.weights import Weights

EVERY = 10.0  # seconds between two savings
SAMPLES = 1024  # numbers of a tensor that tell two models apart


class Kept:
    """Measures [writer, reader] as they come in, and which of them are done; saved to a file if there is one."""

    def __init__(self, path: Path | None, question: str, names: Sequence[str], wanted: np.ndarray) -> None:
        self.path, self.question, self.wanted = path, question, wanted
        self.values = {name: np.full(wanted.shape, np.nan) for name in names}
        self.done = np.zeros(wanted.shape, dtype=bool)
        self._saved = time.monotonic()
        if path is not None and path.exists():
            self._load(path)

    def put(self, rows: np.ndarray, columns: np.ndarray, values: dict[str, Tensor]) -> None:
        """Take in a block; pairs that were not wanted stay undefined. Saves now and then."""
        cells = np.ix_(rows, columns)
        new = self.wanted[cells] & ~self.done[cells]
        for name, table in self.values.items():
            table[cells] = np.where(new, values[name].numpy(), table[cells])
        self.done[cells] |= new
        if time.monotonic() - self._saved > EVERY:
            self.save()

    def save(self) -> None:
        """Write what is there, whole or not at all."""
        if self.path is None:
            return
        buffer = io.BytesIO()
        arrays = {"question": np.array(self.question), "done": self.done} | self.values
        np.savez(buffer, allow_pickle=False, **arrays)
        write_whole(self.path, buffer.getvalue())
        self._saved = time.monotonic()

    def _load(self, path: Path) -> None:
        """Raises BadRequest for a file that is none, or answers another question."""
        shapes = {"done": (self.done.shape, np.dtype(bool))}
        shapes |= {name: (self.wanted.shape, np.dtype(float)) for name in self.values}
        try:
            with zipfile.ZipFile(path) as archive:
                large = sum(info.file_size for info in archive.infolist()) > 16 * (self.done.size * 8 + 4096)
            if large:
                raise ValueError("it is larger than the answer")
            with np.load(path, allow_pickle=False) as file:
                question = str(file["question"])
                found = {name: file[name] for name in shapes}
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            raise BadRequest(f"{path} holds no scores to go on with ({error}); delete it or name another") from None
        if question != self.question or any((found[n].shape, found[n].dtype) != shapes[n] for n in shapes):
            raise BadRequest(f"{path} holds scores of other weights or another question; delete it or name another")
        self.done = found.pop("done")
        self.values = found


def question_of(weights: Weights, asked: Asked, sites: Iterable[object], wanted: np.ndarray) -> str:
    """A digest of all that the answer depends on: the weights (sampled), the options, the sites and the wires."""
    digest = hashlib.sha256(repr((weights.name, weights.architecture, weights.dtype)).encode())

    def take(tensor: Tensor) -> None:
        flat = tensor.detach().reshape(-1)
        digest.update(flat[:: max(1, flat.numel() // SAMPLES)].double().cpu().numpy().tobytes())

    for _, tensor in weights.named():
        take(tensor)
    options = (asked.norms, asked.control, asked.seed, asked.offsets, asked.null)
    digest.update(repr((options, [str(site) for site in sites])).encode() + wanted.tobytes())
    if asked.frequencies is not None:
        take(asked.frequencies)
    for point, tensor in (asked.stream or {}).items():
        digest.update(repr(point).encode())
        take(tensor)
    return digest.hexdigest()
