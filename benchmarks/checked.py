"""The rows of ``make bench-check``: analyses of small inputs, and yardsticks of the same kinds of work."""

import torch
from turns import Call, Row

import loadstore as ls
from loadstore.linear.decompositions import eigvalsh

LAST = "L29"  # of SmolLM2
PROMPT = "When Mary and John went to the store, John gave a drink to"
TEXTS = ["the cat sat on the mat. the dog sat on the log.", "one two three one two three", "a b c a b c a b"]
PROCESSES = {  # our code and another's
    "import loadstore, beside Python": ("import loadstore", "pass"),
    "loadstore --help, beside Python": (
        "from loadstore.cli.app import app; app(['--help'], standalone_mode=False)",
        "",
    ),
    "load and run the built-in model, beside importing torch": (
        "import loadstore as ls; ls.run(ls.load(), 'the cat sat').logits",
        "import torch",
    ),
}


def yardsticks() -> dict[str, Call]:
    """Products, passes over memory, eigenvalues and small operations, each of some tenths of a second."""
    torch.set_num_threads(1)
    a, long, small = torch.randn(768, 768), torch.zeros(1 << 24), torch.zeros(64)
    symmetric = (a @ a.mT)[:512, :512].contiguous()

    def often(times: int, call: Call) -> Call:
        return lambda: [call() for _ in range(times)]

    return {
        "products": often(20, lambda: a @ a),
        "memory": often(10, lambda: long.add_(1.0)),
        "eigenvalues": often(5, lambda: eigvalsh(symmetric)),
        "calls": often(50_000, lambda: small.add(1.0)),
    }


def rows() -> dict[str, Row]:
    """Every row by its name; SmolLM2 needs its package."""
    small, large = ls.load(), ls.load("smollm2")
    ids = torch.randint(large.architecture.vocab, (1, 200), generator=torch.Generator().manual_seed(0))
    task = ls.task(large, "ioi", pairs=11, seed=0)
    kept = ls.statistics.moments(small, TEXTS)
    prompt = ls.run(large, PROMPT)
    return {
        "scores of the built-in model": Row(lambda: ls.subspace_scores(small), "eigenvalues"),
        "scores into the last layer of SmolLM2": Row(
            lambda: ls.subspace_scores(large, readers=[f"{LAST}.*", "unembed"]), "products"
        ),
        "run, 200 tokens of SmolLM2": Row(lambda: ls.run(large, ids), "products"),
        "run recording everything": Row(lambda: ls.run(large, ids, record=True), "products"),
        "roles of the built-in model": Row(lambda: ls.head_roles(small), "products"),
        "copying of a head": Row(lambda: ls.vocabulary.copying(small, "L0.H0"), "memory"),
        "spectrum of the embedding": Row(lambda: ls.spectrum(small, "embed"), "eigenvalues"),
        "moments of a text": Row(lambda: ls.statistics.moments(small, TEXTS), "calls"),
        "traffic of the built-in model": Row(lambda: ls.traffic(small, kept), "calls"),
        "a listing on SmolLM2": Row(lambda: ls.listing(prompt), "products"),
        "attributions of a task on SmolLM2": Row(lambda: ls.attribute(task, points=1), "products"),
    }
