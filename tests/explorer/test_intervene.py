"""The inspector's edits: the numbers of an edited ``ls.run``, controls each by itself, and bad requests."""

from typing import Any

import pytest
import torch
from close import assert_close
from each import each
from served import on_builtin

import loadstore as ls
from loadstore.causal.controls import controls_of, sizes_on
from loadstore.causal.engine import rerun
from loadstore.errors import BadRequest, LoadstoreError, NoSuchSite, NoSuchWire, Undefined
from loadstore.explorer.state import Explorer
from loadstore.explorer.table import answered
from loadstore.model.wiring import wiring
from loadstore.views.base import plain

PROMPT = "the cat sat on the mat. the dog sat on the log."
WIRE = {"kind": "cut", "writer": "L0.H7", "reader": "L1.H4.K"}
HEAD = {"kind": "ablate", "writer": "L1.H4"}


@pytest.fixture(scope="module")
def explorer() -> Explorer:
    return on_builtin()


@pytest.fixture(scope="module")
def run(explorer: Explorer) -> str:
    return explorer.runs.make(PROMPT)[0]


def done(explorer: Explorer, run: str, edits: Any, **more: Any) -> Any:
    return plain(answered("effect", explorer, {"run": run, "at": 10, "edits": edits, **more}))


def compared(explorer: Explorer, run: str, edits: Any, **more: Any) -> Any:
    told: list[tuple[int, int]] = []
    answer = answered("controls", explorer, {"run": run, "at": 10, "edits": edits, **more})(lambda *at: told.append(at))
    assert told == sorted(told)
    assert told[-1] == (1 + len(answer["controls"]),) * 2
    return answer


@pytest.mark.parametrize("by", ["mean", "zero"])
@pytest.mark.parametrize("kind", ["cut", "ablate"])
def test_before_and_after_are_the_logits_of_the_two_runs(explorer: Explorer, run: str, kind: str, by: Any) -> None:
    trace = explorer.runs.get(run)
    edit = ls.cut("L0.H7", "L1.H4.K", by=by) if kind == "cut" else ls.ablate("L1.H4", by=by)
    after = ls.run(explorer.weights, trace.tokens[0].tolist(), [edit])
    answer = done(explorer, run, [WIRE if kind == "cut" else HEAD], by=by)
    size = float(trace.logits.abs().max())
    for row in answer["tokens"]:
        assert row["before"]["logit"] == float(trace.logits[10, row["id"]])
        assert_close(row["after"]["logit"], after.logits[10, row["id"]], scale=size)
    target = answer["target"]["id"]
    then, now = (one.logits[10].double().log_softmax(-1) for one in (trace, after))
    assert target == int(trace.logits[10].argmax())
    assert_close(answer["change"], now[target] - then[target], dtype=torch.float32, scale=size)
    assert_close(answer["kl"], (then.exp() * (then - now)).sum(), dtype=torch.float32, scale=size)
    assert answer["edits"] == [str(edit)]


def test_the_tokens_are_the_likeliest_of_both_runs(explorer: Explorer, run: str) -> None:
    answer = done(explorer, run, [HEAD])
    trace = explorer.runs.get(run)
    after = rerun(trace, [ls.ablate("L1.H4")])
    both = {*trace.logits[10].topk(5).indices.tolist(), *after.logits[10].topk(5).indices.tolist()}
    assert {row["id"] for row in answer["tokens"]} == both
    assert len(answer["tokens"]) == len(both)


def test_without_its_wire_the_address_falls_from_the_repeated_token(explorer: Explorer, run: str) -> None:
    before, after = done(explorer, run, [WIRE], head="L1.H4")["sentence"]["rows"]
    assert before["weights"][4] == pytest.approx(0.83, abs=0.01)
    assert after["weights"][4] < 0.2
    assert_close(sum(weight for weight in after["weights"] if weight is not None), 1.0, dtype=torch.float32)
    assert before["outlined"] == [4]
    assert 4 not in after["outlined"]


def test_the_mean_is_said_as_it_is(explorer: Explorer, run: str) -> None:
    assert done(explorer, run, [WIRE])["by"] == "by its mean over the 14 tokens of this prompt after the first"
    assert done(explorer, run, [WIRE], by="zero")["by"] == "by zero at every token"
    one, _ = explorer.runs.make([7])
    answer = done(explorer, one, [WIRE], at=0)
    assert answer["by"].endswith("which leaves it unchanged")
    size = float(explorer.runs.get(one).logits.abs().max())
    assert_close(answer["change"], 0.0, dtype=torch.float32, scale=size)


def test_edits_are_done_together(explorer: Explorer, run: str) -> None:
    trace = explorer.runs.get(run)
    both = rerun(trace, [ls.cut("L0.H7", "L1.H4.K"), ls.ablate("L1.H10")])
    answer = done(explorer, run, [WIRE, {"kind": "ablate", "writer": "L1.H10"}])
    row = answer["tokens"][0]
    assert_close(row["after"]["logit"], both.logits[10, row["id"]], scale=float(both.logits.abs().max()))


def test_the_kept_run_is_not_changed_by_an_edit(explorer: Explorer, run: str) -> None:
    before = explorer.runs.get(run).logits.clone()
    done(explorer, run, [HEAD], head="L1.H4")
    assert torch.equal(explorer.runs.get(run).logits, before)


def test_controls_of_a_cut_carry_as_much_and_are_cut_one_by_one(explorer: Explorer, run: str) -> None:
    answer = compared(explorer, run, [WIRE])
    trace = explorer.runs.get(run)
    wire = wiring(explorer.weights).wire("L0.H7", "L1.H4.K")
    others = controls_of(wire, 12, sizes_on(trace), wiring(explorer.weights).readers).wires
    assert [one["edit"] for one in answer["controls"]] == [str(ls.cut(*other)) for other in others]
    alone = done(explorer, run, [{"kind": "cut", "writer": str(others[0][0]), "reader": str(others[0][1])}])
    size = float(trace.logits.abs().max())
    assert_close(answer["controls"][0]["change"], alone["change"], dtype=torch.float32, scale=size)
    assert_close(answer["own"], done(explorer, run, [WIRE])["change"], dtype=torch.float32, scale=size)
    assert answer["as_large"] == sum(abs(one["change"]) >= abs(answer["own"]) for one in answer["controls"])


def test_controls_of_an_ablation_are_the_other_heads_of_its_layer(explorer: Explorer, run: str) -> None:
    answer = compared(explorer, run, [HEAD])
    heads = {f"ablate L1.H{index} by mean" for index in range(12)} - {"ablate L1.H4 by mean"}
    assert {one["edit"] for one in answer["controls"]} == heads
    assert answer["what"] == "other heads of layer 1"


def test_controls_of_an_ablation_are_those_first_whose_stores_vary_as_much(
    explorer: Explorer, run: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    trace = explorer.runs.get(run)

    def varies(index: int) -> float:
        store = trace.written(f"L1.H{index}").double()[1:]
        return float((store - store.mean(0)).square().sum(-1).mean().sqrt().log())

    nearest = sorted(set(range(12)) - {4}, key=lambda index: abs(varies(index) - varies(4)))
    assert nearest[:3] not in ([0, 1, 2], [11, 10, 9])  # what comes first unsorted
    for most in (12, 3):
        monkeypatch.setattr("loadstore.explorer.intervene.CONTROLS", most)
        told = [one["edit"] for one in compared(explorer, run, [HEAD])["controls"]]
        assert told == [f"ablate L1.H{index} by mean" for index in nearest[:most]]


def test_an_edit_at_one_token_is_told_by_the_question_s_prediction(explorer: Explorer, run: str) -> None:
    trace = explorer.runs.get(run)
    after = rerun(trace, [ls.cut("L0.H7", "L1.H4.K")])
    then, now = (one.logits[10].double().log_softmax(-1) for one in (trace, after))
    other = int(trace.logits[10].argsort(descending=True)[20])
    asked = {"at": 4, "after": 10, "predict": other, "head": "L0.H7"}
    answer = done(explorer, run, [WIRE], **asked)
    assert (answer["at"], answer["target"]["id"], answer["tokens"][0]["id"]) == (10, other, other)
    assert answer["change"] == pytest.approx(float(now[other] - then[other]), abs=1e-5)
    assert answer["sentence"]["rows"][0]["weights"][5:] == [None] * 10
    beside = compared(explorer, run, [WIRE], at=4, after=10, predict=other)
    assert beside["own"] == pytest.approx(answer["change"], abs=1e-5)


def test_what_is_alone_of_its_kind_has_no_controls(explorer: Explorer, run: str) -> None:
    with pytest.raises(Undefined, match="nothing to compare with"):
        compared(explorer, run, [{"kind": "ablate", "writer": "embed"}])


@each(
    ("edits", "error", "told"),
    [
        ([], BadRequest, "at least one"),
        ("L1.H4", BadRequest, "list of objects"),
        ([HEAD] * 65, BadRequest, "at most 64"),
        ([{"kind": "patch", "writer": "L1.H4"}], BadRequest, "cut, ablate"),
        ([{"kind": "ablate", "writer": "L1.H4", "at": 3}], BadRequest, "unknown field"),
        ([{"kind": "ablate", "writer": "const"}], NoSuchSite, "not a writer"),
        ([{"kind": "ablate", "writer": "L7.H0"}], NoSuchSite, "Nearest"),
        ([{"kind": "cut", "writer": "L0.H7", "reader": "L1.H40.K"}], NoSuchSite, "Nearest"),
        ([{"kind": "cut", "writer": "L1.H0", "reader": "L1.H4.K"}], NoSuchWire, "stores after"),
    ],
)
def test_no_edit_but_those_that_exist_is_run_or_compared(
    explorer: Explorer, run: str, edits: Any, error: type[LoadstoreError], told: str
) -> None:
    with pytest.raises(error, match=told):
        done(explorer, run, edits)
    with pytest.raises(error, match=told):
        answered("controls", explorer, {"run": run, "at": 10, "edits": edits})


def test_controls_are_of_one_edit(explorer: Explorer, run: str) -> None:
    with pytest.raises(BadRequest, match="one edit"):
        answered("controls", explorer, {"run": run, "at": 10, "edits": [WIRE, HEAD]})


@pytest.mark.parametrize("more", [{"at": 99}, {"head": "L4.H4"}, {"by": "resample"}, {"by": 0}])
def test_other_fields_are_checked(explorer: Explorer, run: str, more: dict[str, Any]) -> None:
    with pytest.raises(LoadstoreError):
        done(explorer, run, [WIRE], **more)
