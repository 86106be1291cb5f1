"""GGUF models in several files, written by gguf's own writer: one model whichever part is named, or refused."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import gguf
import pytest
import torch
from each import each
from gguf_files import TEXT, U32, File, llama
from hostile import refusal

import loadstore as ls
from loadstore.checkpoints import hub
from loadstore.checkpoints.digest import digest_of
from loadstore.checkpoints.gguf import read_gguf
from loadstore.checkpoints.gguf_parts import MOST_PARTS, parts_of, read_model, without_later_parts
from loadstore.checkpoints.remote import fetch
from loadstore.checkpoints.repository import HubLocation, candidates
from loadstore.errors import BadCheckpoint, BadRequest

FIRST, SECOND, THIRD = PARTS = [f"tiny-0000{number}-of-00003.gguf" for number in (1, 2, 3)]


@pytest.fixture
def whole(tmp_path: Path) -> Path:
    """A model in one file, of eleven tensors."""
    path = tmp_path / "whole" / "tiny.gguf"
    path.parent.mkdir()
    path.write_bytes(llama().written())
    return path


@pytest.fixture
def folder(whole: Path, tmp_path: Path) -> Path:
    """The same in three parts."""
    (tmp_path / "parts").mkdir()
    split(whole, tmp_path / "parts" / "tiny.gguf", most=4)
    return tmp_path / "parts"


def split(source: Path, target: Path, most: int, **how: Any) -> None:
    """Write the parts of a model, with at most so many tensors each."""
    reader = gguf.GGUFReader(source)
    writer = gguf.GGUFWriter(target, "llama", split_max_tensors=most, **how)
    for key, field in reader.fields.items():
        if not key.startswith("GGUF.") and key not in ("general.architecture", "general.alignment"):
            writer.add_key_value(key, field.contents(), field.types[0], field.types[-1])
    for tensor in reader.tensors:
        writer.add_tensor(tensor.name, tensor.data, raw_dtype=tensor.tensor_type)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


@each("small", [False, True], str)
def test_the_parts_are_the_model_whichever_is_named(whole: Path, tmp_path: Path, small: bool) -> None:
    parts = tmp_path / "parts"
    shutil.rmtree(parts, ignore_errors=True)
    parts.mkdir()
    split(whole, parts / "tiny.gguf", most=4, small_first_shard=small)
    expected = ls.load(whole)
    names = sorted(path.name for path in parts.iterdir())
    assert len(names) == 3 + small
    assert len(read_gguf(parts / names[0]).stored) == (0 if small else 4)
    for named in (parts, *(parts / name for name in names)):
        model = ls.load(named)
        assert (model.name, digest_of(model)) == ("tiny", digest_of(expected))
        assert model.tokens is not None
        assert model.tokens.encode("the cat") == expected.tokens.encode("the cat")  # pyright: ignore[reportOptionalMemberAccess]
    assert torch.equal(ls.run(ls.load(parts), [5, 80, 7]).logits, ls.run(expected, [5, 80, 7]).logits)


def test_a_part_alone_in_a_name_is_a_whole_file(whole: Path) -> None:
    alone = whole.with_name("tiny-00001-of-00001.gguf")
    shutil.copy(whole, alone)
    assert digest_of(ls.load(alone)) == digest_of(ls.load(whole))


def changed(path: Path, file: File, **facts: int) -> None:
    for name, value in facts.items():
        file = file.with_fact(f"split.{name}", U32, value)
    path.write_bytes(file.written())


def stray(**facts: int) -> Any:
    """Instead of the second part, one of another split, or with tensors of the first."""
    return lambda folder: changed(folder / SECOND, replace(llama(), facts=()), **facts)


def renamed(folder: Path) -> None:
    for name in PARTS:
        (folder / name).rename(folder / name.replace("-of-00003", ""))


def first_of_others(folder: Path) -> None:
    file = replace(llama(), facts=(("general.architecture", TEXT, "gpt2"),), tensors=(), data=b"")
    changed(folder / SECOND, file, **{"no": 1, "count": 3})


REFUSED: dict[str, tuple[Any, str, tuple[str, ...]]] = {
    "a missing part": (
        lambda folder: (folder / SECOND).unlink(),
        FIRST,
        (SECOND, "is missing", "download all parts"),
    ),
    "a missing first": (lambda folder: (folder / FIRST).unlink(), THIRD, (FIRST, "is missing", "download all parts")),
    "a part of another count": (stray(no=1, count=4), FIRST, (SECOND, "split.no = 1 of 4, expected 1 of 3")),
    "a part of another place": (stray(no=2, count=3), FIRST, (SECOND, "split.no = 2 of 3, expected 1 of 3")),
    "no part": (stray(), FIRST, (SECOND, "split.no = None of None")),
    "one tensor twice": (stray(no=1, count=3), FIRST, (SECOND, "holds tensor '", "as an earlier part does")),
    "other facts": (first_of_others, FIRST, (SECOND, "states another 'general.architecture'")),
    "fewer tensors": (
        lambda folder: changed(folder / THIRD, replace(llama(), facts=(), tensors=(), data=b""), no=2, count=3),
        FIRST,
        ("split.tensors.count = 11, but its 3 parts hold 8",),
    ),
    "other names": (renamed, "tiny-00001.gguf", ("split.count = 3", "keep their names")),
    "a damaged part": (lambda folder: (folder / THIRD).write_bytes(b"GGUF"), FIRST, (THIRD, "not a readable GGUF")),
}


@each("name", REFUSED)
def test_parts_that_do_not_belong_together_are_refused(whole: Path, tmp_path: Path, name: str) -> None:
    parts = tmp_path / "refused"
    shutil.rmtree(parts, ignore_errors=True)
    parts.mkdir()
    split(whole, parts / "tiny.gguf", most=4)
    damage, opened, words = REFUSED[name]
    damage(parts)
    refusal(lambda: ls.load(parts / opened), BadCheckpoint, *words)


def test_only_names_of_parts_are_parts() -> None:
    assert parts_of("a-b-00002-of-00003.gguf") == [f"a-b-0000{number}-of-00003.gguf" for number in (1, 2, 3)]
    for name in ("tiny.gguf", "a-00004-of-00003.gguf", "a-00000-of-00003.gguf", "a-00001-of-00003.safetensors"):
        assert parts_of(name) == []
    assert len(parts_of(f"a-00001-of-{MOST_PARTS:05d}.gguf")) == MOST_PARTS
    assert parts_of(f"a-00001-of-{MOST_PARTS + 1:05d}.gguf") == []
    assert without_later_parts([SECOND, FIRST, "other.gguf"]) == [FIRST, "other.gguf"]
    assert without_later_parts([SECOND]) == [SECOND]  # without its first part it is named as it is
    assert candidates([*PARTS, "config.json"]) == [FIRST]


def test_all_parts_come_from_the_hub_and_from_a_store(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fsspec: Any = pytest.importorskip("fsspec")
    store = fsspec.filesystem("memory")
    for name in PARTS:
        store.pipe_file(f"/parted/{name}", (folder / name).read_bytes())
    monkeypatch.setenv("LOADSTORE_CACHE", str(folder / "cache"))
    copy = fetch("memory://parted")
    assert len(read_model(copy).stored) == 11
    got: list[str] = []

    class Shelf(hub.Shelf):
        def get(self, name: str) -> Path:
            got.append(name)
            return folder / name

    sizes: dict[str, tuple[int | None, str | None]] = dict.fromkeys(PARTS, (100, None))
    where = HubLocation("owner/name")
    monkeypatch.setattr(hub, "_shelf", lambda where: Shelf(where, sizes, "revision"))
    assert hub.fetch(where).model == folder / FIRST
    assert got == [FIRST, *PARTS]
    del sizes[THIRD]
    refusal(lambda: hub.fetch(where), BadCheckpoint, f"has no file '{THIRD}', which belongs to its {FIRST}")


def test_a_comparison_with_transformers_is_refused_for_parts(folder: Path) -> None:
    refusal(lambda: ls.load(folder, check=True), BadRequest, "a GGUF model in several parts", "load it without check")
