"""Linear and nonlinear ("bent") probes in closed form: ridge regression on one-hot labels, judged on held-out examples.

The bent probe is the same regression on random ReLU features; a linear projection cannot guarantee to defeat it.
"""

import math
from typing import Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor

Kind = Literal["linear", "bent"]
RIDGE = 1e-2  # relative to the mean variance of a feature
FEATURES = 256
CONFIDENCE = 1.96


def accuracies(
    x: Float[Tensor, "example inside"], labels: Int[Tensor, "task example"], kind: Kind, folds: int, seed: int
) -> Float[Tensor, " task"]:
    """The accuracy for each task of a probe fitted on the other folds; all tasks share x."""
    x = x.double() - x.double().mean(0)
    x = x / x.square().mean().sqrt().clamp(min=1e-300)
    generator = torch.Generator().manual_seed(seed)
    if kind == "bent":
        weights = torch.randn(x.shape[1], FEATURES, generator=generator, dtype=torch.float64) / math.sqrt(x.shape[1])
        bias = torch.randn(FEATURES, generator=generator, dtype=torch.float64)
        x = torch.cat([x, (x @ weights.to(x) + bias.to(x)).relu()], 1)
    fold = torch.randperm(len(x), generator=generator) % folds
    labels = labels.to(x.device)
    classes = int(labels.max()) + 1
    targets = torch.nn.functional.one_hot(labels, classes).double().permute(1, 0, 2).flatten(1)
    right = torch.zeros(len(labels), dtype=torch.float64, device=x.device)
    for held in range(folds):
        test = fold == held
        train, rest = x[~test], targets[~test]
        mean, base = train.mean(0), rest.mean(0)
        kernel = (train - mean) @ (train - mean).mT
        ridge = RIDGE * kernel.diagonal().mean() + 1e-300
        dual = torch.linalg.solve(
            kernel + ridge * torch.eye(len(train), dtype=torch.float64, device=x.device), rest - base
        )
        said = (x[test] - mean) @ ((train - mean).mT @ dual) + base
        guess = said.unflatten(1, (len(labels), classes)).argmax(-1).mT
        right += (guess == labels[:, test]).double().sum(1)
    return right.cpu() / len(x)


def interval(share: float, count: int) -> tuple[float, float]:
    """The 95 % Wilson interval of a share out of ``count``."""
    z = CONFIDENCE**2 / count
    middle = (share + z / 2) / (1 + z)
    half = CONFIDENCE * math.sqrt(share * (1 - share) / count + z / (4 * count)) / (1 + z)
    return max(0.0, middle - half), min(1.0, middle + half)
