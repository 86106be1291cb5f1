"""What analyses of wires on text and prompts cost: traffic, cuts, listings, lifetimes and audits."""

from loadstore.cost.layers import DOUBLE, WIDE, heads_of, layer_parameters, mlps_of, site_wires, widths
from loadstore.cost.of_weights import eigenvalues
from loadstore.cost.passes import LAYER, NARROW, PIECE, TEXT, onward, run, text
from loadstore.cost.work import Work
from loadstore.model.architecture import Architecture

PROMPT = 20  # tokens of a prompt
GROUPS = 32  # groups of documents, for standard errors
REMOVED, REMOVALS = 60, 1024  # writers that are removed for their lifetimes, and tokens of the text that it is done on
TOGETHER = 16  # cuts in one batch


def decomposed(shape: Architecture, steps: int) -> Work:
    """A run, plus steps whose three loads are divided among all writers in double precision."""
    writers = heads_of(shape) + shape.n_layers + 1
    loads = 60.0 * steps * writers * shape.d_model * shape.d_head
    return run(shape, PROMPT) + Work(2 * loads, 0.0, DOUBLE * loads / 60, steps * (100.0 + shape.n_layers * 40))


def verified(shape: Architecture) -> Work:
    """Single cuts of the largest wires of a listing's loads and of their controls, and the replicates."""
    claims = min(46, 3 * heads_of(shape) // 4)
    return onward(shape, PROMPT, claims * (21 + 8), TOGETHER)


def carried(shape: Architecture) -> Work:
    """The traffic of every wire on the text, from the moments of its ends, with the pull of every group."""
    inside, d, wires = float(shape.d_head), float(shape.d_model), site_wires(shape)
    products = wires * (2.0 * d * inside**2 + 3 * 2.0 * inside**3 + 4.0 * GROUPS * inside**2 + 2.0 * TEXT * inside**2)
    pairs = shape.n_layers * (shape.n_layers + 1) / 2
    dense = 2.0 * TEXT * d * sum(widths(shape)) * (1 + mlps_of(shape) / 4)
    moved = WIDE * (wires * 6 * inside**2 + pairs * TEXT * 6.0 * shape.n_heads * inside * (3 + 1))
    return Work(NARROW * products + dense, 0.0, moved, pairs * 200)


def lived(shape: Architecture) -> Work:
    """Two runs on the text, products of all stores at one token and across tokens, and removals."""
    writers = 1 + heads_of(shape) + mlps_of(shape)
    products = 2.0 * TEXT * shape.d_model * writers * 2 * writers
    twice = run(shape, PIECE, 2 * TEXT / PIECE)
    return twice + Work(products, 0.0, WIDE * 2.0 * TEXT * writers * shape.d_model) + onward(shape, REMOVALS, REMOVED)


def audited(shape: Architecture) -> Work:
    """The readers' loads on text, and runs on it for the component and its random placements."""
    loads = Work(20.0 * 2.0 * TEXT * shape.d_model * widths(shape)[1])
    spectra = Work(0.0, 3.0 * heads_of(shape) * eigenvalues(shape.d_head))
    return text(shape, TEXT, PIECE) + run(shape, PIECE, 20 * TEXT / PIECE) + loads + spectra


def enforced(shape: Architecture) -> Work:
    """Two runs on text, and a projection of every matrix."""
    projected = Work(2.0 * shape.d_model * shape.vocab * PIECE, 0.0, DOUBLE * 4.0 * shape.d_model * shape.vocab)
    return run(shape, PIECE, 2 * TEXT / PIECE) + projected


def swept(shape: Architecture) -> Work:
    """Every wire cut separately; only later layers are recomputed."""
    wires = site_wires(shape)
    stores = WIDE * 8.0 * PROMPT * shape.n_layers / 2 * (shape.d_model + shape.n_heads * shape.d_head)
    batches = wires / TOGETHER
    layers = shape.n_layers * layer_parameters(shape)
    return Work(wires * PROMPT * layers, 0.0, wires * stores, batches * shape.n_layers / 2 * LAYER)
