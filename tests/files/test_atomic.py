"""A file is written whole or not at all, and nothing that is not an older result is ever replaced."""

import os
import re
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from heeding import heed

from loadstore import part_files
from loadstore.atomic import append_whole, check_target, replacing, write_whole
from loadstore.errors import BadRequest
from loadstore.part_files import clear, new_part
from loadstore.reading import reads

NOBODY = 65534


def left(folder: Path) -> list[str]:
    """What is in a folder besides what was put there."""
    return sorted(path.name for path in folder.iterdir())


def device(path: Path) -> None:
    """A device file, or where that is not allowed a link to one, which must stay too."""
    try:
        os.mknod(path, 0o666 | stat.S_IFCHR, os.makedev(1, 3))
    except OSError:
        path.symlink_to("/dev/null")


def bound(path: Path) -> None:
    socket.socket(socket.AF_UNIX).bind(str(path))


KINDS: dict[str, tuple[Callable[[Path], object], str]] = {
    "folder": (Path.mkdir, "is a folder"),
    "pipe": (lambda path: os.mkfifo(path), "is a named pipe"),
    "device": (device, "is a (device|symbolic link)"),
    "link": (lambda path: path.symlink_to("aim"), "is a symbolic link to aim"),
    "dangling link": (lambda path: path.symlink_to("nowhere"), "is a symbolic link to nowhere"),
    "socket": (bound, "is a socket"),
}


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning")
@pytest.mark.parametrize("kind", KINDS)
def test_only_regular_files_are_replaced(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # a socket's name is short
    make, told = KINDS[kind]
    target, aim = Path("target"), Path("aim")
    aim.write_bytes(b"mine")
    make(target)
    before = target.lstat()
    for write in (write_whole, append_whole, lambda path, _: check_target(path)):
        with pytest.raises(BadRequest, match=rf"^target {told}.*only a regular file can be replaced: name one"):
            write(target, b"new")
    assert (target.lstat().st_ino, target.lstat().st_mode) == (before.st_ino, before.st_mode)
    assert aim.read_bytes() == b"mine"
    assert left(tmp_path) == ["aim", "target"]


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o644, 0o664, 0o755])
def test_the_mode_of_what_is_replaced_is_kept(mode: int, tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"old")
    path.chmod(mode)
    with replacing(path) as part:
        part.write_bytes(b"new")
        assert stat.S_IMODE(part.stat().st_mode) == 0o600
    assert (path.read_bytes(), stat.S_IMODE(path.stat().st_mode)) == (b"new", mode)


@pytest.mark.parametrize(("mask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_a_new_file_gets_what_the_umask_allows(mask: int, mode: int, tmp_path: Path) -> None:
    before = os.umask(mask)
    try:
        write_whole(tmp_path / "a", b"new")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == mode


def test_what_this_run_reads_is_not_replaced_under_any_of_its_names(tmp_path: Path) -> None:
    model, twin, link = tmp_path / "model", tmp_path / "twin", tmp_path / "folder"
    model.write_bytes(b"weights")
    twin.hardlink_to(model)
    link.symlink_to(tmp_path)
    reads(model)
    for path in (model, twin, link / "model"):
        with pytest.raises(BadRequest, match="is a file that this run reads, so it is not overwritten; name another"):
            write_whole(path, b"page")
    assert model.read_bytes() == b"weights"
    with replacing(model, even_read=True) as part:
        part.write_bytes(b"trained on")
    assert model.read_bytes() == b"trained on"


def test_a_file_that_took_over_the_inode_of_one_that_was_read_is_an_ordinary_file(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.write_bytes(b"read once")
    reads(first)
    first.rename(second)
    first.write_bytes(b"another file")
    reads(tmp_path / "nowhere")
    write_whole(second, b"new")
    assert second.read_bytes() == b"new"


def test_the_part_cannot_be_foretold_and_no_link_in_its_place_is_followed(tmp_path: Path) -> None:
    (tmp_path / "aim").write_bytes(b"mine")
    (tmp_path / f".{os.getpid()}.part").symlink_to("aim")
    names: set[str] = set()
    for _ in range(5):
        with replacing(tmp_path / "a") as part:
            names.add(part.name)
            part.write_bytes(b"new")
    assert len(names) == 5
    assert all(re.fullmatch(r"\.loadstore-[0-9a-f]{16}\.part", name) for name in names)
    assert (tmp_path / "aim").read_bytes() == b"mine"


def test_a_part_that_another_program_replaced_is_not_taken(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"old")
    (tmp_path / "aim").write_bytes(b"theirs")

    def swapped() -> None:
        with replacing(tmp_path / "a") as part:
            part.unlink()
            part.symlink_to("aim")

    with pytest.raises(BadRequest, match="another program replaced"):
        swapped()
    assert (tmp_path / "a").read_bytes() == b"old"


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_an_exception_leaves_the_old_file_and_no_part(error: type[BaseException], tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"old")

    def failing() -> None:
        with replacing(tmp_path / "a") as part:
            part.write_bytes(b"half")
            raise error

    with pytest.raises(error):
        failing()
    assert left(tmp_path) == ["a"]
    assert (tmp_path / "a").read_bytes() == b"old"


KILLED = """
import sys, time
from pathlib import Path
from loadstore.atomic import replacing
with replacing(Path(sys.argv[1])) as part:
    part.write_bytes(b"half")
    print(part.name, flush=True)
    time.sleep(60)
"""


def writer(path: Path) -> "subprocess.Popen[str]":
    return subprocess.Popen([sys.executable, "-c", KILLED, str(path)], stdout=subprocess.PIPE, text=True)


def test_what_a_killed_writer_left_goes_with_the_next_and_a_living_one_keeps_its_own(tmp_path: Path) -> None:
    with writer(tmp_path / "a") as killed, writer(tmp_path / "b") as living:
        assert killed.stdout is not None
        assert living.stdout is not None
        dead, own = killed.stdout.readline().strip(), living.stdout.readline().strip()
        killed.kill()
        killed.wait()
        assert left(tmp_path) == sorted([dead, own])
        write_whole(tmp_path / "c", b"new")
        assert left(tmp_path) == sorted([own, "c"])
        living.kill()
    write_whole(tmp_path / "c", b"newer")
    assert left(tmp_path) == ["c"]


def test_only_regular_parts_are_cleared(tmp_path: Path) -> None:
    (tmp_path / "aim").write_bytes(b"mine")
    (tmp_path / ".loadstore-1.part").symlink_to("aim")
    os.mkfifo(tmp_path / ".loadstore-2.part")
    (tmp_path / ".loadstore-3.part").mkdir()
    (tmp_path / ".loadstore-4.part").write_bytes(b"left")
    (tmp_path / "mine.part").write_bytes(b"kept")
    clear(tmp_path)
    assert left(tmp_path) == [".loadstore-1.part", ".loadstore-2.part", ".loadstore-3.part", "aim", "mine.part"]


def test_without_locks_a_part_is_left_behind_when_it_is_old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def none(handle: int, how: int) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr("fcntl.flock", none)
    with new_part(tmp_path, 0o600) as (part, _):
        for age, stays in ((part_files.OLD - 60, True), (part_files.OLD + 60, False)):
            os.utime(part, (time.time() - age,) * 2)
            clear(tmp_path)
            assert part.exists() is stays


@contextmanager
def unprivileged() -> Iterator[None]:
    """As a user whom permissions bind; root is not."""
    if os.geteuid():
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


def test_paths_that_lead_nowhere_say_why_and_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    cases = {
        tmp_path / "none" / "a": "No such file or directory; make its folder first, or choose another",
        tmp_path / "file" / "a": "Not a directory; a folder on the way to it is a file; choose another",
        tmp_path / ("a" * 300): "File name too long; choose a shorter name",
        Path("x\0y"): "contains a NUL character; name another",
        Path(): "is not the name of a file to write; give one",
    }
    for path, told in cases.items():
        for write in (write_whole, append_whole, lambda path, _: check_target(path)):
            with pytest.raises(BadRequest, match=re.escape(told)):
                write(path, b"new")


def test_a_folder_or_a_file_without_rights_is_refused(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = Path("/tmp") / f"loadstore-rights-{os.getpid()}-{time.time_ns()}"
    folder.mkdir(mode=0o755)
    try:
        locked = folder / "locked"
        locked.write_bytes(b"old")
        with unprivileged():
            own = folder.with_name(f"{folder.name}-own")
            own.mkdir(mode=0o500)
            for path in (own / "a", own / "a.nc"):
                with pytest.raises(BadRequest, match="Permission denied; choose a folder that you may write to"):
                    check_target(path)
            own.chmod(0o700)
            (own / "a").write_bytes(b"old")
            (own / "a").chmod(0o400)
            with pytest.raises(BadRequest, match="is write-protected, so it is not replaced; name another file, or ch"):
                write_whole(own / "a", b"new")
            assert (own / "a").read_bytes() == b"old"
            (own / "a").unlink()
            own.rmdir()
        assert locked.read_bytes() == b"old"
    finally:
        (folder / "locked").unlink()
        folder.rmdir()


SIGNALLED = """
import signal, sys
from loadstore.cli import _unwinding
from loadstore.atomic import replacing
from pathlib import Path
import time
with _unwinding(), replacing(Path(sys.argv[1])) as part:
    part.write_bytes(b"half")
    print("writing", flush=True)
    time.sleep(60)
"""


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_term_and_hup_unwind(number: signal.Signals, code: int, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"old")
    command = [sys.executable, "-c", SIGNALLED, str(tmp_path / "a")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, preexec_fn=heed) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(number)
        assert process.wait(30) == code
    assert left(tmp_path) == ["a"]
    assert (tmp_path / "a").read_bytes() == b"old"


NAMED = """
import signal, sys, time
from loadstore.cli import _unwinding
class Field:
    def __set_name__(self, owner, name):
        signal.raise_signal(int(sys.argv[1]))
        print("named", flush=True)
try:
    with _unwinding():
        class Fields:
            one = Field()
        time.sleep(60)
except KeyboardInterrupt:
    sys.exit(130)
"""


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_while_a_class_is_made_waits_for_it(number: signal.Signals, code: int) -> None:
    """Python would make another error of it, and the command would end with 1."""
    command = [sys.executable, "-c", NAMED, str(int(number))]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, preexec_fn=heed)
    assert (done.stdout, done.returncode) == ("named\n", code)


def test_an_ignored_hangup_stays_ignored(tmp_path: Path) -> None:
    """As under nohup."""
    code = (
        "import signal; signal.signal(signal.SIGHUP, signal.SIG_IGN)\n"
        "from loadstore.cli import _unwinding\n"
        "with _unwinding(): signal.raise_signal(signal.SIGHUP)\n"
        "print('on')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout == "on\n"


WRITES, PROCESSES, THREADS = 600, 3, 5


def content(name: str) -> bytes:
    return f"{name}\n".encode() * (1 + sum(name.encode()) % 5000)


def write_some(folder: Path, process: int) -> None:
    """A process's share of the writes, on some threads: each to a file of its own, and all to one."""
    wrong: list[str] = []

    def work(thread: int) -> None:
        for turn in range(WRITES // PROCESSES // THREADS):
            name = f"{process}-{thread}-{turn}"
            write_whole(folder / name, content(name))
            if (folder / name).read_bytes() != content(name):
                wrong.append(name)
            write_whole(folder / "all", content(name))

    threads = [threading.Thread(target=work, args=(thread,)) for thread in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sys.exit(1 if wrong else 0)


def test_six_hundred_concurrent_writes_all_have_their_own_content(tmp_path: Path) -> None:
    here = Path(__file__).parent
    code = (
        f"import sys; sys.path[:0] = [{str(here)!r}, {str(here.parent)!r}]\n"
        "from pathlib import Path; from test_atomic import write_some\n"
        "write_some(Path(sys.argv[1]), int(sys.argv[2]))"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    running = [subprocess.Popen([*command, str(i)]) for i in range(PROCESSES)]
    assert [process.wait(240) for process in running] == [0] * PROCESSES
    names = [path.name for path in tmp_path.iterdir()]
    assert len(names) == WRITES + 1
    last = (tmp_path / "all").read_bytes()
    assert last == content(last.split(b"\n", 1)[0].decode())
    for name in set(names) - {"all"}:
        assert (tmp_path / name).read_bytes() == content(name)
