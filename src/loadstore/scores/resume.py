"""Saves the scores of a long run to a file, so that an interrupted run can continue from there."""

import hashlib
import io
import time
import warnings
import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from torch import Tensor

from loadstore.atomic import check_target, write_whole
from loadstore.checkpoints.digest import digest_of, digest_of_tensors
from loadstore.errors import BadRequest
from loadstore.model.weights import Weights
from loadstore.scores.options import Asked
from loadstore.sealed import seal, unsealed

EVERY = 10.0  # seconds between saves
KIND = "loadstore/scores@1"


class NotSaved(UserWarning):
    """The computation continues, but its results so far could not be saved."""


class Kept:
    """Measures [writer, reader] computed so far and which are done; saved to a file if a path is given."""

    def __init__(self, path: Path | None, question: str, names: Sequence[str], wanted: np.ndarray) -> None:
        self.path, self.question, self.wanted = path, question, wanted
        self.values = {name: np.full(wanted.shape, np.nan) for name in names}
        self.done = np.zeros(wanted.shape, dtype=bool)
        self._saved = time.monotonic()
        if path is not None:
            check_target(path)
            if path.exists():
                self._load(path)

    def put(self, rows: np.ndarray, columns: np.ndarray, values: dict[str, Tensor]) -> None:
        """Add a block; unwanted pairs stay undefined. Saves every ``EVERY`` seconds."""
        cells = np.ix_(rows, columns)
        new = self.wanted[cells] & ~self.done[cells]
        for name, table in self.values.items():
            table[cells] = np.where(new, values[name].numpy(), table[cells])
        self.done[cells] |= new
        if time.monotonic() - self._saved > EVERY:
            self.save()

    def save(self) -> None:
        """Write the scores so far, atomically. If that fails, warn and continue."""
        if self.path is None:
            return
        buffer = io.BytesIO()
        arrays = {"question": np.array(self.question), "done": self.done} | self.values
        np.savez(buffer, allow_pickle=False, **arrays)
        content = buffer.getbuffer()
        self._saved = time.monotonic()
        try:
            write_whole(self.path, seal(KIND, content), content)
        except BadRequest as error:
            warnings.warn(f"the scores so far were not saved: {error}", NotSaved, stacklevel=2)

    def finish(self) -> None:
        """Remove the file, because the run is complete."""
        if self.path is not None:
            try:
                self.path.unlink(missing_ok=True)
            except OSError as error:
                warnings.warn(f"{self.path} could not be removed ({error.strerror}); delete it", NotSaved, stacklevel=2)

    def _load(self, path: Path) -> None:
        """Load the scores of a file. Raises BadRequest if it is damaged or belongs to another question."""
        shapes = {"done": (self.done.shape, np.dtype(bool))}
        shapes |= {name: (self.wanted.shape, np.dtype(float)) for name in self.values}
        try:
            if path.stat().st_size > 16 * (self.done.size * 8 + 4096):
                raise ValueError("it is larger than the answer")
            content = io.BytesIO(unsealed(KIND, path.read_bytes()))
            with zipfile.ZipFile(content) as archive:
                if sum(info.file_size for info in archive.infolist()) > 16 * (self.done.size * 8 + 4096):
                    raise ValueError("it is larger than the answer")
            with np.load(content, allow_pickle=False) as file:
                question = str(file["question"])
                stored = {name: file[name] for name in shapes}
        except Exception as error:  # a damaged archive can raise any exception
            raise BadRequest(
                f"{path} holds no scores to resume from ({error}); delete it to start again, or name another file"
            ) from None
        if question != self.question or any((stored[n].shape, stored[n].dtype) != shapes[n] for n in shapes):
            raise BadRequest(
                f"{path} holds scores of other weights or other options; delete it to start again, or name another file"
            )
        self.done = stored.pop("done")
        self.values = stored


def question_of(weights: Weights, asked: Asked, sites: Iterable[object], wanted: np.ndarray) -> str:
    """Return a digest of all inputs that determine the result: the weights bit by bit, options, sites and wires."""
    options = (asked.norms, asked.control, asked.seed, asked.offsets, asked.null)
    facts = repr((digest_of(weights), weights.name, weights.dtype, options, [str(site) for site in sites]))
    measured = {repr(point): tensor for point, tensor in (asked.stream or {}).items()}
    if asked.frequencies is not None:
        measured["frequencies"] = asked.frequencies
    return hashlib.sha256(digest_of_tensors(measured.items(), facts).encode() + wanted.tobytes()).hexdigest()
