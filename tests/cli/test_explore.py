"""`loadstore explore`: what it says when it cannot, and how it ends."""

import importlib
import os
import re
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

import pytest
from depth import deep
from heeding import heed
from pace import slowness
from served import Client, until

import loadstore as ls
from loadstore.cli.opening import present

Command = Callable[..., tuple[int, str, str]]


def test_help_says_what_it_needs(loadstore: Command) -> None:
    code, out, _ = loadstore("explore", "--help")
    assert code == 0
    assert "loadstore[explorer]" in out
    assert "--no-browser" in out


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--at", "40"), "40"),
        (("--predict", " two words"), "two words"),
        (("--predict", " on", "--against", " on"), "itself"),
        (("--ids", "1,2,3", "--predict", "x"), "whole numbers"),
    ],
)
def test_a_question_that_cannot_be_asked_is_a_sentence(loadstore: Command, options: tuple[str, ...], told: str) -> None:
    code, _, err = loadstore("explore", "builtin", "--no-browser", "--port", "0", *options)
    assert code == 2
    assert told in err
    assert "Traceback" not in err


def test_a_port_in_use_is_a_sentence(loadstore: Command) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        code, _, err = loadstore("explore", "builtin", "--no-browser", "--port", str(port))
    assert code == 2
    assert f"port {port}" in err
    assert "--port" in err
    assert "Traceback" not in err


def test_a_host_that_is_none_is_a_sentence(loadstore: Command) -> None:
    code, _, err = loadstore("explore", "builtin", "--no-browser", "--host", "256.0.0.1")
    assert code == 2
    assert "--host '256.0.0.1'" in err


def shown(capsys: pytest.CaptureFixture[str], *addresses: str, alone: bool, browser: bool) -> tuple[str, str]:
    """What is printed about a server at these addresses."""
    present("m", addresses, alone=alone, redirect=(lambda: "file:///x.html") if browser else None)
    said = capsys.readouterr()
    return said.out, said.err


def test_the_key_is_printed_on_terminals_and_where_no_browser_opens(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("webbrowser.open", lambda address: address == "file:///x.html")
    monkeypatch.setattr("threading.Thread", Now)  # a thread that outlives the test would print into the next
    address = "http://127.0.0.1:1/#key=secret"
    assert "secret" not in shown(capsys, address, alone=True, browser=True)[0]
    assert f"m at {address}\n" in shown(capsys, address, alone=True, browser=False)[0]
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    assert f"m at {address}\n" in shown(capsys, address, alone=True, browser=True)[0]


def test_the_address_is_printed_if_no_browser_is_found(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("webbrowser.open", lambda address: False)
    monkeypatch.setattr("threading.Thread", Now)
    _, err = shown(capsys, "http://127.0.0.1:1/#key=secret", alone=True, browser=True)
    assert err == "No browser was found. Open http://127.0.0.1:1/#key=secret\n"


def test_the_address_is_printed_if_the_file_for_the_browser_cannot_be_written(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def full() -> str:
        raise OSError(28, "No space left on device")

    present("m", ["http://127.0.0.1:1/#key=secret"], alone=True, redirect=full)
    err = capsys.readouterr().err
    assert "No space left" in err
    assert "Open http://127.0.0.1:1/#key=secret" in err


class Now:
    """A thread that runs at once."""

    def __init__(self, target: Callable[[], None], daemon: bool) -> None:
        self.start = target


def test_others_on_the_network_are_warned_of(capsys: pytest.CaptureFixture[str]) -> None:
    two = ("http://127.0.0.1:1/#key=k", "http://192.168.1.5:1/#key=k")
    out, err = shown(capsys, *two, alone=False, browser=False)
    assert [line.split()[-1] for line in out.splitlines()[:2]] == list(two)
    assert "others on the network can connect" in err
    assert "not encrypted" in err
    assert "only the key" in err
    assert shown(capsys, two[0], alone=True, browser=False)[1] == ""


@pytest.mark.parametrize("missing", ["starlette", "uvicorn"])
def test_without_the_extra_it_says_how_to_get_it(
    loadstore: Command, missing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    explorer = importlib.import_module("loadstore.explorer")
    monkeypatch.setattr(sys.modules["loadstore"], "explorer", explorer)  # to be the same module again afterwards
    for name in [name for name in sys.modules if name.startswith(("starlette", "uvicorn", "loadstore.explorer"))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, missing, None)
    code, _, err = loadstore("explore", "builtin", "--no-browser")
    assert code == 2
    assert f"needs {missing}" in err
    assert "pip install 'loadstore[explorer]'" in err


BROWSER = """#!{python}
import os, sys, urllib.parse
path = urllib.parse.urlsplit(sys.argv[1]).path
with open({log!r} + ".part", "w") as log:
    mode, folder = os.stat(path).st_mode, os.stat(os.path.dirname(path)).st_mode
    print(" ".join(sys.argv), oct(mode), oct(folder), open(path).read(), sep="\\n", file=log)
os.rename({log!r} + ".part", {log!r})
"""


@contextmanager
def killed(process: "subprocess.Popen[bytes]") -> Generator[None]:
    """Kill a process at the end, so that a failed test does not wait for it."""
    try:
        yield
    finally:
        process.kill()


@pytest.mark.parametrize("ending", [signal.SIGHUP, signal.SIGTERM])
def test_the_browser_opens_a_private_file_that_is_gone_afterwards(ending: signal.Signals, tmp_path: Path) -> None:
    """No command line has the key in it."""
    log, script, temporary = tmp_path / "log", tmp_path / "browser", tmp_path / "temporary"
    script.write_text(BROWSER.format(python=sys.executable, log=str(log)))
    script.chmod(0o700)
    temporary.mkdir()
    command = [sys.executable, "-m", "loadstore", "explore", "builtin", "--port", "0"]
    environment = os.environ | {"BROWSER": f"{script} %s", "TMPDIR": str(temporary)}
    with (
        subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=heed
        ) as process,
        killed(process),
    ):
        assert process.stdout is not None
        assert process.stderr is not None
        assert until(log.exists, 60 * slowness())
        command_line, mode, folder, page = log.read_text().split("\n", 3)
        assert mode.endswith("100600")
        assert folder.endswith("40700")
        (address,) = set(re.findall(r"http://127[^\"]*", page))
        client = Client(address)
        assert len(client.key) == 32
        assert client.key not in command_line
        assert "file://" in command_line
        line = process.stdout.readline().decode()
        assert f"builtin at http://127.0.0.1:{client.port}/\n" in line  # the output is not a terminal: without the key
        assert list(temporary.iterdir())
        process.send_signal(ending)
        process.wait(10 * slowness())
        assert process.returncode in {-ending, 128 + ending}
        assert not list(temporary.iterdir())
        assert b"Traceback" not in process.stderr.read()


@pytest.mark.parametrize("ending", deep([signal.SIGINT, signal.SIGTERM], usual=[signal.SIGINT]))
def test_it_prints_its_address_at_once_tells_the_page_what_is_asked_and_ends_when_told(ending: signal.Signals) -> None:
    command = [sys.executable, "-m", "loadstore", "explore", "builtin", "--no-browser", "--port", "0"]
    command += ["--at", "-6", "--predict", " on", "--against", " the"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=heed) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        ready, _, _ = select.select([process.stdout], [], [], 60 * slowness())
        assert ready
        line = process.stdout.readline().decode()
        assert "builtin at http://127.0.0.1:" in line
        assert "/#key=" in line
        status, found = Client(line.split()[-1]).ask("run")
        assert status == 200
        tokens = ls.load("builtin").tokens
        assert tokens is not None
        assert found["asked"] == {"at": 9, "predict": tokens.one(" on"), "against": tokens.one(" the")}
        process.send_signal(ending)
        start = time.monotonic()
        process.wait(10 * slowness())
        assert time.monotonic() - start < 5 * slowness()
        assert b"Traceback" not in process.stderr.read()
