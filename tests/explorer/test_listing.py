"""The explorer's listing is the Python API's, its lines lead to addresses that exist, and bad questions are refused."""

import pytest
from each import each
from served import on_builtin

import loadstore as ls
from loadstore.circuits.program import roles_of
from loadstore.errors import LoadstoreError
from loadstore.explorer.listing import CONTROLS, REPLICATES
from loadstore.explorer.state import Explorer
from loadstore.explorer.table import answered
from loadstore.figures.prediction.listing import listing_figure
from loadstore.views.base import plain

AT = 10
PROMPT = "the cat sat on the mat. the dog sat on the log."


@pytest.fixture(scope="module")
def explorer() -> Explorer:
    return on_builtin()


@pytest.fixture(scope="module")
def run(explorer: Explorer) -> str:
    return explorer.runs.make(PROMPT)[0]


def test_the_program_is_that_of_the_python_api(explorer: Explorer, run: str) -> None:
    found = answered("listing", explorer, {"run": run, "at": AT})
    same = ls.listing(explorer.runs.get(run), AT, top=24)
    assert found["figure"] == listing_figure(same, roles=roles_of(explorer.weights))
    assert found["token"] == {"id": same.token, "text": same.text_of(same.token), "probability": same.probability}
    assert found["checks"] is None


def test_every_line_has_a_place_or_none_and_the_head_of_a_place_is_the_one_of_its_step(
    explorer: Explorer, run: str
) -> None:
    found = answered("listing", explorer, {"run": run, "at": AT})
    lines = plain(found["figure"])["views"][1]["rows"]
    assert len(lines) == len(found["places"])
    site = ""
    led = 0
    for line, place in zip(lines, found["places"], strict=True):
        site = line["site"] or site
        if place is None:
            continue
        led += 1
        assert place["head" if place["screen"] == "address" else "from"] == site
        if place["screen"] == "address":
            head = ls.address(explorer.runs.get(run), place["head"], place["token"])
            assert place["side"] in (None, "Q", "K", "V")
            if place["from"] is not None:
                assert place["from"] in head.shares[place["side"]]
    assert led > 3


def test_a_token_is_named_by_id_or_by_text_and_is_the_same(explorer: Explorer, run: str) -> None:
    likeliest = answered("listing", explorer, {"run": run, "at": AT})["token"]
    for named in (likeliest["id"], " on"):
        assert answered("listing", explorer, {"run": run, "at": AT, "predict": named})["token"] == likeliest
    other = answered("listing", explorer, {"run": run, "at": AT, "predict": likeliest["id"] + 1})["token"]
    assert other["id"] == likeliest["id"] + 1
    assert other["probability"] < likeliest["probability"]


def test_verify_counts_its_cuts_and_tells_its_progress(explorer: Explorer, run: str) -> None:
    told: list[tuple[int, int]] = []
    work = answered("verify", explorer, {"run": run, "at": AT, "controls": 2, "replicates": 2})
    found = work(lambda done, of: told.append((done, of)))
    checks, cuts = found["checks"], found["figure"].views[2].rows
    assert checks["of"] == len(cuts) > 0
    assert 0 <= checks["verified"] <= checks["of"]
    assert checks["verified"] == sum("✔" in str(row) for row in cuts)
    assert told
    assert all(done <= of for done, of in told)


def test_work_that_nobody_waits_for_ends_where_it_tells_its_progress(explorer: Explorer, run: str) -> None:
    def gone(done: int, of: int) -> None:
        raise InterruptedError

    work = answered("verify", explorer, {"run": run, "at": AT, "controls": 2, "replicates": 2})
    with pytest.raises(InterruptedError):
        work(gone)


@each(
    "fields",
    [
        {"at": 10_000},
        {"at": "x"},
        {"at": AT, "predict": -1},
        {"at": AT, "predict": 10**6},
        {"at": AT, "predict": "x" * 65},
        {"at": AT, "predict": [1]},
    ],
)
def test_a_program_of_what_is_not_there_is_refused(explorer: Explorer, run: str, fields: dict[str, object]) -> None:
    with pytest.raises(LoadstoreError):
        answered("listing", explorer, {"run": run, **fields})


@pytest.mark.parametrize(
    "fields", [{"controls": 0}, {"controls": CONTROLS + 1}, {"replicates": 1}, {"replicates": REPLICATES + 1}]
)
def test_more_cuts_than_are_made_here_are_refused_before_work_begins(
    explorer: Explorer, run: str, fields: dict[str, object]
) -> None:
    with pytest.raises(LoadstoreError, match="controls: 1 to"):
        answered("verify", explorer, {"run": run, **fields})
