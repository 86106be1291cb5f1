"""Indirect object identification on SmolLM2, from the prompt to the heads that move the name: `python examples/ioi.py`.

Every step prints what it found and the seconds that it computed.
"""

import time

import loadstore as ls

CLEAN = "When Mary and John went to the store, John gave a drink to"
COUNTERFACTUAL = "When Mary and John went to the store, Mary gave a drink to"
MOVERS = ["L23.H0", "L23.H1", "L23.H7"]

# %% The analysis
model = ls.load("smollm2")
clean, other = (ls.run(model, text, record=True) for text in (CLEAN, COUNTERFACTUAL))
metric = ls.logit_difference(" Mary", " John")
steps = {
    "predicted": lambda: clean.top(k=3),
    "attention to the name": lambda: clean.patterns.sel(query="␣to·13", key="␣Mary·1").stack(site=("layer", "head")),
    "logit by writer": lambda: ls.parts.logit_parts(clean, -1, " Mary", against=" John"),
    "heads at the end, patched": lambda: ls.experiments.sweep(clean, "L*.H*", metric=metric, source=other, at=-1),
    "wires into a mover's Q, patched": lambda: ls.experiments.sweep(
        clean, "* -> L23.H0.Q", metric=metric, source=other
    ),
    "into all movers' Q": lambda: ls.effect(
        model, CLEAN, [ls.patch("L20.H0", other, reader=[f"{head}.Q" for head in MOVERS])], metric
    ),
}
# %% What came out


def timed() -> tuple[dict[str, object], dict[str, float]]:
    """The result of every step, and the seconds of the processor that it took."""
    found: dict[str, object] = {}
    seconds: dict[str, float] = {}
    for name, step in steps.items():
        before = time.process_time()
        found[name] = step()
        seconds[name] = time.process_time() - before
    return found, seconds


if __name__ == "__main__":
    found, seconds = timed()
    for name, result in found.items():
        print(f"\n{name} ({seconds[name]:.1f} s)\n{result}")
