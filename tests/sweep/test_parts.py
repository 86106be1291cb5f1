"""Plans are refused as a whole; results survive their files; tiles together are the whole."""

from pathlib import Path

import numpy as np
import pytest
from each import each
from hostile import refusal
from sweep.small_models import small_models
from tiny import Kind, Sizes, tiny

from loadstore.circuits.named import task as task_named
from loadstore.circuits.solved import solved
from loadstore.errors import BadRequest
from loadstore.sweep.analyses import analyse
from loadstore.sweep.compute import Outcome
from loadstore.sweep.cost import _times
from loadstore.sweep.engine import written
from loadstore.sweep.of_wires import aligned
from loadstore.sweep.options import checked
from loadstore.sweep.plan import plan_of, read_plan
from loadstore.sweep.result import Result
from loadstore.sweep.result_file import packed, unpacked
from loadstore.sweep.store import Store
from loadstore.sweep.tiles import _ends, joined, tiles

GOOD = 'models = ["builtin"]\nanalyses = ["heads"]\n'


@each(
    ("text", "words"),
    [
        ('model = ["builtin"]\n' + GOOD, ["no key 'model'", "nearest is 'models'"]),
        ('models = ["builtin"]\nanalyses = ["score"]', ["no analysis 'score'", "nearest is 'scores'"]),
        (GOOD + "[heads]\nsequence = 3", ["heads has no option 'sequence'", "'sequences'"]),
        (GOOD + "[heads]\nsequences = 0", ["heads.sequences is 0", "from 1 to 10,000"]),
        (GOOD + "[heads]\nsequences = true", ["heads.sequences is True"]),
        (GOOD + '[heads]\non = "x"', ["heads.on is 'x'", "'repeats' or 'random'"]),
        (GOOD + "[scores]\n", ["[scores] has options, but analyses does not list scores"]),
        (GOOD + "heads = 3", ["heads is 3", "[heads]"]),
        ('models = []\nanalyses = ["heads"]', ["models is []"]),
        ('models = ["builtin"]', ["analyses is missing"]),
        ('models = [3]\nanalyses = ["heads"]', ["models is [3]"]),
        ('models = ["nowhere-*.x"]\nanalyses = ["heads"]', ["no file matches 'nowhere-*.x'"]),
        ('models = ["builtin"]\nanalyses = ["tasks"]\n[tasks]\ntasks = ["no"]', ["there is no task 'no'"]),
        ('models = ["builtin"]\nanalyses = ["traffic"]\n[traffic]\ncorpus = "no"', ["no does not exist"]),
        ("models = [", ["cannot be read as a plan"]),
        ('models = [""]\nanalyses = ["heads"]', ["an empty text is not the name of a model"]),
        ('models = ["builtin"]\nanalyses = []', ["analyses is []"]),
        (
            'models = ["builtin"]\nanalyses = ["spectrum"]\n[spectrum]\nwriters = 3',
            ["spectrum.writers is 3", "a list of names"],
        ),
        ('models = ["builtin"]\nanalyses = ["tasks"]\n[tasks]\ntasks = ["custom.jsonl"]', ["custom.jsonl"]),
        ("#" * (1 << 20) + "\n" + GOOD, ["is larger than 1 MB"]),
    ],
)
def test_a_plan_that_is_wrong_is_refused_with_the_file_and_the_key(text: str, words: list[str], tmp_path: Path) -> None:
    path = tmp_path / "plan.toml"
    path.write_text(text)
    refusal(lambda: read_plan(path), BadRequest, path, *words)


def test_the_analysis_of_tasks_has_shares_and_the_reasons_of_those_that_are_undefined() -> None:
    weights = tiny(Kind("learned", "layer", True, "gelu", sizes=Sizes(context=24)))
    options = checked("tasks", {"tasks": ["induction", "ioi"], "pairs": 8})
    result = analyse(weights, "tasks", options)
    assert list(result.columns["task"]) == ["induction", "ioi"]
    solves = solved(task_named(weights, "induction", pairs=8, seed=0))
    assert result.columns["share"][0] == result.headline["solves induction"] == solves.share
    assert np.isnan(result.columns["share"][1])
    assert "tokenizer" in result.columns["reason"][1]


def test_a_cost_follows_what_the_options_ask_for() -> None:
    weights = tiny(Kind("learned", "layer", True, "gelu"))
    for analysis, one, other, times in (
        ("heads", {"sequences": 10}, {"sequences": 30}, 3),
        ("tasks", {"pairs": 8}, {"pairs": 24}, 3),
        ("spectrum", {"writers": ["embed"]}, {"writers": ["embed", "L0.H0"]}, 2),
    ):
        small, large = (_times(weights, analysis, checked(analysis, options)) for options in (one, other))
        assert large == pytest.approx(times * small)


def test_a_plan_lists_the_files_of_a_glob_and_every_model_once(tmp_path: Path) -> None:
    models = small_models(tmp_path / "models", [1, 0])
    path = tmp_path / "plan.toml"
    path.write_text(f'models = ["{models[0]}", "{tmp_path}/models/*"]\nanalyses = ["heads"]\n[heads]\nsequences = 3\n')
    plan = read_plan(path)
    assert plan.models == (models[0], models[1])
    assert plan.analyses == {"heads": {"on": "repeats", "sequences": 3, "seed": 0}}
    with pytest.raises(BadRequest, match="cannot be read as a plan"):
        read_plan(tmp_path / "nowhere.toml")


RESULT = Result(
    {"wire": np.array(["a → b", "ÿ"]), "x": np.array([np.nan, -0.0]), "n": np.array([2**62, -1])},
    {"best": "a → b", "alignment": 0.1 + 0.2, "none": float("nan")},
    {"seed": 0, "definition": "x"},
)
EMPTY = Result({"wire": np.array([], dtype=str), "x": np.array([])}, {}, {})


def bits(result: Result) -> list[object]:
    """Everything in a result, to the last bit; NaN equals itself."""
    columns = [(name, column.dtype, column.tobytes()) for name, column in result.columns.items()]
    return [columns, repr((dict(result.headline), dict(result.facts)))]


@each("result", [RESULT, EMPTY])
def test_a_result_is_read_as_it_was_written_and_any_changed_byte_is_noticed(result: Result) -> None:
    data = packed(result, "key", ".npz")
    assert data == packed(result, "key", ".npz")
    assert bits(unpacked(data, "key", ".npz")) == bits(result)
    with pytest.raises(ValueError, match="its name"):
        unpacked(data, "other", ".npz")
    for at in range(0, len(data), 7):
        changed = bytearray(data)
        changed[at] ^= 0x40
        try:
            assert bits(unpacked(bytes(changed), "key", ".npz")) == bits(result)  # a byte that zip does not use
        except ValueError:
            continue
    for size in range(0, len(data), 11):
        with pytest.raises(ValueError, match="it"):
            unpacked(data[:size], "key", ".npz")


@each(
    ("kind", "most"),
    [(Kind("learned", "layer", True, "gelu"), 1.0), (Kind("rotary", "rms", False, "gated", kv=2), 30_000.0)],
)
def test_the_scores_of_all_tiles_are_those_of_the_whole(kind: Kind, most: float) -> None:
    model, options = tiny(kind, n_layers=5), checked("scores", {})
    parts = tiles(model, "scores", most)
    assert len(parts) > 1
    assert [layers[0] for layers in parts if layers][1:] == [layers[1] for layers in parts if layers][:-1]
    assert tiles(model, "heads", most) == [None]
    assert tiles(model, "scores") == [None]
    whole = analyse(model, "scores", options)
    tiled = joined([analyse(model, "scores", options, layers) for layers in parts])

    def by_wire(result: Result, name: str) -> dict[tuple[str, str], float]:
        names = zip(result.columns["writer"].tolist(), result.columns["reader"].tolist(), strict=True)
        return dict(zip(names, result.columns[name].tolist(), strict=True))

    for name in ("score", "alignment", "z", "q"):
        assert by_wire(tiled, name) == pytest.approx(by_wire(whole, name), rel=1e-9, abs=1e-12, nan_ok=True), name
    assert tiled.headline["most aligned"] == whole.headline["most aligned"]


def test_the_best_aligned_wire_leads_to_the_q_or_k_of_a_head() -> None:
    columns = {
        "writer": np.array(["embed", "L0.H0", "L0.H1", "L0.H2", "L0.H3"]),
        "reader": np.array(["L1.H0.K", "L1.H0.V", "unembed", "L1.H1.K", "L1.H2.Q"]),
        "alignment": np.array([0.9, 0.8, 0.7, np.nan, 0.5]),
        "z": np.array([1.0, 2.0, 3.0, 4.0, 5.0]),
    }
    assert aligned(columns) == {"most aligned": "L0.H3 → L1.H2.Q", "alignment": 0.5, "z": 5.0}
    none = aligned({name: column[:4] for name, column in columns.items()})
    assert none["most aligned"] == ""
    assert np.isnan([none["alignment"], none["z"]]).all()


@each(("layers", "count", "ends"), [(4, 2, [0, 3, 4]), (4, 4, [0, 1, 2, 3, 4]), (30, 3, [0, 18, 25, 30])])
def test_tiles_of_equal_cost_are_shorter_in_late_layers(layers: int, count: int, ends: list[int]) -> None:
    first, last = _ends(layers, count)
    assert [*first, layers] == [0, *last] == ends


def test_a_plan_needs_something_to_do_and_has_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refusal(lambda: plan_of([], ["heads"]), BadRequest, "needs models and analyses", "spectrum")
    refusal(lambda: plan_of(["builtin"], []), BadRequest, "needs models and analyses")
    monkeypatch.setattr("loadstore.sweep.plan.MODELS", 2)
    paths = small_models(tmp_path / "models")
    assert len(plan_of(paths[:2], ["heads"]).models) == 2
    refusal(lambda: plan_of([*paths[:2], "builtin"], ["heads"]), BadRequest, "3 models", "at most 2")


def test_a_result_that_the_disk_refuses_fails_its_item_alone(tmp_path: Path) -> None:
    store = Store(tmp_path / "none")
    found = written(b"x", Outcome("key", seconds=2.0, peak=3), store)
    assert found.reason
    assert (found.key, found.seconds, found.peak) == ("key", 2.0, 3)
