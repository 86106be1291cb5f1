"""The expected cost of every command on a model: its work by kind, its seconds here, and memory above the weights.

A time is the start of the process plus the work at this machine's measured rates (``cost.machine``). On the built-in
model and on SmolLM2 it was within a factor of 2 of the processor time of one thread (tests/test_estimates.py).
"""

from dataclasses import dataclass

from loadstore.checkpoints.place import BUILTIN
from loadstore.cost import of_tasks, of_weights, of_wires
from loadstore.cost.layers import DOUBLE, heads_of, widths
from loadstore.cost.machine import Machine, machine
from loadstore.cost.of_wires import PROMPT
from loadstore.cost.passes import PIECE, TEXT, onward, run, text
from loadstore.cost.work import Cost, Work
from loadstore.model.architecture import Architecture
from loadstore.model.weights import Weights

REPEATS, LENGTH, BATCH = 20, 101, 8  # sequences, tokens and batch size for measuring roles
SHORT, PART = 512, 64  # tokens of a report's text, and of its pieces
FORMED, FORMING = 5e11, 60.0  # the preset induction-demo: operations, and seconds, measured, as its products are small
START = 2.0  # seconds of every command before it computes: Python, torch, and the model's file


@dataclass(frozen=True, slots=True)
class Estimate:
    """One analysis: the command or call, its cost, and the seconds before it computes."""

    analysis: str
    call: str
    cost: Cost
    start: float = START

    def seconds(self, here: Machine) -> float:
        """Expected seconds on a machine."""
        return self.start + self.cost.seconds(here)

    def bound(self, here: Machine) -> str:
        """The kind of work that takes most of the time, and its share: ``products, 71 %``."""
        name, share = self.cost.work.bound(here)
        return f"{name}, {share:.0%}".replace("%", " %")


def estimates(weights: Weights) -> list[Estimate]:
    """Estimate every command that computes, the one with the fewest operations first."""
    shape = weights.architecture
    d, vocab, wide = shape.d_model, shape.vocab, weights.dtype.itemsize
    tokens = min(LENGTH, shape.context)
    kept = shape.n_layers * (d + 5 * shape.n_heads * shape.d_head)  # per token: the stream, q, k, v, z and stores
    prompt = min(PROMPT, shape.context)
    ran = 1.0 * prompt * wide * (vocab + heads_of(shape) * prompt + kept)
    roles = BATCH * tokens * wide * (vocab + heads_of(shape) * tokens + kept * 1.0)
    read = 4.0 * d * d * DOUBLE * (heads_of(shape) + 1)
    whole, square = vocab * float(d) * wide, 3.0 * d * d * DOUBLE
    cores = 1.0 * sum(widths(shape)) * d * DOUBLE
    once = run(shape, prompt)
    on_text = text(shape, TEXT, PIECE)
    described = Work(12.0 * 1024**3, 0.0, 2.0**30, 2000.0)
    formed = Work(FORMED)
    rows: list[tuple[str, str, Work, float]] = [
        ("what a model is", "loadstore models MODEL", described, 1024.0**2 * wide),
        ("spectrum of a head", "loadstore spectrum MODEL L0.H0", of_weights.spectrum_of_head(shape), square),
        ("an address and its walk", "loadstore address MODEL PROMPT --head L1.H0", of_wires.decomposed(shape, 1), ran),
        ("a listing of 24 steps", "loadstore listing MODEL PROMPT", of_wires.decomposed(shape, 24), ran),
        ("the explorer, until it answers", "loadstore explore MODEL", once, ran),
        ("roles of all heads", "loadstore heads MODEL", roles_of(shape), roles),
        ("a dossier", "loadstore head MODEL L0.H0", _dossier(weights), max(roles, whole)),
        (
            "pairs of tokens of a head",
            "loadstore vocabulary-map MODEL L0.H0",
            of_weights.copying(shape) * 3,
            2 * whole,
        ),
        ("channels of a writer", "loadstore channels MODEL L0.H0", of_weights.channels(shape), square),
        (
            "subspace scores of one head",
            "loadstore scores MODEL --reader 'L0.H0.*'",
            of_weights.scores_of_head(shape),
            1.0 * widths(shape)[0] * DOUBLE * 64,
        ),
        ("subspace scores of all wires", "loadstore scores MODEL", of_weights.scores(shape), cores),
        ("wires on text", "loadstore wires MODEL", traffic(shape) + of_weights.scores(shape), read),
        ("a memory map", "loadstore maps MODEL", traffic(shape), read),
        ("lifetimes", "loadstore lifetimes MODEL", of_wires.lived(shape), read),
        ("how far readers reach", "loadstore reach MODEL", traffic(shape), read),
        ("a verified listing", "loadstore verify MODEL PROMPT", of_wires.verified(shape), ran),
        ("a quick report", "loadstore report MODEL --quick", _quick_report(shape), max(roles, cores)),
        ("a report", "loadstore report MODEL", _report(weights), max(roles, read, whole)),
        ("which tasks are solved", "loadstore tasks MODEL", of_tasks.solved(shape, prompt), ran),
        ("the circuit of a task", "loadstore discover MODEL --task NAME", of_tasks.found(shape), of_tasks.PAIRS * ran),
        ("the proof of a circuit", "loadstore prove CIRCUIT", of_tasks.proved(shape), of_tasks.PAIRS * ran),
        ("a circuit for another viewer", "loadstore export CIRCUIT", run(shape, PROMPT, 18, 8), 8 * ran),
        ("an audit of a policy", "loadstore audit MODEL POLICY", of_wires.audited(shape), read),
        (
            "a model that cannot break a policy",
            "loadstore enforce MODEL POLICY",
            of_wires.enforced(shape),
            2 * whole,
        ),
        ("a million tokens of training", "loadstore train RECIPE FOLDER", run(shape, 1, 3e6, 1 << 14), 16 * whole),
        ("every analysis of a sweep", "loadstore sweep PLAN", _scanned(shape, on_text), max(roles, read, cores)),
        ("every wire cut", "loadstore patch MODEL PROMPT", of_wires.swept(shape), ran),
    ]
    listed = [Estimate(name, call, Cost(work, memory)) for name, call, work, memory in rows]
    listed.append(Estimate("logits of 20 tokens", "run(model, …)", Cost(once, ran), start=0.0))
    emerged = Cost(run(shape, tokens, 5e3, BATCH), roles)
    listed.append(Estimate("what formed when", "loadstore emergence RUN", emerged, start=8.0))
    listed.append(Estimate("an induction head that forms", "loadstore demo-induction", Cost(formed, 16e5), FORMING))
    return sorted(listed, key=lambda estimate: estimate.cost.operations)


def expected(weights: Weights, command: str, here: Machine | None = None) -> float:
    """Return the expected seconds of a command once the model is open, for the longest of its calls.

    Args:
        weights: The model.
        command: Its name, such as ``heads``, plus the beginning of its arguments if that matters.
        here: The rates of the machine; measured if None.
    """
    here = machine() if here is None else here
    return max(call.seconds(here) - call.start for call in calls_of(weights, command))


def calls_of(weights: Weights, command: str) -> list[Estimate]:
    """Return the estimates of the calls of a command, the one with the fewest operations first."""
    return [call for call in estimates(weights) if f"{call.call} ".startswith(f"loadstore {command} ")]


def roles_of(shape: Architecture, sequences: float | int = REPEATS) -> Work:
    """Runs on random sequences, in batches."""
    return run(shape, min(LENGTH, shape.context), sequences, BATCH)


def traffic(shape: Architecture) -> Work:
    """Runs on the text, and what every wire carries there."""
    return text(shape, TEXT, PIECE) + of_wires.carried(shape)


def _dossier(weights: Weights) -> Work:
    """Roles, the loss with and without the head, and its vocabulary map."""
    shape = weights.architecture
    held_out = run(shape, shape.context, 64, BATCH) if weights.name == BUILTIN else Work()
    return roles_of(shape) * 3 + of_weights.copying(shape) + held_out


def _report(weights: Weights) -> Work:
    """A dossier, traffic on part of the corpus, and cuts there and on random repeats."""
    shape = weights.architecture
    tokens = min(LENGTH, shape.context)
    cuts = onward(shape, SHORT, 12) + onward(shape, 4 * tokens // 2, 21)
    return _dossier(weights) + text(shape, SHORT, PART) + cuts


def _quick_report(shape: Architecture) -> Work:
    """Roles, the scores of a few heads, a listing, and runs with only its wires."""
    return roles_of(shape) + of_weights.scores(shape) * 0.05 + of_wires.decomposed(shape, 24)


def _scanned(shape: Architecture, on_text: Work) -> Work:
    """Scores, roles, the spectrum of the embedding, traffic and tasks."""
    weights = of_weights.scores(shape) + of_weights.spectrum(shape)
    return weights + roles_of(shape) + on_text + of_wires.carried(shape) + of_tasks.solved(shape, PROMPT)
