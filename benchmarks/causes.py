"""Which numbers of a wire predict the effect of cutting it: every measure against effects on other text.

    python benchmarks/causes.py builtin        (or smollm2, gemma3-270m; about 15 minutes there)

Covariances come from the shipped corpus. Effects are local (docs/traffic.md): total variation of the reader's own
pattern for Q and K, relative change of the store for V and MLPs, on held-out prompts: pages of this repository's
documentation and random repeats. Readers are drawn with a fixed seed. AUC is for the largest twentieth of effects
within the compared wires; intervals are from 1,000 bootstrap draws of whole readers. Writes
``benchmarks/causes-MODEL.json``; ``benchmarks/run.py`` puts it into RESULTS.md.
"""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.stats import rankdata

import loadstore as ls
from loadstore.causal.cutting import reader_changes
from loadstore.corpora.corpus import read_corpus
from loadstore.heads.roles import random_repeats
from loadstore.linear.factored import Factored
from loadstore.model.ports import reading, writing
from loadstore.model.weights import Weights
from loadstore.model.wiring import wiring
from loadstore.sites import Reader, Writer
from loadstore.wire_traffic.moments import moments

ROOT = Path(__file__).parents[1]
PAGES = ("null-by-rotation", "exact-sums", "training", "article", "reading", "gauge")
HEADS, MLPS, SEED, LENGTH, REPEATS, DRAWS = 20, 8, 20, 96, 6, 1000
MEASURES = ("score", "z", "alignment", "product", "kernel", "factorised", "exact")


def prompts(model: Weights) -> list[torch.Tensor]:
    """Held-out text, and random repeats, in equal parts."""
    assert model.tokens is not None
    texts = [(ROOT / "docs" / f"{page}.md").read_text() for page in PAGES]
    repeats = random_repeats(model, REPEATS, (LENGTH - 1) // 2, seed=SEED)
    return [*(torch.tensor(model.tokens.encode(text)[:LENGTH]) for text in texts), *repeats]


def readers_of(model: Weights) -> list[Reader]:
    """Heads beyond the first layer, three sides each, and MLPs, by a fixed seed."""
    rng, shape = np.random.default_rng(SEED), model.architecture
    heads = [head for head in shape.heads if head.layer > 0]
    chosen = sorted(rng.choice(len(heads), min(HEADS, len(heads)), replace=False))
    names = [f"{heads[i]}.{side}" for i in chosen for side in "QKV"]
    if shape.mlp is not None:
        names += [f"L{layer}.mlp" for layer in sorted(rng.choice(shape.n_layers, MLPS, replace=False))]
    return [wiring(model).reader(name) for name in names]


def planes(matrix: Factored | torch.Tensor, *, rows: bool) -> torch.Tensor:
    """An orthonormal basis of a writer's or a reader's subspace, of its numerical rank."""
    dense = matrix.dense() if isinstance(matrix, Factored) else matrix
    dense = dense.double()
    values, vectors = torch.linalg.eigh(dense.mT @ dense if rows else dense @ dense.mT)
    return vectors[:, values > values[-1] * 1e-9]


def kernel(writer: torch.Tensor, reader: torch.Tensor) -> float:
    """Overlap of subspaces, the projection kernel: ||U'V||^2 over the smaller rank."""
    return float((writer.mT @ reader).square().sum()) / min(writer.shape[1], reader.shape[1])


def effects(model: Weights, wires: list[tuple[Writer, Reader]]) -> np.ndarray:
    """Mean local change of every wire over the held-out prompts."""
    total = np.zeros(len(wires))
    for prompt in prompts(model):
        total += np.array(reader_changes(ls.run(model, prompt, record=True), wires))
    return total / (2 * REPEATS)


def auc(measure: np.ndarray, cause: np.ndarray) -> float:
    """The probability that one of the largest twentieth of effects ranks above one of the others."""
    top = cause >= np.quantile(cause, 0.95)
    ranks, n = rankdata(measure), int(top.sum())
    return float((ranks[top].sum() - n * (n + 1) / 2) / (n * (len(top) - n)))


def spearman(measure: np.ndarray, cause: np.ndarray) -> float:
    """Correlation of ranks."""
    return float(np.corrcoef(rankdata(measure), rankdata(cause))[0, 1])


def compared(table: dict[str, np.ndarray], cause: np.ndarray, owner: np.ndarray, keep: np.ndarray) -> dict[str, Any]:
    """AUC and rank correlation of every measure over the kept wires, each with a 95 % interval."""
    rng, found = np.random.default_rng(SEED), dict[str, dict[str, list[float]]]()
    owners = np.unique(owner[keep])
    places = {one: np.flatnonzero(keep & (owner == one)) for one in owners}
    draws = [np.concatenate([places[o] for o in rng.choice(owners, len(owners))]) for _ in range(DRAWS)]
    for name in MEASURES:
        values = np.nan_to_num(table[name], nan=0.0)
        found[name] = {
            label: [
                of(values[keep], cause[keep]),
                *np.quantile([of(values[d], cause[d]) for d in draws], (0.025, 0.975)).tolist(),
            ]
            for label, of in (("auc", auc), ("rank", spearman))
        }
    return {"wires": int(keep.sum()), "readers": len(owners), "measures": found}


def main(name: str) -> None:
    """Measure one model and write the results."""
    model = ls.load(name)
    network, readers = wiring(model), readers_of(model)
    kept = moments(model, read_corpus(model))
    names = [str(reader) for reader in readers]
    loads = {
        "factorised": ls.traffic(model, kept, readers=names).traffic,
        "exact": ls.traffic(model, kept, readers=names, exact=True).traffic,
    }
    scores = ls.subspace_scores(model, readers=names)
    wires = [(w, r) for r in readers for w in network.writers_of(r) if w.kind != "bias"]
    cause = effects(model, wires)
    table = {m: np.array([float(scores[m].sel(writer=str(w), reader=str(r))) for w, r in wires]) for m in MEASURES[:3]}
    table |= {m: np.array([float(v.sel(writer=str(w), reader=str(r))) for w, r in wires]) for m, v in loads.items()}
    maps = {w: writing(model, w).map() for w in {w for w, _ in wires}}
    sizes = {w: float(a.norm() if isinstance(a, Factored) else a.double().norm()) for w, a in maps.items()}
    rows = {w: planes(a, rows=True) for w, a in maps.items()}
    product: list[float] = []
    overlap: list[float] = []
    for reader in readers:
        B = reading(model, reader).map()
        columns, size = planes(B, rows=False), float(B.norm())
        for writer in (w for w, r in wires if r == reader):
            at = {"writer": str(writer), "reader": str(reader)}
            product.append(float(scores.score.sel(at)) * sizes[writer] * size)
            overlap.append(kernel(rows[writer], columns))
    table |= {"product": np.array(product), "kernel": np.array(overlap)}
    owner = np.array([readers.index(r) for _, r in wires])
    kind = np.array([r.side for _, r in wires])
    head = np.array([w.kind == "head" for w, _ in wires])
    kept_by = {
        "Q and K, all writers": np.isin(kind, ("Q", "K")),
        "Q and K, head writers": np.isin(kind, ("Q", "K")) & head,
        **{f"{side}, all writers": kind == side for side in ("Q", "K", "V", "mlp") if (kind == side).any()},
    }
    groups = {label: compared(table, cause, owner, keep) for label, keep in kept_by.items()}
    found = {"model": name, "tokens": len(kept.tokens), "prompts": 2 * REPEATS, "groups": groups}
    (ROOT / "benchmarks" / f"causes-{name}.json").write_text(json.dumps(found, indent=1) + "\n")
    for label, group in groups.items():
        print(f"{label}: {group['wires']} wires, {group['readers']} readers")
        for measure in MEASURES:
            told = (f"{k} {v[0]:.3f} [{v[1]:.3f}, {v[2]:.3f}]" for k, v in group["measures"][measure].items())
            print(f"  {measure:12}", "  ".join(told))


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "builtin")
