"""Would half precision pay? Rates of products in each dtype, and the error of scores whose Grams are made in it.

    python benchmarks/precision.py

Rates are in turns in one process. Errors are those of X = ‖A B‖² of pairs of heads of SmolLM2, in standard deviations
of its null: 10⁻³ is what a mixed-precision score may be wrong by.
"""

import statistics

import torch
from turns import seconds

import loadstore as ls
from loadstore.linear.ends import low_rank
from loadstore.linear.null import null
from loadstore.model.ports import reading, writing
from loadstore.model.wiring import wiring

SIZE, ROUNDS, LAYERS, ALLOWED = 1024, 7, (2, 20), 1e-3
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


def main() -> None:
    """Print a line for every dtype."""
    torch.set_num_threads(1)
    a = torch.randn(SIZE, SIZE)
    products = {name: a.to(dtype) for name, dtype in DTYPES.items()}
    took: dict[str, list[float]] = {name: [] for name in DTYPES}
    for _ in range(ROUNDS):
        for name, b in products.items():
            took[name].append(seconds(lambda b=b: b @ b))
    base = statistics.median(took["float32"])
    errors = {name: _error(dtype) for name, dtype in DTYPES.items()}
    for name, each in took.items():
        rate = base / statistics.median(each)
        print(f"{name}: {rate:.2f} × the rate of float32; at most {errors[name]:.1e} of the null's sd ({ALLOWED:g})")


def _error(dtype: torch.dtype) -> float:
    """The largest error of X over the pairs of heads of two layers, by Gram matrices multiplied in a dtype."""
    model = ls.load("smollm2")
    network, d = wiring(model), model.architecture.d_model
    early, late = LAYERS
    sources = [w for w in network.writers if w.layer == early and w.kind == "head"]
    targets = [r for r in network.readers if r.layer == late and r.index >= 0]
    writers = [low_rank(writing(model, writer).map("fold")) for writer in sources]
    readers = [low_rank(reading(model, reader).map("fold").T) for reader in targets]
    rough, exact = (
        torch.stack([torch.stack([_x(w.matrix.to(kind), r.matrix.to(kind)) for r in readers]) for w in writers])
        for kind in (dtype, torch.float64)
    )
    spectra = [torch.linalg.eigvalsh(end.matrix @ end.matrix.mT).flip(0) for end in (*writers, *readers)]
    of = null(torch.stack(spectra[: len(writers)]), torch.stack(spectra[len(writers) :]), d)
    return float(((rough - exact).abs() / of.variance.sqrt()).max())


def _x(core: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    """tr(a b) without the chance of both, in double precision from Grams in the dtype of the cores."""
    a, b = (core.mT @ core).double(), (other.mT @ other).double()
    d = len(a)
    return (a * b).sum() - a.trace() * b.trace() / d


if __name__ == "__main__":
    main()
