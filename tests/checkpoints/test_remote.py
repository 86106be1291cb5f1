"""Models at URLs: copied once, copied again when they change, refused in one line, and never half-written."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import pytest
import torch
from each import each
from fsspec.implementations.memory import MemoryFileSystem
from hostile import refusal
from sweep.small_models import small_models

import loadstore as ls
from loadstore.cost.machine import ORDINARY
from loadstore.errors import BadCheckpoint, BadRequest
from loadstore.sweep.engine import Here
from loadstore.sweep.plan import plan_of
from loadstore.sweep.store import Store
from loadstore.sweep.sweep import sweep

URL = "memory://bucket/run/step-000.safetensors"


@pytest.fixture(autouse=True)
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A store in memory with two models, and a cache of its own."""
    monkeypatch.setenv("LOADSTORE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    memory = fsspec.filesystem("memory")
    for path in small_models(tmp_path / "models"):
        memory.pipe_file(f"/bucket/run/{Path(path).name}", Path(path).read_bytes())
    memory.pipe_file("/bucket/one/model.safetensors", Path(path).read_bytes())
    memory.pipe_file("/bucket/one/notes.txt", b"no part of a model")
    yield memory
    memory.store.clear()


def copies(tmp_path: Path) -> list[str]:
    return sorted(path.name for path in (tmp_path / "cache").rglob("*") if path.is_file() and path.suffix != ".txt")


def test_a_model_in_a_store_is_the_file_and_is_copied_once(store: Any, tmp_path: Path, monkeypatch: Any) -> None:
    model = ls.load(URL)
    assert torch.equal(model.W_E, ls.load(tmp_path / "models" / "step-000.safetensors").W_E)
    gets: list[str] = []
    monkeypatch.setattr(MemoryFileSystem, "get_file", lambda self, path, *_: gets.append(path))
    assert torch.equal(ls.load(URL).W_E, model.W_E)
    assert gets == []
    assert copies(tmp_path) == ["step-000.safetensors"]


def test_a_folder_in_a_store_brings_its_model_alone(tmp_path: Path) -> None:
    assert ls.load("memory://bucket/one").architecture.n_layers == 2
    assert copies(tmp_path) == ["model.safetensors"]


def test_a_model_that_changes_is_copied_again_and_one_that_disappears_is_refused(store: Any) -> None:
    before = ls.load(URL)
    store.pipe_file("/bucket/run/step-000.safetensors", store.cat_file("/bucket/run/step-001.safetensors"))
    assert not torch.equal(ls.load(URL).W_E, before.W_E)
    store.rm("/bucket/run/step-000.safetensors")
    refusal(lambda: ls.load(URL), BadRequest, "there is no model", "step-000")


def test_an_interrupted_copy_leaves_nothing(store: Any, tmp_path: Path, monkeypatch: Any) -> None:
    def torn(self: object, path: str, target: str) -> None:
        Path(target).write_bytes(store.cat_file(path)[:-9])

    with monkeypatch.context() as patch:
        patch.setattr(MemoryFileSystem, "get_file", torn)
        refusal(lambda: ls.load(URL), BadCheckpoint, "arrived with")
    assert copies(tmp_path) == []
    ls.load(URL)


def test_a_store_that_cannot_be_reached_leaves_the_last_copy(monkeypatch: Any) -> None:
    model = ls.load(URL)

    def down(self: object, *_: object, **__: object) -> None:
        raise ConnectionError("no route")

    monkeypatch.setattr(MemoryFileSystem, "ls", down)
    assert torch.equal(ls.load(URL).W_E, model.W_E)
    refusal(lambda: ls.load("memory://bucket/one"), BadRequest, "not in the cache", "no route")


def test_a_store_that_refuses_or_is_set_up_wrong_is_one_line(monkeypatch: Any) -> None:
    def raising(error: Exception) -> Any:
        def function(*_: object, **__: object) -> None:
            raise error

        return function

    with monkeypatch.context() as patch:
        patch.setattr(MemoryFileSystem, "ls", raising(PermissionError("denied")))
        refusal(lambda: ls.load("memory://bucket/one"), BadRequest, "may not be read (denied)", "credentials")
    with monkeypatch.context() as patch:
        patch.setattr(MemoryFileSystem, "glob", raising(ConnectionError("no route")))
        refusal(lambda: plan_of(["memory://bucket/*"], ["spectrum"]), BadRequest, "could not be read (no route)")
    monkeypatch.setattr("fsspec.core.url_to_fs", raising(ValueError("a wrong setting")))
    refusal(lambda: ls.load("memory://bucket/one"), BadRequest, "could not be read (a wrong setting)", "settings")


def test_offline_only_a_copy_is_loaded(monkeypatch: Any) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    refusal(lambda: ls.load("s3://bucket/model.safetensors"), BadRequest, "not in the cache", "HF_HUB_OFFLINE")
    refusal(lambda: ls.load(URL, revision="main"), BadRequest, "revision='main'", "leave it out")


@each(
    ("url", "words"),
    [
        ("s3://bucket/model.safetensors", ["s3:// needs s3fs", "pip install 'loadstore[s3]'"]),
        ("gs://bucket/*.safetensors", ["gs:// needs gcsfs", "pip install 'loadstore[gs]'"]),
        ("http://example.org/model.safetensors", ["begins with 'file', 'gs'"]),
        ("zip://a::s3://bucket/b", ["begins with"]),
        ("file://model.safetensors", ["no absolute path"]),
        ("hf://owner", ["not a model on the hub", "hf://owner/name@revision/file"]),
        ("memory://bucket/none", ["there is no model"]),
        ("memory://bucket/run", ["2 model files", "name it: 'memory://bucket/run/step-000.safetensors'"]),
    ],
)
def test_a_url_that_cannot_be_loaded_is_one_line(url: str, words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    for package in ("s3fs", "gcsfs"):
        monkeypatch.setitem(sys.modules, package, None)
    kind = BadCheckpoint if url == "memory://bucket/run" else BadRequest
    refusal(lambda: ls.load(url), kind, *words)


def test_a_file_url_is_a_path_and_wildcards_name_files_of_a_store(tmp_path: Path) -> None:
    path = tmp_path / "models" / "step-001.safetensors"
    assert torch.equal(ls.load(f"file://{path}").W_E, ls.load(path).W_E)
    plan = plan_of(["memory://bucket/run/*.safetensors", f"file://{path.parent}/*1*"], ["spectrum"])
    assert plan.models == (URL, URL.replace("000", "001"), str(path))
    swept = sweep(plan, Store(tmp_path / "out"), Here(), ORDINARY, lambda *_: None)
    assert (swept.computed, swept.failed) == (2, ())  # the third is a copy of the second
    assert swept.comparison.rows[1].headline == swept.comparison.rows[2].headline
    with pytest.raises(BadRequest, match="no file matches"):
        plan_of(["memory://bucket/none/*"], ["spectrum"])
