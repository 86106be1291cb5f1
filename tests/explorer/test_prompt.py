"""Runs and what is told of them: names, patterns as bytes, heads in full, predictions, and what is refused."""

import itertools

import pytest
import torch
from close import assert_close
from depth import deep
from each import each
from served import on_builtin

import loadstore as ls
from loadstore.errors import BadRequest, LoadstoreError
from loadstore.explorer import prompt
from loadstore.explorer.ask import asked
from loadstore.explorer.requests import PatternsRequest
from loadstore.explorer.runs import NoSuchRun, Runs, TooLong
from loadstore.explorer.state import Explorer
from loadstore.explorer.switchable import NoSuchCircuit
from loadstore.explorer.table import QUICK, SLOW, answered
from loadstore.heads.patterns import ROLES
from loadstore.heads.roles import IS_ROLE
from loadstore.visible import line

ARTICLE = "the cat sat on the mat. the dog sat on the log."
WILD = [None, True, 5, -1, 2**40, 1.5, "", "x" * 5000, [], [1], ["a"], {}, {"a": 1}]


@pytest.fixture(scope="module")
def explorer() -> Explorer:
    return on_builtin()


def test_equal_prompts_are_one_run_and_others_are_not(explorer: Explorer) -> None:
    names = [explorer.runs.make(text)[0] for text in (ARTICLE, ARTICLE, "the cat")]
    assert names[0] == names[1] != names[2]
    assert explorer.runs.get(names[0]) is explorer.runs.get(names[0])
    with pytest.raises(NoSuchRun):
        explorer.runs.get("nope")


def test_a_run_that_made_room_is_run_again_and_a_forgotten_name_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("loadstore.explorer.runs.RECORDED", 1)
    monkeypatch.setattr("loadstore.explorer.runs.NAMES", 3)
    runs = Runs(ls.load("builtin"))
    name, trace = runs.make([0, 5, 6])
    runs.make([0, 7, 8])
    again = runs.get(name)
    assert again is not trace
    assert_close(again.logits, trace.logits)
    for token in range(3):
        runs.make([0, 9, token])
    with pytest.raises(NoSuchRun):
        runs.get(name)


def test_a_prompt_longer_than_is_shown_is_refused_with_both_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("loadstore.explorer.runs.TOKENS", 4)
    with pytest.raises(TooLong, match="6 tokens; the explorer shows at most 4"):
        Runs(ls.load("builtin")).make([0, 1, 2, 3, 4, 5])


@pytest.mark.parametrize("first", [0, 3])
def test_patterns_travel_as_rounded_lower_triangles(explorer: Explorer, first: int) -> None:
    name, trace = explorer.runs.make(ARTICLE)
    found = torch.frombuffer(
        bytearray(answered("patterns", explorer, {"run": name, "first": first})), dtype=torch.uint8
    )
    n = trace.tokens.shape[1] - first
    corner = torch.ones(n, n, dtype=torch.bool).tril()
    shape = trace.weights.architecture
    wanted = [(trace.pattern(head)[first:, first:][corner] * 255).round().to(torch.uint8) for head in shape.heads]
    assert torch.equal(found, torch.cat(wanted))


def test_a_head_in_full_is_the_pattern_to_seven_digits(explorer: Explorer) -> None:
    name, trace = explorer.runs.make(ARTICLE)
    found = answered("head", explorer, {"run": name, "head": "L1.H4", "first": 2})
    pattern = trace.pattern("L1.H4").double()
    for index, row in enumerate(found["rows"]):
        assert row == pytest.approx(pattern[2 + index, 2 : 3 + index].tolist(), rel=1e-6, abs=1e-12)
        assert found["before"][index] == pytest.approx(float(pattern[2 + index, :2].sum()), abs=1e-9)


def test_predictions_and_attention_are_those_of_the_run(explorer: Explorer) -> None:
    found = answered("run", explorer, {"prompt": ARTICLE})
    trace = ls.run(explorer.weights, ARTICLE, record=True)
    assert found["labels"] == trace.labels
    assert found["prompt"] == ARTICLE
    assert found["repeats"] == [8, 10, 11, 12, 14]
    probabilities = trace.logits[-1].double().softmax(-1)
    assert [one["id"] for one in found["next"]] == probabilities.topk(5).indices.tolist()
    size = float(trace.logits.abs().max())
    assert_close(found["next"][0]["probability"], probabilities.max(), dtype=torch.float32, scale=size)
    assert found["inducing"] == ["L1.H10"]
    assert len(found["strength"]) == 24


@pytest.mark.parametrize(("share", "plays"), [(0.49, False), (IS_ROLE, False), (0.5001, True), (1.0, True)])
def test_a_head_looks_mostly_at_keys_that_have_more_than_half_of_its_attention(share: float, *, plays: bool) -> None:
    assert IS_ROLE == 0.5
    for index, role in enumerate(ROLES):
        shares = [0.0] * len(ROLES)
        shares[index] = share
        assert [one for one in ROLES if prompt.mostly(shares, one)] == ([role] if plays else [])


def test_the_model_is_told_as_it_is(explorer: Explorer) -> None:
    found = answered("model", explorer, {})
    assert (found["name"], found["layers"], found["heads_per_layer"], len(found["heads"])) == ("builtin", 2, 12, 24)


OF = {"wires": {"measure": "alignment"}, "nulls": {"wires": [{"writer": "L0.H7", "side": "K"}]}}
OF |= {"circuit/find": {"task": "induction"}}
OF |= {name: {"edits": [{"kind": "ablate", "writer": "L0.H7"}]} for name in ("effect", "controls")}


@each("name", deep([*QUICK, *SLOW], usual=[*QUICK, *SLOW][::2]))
def test_wild_fields_are_refused_or_answered_and_never_a_fault(explorer: Explorer, name: str) -> None:
    run, _ = explorer.runs.make(ARTICLE)
    usual: dict[str, object] = {
        "run": run,
        "head": "L1.H4",
        "at": 10,
        "writer": "L0.H7",
        "reader": "L1.H4.K",
        "text": "1.4",
        "model": "builtin",
        "prompt": ARTICLE,
        **OF.get(name, {}),
    }
    if name in ("circuit/switch", "circuit/picture"):
        answered("circuit/find", explorer, {"task": "induction", "size": "2", "pairs": 8})(lambda done, of: None)
        usual |= {"circuit": "induction 2 8", "off": [0], "wires": [1], "pair": 0}
    wanted, _ = QUICK.get(name) or SLOW[name]
    usual = {field: value for field, value in usual.items() if field in wanted.__struct_fields__}

    def told(fields: dict[str, object]) -> str | None:
        """What a request is refused for; None where it is answered, with a document, bytes or work to do."""
        try:
            found = answered(name, explorer, fields)
        except (NoSuchRun, NoSuchCircuit):
            return "no such name"
        except (LoadstoreError, TooLong) as error:
            return str(error)
        assert callable(found) if name in SLOW else isinstance(found, dict | bytes), f"{name} {fields}: {found!r:.200}"
        return None

    assert told(usual) is None
    refused: dict[str, list[str]] = {}
    for field, value in itertools.product(wanted.__struct_fields__, WILD):
        why = told({**(usual if name != "run" else {}), field: value})
        if why is not None:
            assert why == line(why) != "", f"{name}: {field} = {value!r:.50} is refused with {why!r:.300}"
            refused.setdefault(field, []).append(why)
    for field, reasons in refused.items():
        assert len(reasons) >= 5, f"{name}: of {len(WILD)} wild values of {field} {len(reasons)} are refused"
    assert set(refused) == set(wanted.__struct_fields__), f"{name} takes anything in a field"


def test_an_unknown_field_is_named() -> None:
    with pytest.raises(BadRequest, match="'paht'; the fields here are: first, run"):
        asked(PatternsRequest, {"run": "x", "paht": 1})
