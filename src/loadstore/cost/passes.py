"""What passes of the model cost: single runs, batches of runs, and text."""

import math

from loadstore.cost.layers import WIDE, heads_of, layer_parameters
from loadstore.cost.work import Work
from loadstore.model.architecture import Architecture

TEXT, PIECE = 3072, 128  # tokens of the shipped corpus, and of one of its pieces
LAYER, ENDS = 85, 20  # counted: small operations of a layer, and of the embedding and the unembedding
NARROW = 2.0  # measured: how much longer products of matrices as narrow as a head take than their share
PLANES = 12  # measured: passes over the products of every two planes of a head, at each position
PASSES = 6  # over every pattern: the scores, the mask, the softmax
AGAIN = 0.4  # measured: the part of a pass that runs from the first token in which two prompts differ


def run(shape: Architecture, tokens: int, sequences: float | int = 1, together: int = 1) -> Work:
    """One forward pass of each of some sequences, so many of them in a batch, with patterns."""
    batches = math.ceil(sequences / together)
    parameters = shape.n_layers * layer_parameters(shape) + float(shape.d_model) * shape.vocab
    attention = 2.0 * heads_of(shape) * (shape.d_head + shape.value_width) * tokens * tokens
    inside = 0 if shape.mlp is None else shape.used_width
    stores = shape.n_layers * (8.0 * shape.d_model + 8.0 * shape.n_heads * shape.d_head + 4.0 * inside)
    patterns = float(heads_of(shape)) * tokens * tokens * PASSES
    return Work(
        products=sequences * (2.0 * tokens * parameters + attention),
        moved=WIDE * (batches * parameters + sequences * (tokens * (stores + 2.0 * shape.vocab) + patterns)),
        calls=1.0 * batches * (ENDS + LAYER * shape.n_layers),
    )


def onward(shape: Architecture, tokens: float | int, cuts: float | int = 1, together: int = 1) -> Work:
    """The part of a run after a cut wire, for some cuts: on average half of the layers, and the unembedding."""
    batches = math.ceil(cuts / together)
    parameters = shape.n_layers * layer_parameters(shape) + 2.0 * shape.d_model * shape.vocab
    stores = shape.n_layers * 8.0 * (shape.d_model + shape.n_heads * shape.d_head) + 4.0 * shape.vocab
    return Work(
        products=cuts * tokens * parameters,
        moved=WIDE * (batches * parameters + cuts * tokens * stores) / 2,
        calls=batches * (ENDS + LAYER * shape.n_layers) / 2,
    )


def text(shape: Architecture, tokens: int, piece: int) -> Work:
    """Runs on pieces of text, plus the second moments of the queries and keys of every head."""
    planes = heads_of(shape) * shape.d_head * (shape.d_head / 2 + 1)  # products of two planes that rotations turn
    turns = any(shape.rotary_of(layer) is not None for layer in range(shape.n_layers))
    inside = 2.0 * piece * planes if turns else 4.0 * heads_of(shape) * shape.d_head**2
    turned = 2.0 * WIDE * PLANES * planes if turns else 0.0
    pieces = tokens / piece
    return run(shape, piece, pieces) + Work(tokens * inside, 0.0, tokens * turned, pieces * shape.n_layers * 150)
