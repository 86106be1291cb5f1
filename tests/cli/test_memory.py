"""``loadstore maps``, ``lifetimes`` and ``reach``, in words and for a machine."""

import json
from collections.abc import Callable

from each import each

Run = Callable[..., tuple[int, str, str]]
SHORT = ("--tokens", "600")


@each(
    "words, text",
    [
        (("maps", "--writer", "L0.H7"), "L0.H7 "),
        (("lifetimes", "--writer", "embed", "--checks", "6"), "embed repeated by L0.H9"),
        (("reach", "--effect", "4"), "mean distance over that of equal reading"),
        (("maps", "--share", "1"), "share=1.0: expected a part of the variance above 0 and below 1"),
        (("maps", "--writer", "L5.H1"), "no writer L5.H1"),
        (("lifetimes", "--writer", "pos"), "pos has no lifetime"),
        (("reach", "--corpus", "no-such-folder"), "no-such-folder"),
    ],
)
def test_a_command_prints_what_it_measured_or_one_sentence(loadstore: Run, words: tuple[str, ...], text: str) -> None:
    command = (words[0], "builtin", *words[1:], "--tokens", "600")
    code, out, error = loadstore(*command)
    if code == 2:
        assert out == ""
        assert text in error
        assert error.count("\n") == 1
        return
    assert text in out
    document = json.loads(loadstore(*command, "--json")[1])
    assert document["schema"] == f"loadstore/{words[0]}@1"
    assert (document["model"], document["documents"], document["tokens"]) == ("builtin", 5, 640)
    if words[0] == "maps":
        (region,) = document["regions"]
        assert region["writer"] == "L0.H7"
        assert region["power"] > 0
        assert len(region["readers"]) == 3
    if words[0] == "lifetimes":
        assert document["lifetimes"][0]["rho"]["L0"] == 0
        assert {pair["later"] for pair in document["pairs"] if pair["reported"]} >= {"L0.H9", "L0.H11"}
    if words[0] == "reach":
        assert [row["side"] for row in document["readers"]] == ["Q", "K", "V", "Q", "K", "V", "unembed"]
