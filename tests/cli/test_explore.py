"""`loadstore explore`: what it says when it cannot, and how it ends."""

import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable

import pytest
from pace import slowness

Command = Callable[..., tuple[int, str, str]]


def test_help_says_what_it_needs(loadstore: Command) -> None:
    code, out, _ = loadstore("explore", "--help")
    assert code == 0
    assert "loadstore[explorer]" in out
    assert "--no-browser" in out


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


@pytest.mark.parametrize("missing", ["starlette", "uvicorn"])
def test_without_the_extra_it_says_how_to_get_it(
    loadstore: Command, missing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.startswith(("starlette", "uvicorn", "loadstore.explorer"))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, missing, None)
    code, _, err = loadstore("explore", "builtin", "--no-browser")
    assert code == 2
    assert f"needs {missing}" in err
    assert "pip install 'loadstore[explorer]'" in err


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_it_prints_its_address_at_once_and_ends_when_asked(ending: signal.Signals) -> None:
    command = [sys.executable, "-m", "loadstore", "explore", "builtin", "--no-browser", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        ready, _, _ = select.select([process.stdout], [], [], 60 * slowness())
        assert ready
        line = process.stdout.readline().decode()
        assert "builtin at http://127.0.0.1:" in line
        assert "/#key=" in line
        process.send_signal(ending)
        start = time.monotonic()
        process.wait(10 * slowness())
        assert time.monotonic() - start < 5 * slowness()
        assert b"Traceback" not in process.stderr.read()
