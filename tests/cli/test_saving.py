"""``-o`` never destroys a file that is read, another file, or the result itself."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from each import each
from hostile import WORDS, small, words

from loadstore.checkpoints.families.own import save_weights
from loadstore.cli import main
from loadstore.errors import BadRequest
from loadstore.scores import resume
from loadstore.tokenizer.tokens import Tokens


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with a model and a text that are called as results may be."""
    monkeypatch.chdir(tmp_path)
    from dataclasses import replace

    model = small()
    tokens = Tokens.from_json(words(WORDS).to_str(), None, model.architecture.vocab, "words")
    save_weights(replace(model, tokens=tokens), tmp_path / "m.safetensors")
    Path("text.csv").write_text("the cat sat on the mat " * 20, encoding="utf-8")
    return tmp_path


def run(line: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    monkeypatch.setattr(sys, "argv", ["loadstore", *line.split()])
    with pytest.raises(SystemExit) as left:
        main()
    out, err = capsys.readouterr()
    return int(str(left.value.code or 0)), out, err


@each(
    ("line", "target"),
    [
        ("report m.safetensors --ids 0,1,2,3,0,1,2,3 -o", "m.safetensors"),
        ("head m.safetensors L0.H1 -o", "m.safetensors"),
        ("wires m.safetensors --corpus text.csv -o", "text.csv"),
        ("scores m.safetensors --null stream --corpus text.csv -o", "text.csv"),
        ("scores m.safetensors --resume", "m.safetensors"),
    ],
)
@pytest.mark.usefixtures("folder")
def test_what_is_read_is_never_replaced(
    line: str, target: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = Path(target).read_bytes()
    code, _, err = run(f"{line} {target}", monkeypatch, capsys)
    assert code == 2
    assert "is a file that this run reads, so it is not overwritten; name another" in err
    assert Path(target).read_bytes() == before
    assert sorted(os.listdir()) == ["m.safetensors", "text.csv"]


@pytest.mark.parametrize(
    "line", ["report m.safetensors --ids 0,1,2,3,0,1,2,3", "head m.safetensors L0.H1", "scores m.safetensors"]
)
@pytest.mark.usefixtures("folder")
def test_a_link_and_a_pipe_stay(line: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    Path("link.csv").symlink_to("text.csv")
    os.mkfifo("pipe.csv")
    for name, told in (("link.csv", "is a symbolic link to text.csv"), ("pipe.csv", "is a named pipe")):
        code, out, err = run(f"{line} -o {name}", monkeypatch, capsys)
        assert (code, out) == (2, "")
        assert told in err
    assert Path("link.csv").is_symlink()
    assert Path("pipe.csv").is_fifo()


@each(
    ("line", "all_of_it"),
    [
        ("scores m.safetensors --top 1 -o x.csv", "L0.H0"),
        ("scores m.safetensors --json -o x.csv", '"schema": "loadstore/scores@1"'),
        ("wires m.safetensors --corpus text.csv -o x.csv", "into Q"),
        ("channels m.safetensors L0.H1 -o x.csv", "channels of L0.H1"),
        ("head m.safetensors L0.H1 -o x.html", "What it reads"),
        ("report m.safetensors --ids 0,1,2,3,0,1,2,3 -o x.html", "figure 1: "),
    ],
)
@pytest.mark.usefixtures("folder")
def test_a_refused_file_costs_no_result(
    line: str, all_of_it: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The disk fills up while the file is written."""

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    code, out, err = run(line, monkeypatch, capsys)
    assert code == 2
    assert "cannot be written: No space left on device" in err
    assert err.endswith("The result was printed, but not written\n")
    assert all_of_it in out
    if "--top 1" in line:
        wires = out.splitlines()[0].split()
        assert wires[1] == wires[3]  # all of them, not the first
    assert sorted(os.listdir()) == ["m.safetensors", "text.csv"]


@pytest.mark.usefixtures("folder")
def test_scores_that_cannot_be_kept_are_printed_with_a_warning(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(path: Path, *data: bytes) -> None:
        raise BadRequest(f"{path} cannot be written: No space left on device")

    monkeypatch.setattr(resume, "write_whole", full)
    monkeypatch.setattr(resume, "EVERY", -1.0)
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("default", resume.NotSaved)
        code, out, err = run("scores m.safetensors --resume kept.npz", monkeypatch, capsys)
    assert code == 0
    assert "best aligned first" in out
    assert err.startswith("loadstore: the scores so far were not saved: kept.npz cannot be written: No space left on")


@pytest.mark.usefixtures("folder")
def test_a_signal_ends_a_command_with_its_code() -> None:
    code = (
        "import signal, sys; from loadstore.cli import app, main\n"
        "from loadstore.checkpoints import library\n"
        "library.find = lambda *_: signal.raise_signal(signal.SIGTERM)\n"
        "sys.argv = ['loadstore', 'scores', 'm.safetensors']; main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout, done.stderr) == (143, "", "")
