"""The built-in model under a policy: induction survives where its heads alone may load, and dies where they may not."""

from itertools import pairwise

import pytest
import torch

from loadstore.checkpoints.library import load
from loadstore.evidence.dossier import held_out
from loadstore.execution.edits import ablate, cut
from loadstore.execution.run import run
from loadstore.heads.roles import random_repeats, second_copy_loss
from loadstore.model.weights import Weights
from loadstore.permissions.enforce import enforce
from loadstore.permissions.policy import Policy
from loadstore.permissions.sources import subspace
from loadstore.wire_traffic.traffic import traffic

KEYS = ["L1.H4.K", "L1.H10.K"]


def losses(model: Weights, edits=()) -> dict[str, float]:
    """Nats: second and first copies of random repeats, held-out text, and its tokens that no earlier pair foretells."""
    repeats, text = random_repeats(model, 20), held_out(load("builtin"))[:16]
    first = nll(model, repeats, edits)[:, : (repeats.shape[1] - 1) // 2 - 1]
    each, seen = nll(model, text, edits), repeated(text)
    found = {
        "second": second_copy_loss(model, repeats, edits),
        "first": float(first.mean()),
        "text": float(each.mean()),
    }
    return found | {"new pairs": float(each[~seen].mean()), "seen pairs": float(each[seen].mean())}


def nll(model: Weights, tokens: torch.Tensor, edits=()) -> torch.Tensor:
    logits = run(model, tokens, edits).logits[:, :-1].log_softmax(-1)
    return -logits.gather(-1, tokens[:, 1:, None])[..., 0]


def mass_on_seen(model: Weights, edits=()) -> float:
    """On first copies, where every token is random: the probability that the next one has occurred before."""
    tokens = random_repeats(model, 20)
    count = (tokens.shape[1] - 1) // 2 - 1
    chances = run(model, tokens, edits).logits[:, :count].softmax(-1)
    seen = torch.zeros_like(chances)
    for at in range(count):
        seen[:, at].scatter_(1, tokens[:, : at + 1], 1.0)
    return float((chances * seen).sum(-1).mean())


def repeated(text: torch.Tensor) -> torch.Tensor:
    """Whether the token before has been followed by this same token earlier in the text."""
    pairs = [list(pairwise(row)) for row in text.tolist()]
    return torch.tensor([[pair in row[:at] for at, pair in enumerate(row)] for row in pairs])


@pytest.fixture(scope="module")
def model() -> Weights:
    return load("builtin")


def test_induction_lives_on_what_its_heads_alone_may_load(model: Weights) -> None:
    policy = Policy({"previous": subspace(model, "L0.H7")}, load={"previous": KEYS})
    enforced = enforce(model, policy)
    before, after = losses(model), losses(enforced)
    print(f"\nonly {', '.join(KEYS)} may load: {before} -> {after}")
    assert after["second"] < before["second"] + 0.1
    wide, found = model.double(), []
    for one in (wide, enforce(wide, policy)):
        found.append(traffic(one, tokens=400, writers="L0.H7")["traffic"].sel(writer="L0.H7").dropna("reader"))
    whole, carried = found
    others = [name for name in carried["reader"].values.tolist() if name not in KEYS]
    print(f"traffic from L0.H7 into any other reader: at most {float((carried / whole).sel(reader=others).max()):.1e}")
    assert float((carried / whole).sel(reader=others).max()) < 1e-7
    assert float((carried / whole).sel(reader=KEYS).min()) > 0.8  # their queries have changed


def test_induction_dies_where_its_heads_may_not_load_and_what_else_is_lost_is_induction_on_text(model: Weights) -> None:
    """The text's loss moves by more than .05 nat: held-out text repeats itself, and that is where the loss is."""
    policy = Policy({"previous": subspace(model, "L0.H7")}, load={"previous": [f"!{name}" for name in KEYS]})
    before, after = losses(model), losses(enforce(model, policy))
    wires = losses(model, [cut("L0.H7", name) for name in KEYS])
    print(f"\nthey may not: {before} -> {after}; with the two wires cut instead: {wires}")
    assert after["second"] > 5
    assert abs(after["text"] - wires["text"]) < 0.05
    silent = losses(model, [ablate(head) for head in ("L1.H4", "L1.H10")])
    repeated_before, repeated_after = (mass_on_seen(model, edits) for edits in ((), [cut("L0.H7", k) for k in KEYS]))
    print(f"both heads ablated: {silent}; probability of tokens already seen {repeated_before} -> {repeated_after}")
    assert silent["first"] < after["first"] - 0.2 < before["first"] - 0.3
    assert repeated_after < repeated_before / 2
    assert after["seen pairs"] - before["seen pairs"] > 10 * abs(after["new pairs"] - before["new pairs"])
