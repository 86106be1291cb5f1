"""Room for a corpus is set aside before it is used: a full disk is a sentence, never the end of the process."""

import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
from tiny import KINDS, tiny

from loadstore.errors import BadRequest
from loadstore.wire_traffic import spool as spooling
from loadstore.wire_traffic.spool import set_aside, spool

SIZE = 4 << 20  # bytes of the small disk
SCRIPT = """
import sys, resource
sys.path.insert(0, sys.argv[1])
from tiny import KINDS, tiny
from loadstore.errors import BadRequest
from loadstore.wire_traffic import spool as spooling
spooling.IN_MEMORY = 0
limit = int(sys.argv[2])
if limit:
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
model, taken = tiny(KINDS[0]), []
numbers = int(sys.argv[3]) // model.dtype.itemsize
try:
    for _ in range(3):
        taken.append(spooling.spool(model, numbers))
        taken[-1].fill_(1.0)
except BadRequest as error:
    print(len(taken), error)
"""


@contextmanager
def small_disk(folder: Path) -> Iterator[bool]:
    """A file system of SIZE bytes where one can be mounted."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(folder)]
    try:
        mounted = subprocess.run(command, capture_output=True, timeout=30).returncode == 0
    except FileNotFoundError:
        mounted = False
    try:
        yield mounted
    finally:
        if mounted:
            subprocess.run(["umount", str(folder)], check=True, timeout=30)


def test_a_full_temporary_folder_is_a_sentence(tmp_path: Path) -> None:
    """The first fits, the second would not: as a hole it was made all the same, and its first page killed."""
    with small_disk(tmp_path / "disk") as mounted:
        each = SIZE * 2 // 3
        limit = 0 if mounted else each // 2
        command = [sys.executable, "-c", SCRIPT, str(Path(__file__).parents[1]), str(limit), str(each)]
        environment = {**os.environ, "TMPDIR": str(tmp_path / "disk")}
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment)
        assert done.returncode == 0, done.stderr
        told = done.stdout.partition(" ")
        assert told[0] == ("1" if mounted else "0")
        assert told[2].startswith(f"the stores of this corpus need 0.0 GB, and {tmp_path / 'disk'} cannot hold them")
        assert told[2].endswith("take fewer tokens, or set TMPDIR to a folder with room\n")
        assert list((tmp_path / "disk").iterdir()) == []


@pytest.mark.parametrize("system", ["sets space aside", "cannot on this disk", "cannot at all"])
def test_every_byte_has_its_place_on_the_disk(system: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(handle: int, at: int, size: int) -> None:
        raise OSError(95, "Operation not supported")

    if system == "cannot on this disk":
        monkeypatch.setattr(os, "posix_fallocate", refuse)
    if system == "cannot at all":
        monkeypatch.delattr(os, "posix_fallocate")
    for size in (1, (1 << 20) - 1, (1 << 20) + 1, 3 << 20):
        with (tmp_path / str(size)).open("w+b") as file:
            set_aside(file.fileno(), size)
            there = os.fstat(file.fileno())
            assert there.st_size == size <= there.st_blocks * 512


def test_it_is_zeros_and_a_missing_folder_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = tiny(KINDS[0])
    monkeypatch.setattr(spooling, "IN_MEMORY", 0)
    found = spool(model, 3, 5)
    assert (found.shape, found.dtype, bool(found.any())) == ((3, 5), model.dtype, False)
    found[1] = 2.0
    assert torch.equal(found.sum(1), torch.tensor([0.0, 10.0, 0.0], dtype=model.dtype))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "none"))
    with pytest.raises(BadRequest, match=r"none cannot hold them \(No such file or directory\); .* set TMPDIR"):
        spool(model, 3, 5)


def test_a_limit_on_files_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spooling, "IN_MEMORY", 0)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        with pytest.raises(BadRequest, match=r"cannot hold them \(File too large"):
            spool(tiny(KINDS[0]), 1000, 10)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
