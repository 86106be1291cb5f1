"""Subspaces and policies: what they span, how a file states them, and what is refused."""

from pathlib import Path

import pytest
import torch
from each import each
from planted import planted
from tiny import FEW, Kind, tiny
from torch.nn.functional import one_hot

from loadstore.errors import BadRequest, LoadstoreError
from loadstore.execution.run import run
from loadstore.linear.blocked import orthonormal
from loadstore.permissions.policy import Policy, rights
from loadstore.permissions.sources import class_differences, subspace
from loadstore.permissions.subspace import Subspace

MODEL = tiny(FEW[4])  # learned positions, LayerNorms, biases, an MLP
D = MODEL.architecture.d_model


def spans_the_same(one: torch.Tensor, two: torch.Tensor) -> bool:
    return one.shape == two.shape and torch.allclose(one.mT @ one, two.mT @ two, atol=1e-9)


def test_a_subspace_spans_what_its_source_stores() -> None:
    model = planted()
    block = torch.eye(76, dtype=torch.float64)[36:56]
    assert spans_the_same(subspace(model, "L0.H0").rows, block)
    assert spans_the_same(subspace(model, ["a", 2]).rows, model.W_E[[1, 2]])
    assert spans_the_same(Subspace.of_region(block, "region").rows, block)
    first = subspace(MODEL, "L0.H0", channel=1)
    assert first.source == "L0.H0 channel 1"
    assert torch.allclose(first.rows @ subspace(MODEL, "L0.H0", channel=2).rows.mT, torch.zeros(1, dtype=torch.float64))


def test_without_the_span_of_class_means_no_linear_map_covaries_with_the_label_as_after_leace() -> None:
    prompts = [[a, b, c] for a in range(4) for b in range(4) for c in range(3)]
    labels = [(a + b) % 3 for a, b, _ in prompts]
    space = subspace(MODEL, prompts, labels=labels, layer=1)
    x = torch.stack([run(MODEL, ids, record=True).residual(1)[-1] for ids in prompts])
    x, z = x - x.mean(0), one_hot(torch.tensor(labels)).double()
    z = z - z.mean(0)
    assert space.rank == 2
    assert float((x - x @ space.rows.mT @ space.rows).mT.matmul(z).abs().max()) < 1e-9
    assert float((x.mT @ z).abs().max()) > 1
    # LEACE in closed form: x − x W P W⁺ with W = Σ^-½, P the projector on W Cov(x, z); its image is the same span
    values, vectors = torch.linalg.eigh(x.mT @ x)
    W, back = vectors * values.rsqrt() @ vectors.mT, vectors * values.sqrt() @ vectors.mT
    U = orthonormal((W @ x.mT @ z).mT)
    assert spans_the_same(orthonormal(U @ back), space.rows)
    assert len(class_differences(x, torch.tensor(labels))) == 3


def test_leace_and_splince_equalise_class_means_and_splince_keeps_the_covariance_with_another_label() -> None:
    prompts = [[a, b, c] for a in range(4) for b in range(4) for c in range(3)]
    x = torch.stack([run(MODEL, ids, record=True).residual(1)[-1] for ids in prompts])
    removed = torch.tensor([(a + b) % 3 for a, b, _ in prompts])
    x, z, y = (
        each - each.mean(0)
        for each in (x, one_hot(removed).double(), torch.tensor([[float(b > 1)] for _, b, _ in prompts]).double())
    )
    second, A, B = (x.mT @ each / len(x) for each in (x, z, y))
    values, vectors = torch.linalg.eigh(second)
    W = vectors * values.rsqrt() @ vectors.mT

    def erased(kept: torch.Tensor) -> torch.Tensor:
        """x − Q x of least E‖Q x‖² with Q A = A and Q kept = 0: Q = [A, 0] (W [A, kept])⁺ W."""
        wanted = torch.cat([A, torch.zeros_like(kept)], 1)
        Q = wanted @ torch.linalg.pinv(W @ torch.cat([A, kept], 1), rtol=1e-9) @ W
        return x - x @ Q.mT

    leace, splince = erased(B[:, :0]), erased(B)
    for after in (leace, splince):
        assert float(class_differences(after, removed).abs().max()) < 1e-9
        predicted = after @ torch.linalg.lstsq(after, z).solution
        assert float(predicted.abs().max()) < 1e-7  # the best linear predictor is constant
    assert float((splince.mT @ y / len(x) - B).abs().max()) < 1e-9
    assert float((leace.mT @ y / len(x) - B).abs().max()) > 0.01
    space = subspace(MODEL, prompts, labels=removed.tolist(), layer=1)
    orthogonal = x - x @ space.rows.mT @ space.rows
    distortion = [float((each - x).square().sum()) for each in (leace, splince, orthogonal)]
    assert distortion[0] < min(distortion[1:])
    other = torch.randn(len(second), 1, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    assert distortion[1] < float((erased(torch.cat([B, other], 1)) - x).square().sum())  # keeps more than it must


def test_a_policy_is_the_same_after_its_toml() -> None:
    space = subspace(MODEL, torch.randn(2, D, dtype=torch.float64))
    policy = Policy({'a "b"\n': space}, load={'a "b"\n': ["L1.H*.K", "!L1.H0.K"]}, store={'a "b"\n': "embed"})
    again = Policy.from_toml(policy.to_toml(), MODEL)
    assert torch.equal(again.protect['a "b"\n'].rows, space.rows)
    (one,), (two,) = rights(MODEL, policy), rights(MODEL, again)
    assert one[2:] == two[2:]
    assert [str(reader) for reader in one.load] == ["L1.H1.K", "L1.H2.K"]
    assert (len(one.store), one.declassify, one.restricts_stores) == (1, (), True)


def test_globs_allow_all_nobody_and_all_but_some(tmp_path: Path) -> None:
    text = '[a]\nsource = "L0.H0"\n[b]\nsource = "L0.H0"\nload = []\n[c]\ntokens = [3]\nload = ["!*.K"]'
    (tmp_path / "policy.toml").write_text(text)
    a, b, c = rights(MODEL, Policy.from_toml(tmp_path / "policy.toml", MODEL))
    assert (len(a.load), len(b.load), len(c.load)) == (31, 0, 22)


ROWS = torch.randn(2, D, dtype=torch.float64)
REFUSED = [
    (lambda: subspace(MODEL, torch.zeros(2, D, dtype=torch.float64)), "given rows spans no dimension"),
    (lambda: subspace(MODEL, "embed"), f"embed spans {D} of {D} dimensions, the whole stream"),
    (lambda: subspace(MODEL, ROWS * torch.nan), "the rows of given rows are not finite"),
    (lambda: subspace(MODEL, ROWS[:, :3]), "the rows are 3 wide; tiny-"),
    (lambda: Subspace(ROWS, "mine"), "the rows of mine are not orthonormal"),
    (lambda: subspace(MODEL, [[1, 2], [3, 4]], labels=[1, 1]), "all labels are 1; give at least two classes"),
    (lambda: subspace(MODEL, [[1, 2], [3, 4]], labels=[1]), "there are 2 prompts and 1 labels"),
    (lambda: subspace(MODEL, "L0.H9"), "no writer L0.H9: .* Nearest: L0.H2"),
    (lambda: subspace(MODEL, "L0.H0", channel=9), "L0.H0 of .* has channels 1 to 4; got 9"),
    (lambda: subspace(MODEL, []), "a subspace of tokens takes a list of at least one"),
    (lambda: Policy({"kernel": SPACE}, load={"kernl": []}), "load is about 'kernl', .*the nearest is 'kernel'"),
    (
        lambda: rights(MODEL, Policy({"k": SPACE}, load={"k": ["L1.H9.K"]})),
        "load of 'k': no reader .* Nearest: L1.H2.K",
    ),
    (lambda: rights(MODEL, Policy({"k": SPACE}, load={"k": ["L9.H*.K"]})), "load of 'k': nothing matches .*Nearest: L"),
    (lambda: rights(MODEL, Policy({"k": SPACE}, load={"k": ["kernel"]})), "load of 'k': 'kernel' is not a reader"),
    (
        lambda: rights(MODEL, Policy({"k": SPACE}, load={"k": []}, declassify={"k": ["L1.mlp"]})),
        "'k': L1.mlp declassifies but may not load",
    ),
    (lambda: rights(tiny(Kind("rotary", "none", False, sizes=MODEL_5)), Policy({"k": SPACE})), "subspace 'k' is of a"),
    *(
        (lambda text=text: Policy.from_toml(text, MODEL), message)
        for text, message in [
            ("a = 1", "'a' is not a table"),
            ("[a]\nlod = 1", r"\[a\] has the key 'lod'; expected source"),
            ("[a]\nload = []", r"\[a\] needs one of source"),
            ("[a", "a policy is TOML: "),
            ("[a]\nrows = [[1.0], [2.0, 3.0]]", r"rows of \[a\] are not lists of equally many numbers"),
            (f"[a]\nrows = [{[*[0.0] * (D - 1), 'NAN']}]".replace("'NAN'", "nan"), r"rows of \[a\] are not finite"),
            ("[a]\nsource = 'L0.H0'\nload = 3", r"load of \[a\] is 3; expected a list of sites"),
            ("[a]\nsource = 'L0.H7'", r"\[a\]: no writer L0.H7"),
        ]
    ),
    (lambda: Policy.from_toml(Path("nowhere.toml"), MODEL), "nowhere.toml cannot be read as a policy"),
]
SPACE = subspace(MODEL, ROWS)
MODEL_5 = FEW[0].sizes._replace(d_model=5)


@each("call, message", REFUSED)
def test_what_cannot_be_protected_is_refused_in_a_sentence(call, message: str) -> None:
    with pytest.raises(LoadstoreError, match=message) as error:
        call()
    assert "\n" not in str(error.value)
    assert not isinstance(error.value, BadRequest) or len(str(error.value)) < 300
