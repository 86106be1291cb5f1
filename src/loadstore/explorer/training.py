"""The training run that the model comes from, followed while it goes on: its measured lines, and its checkpoints.

The page asks again from time to time. What was measured of a checkpoint is kept, so only new ones take time.

Tests: tests/explorer/test_training.py.
"""

from collections.abc import Callable

from loadstore.errors import BadRequest
from loadstore.explorer.requests import TrainingRequest
from loadstore.explorer.state import Document, Explorer
from loadstore.figures.emergence import emergence_figure
from loadstore.figures.formation import formation_figure
from loadstore.progress import Progress
from loadstore.training.checkpoints import kept_checkpoints
from loadstore.training.emergence import Known, followed
from loadstore.training.formation import formation, verdict
from loadstore.training.history import METRICS, read_lines

PAIRS = 16  # of the induction task, as in loadstore emergence


def training(explorer: Explorer, ask: TrainingRequest) -> Callable[[Progress], Document]:
    """The figures of the model's run as it is now.

    Returns:
        ``step``: the last measured step; ``checkpoints``: how many are kept; ``verdict``: whether an induction head
        formed; ``figures``: scores and losses over tokens, and with two checkpoints every measure of the circuit.

    Raises:
        BadRequest: The explorer was not opened on a run, or the run has no measured lines or a damaged file.
    """

    def followed_now(progress: Progress) -> Document:
        if (folder := explorer.training) is None:
            raise BadRequest("this model was not opened as a training run; loadstore explore RUN/ opens one")
        lines, checkpoints = read_lines(folder / METRICS), kept_checkpoints(folder)
        if not lines:
            raise BadRequest(f"{folder} has no measured lines yet; wait for the first steps of training")
        earlier: Known = explorer.once("measured checkpoints", dict)
        formed = formation(lines)
        figures = [formation_figure(formed, explorer.weights.architecture.vocab)]
        if len(checkpoints) > 1:
            figures.append(emergence_figure(followed(folder, PAIRS, progress, earlier)))
        return {
            "folder": str(folder),
            "step": lines[-1]["step"],
            "checkpoints": len(checkpoints),
            "verdict": verdict(formed),
            "figures": figures,
        }

    return followed_now
