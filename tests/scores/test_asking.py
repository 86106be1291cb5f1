"""Some of a model's wires, a run that goes on where it was interrupted, and what is told on the way."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from tiny import KINDS, tiny

from loadstore.errors import BadRequest, NoSuchSite
from loadstore.linear.ends import End
from loadstore.model.weights import Weights
from loadstore.scores import groups, resume
from loadstore.scores.scores import subspace_scores
from loadstore.sites import Reader


@pytest.fixture(scope="module")
def model() -> Weights:
    return tiny(next(kind for kind in KINDS if kind.norm == "layer" and kind.biases))


@pytest.fixture(scope="module")
def whole(model: Weights) -> xr.Dataset:
    return subspace_scores(model)


def same(one: xr.Dataset, other: xr.Dataset) -> None:
    for name in ("score", "z", "p", "alignment", "ceiling"):
        np.testing.assert_allclose(one[name].values, other[name].values, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    "where", ["L0.H* -> L1.*.K", "L0.H*→L1.*.K", ["L0.H0 -> L1.H*.K", "L0.H1 -> L1.H0.K"]], ids=str
)
def test_wires_that_are_asked_for_are_those_of_the_whole(
    model: Weights, whole: xr.Dataset, where: str | list[str]
) -> None:
    some = subspace_scores(model, where=where)
    assert all(str(w).startswith("L0.H") for w in some["writer"].values)
    assert all(str(r).startswith("L1.H") and str(r).endswith(".K") for r in some["reader"].values)
    asked = some.score.notnull()
    assert int(asked.sum()) == (some.sizes["writer"] * some.sizes["reader"] if isinstance(where, str) else 4)
    same(some, whole.sel(writer=some.writer, reader=some.reader).where(asked))


def test_q_and_ranks_among_heads_are_over_what_is_asked(model: Weights) -> None:
    some = subspace_scores(model, where=["L0.H0 -> L1.H0.K", "L0.H1 -> L1.H1.K"], null="heads")
    assert int(some.p_heads.notnull().sum()) == int(some.q.notnull().sum()) == 2
    every = subspace_scores(model, null="heads")
    np.testing.assert_allclose(
        some.p_heads.values, every.p_heads.sel(writer=some.writer, reader=some.reader).where(some.q.notnull()).values
    )


@pytest.mark.parametrize("where", ["L0.H0", "L0.H0 -> ", "a -> b -> c", ""])
def test_what_is_no_wire_is_refused(model: Weights, where: str) -> None:
    with pytest.raises(BadRequest, match="WRITERS -> READERS"):
        subspace_scores(model, where=where)


def test_what_matches_nothing_is_refused(model: Weights) -> None:
    with pytest.raises(NoSuchSite):
        subspace_scores(model, where="L9.* -> L1.*")
    with pytest.raises(BadRequest, match="none of the wires"):
        subspace_scores(model, readers="L0.*", where="L0.H0 -> L1.H0.K")


def test_an_interrupted_run_goes_on_where_it_was(
    model: Weights, whole: xr.Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, counted = tmp_path / "scores.npz", []

    def interrupt(done: int, of: int) -> None:
        counted.append((done, of))
        if len(counted) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        subspace_scores(model, resume=file, progress=interrupt)
    before = counted[-1][0]
    assert 0 < before < counted[-1][1] == int(whole.score.notnull().sum())
    made: list[str] = []
    original = groups.reader_end

    def made_again(weights: Weights, reader: Reader, *rest: Any, **more: Any) -> End:
        made.append(str(reader))
        return original(weights, reader, *rest, **more)

    monkeypatch.setattr(groups, "reader_end", made_again)
    then: list[int] = []
    same(subspace_scores(model, resume=file, progress=lambda done, _: then.append(done)), whole)
    assert then[0] > before
    assert then[-1] == counted[-1][1]
    assert 0 < len(made) < len(whole["reader"])
    assert not file.exists()


@pytest.mark.parametrize("content", [b"", b"PK", b"\x93NUMPY", b"text"], ids=repr)
def test_a_file_that_holds_no_scores_is_refused_and_kept(model: Weights, tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "scores.npz"
    file.write_bytes(content)
    with pytest.raises(BadRequest, match="holds no scores"):
        subspace_scores(model, resume=file)
    assert file.read_bytes() == content


def test_it_is_saved_now_and_then_and_not_at_every_step(
    model: Weights, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writes: list[int] = []
    monkeypatch.setattr(resume, "write_whole", lambda _path, *data: writes.append(len(data[-1])))
    subspace_scores(model, resume=tmp_path / "a.npz")
    assert writes == []
    monkeypatch.setattr(resume, "EVERY", -1.0)
    subspace_scores(model, resume=tmp_path / "a.npz")
    assert len(writes) > 3
