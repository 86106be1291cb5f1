"""Experts whose routing is known: what they store, what a token without them does not see, and what is refused."""

import math
from dataclasses import replace
from typing import Any

import pytest
import torch
from each import each
from hostile import refusal, unchecked
from tiny import Kind, some_tokens, tiny
from torch import Tensor

import loadstore as ls
from loadstore.errors import NoSuchSite, NotThisModel
from loadstore.figures.facts import facts
from loadstore.model.architecture import Architecture
from loadstore.model.layers import Experts, Layer, MlpLayer, Norm
from loadstore.model.mixture import Mixture, as_mixture
from loadstore.model.mlp_facts import Mlp
from loadstore.model.ports import reading, writing
from loadstore.model.weights import Weights
from loadstore.sites import Reader, Writer

D, VOCAB = 8, 4
GROUPED = Kind("rotary", "rms", False, "gated", kv=2, experts="grouped")
KIND = Kind("rotary", "rms", False, "gated", kv=2, qk_norm=True, scaled=True, experts="shared")


def row(*entries: float) -> Tensor:
    """A matrix of one row or column."""
    return torch.tensor([entries], dtype=torch.float64)


def planted(chosen: int = 1, *, normalised: bool = True) -> Weights:
    """Token t is unit vector t; experts 0 and 1 store 1 and 2 in dimension 6 for tokens 0 and 1, −1 and −2 for 2 and 3.

    The router scores expert 0 by tokens 0 and 2, expert 1 by tokens 1 and 3, at 3 and 2 of the units of a score.
    """
    nothing = torch.zeros(1, D, 2, dtype=torch.float64)
    eye = torch.eye(D, dtype=torch.float64)
    signs, out = row(1, 1, -1, -1, 0, 0, 0, 0).mT, eye[6:7]
    ones = row(1, 1, 1, 1, 0, 0, 0, 0).mT
    experts = [MlpLayer(W_in=signs, W_gate=ones, W_out=size * out) for size in (1.0, 2.0)]
    router = torch.cat([row(3, 0, 2, 0, 0, 0, 0, 0), row(0, 3, 0, 2, 0, 0, 0, 0)]).mT
    none = eye[:, :0]
    mlp = MlpLayer(W_in=none, W_gate=none, W_out=none.mT, experts=Experts(router, tuple(experts)))
    layer = Layer(W_Q=nothing, W_K=nothing, W_V=nothing, W_O=nothing.mT, mlp=mlp)
    shape = Architecture(1, 1, D, 2, VOCAB, 8, "none", mlp=Mlp(2, gated=True, activation="relu"))
    shape = replace(shape, experts=Mixture(2, chosen, 1, normalised))
    return Weights(shape, eye[:VOCAB], None, (layer,), eye[:, :VOCAB], name="planted experts")


def test_each_token_has_what_its_own_expert_stores() -> None:
    stored = ls.run(planted(), [0, 1, 2, 3]).written("L0.mlp")[:, 6]
    assert stored.tolist() == [1, 2, -1, -2]
    shares = ls.run(planted(normalised=False), [0, 3]).written("L0.mlp")[:, 6]
    assert shares.tolist() == pytest.approx([1 / (1 + math.exp(-3)), -2 / (1 + math.exp(-2))])
    used = ls.run(planted(normalised=False), [0, 3])
    assert (used.routing(0) > 0).tolist() == [[True, False], [False, True]]
    assert float(used.routing(0)[1, 1]) == pytest.approx(1 / (1 + math.exp(-2)))
    both = ls.run(planted(2), [0]).written("L0.mlp")[0, 6]
    assert float(both) == pytest.approx(2 - 1 / (1 + math.exp(-3)))


def test_a_cut_routes_again() -> None:
    model = planted()
    traced = ls.run(model, [0, 1])
    cut = ls.run(model, [0, 1], [ls.patch("embed", ls.run(model, [0, 2]), reader="L0.mlp", at=1)])
    assert traced.written("L0.mlp")[1, 6] == 2
    assert (traced.routing(0).argmax(-1).tolist(), cut.routing(0).argmax(-1).tolist()) == ([0, 1], [0, 0])
    assert cut.written("L0.mlp")[1, 6] == -1  # expert 0 with the load of token 2
    assert torch.equal(cut.logits, traced.logits)  # which it stores where nothing reads


def test_facts_that_older_files_lack_are_not_stated_where_they_say_nothing() -> None:
    usual = Mixture(4, 2, 3, normalised=True)
    assert repr(usual) == "Mixture(count=4, chosen=2, width=3, normalised=True)"
    assert as_mixture(usual.stated) == usual
    grouped = tiny(GROUPED).architecture.experts
    assert grouped is not None
    assert as_mixture(grouped.stated | {"without": [1]}) == grouped
    assert "scheme='sigmoid', groups=2" in repr(grouped)
    assert "a bias that only chooses" in dict(facts(tiny(GROUPED)))["routing"]
    assert dict(facts(tiny(KIND)))["routing"] == "the softmax of all scores"


def test_an_activation_that_is_not_silu_has_no_slope_and_without_a_gate_there_is_no_clip() -> None:
    refusal(lambda: Mlp(3, gated=True, activation="relu", slope=2.0), NotThisModel, "for silu, not for relu")
    refusal(lambda: Mlp(3, gated=False, activation="silu", clip=2.0), NotThisModel, "for MLPs with a gate")
    refusal(lambda: Mlp(3, gated=True, activation="silu", clip=0.0), NotThisModel, "clip of an MLP")
    assert repr(Mlp(3, gated=True, activation="silu")) == "Mlp(width=3, gated=True, activation='silu', parallel=False)"


def test_routing_is_of_layers_with_experts() -> None:
    refusal(lambda: ls.run(planted(), [0]).routing(1), NoSuchSite, "no layer 1", "2 experts of 1, 1 for each token")
    refusal(
        lambda: ls.run(tiny(KIND._replace(experts="", mlp="")), [0]).routing(0), NoSuchSite, "no experts in layer 0"
    )
    batch = ls.run(planted(), [[0, 1, 2], [1]]).routing(0)
    assert batch.shape == (2, 3, 2)
    assert bool(batch[1, 1:].isnan().all())


def test_an_expert_that_no_token_uses_is_never_read() -> None:
    model = planted()
    experts = model.layers[0].mlp.experts  # type: ignore[union-attr]
    nan = experts.stored[1].storing(float("nan"))
    mlp = replace(model.layers[0].mlp, experts=replace(experts, stored=(experts.stored[0], nan)))
    damaged = replace(model, layers=(replace(model.layers[0], mlp=mlp),))
    assert torch.equal(ls.run(damaged, [0, 2]).logits, ls.run(model, [0, 2]).logits)


def test_matrices_have_every_expert_the_router_and_the_gate_of_shared_units() -> None:
    model = tiny(KIND)
    reader, writer = reading(model, Reader(1, -1, "mlp")), writing(model, Writer("mlp", 1))
    assert reader.width == reader.matrix.shape[1] == 2 * 14 + 4 + 1
    assert writer.height == len(writer.map()) == 14  # type: ignore[arg-type]
    experts = model.layers[1].mlp.experts  # type: ignore[union-attr]
    torch.testing.assert_close(reader.matrix[:, 28:32], experts.W_router)
    torch.testing.assert_close(writer.map()[3:6], experts.stored[1].W_out * 0.6)  # type: ignore[index]
    for table in (ls.subspace_scores(model), ls.traffic(model, some_tokens(model, batch=6))):
        assert "every expert counts fully" in table.attrs["definition"]


def test_a_denied_reader_and_its_router_do_not_see_what_is_denied() -> None:
    model = tiny(KIND)
    rows = torch.linalg.qr(torch.randn(12, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64))[0].mT
    space = ls.policies.Subspace(rows, "drawn")
    policy = ls.policies.Policy({"drawn": space}, load={"drawn": "!L1.mlp"}, store={"drawn": "!L2.mlp"})
    enforced = ls.enforce(model, policy)
    read = reading(enforced, Reader(1, -1, "mlp"))
    assert float((rows @ read.folded()).abs().max()) < 1e-12
    assert float((writing(enforced, Writer("mlp", 2)).map() @ rows.mT).abs().max()) < 1e-12  # type: ignore[operator]
    assert (
        float((ls.run(enforced, some_tokens(model)).logits - ls.run(model, some_tokens(model)).logits).abs().max()) > 0
    )


MORE: list[tuple[tuple[object, ...], str]] = [
    (("tanh",), "the scheme of shares = 'tanh' is not supported"),
    (("softmax", 3), "8 experts in 3 groups are impossible: expected equal groups"),
    (("softmax", 9), "9 groups of experts are impossible: expected 1 to 8"),
    (("softmax", 4, 5), "5 groups for each token are impossible: expected 1 to 4"),
    (("softmax", 8, 1), "2 experts for each token are impossible: its groups have 1"),
    (("softmax", 4, 2, 3), "3 experts that a group is judged by are impossible: expected 1 to 2"),
    (("softmax", 1, 1, 1, 0.0), "multiplier of weights of experts = 0.0 is impossible"),
    (("softmax", 1, 1, 1, 1.0, (1,)), "layers without experts and the width of their MLPs belong together"),
    (("softmax", 1, 1, 1, 1.0, (), 3), "layers without experts and the width of their MLPs belong together"),
    (("softmax", 1, 1, 1, 1.0, (1,), 0), "0 units of an MLP without experts are impossible"),
]


@each(
    ("sizes", "message"),
    [
        *((((8, 2, 3, True, *more)), message) for more, message in MORE),
        ((0, 1, 3, True), "0 experts are impossible: expected 1 to 1024"),
        ((1025, 1, 3, True), "1025 experts are impossible"),
        ((4, 5, 3, True), "5 experts for each token are impossible: expected 1 to 4"),
        ((4, 0, 3, True), "0 experts for each token are impossible"),
        ((4, 2, 0, True), "0 units of an expert are impossible"),
        ((4, True, 3, True), "True experts for each token are impossible"),
        ((4, 2, 3, 1), "normalised or not"),
    ],
)
def test_impossible_mixtures_are_refused(sizes: tuple[Any, ...], message: str) -> None:
    with unchecked():
        refusal(lambda: Mixture(*sizes), NotThisModel, message)


def test_experts_that_do_not_fit_their_mlp_are_refused() -> None:
    model = tiny(KIND)
    shape, mlp = model.architecture, model.layers[0].mlp
    assert mlp is not None
    assert replace(shape, experts=Mixture(14, 2, 1, normalised=True)).shared_width == 0
    refusal(lambda: replace(shape, experts=Mixture(15, 2, 1, normalised=True)), NotThisModel, "at least as wide")
    refusal(lambda: replace(shape, mlp=None), NotThisModel, "at least as wide")
    some = Mixture(4, 2, 3, normalised=True, without=(0, 2), plain_width=5)
    assert [replace(shape, experts=some).width(layer) for layer in range(3)] == [5, 14, 5]
    refusal(lambda: replace(shape, experts=replace(some, without=(3,))), NotThisModel, "layers without experts = (3,)")
    refusal(lambda: replace(shape, experts=replace(some, without=(0, 1, 2))), NotThisModel, "no layer has experts")
    bias = torch.zeros(2, dtype=torch.float64)
    refusal(lambda: replace(mlp, b_in=bias), NotThisModel, "beside biases")
    behind = Norm(torch.ones(12, dtype=torch.float64), torch.ones(12, dtype=torch.float64))
    refusal(lambda: replace(mlp, norm=behind), NotThisModel, "behind a norm with a bias")
    refusal(lambda: as_mixture({"count": 3}), NotThisModel, "count, chosen, width and normalised")
