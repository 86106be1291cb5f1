"""Planted machines: a kernel head keeps a secret in a subspace of its own, and a user head takes it to the output.

Blocks of the stream: E (the token), K (the kernel's secret), R (where a relay copies it), O (the secret's output), B
and N (what innocent heads store). All patterns are uniform.
"""

import torch
from torch import Tensor

from loadstore.model.architecture import Architecture
from loadstore.model.layers import Layer
from loadstore.model.weights import Weights

VOCAB, WIDTH = 12, 6
BLOCKS = {name: slice(WIDTH * i, WIDTH * (i + 1)) for i, name in enumerate("EKROBN")}
D = 3 * WIDTH * len(BLOCKS)  # most of the stream is free, as it is for one head of a large model


def machine(*, relay: bool = False, seed: int = 0) -> Weights:
    """L0.H0 keeps the secret in K. Without a relay L1.H0 takes it to O; with one L1.H0 copies it to R, L2.H0 R to O."""
    generator = torch.Generator().manual_seed(seed)

    def code(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    def into(name: str) -> Tensor:
        whole = torch.zeros(D, WIDTH, dtype=torch.float64)
        whole[BLOCKS[name]] = torch.eye(WIDTH, dtype=torch.float64)
        return whole

    def layer(*moves: tuple[str, str] | None) -> Layer:
        values = [
            torch.zeros(D, WIDTH).double() if move is None else into(move[0]) @ code(WIDTH, WIDTH) for move in moves
        ]
        outs = [into("N" if move is None else move[1]).mT for move in moves]
        zero = torch.zeros(len(moves), D, WIDTH, dtype=torch.float64)
        return Layer(W_Q=zero, W_K=zero, W_V=torch.stack(values), W_O=torch.stack(outs))

    W_E = torch.zeros(VOCAB, D, dtype=torch.float64)
    W_E[:, BLOCKS["E"]] = code(VOCAB, WIDTH)
    steps = [layer(("E", "K"), ("E", "B"))]
    steps += [layer(("K", "R"), ("B", "N")), layer(("R", "O"), None)] if relay else [layer(("K", "O"), ("B", "N"))]
    W_U = torch.zeros(D, VOCAB, dtype=torch.float64)
    W_U[BLOCKS["O"]], W_U[BLOCKS["N"]] = code(WIDTH, VOCAB), code(WIDTH, VOCAB)
    shape = Architecture(len(steps), 2, D, WIDTH, VOCAB, 10, "none")
    return Weights(shape, W_E, None, tuple(steps), W_U, name="planted kernel")


def corpus(documents: int = 12, seed: int = 0) -> Tensor:
    """Random tokens [document, token]."""
    return torch.randint(VOCAB, (documents, 10), generator=torch.Generator().manual_seed(seed))
