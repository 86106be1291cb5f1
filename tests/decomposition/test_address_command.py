"""``loadstore address``: what it prints, the difference between two prompts, and bad input."""

import json
import subprocess
import sys
from collections.abc import Callable

import pytest
from each import each

import loadstore as ls
from loadstore.cli import main
from loadstore.cli.question import ARTICLE

OTHER = "the cat sat on the mat. the dog lay on the log."
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    def run(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["loadstore", "address", *words])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        return int(ended.value.code or 0), said.out, said.err

    return run


def test_it_says_address_tokens_what_was_read_and_the_smallest_set(command: Run) -> None:
    code, text, _ = command("--head", "L1.H10", "--at", "10")
    found = ls.address(ls.run(ls.load("builtin"), ARTICLE), "L1.H10", 10)
    assert code == 0
    assert text.startswith(f"{found.text}\n")
    assert "read: K ␣on·4:L0.H7 = ␣sat" in text
    assert f"effective tokens {found.effective:.1f} of 11; 70 % on: ␣on·4" in text
    assert "BOS: " in text


def test_two_prompts_share_one_change_between_q_and_k(command: Run) -> None:
    words = ("builtin", ARTICLE, "--head", "L1.H10", "--at", "10", "--about", "4", "--counterfactual", OTHER)
    code, text, _ = command(*words)
    assert code == 0
    assert text.count("the change of the score of ␣on·4 minus the mean of all allowed keys, Q and K together") == 2
    assert "V (of the change of what the head stores)" in text
    document = json.loads(command(*words, "--json")[1])
    assert document["against"][10] == "␣lay·10"
    assert sum(document["shares"]["Q"].values()) + sum(document["shares"]["K"].values()) == pytest.approx(1)
    assert document["read"]["V"]["nearest"][0]["text"]


def test_the_document_decodes_what_was_read(command: Run) -> None:
    document = json.loads(command("--head", "L1.H10", "--at", "10", "--json")[1])
    read = document["read"]
    assert (read["K"]["place"], read["K"]["nearest"][0]["text"]) == ("␣on·4:L0.H7", "␣sat")
    assert read["V"]["nearest"][0]["text"] == "␣on"


def test_ids_are_compared_with_ids(command: Run) -> None:
    words = ("--ids", "0,17,4,17", "--head", "L1.H4", "--counterfactual")
    assert "the change of what the head stores" in command(*words, "0,18,4,18")[1]
    assert command(*words, "a")[0] == 2


@each(
    ("arguments", "words"),
    [
        (["--counterfactual", "the cat"], "15 and 3 tokens"),
        (["--counterfactual", ""], "empty"),
        (["--counterfactual", OTHER, "--about", "row"], "name a key"),
        (["--about", "1,2,3"], "two such as 4,2"),
        (["--about", "3,3"], "compared with itself"),
    ],
)
def test_bad_input_is_one_sentence(command: Run, arguments: list[str], words: str) -> None:
    code, out, error = command("builtin", ARTICLE, "--head", "L1.H4", *arguments)
    assert (code, out) == (2, "")
    assert words in error
    assert error.count("\n") == 1


def test_help_has_an_example_and_imports_nothing_heavy() -> None:
    code = (
        "import sys; sys.argv = ['loadstore', 'address', '--help']\n"
        "from loadstore.cli import main\n"
        "try:\n    main()\nexcept SystemExit as ended:\n"
        "    print(ended.code, {'torch', 'numpy', 'pandas', 'xarray'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "Example: loadstore address builtin" in done.stdout
    assert done.stdout.splitlines()[-1] == "0 set()"
