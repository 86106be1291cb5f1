"""``loadstore channels`` on the built-in model, in tables and for a machine."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from each import each
from tiny import Kind, tiny

from loadstore.checkpoints.families.own import save_weights
from loadstore.cli import main

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    def run(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["loadstore", "channels", *words])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        return int(ended.value.code or 0), said.out, said.err

    return run


def test_the_previous_token_head_is_read_by_the_induction_heads_in_every_channel(command: Run, tmp_path: Path) -> None:
    table = tmp_path / "channels.csv"
    code, text, _ = command("builtin", "L0.H7", "--reader", "L1.*", "--top", "3", "-o", str(table))
    assert code == 0
    assert "3 of 32 channels of L0.H7" in text
    rows = [line.split() for line in text.splitlines()[-3:]]
    assert [row[0] for row in rows] == ["1", "2", "3"]
    assert all(row[4] == "L1.H4.K" for row in rows)
    assert len(table.read_text().splitlines()) == 1 + 32 * 36


def test_one_wire_is_shown_with_tokens_on_both_ends(command: Run) -> None:
    code, text, _ = command("builtin", "L0.H7", "--reader", "L1.H4.K", "--top", "2")
    assert code == 0
    assert "L0.H7 → L1.H4.K, most carried first" in text
    assert text.count("tokens → tokens whose queries match, agreement 0.9") == 2
    document = json.loads(command("builtin", "L0.H7", "--reader", "L1.H4.K", "--top", "40", "--json")[1])
    assert document["schema"] == "loadstore/channels@1"
    assert (document["model"], document["writer"], document["total"]) == ("builtin", "L0.H7", 32)
    carried = [one["readers"][0]["carried"] for one in document["channels"]]
    assert carried == sorted(carried, reverse=True)
    assert sum(carried) == pytest.approx(1)
    first = document["channels"][0]
    assert first["tokens"]["channel"] == first["channel"]
    assert len(first["tokens"]["stored"]["+"]) == len(first["tokens"]["loaded"]["-"]) == 5
    several = json.loads(command("builtin", "pos", "--reader", "L0.H7.*", "--top", "1", "--json")[1])
    assert [one["reader"] for one in several["channels"][0]["readers"]] == ["L0.H7.Q", "L0.H7.K"]
    assert several["channels"][0]["tokens"] is None


@each(
    ("words", "told"),
    [
        ("builtin", "which writer? name one"),
        ("builtin L0.H99", "no writer L0.H99: builtin has embed"),
        ("builtin zzz", "'zzz' is not a writer"),
        ("builtin L1.H4 --reader L0.*", "L1.H4 stores after L0.H0.Q has loaded"),
        ("builtin pos --reader unembed", "shortformer positions are added to the inputs of Q and K only"),
        ("builtin L0.H7 --reader L7.*", "nothing matches 'L7.*'"),
        ("builtin L0.H7 --norms both", "norms='both': expected"),
        ("builtin L0.H7 --offset 3", "has no rotary positions"),
        ("builtin L0.H7 -o channels.txt", ".csv or .nc"),
        ("nowhere L0.H7", "there is no model 'nowhere'"),
    ],
)
def test_bad_input_is_one_sentence(command: Run, words: str, told: str) -> None:
    code, out, error = command(*words.split())
    assert (code, out) == (2, "")
    assert told in error
    assert error.count("\n") == 1


def test_fewer_than_one_channel_is_refused(command: Run) -> None:
    code, out, error = command("builtin", "L0.H7", "--top", "0")
    assert (code, out) == (2, "")
    assert "--top" in error


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; sys.argv = ['loadstore', 'channels', '--help']\n"
        "from loadstore.cli import main\n"
        "try:\n    main()\n"
        "except SystemExit:\n    print(sorted({'torch', 'numpy', 'xarray', 'rich.console'} & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=600)
    assert "Example: loadstore channels builtin L0.H7 --reader L1.H4.K" in run.stdout
    assert run.stdout.splitlines()[-1] == "[]"


def test_a_range_of_offsets_is_averaged_and_a_wrong_one_refused(loadstore: Run, tmp_path: Path) -> None:
    save_weights(tiny(Kind("rotary", "none", False)), tmp_path / "rotary.safetensors")
    where = str(tmp_path / "rotary.safetensors")
    found = json.loads(loadstore("channels", where, "L0.H0", "--reader", "L1.H0.K", "--offset", "0-3", "--json")[1])
    assert "averaged over the offsets 0 to 3" in found["definition"]
    assert "offset" in found["undecoded"]
    code, _, error = loadstore("channels", where, "L0.H0", "--offset", "3-")
    assert code == 2
    assert "0-15" in error
    assert loadstore("scores", where, "--offset", "4-99")[0] == 2


def test_rows_of_the_embedding_are_weighed_by_how_often_tokens_occur(loadstore: Run, tmp_path: Path) -> None:
    words = tmp_path / "words.txt"
    words.write_text("the cat sat on the mat. " * 20, encoding="utf-8")
    options = ("scores", "builtin", "--writer", "embed", "--reader", "L1.H4.Q", "--json")
    plain, weighed = (json.loads(loadstore(*options, *more)[1]) for more in ((), ("--frequencies", str(words))))
    assert plain["wires"][0]["score"] != weighed["wires"][0]["score"]
    assert "frequen" in weighed["definition"]
    code, _, error = loadstore(*options, "--frequencies", str(tmp_path / "nowhere"))
    assert code == 2
    assert "nowhere" in error
