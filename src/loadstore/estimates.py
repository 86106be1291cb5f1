"""The expected cost of a command on a model: time, operations, and memory above the weights.

Counts cover the dominant arithmetic (a multiplication with its addition is 2 operations). A time is the start of the
process plus the operations at this machine's measured rate of matrix products, times ``SLACK`` for the overhead. On the
built-in model and on SmolLM2 it was within a factor of 2 of the processor time of one thread
(tests/test_estimates.py).
"""

from dataclasses import dataclass

from loadstore.checkpoints.place import BUILTIN
from loadstore.model.architecture import Architecture
from loadstore.model.weights import Weights
from loadstore.rate import matmul_rate

REPEATS, LENGTH, BATCH = 20, 101, 8  # sequences, tokens and batch size for measuring roles
PROMPT = 20  # tokens of a prompt
TEXT, PIECE, SHORT, PART = 3072, 128, 512, 64  # tokens of the shipped corpus and its pieces, and of those of a report
TASKS, PAIRS = 9, 64  # generated, and pairs of each
AGAIN = 0.4  # measured: the part of a pass that runs from the first token in which two prompts differ
REMOVED, REMOVALS = 60, 1024  # writers that are removed for their lifetimes, and tokens of the text that it is done on
FORMED, FORMING = 5e11, 60.0  # the preset induction-demo: operations, and seconds, measured, as its products are small
CORES = 8  # bytes of a double, which scores are computed in
START = 2.0  # seconds of every command before it computes: Python, torch, and the model's file
SPECTRA = 10.0  # operations of a spectrum over d_model³
SLACK = 1.5  # measured: the time of a run over that of its products


@dataclass(frozen=True, slots=True)
class Estimate:
    """One analysis: the command or call, floating-point operations, bytes above the weights, startup seconds."""

    analysis: str
    call: str
    operations: float
    memory: float
    start: float = START

    def seconds(self, rate: float) -> float:
        """Expected seconds at a rate of operations per second."""
        return self.start + SLACK * self.operations / rate


def estimates(weights: Weights) -> list[Estimate]:
    """Estimate every command that computes, cheapest first."""
    shape = weights.architecture
    d, vocab, wide = shape.d_model, shape.vocab, weights.dtype.itemsize
    heads = shape.n_layers * shape.n_heads
    writers, readers = _widths(shape)
    tokens = min(LENGTH, shape.context)
    kept = shape.n_layers * (d + 5 * shape.n_heads * shape.d_head)  # per token: the stream, q, k, v, z and stores
    prompt = min(PROMPT, shape.context)
    run = 1.0 * prompt * wide * (vocab + heads * prompt + kept)
    roles = BATCH * tokens * wide * (vocab + heads * tokens + kept * 1.0)
    text = 4.0 * d * d * CORES * (heads + 1)
    whole = vocab * float(d) * wide
    rows = [
        Estimate("what a model is", "loadstore models MODEL", 12.0 * 1024**3, 1024.0**2 * wide),
        Estimate("spectrum of a head", "loadstore spectrum MODEL L0.H0", 10.0 * d**3, 3.0 * d * d * CORES),
        Estimate("logits of 20 tokens", "run(model, …)", _run(shape, prompt), run, start=0.0),
        Estimate("an address and its walk", "loadstore address MODEL PROMPT --head L1.H0", _decomposed(shape, 1), run),
        Estimate("a listing of 24 steps", "loadstore listing MODEL PROMPT", _decomposed(shape, 24), run),
        Estimate("the explorer, until it answers", "loadstore explore MODEL", _run(shape, prompt), run),
        Estimate("roles of all heads", "loadstore heads MODEL", _run(shape, tokens) * REPEATS, roles),
        Estimate("a dossier", "loadstore head MODEL L0.H0", _dossier(weights), max(roles, whole)),
        Estimate("pairs of tokens of a head", "loadstore vocabulary-map MODEL L0.H0", 6 * _copying(shape), 2 * whole),
        Estimate("channels of a writer", "loadstore channels MODEL L0.H0", 6.0 * d**2 * readers, 3.0 * d * d * CORES),
        Estimate(
            "subspace scores of one head",
            "loadstore scores MODEL --reader 'L0.H0.*'",
            2.0 * writers * d * 3 * shape.d_head + SPECTRA * cubes(shape),
            1.0 * writers * d * CORES,
        ),
        Estimate("subspace scores of all wires", "loadstore scores MODEL", _scores(shape), _cores(shape)),
        Estimate("wires on text", "loadstore wires MODEL", _text(shape, TEXT, PIECE) + _scores(shape), text),
        Estimate("a memory map", "loadstore maps MODEL", _text(shape, TEXT, PIECE) + _carried(shape), text),
        Estimate("lifetimes", "loadstore lifetimes MODEL", _lived(shape), text),
        Estimate("how far readers reach", "loadstore reach MODEL", _text(shape, TEXT, PIECE) + _carried(shape), text),
        Estimate("a verified listing", "loadstore verify MODEL PROMPT", _verified(shape), run),
        Estimate("a quick report", "loadstore report MODEL --quick", _quick_report(shape), max(roles, _cores(shape))),
        Estimate("a report", "loadstore report MODEL", _report(weights), max(roles, text, whole)),
        Estimate("which tasks are solved", "loadstore tasks MODEL", TASKS * PAIRS * _run(shape, prompt), run),
        Estimate("the circuit of a task", "loadstore discover MODEL --task NAME", _found(shape), PAIRS * run),
        Estimate("the proof of a circuit", "loadstore prove CIRCUIT", _proved(shape), PAIRS * run),
        Estimate("a circuit for another viewer", "loadstore export CIRCUIT", 18 * _run(shape, PROMPT), 8 * run),
        Estimate("an audit of a policy", "loadstore audit MODEL POLICY", _audited(shape), text),
        Estimate("a model that cannot break a policy", "loadstore enforce MODEL POLICY", _enforced(shape), 2 * whole),
        Estimate("a million tokens of training", "loadstore train RECIPE FOLDER", 3e6 * _run(shape, 1), 16 * whole),
        Estimate("an induction head that forms", "loadstore demo-induction", FORMED, 16e5, FORMING),
        Estimate("what formed when", "loadstore emergence RUN", 5e3 * _run(shape, tokens), roles, 8.0),
        Estimate("every analysis of a sweep", "loadstore sweep PLAN", _scanned(shape), max(roles, text, _cores(shape))),
        Estimate("every wire cut", "loadstore patch MODEL PROMPT", _swept(shape), run),
    ]
    return sorted(rows, key=lambda estimate: estimate.operations)


def expected(weights: Weights, command: str, rate: float | None = None) -> float:
    """Return the expected seconds of a command once the model is open, for the longest of its calls.

    Args:
        weights: The model.
        command: Its name, such as ``heads``, plus the beginning of its arguments if that matters.
        rate: Operations per second; measured now if None.
    """
    rate = matmul_rate(512, 3) if rate is None else rate
    return max(call.seconds(rate) - call.start for call in calls_of(weights, command))


def calls_of(weights: Weights, command: str) -> list[Estimate]:
    """Return the estimates of the calls of a command, cheapest first."""
    return [call for call in estimates(weights) if f"{call.call} ".startswith(f"loadstore {command} ")]


def _decomposed(shape: Architecture, steps: int) -> float:
    """A run, plus steps whose three loads are divided among all writers in double precision."""
    writers = shape.n_layers * (shape.n_heads + 1) + 1
    return _run(shape, PROMPT) + 60.0 * steps * writers * shape.d_model * shape.d_head


def _copying(shape: Architecture) -> float:
    """One head's vocabulary map, from every token to every token."""
    return float(shape.vocab) * shape.vocab * shape.d_head


def _dossier(weights: Weights) -> float:
    """Roles, the loss with and without the head, and its vocabulary map."""
    shape = weights.architecture
    held_out = 64.0 * _run(shape, shape.context) if weights.name == BUILTIN else 0.0
    return 3 * REPEATS * _run(shape, min(LENGTH, shape.context)) + 2.0 * _copying(shape) + held_out


def _scores(shape: Architecture) -> float:
    """Products of the cores of all writers and later readers; fewer if heads share keys and values."""
    writers, readers = _widths(shape)
    return 0.75 * writers * shape.d_model * readers + SPECTRA * cubes(shape)


def _cores(shape: Architecture) -> float:
    writers, readers = _widths(shape)
    return 1.0 * (writers + readers) * shape.d_model * CORES


def _text(shape: Architecture, tokens: int, piece: int) -> float:
    """A run on text, plus the second moments of the queries and keys of every head."""
    inside = 2.0 * piece * shape.n_layers * shape.n_heads * shape.d_head**2
    return tokens * (_run(shape, piece) / piece + inside)


def _onward(shape: Architecture, tokens: int) -> float:
    """The part of a run after a wire: on average half of the layers, and the unembedding."""
    return tokens * (shape.n_layers * layer_parameters(shape) + 2.0 * shape.d_model * shape.vocab)


def _verified(shape: Architecture) -> float:
    """Single cuts of the largest wires of a listing's loads and of their controls, and the replicates."""
    claims = min(46, 3 * shape.n_layers * shape.n_heads // 4)
    return claims * (21 + 8) * _onward(shape, PROMPT)


def _wires(shape: Architecture) -> float:
    """The number of pairs of a head or an MLP and a later reader."""
    heads = shape.n_layers * shape.n_heads
    return 1.5 * heads * (heads + shape.n_layers * (shape.mlp is not None))


def _found(shape: Architecture) -> float:
    """Gradients of five masks on the pairs for discovery, circuits of 20 sizes for selection, a few for evaluation."""
    run, wires = AGAIN * _run(shape, PROMPT), AGAIN * 2.0 * PROMPT * shape.d_model * _wires(shape)
    return PAIRS * (3 / 8 * 5 * (3.5 * run + wires) + 1 / 8 * 20 * (run + wires) + 1 / 2 * 5 * (run + wires))


def _proved(shape: Architecture) -> float:
    """Random circuits and their complements, the loss of heads, and removals of single wires on eight pairs."""
    run, wires = AGAIN * _run(shape, PROMPT), AGAIN * 2.0 * PROMPT * shape.d_model * _wires(shape)
    return PAIRS / 2 * (102 + 31) * (run + wires) + 8 * 2100 * 0.25 * run + 5 * PAIRS * 3 / 8 * (3.5 * run + wires)


def _report(weights: Weights) -> float:
    """A dossier, traffic on part of the corpus, and cuts there and on random repeats."""
    shape = weights.architecture
    tokens = min(LENGTH, shape.context)
    cuts = 12 * _onward(shape, SHORT) + 21 * _onward(shape, 4 * tokens // 2)
    return _dossier(weights) + _text(shape, SHORT, PART) + cuts


def _quick_report(shape: Architecture) -> float:
    """Roles, the scores of a few heads, a listing, and runs with only its wires."""
    return REPEATS * _run(shape, min(LENGTH, shape.context)) + _scores(shape) / 20 + _decomposed(shape, 24)


def _carried(shape: Architecture) -> float:
    """The traffic of every wire on the text, from the moments of its ends."""
    return 1.0 * _wires(shape) * shape.d_head**3 + TEXT * shape.d_model * sum(_widths(shape)) * 2.0


def _lived(shape: Architecture) -> float:
    """Two runs on the text, products of all stores at one token and across tokens, and removals."""
    writers = 1 + shape.n_layers * (shape.n_heads + (shape.mlp is not None))
    products = 2.0 * TEXT * shape.d_model * writers * 2 * writers
    return 2 * TEXT / PIECE * _run(shape, PIECE) + products + REMOVED * _onward(shape, REMOVALS)


def _audited(shape: Architecture) -> float:
    """The readers' loads on text, and runs on it for the component and its random placements."""
    runs = 20.0 * TEXT * (_run(shape, PIECE) / PIECE + 2.0 * shape.d_model * _widths(shape)[1])
    return _text(shape, TEXT, PIECE) + runs + 3 * 10.0 * float(shape.d_model) ** 3 * shape.n_layers * shape.n_heads


def _enforced(shape: Architecture) -> float:
    """Two runs on text, and a projection of every matrix."""
    return 2.0 * TEXT * _run(shape, PIECE) / PIECE + 2.0 * shape.d_model * shape.vocab * PIECE


def _scanned(shape: Architecture) -> float:
    """Scores, roles, the spectrum of the embedding, traffic and tasks."""
    roles = _run(shape, min(LENGTH, shape.context)) * REPEATS
    text = _text(shape, TEXT, PIECE) + _carried(shape)
    return _scores(shape) + roles + text + TASKS * PAIRS * _run(shape, min(PROMPT, shape.context))


def _swept(shape: Architecture) -> float:
    """Every wire cut separately; only later layers are recomputed."""
    return _wires(shape) * PROMPT * shape.n_layers * layer_parameters(shape)


def layer_parameters(shape: Architecture) -> float:
    """Parameters of one layer's matrices that one token uses."""
    attention = shape.d_model * shape.d_head * (2 * shape.n_heads + 2 * shape.kv_heads)
    mlp = 0 if shape.mlp is None else shape.d_model * shape.used_width * (3 if shape.mlp.gated else 2)
    router = 0 if shape.experts is None else shape.d_model * (shape.experts.count + (shape.shared_width > 0))
    return float(attention + mlp + router)


def _run(shape: Architecture, tokens: int) -> float:
    """Operations of one forward pass over ``tokens`` tokens, including patterns."""
    attention = 4.0 * shape.n_layers * shape.n_heads * shape.d_head * tokens * tokens
    return 2.0 * tokens * (shape.n_layers * layer_parameters(shape) + shape.d_model * shape.vocab) + attention


def _widths(shape: Architecture) -> tuple[int, int]:
    """Rows of all writers' cores and columns of all readers' cores, each at most d_model."""
    heads = shape.n_layers * shape.n_heads * shape.d_head
    mlps = 0 if shape.mlp is None else shape.n_layers * shape.d_model
    return heads + mlps + shape.d_model, 3 * heads + mlps + shape.d_model


def cubes(shape: Architecture) -> float:
    """Return d_model³ for every site as wide as the stream, and the Gram matrix of the embedding."""
    wide = 1 + (0 if shape.mlp is None else shape.n_layers)
    return wide * float(shape.d_model) ** 3 + shape.vocab * float(shape.d_model) ** 2 / 5
