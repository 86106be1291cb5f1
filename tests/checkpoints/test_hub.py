"""Models by name, from a stand-in for the hub on this machine: what is fetched, what is kept, what is refused."""

import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from each import each
from hostile import WORDS, legacy_config, legacy_state, outcome, refusal, same, small, words
from huggingface_hub import constants
from safetensors.torch import save
from standin import COMMIT, Hub, serving
from tiny import Kind
from tokenizers import AddedToken

from loadstore.checkpoints.hub import cached
from loadstore.checkpoints.library import load
from loadstore.checkpoints.names import PUBLISHED
from loadstore.checkpoints.repository import MOST_JSON, MOST_MODEL, HubLocation, location
from loadstore.cli.models import models as list_models
from loadstore.errors import BadCheckpoint, BadRequest, NotThisModel, Undefined
from loadstore.execution.run import run
from loadstore.model.weights import Weights

NAME = "someone/a-model"
FILE = "/{repo_id}/resolve/{revision}/{filename}"
SPOKEN = words()
SPOKEN.add_special_tokens([AddedToken("the", special=True, normalized=False)])  # the BOS of its config
TOKENIZER = SPOKEN.to_str().encode()


def pth(state: dict[str, Any]) -> bytes:
    buffer = io.BytesIO()
    torch.save(state, buffer)
    return buffer.getvalue()


CONFIG = json.dumps({**legacy_config(small()), "tokenizer_name": "someone/words"}).encode()
MODEL = pth(legacy_state(small()))
FILES = {"config.json": CONFIG, "model_final.pth": MODEL, "README.md": b"#", "run.py": b"exit()"}
SPEECH = {"tokenizer.json": TOKENIZER, "tokenizer_config.json": b'{"bos_token": {"content": "the"}}', "vocab.txt": b""}


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A hub with one model, whose config names a tokenizer, and an empty cache."""
    with serving(Hub({NAME: dict(FILES), "someone/words": dict(SPEECH)})) as one:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(constants, "ENDPOINT", one.url)
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", one.url + FILE)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
        monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "no-token"))
        monkeypatch.setattr("huggingface_hub.file_download.time.sleep", lambda _: None)
        yield one


def named(name: str = "a-model", bos: int | None = 1) -> Weights:
    model = small()
    assert model.tokens is not None
    return type(model)(**{**vars(model), "name": name, "tokens": type(model.tokens)(SPOKEN, bos)})


def test_a_name_is_fetched_with_its_tokenizer_and_nothing_else(hub: Hub) -> None:
    model = load(NAME)
    assert same(model, named())
    assert run(model, "cat").tokens.tolist() == [[1, 2]]  # "the" begins a text, as tokenizer_config.json says
    assert hub.fetched() == ["config.json", "tokenizer_config.json", "tokenizer.json", "model_final.pth"]


def test_a_second_load_fetches_nothing(hub: Hub) -> None:
    load(NAME)
    hub.seen.clear()
    assert same(load(NAME), named())
    assert hub.fetched() == []


def test_a_published_name_knows_its_repository_its_scheme_and_its_tokenizer(hub: Hub) -> None:
    hub.repositories["callummcdougall/attn_only_2L_half"] = {"attn_only_2L_half.pth": pth(legacy_state(small()))}
    hub.repositories["EleutherAI/gpt-neox-20b"] = {**SPEECH, "model.safetensors": b"not this"}
    for name in ("attn_only_2L_half", "callummcdougall/attn_only_2L_half"):
        assert same(load(name), named("attn_only_2L_half"))
        assert load(name).architecture.positions == "shortformer"
    refusal(
        lambda: load("attn_only_2L_half", positions="learned"), NotThisModel, "the published model attn_only_2L_half"
    )


def test_the_list_says_what_is_in_the_cache_without_asking(hub: Hub, capsys: pytest.CaptureFixture[str]) -> None:
    hub.repositories["callummcdougall/attn_only_2L_half"] = {**SPEECH, "attn_only_2L_half.pth": MODEL}
    load("attn_only_2L_half")
    hub.seen.clear()
    list_models(json=True)
    listed = json.loads(capsys.readouterr().out)["models"]
    assert {one["name"]: one["cached"] for one in listed if "cached" in one} == {
        known.name: known.name == "attn_only_2L_half" for known in PUBLISHED
    }
    list_models()
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines if line.split()[-1:] == ["yes"]] == ["attn_only_2L_half"]
    assert hub.seen == []


def test_a_rotary_model_is_described(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = small(Kind("rotary", "layer", biases=True))
    (tmp_path / "config.json").write_text(json.dumps({**legacy_config(model), "final_rms": True}))
    torch.save({name: part for name, part in legacy_state(model).items() if name != "ln_final.b"}, tmp_path / "m.pth")
    list_models(str(tmp_path), json=True)
    facts = json.loads(capsys.readouterr().out)
    assert (facts["positions"], facts["last norm"]) == ("rotary, 2 of 4 dimensions", "RMSNorm (in the readers)")
    assert facts["rotary"] == "2 of 4 dimensions, halves paired, 1 to 1"


def test_a_published_model_without_a_usable_tokenizer_takes_ids(hub: Hub) -> None:
    config = {**legacy_config(small()), "tokenizer_name": "someone/broken"}
    files = {"config.json": json.dumps(config).encode(), "x_final.pth": MODEL, "validation_data.pt": b"no model"}
    hub.repositories["ArthurConmy/redwood_attn_2l"] = files
    model = load("redwood_attn_2l")
    assert run(model, [1, 2]).tokens.tolist() == [[1, 2]]
    refusal(lambda: run(model, "the cat"), Undefined, "redwood_attn_2l has no tokenizer")


def test_the_cache_serves_when_the_hub_is_gone(
    tmp_path: Path, hub: Hub, monkeypatch: pytest.MonkeyPatch, subtests: pytest.Subtests
) -> None:
    where = location(NAME)
    assert where is not None
    assert cached(where) is None
    first = load(NAME)
    assert cached(where) is not None
    gone = ((500, ""), (404, "RepoNotFound"), (403, "GatedRepo"))
    for status in gone:
        with subtests.test(status):
            hub.errors = {NAME: status, "someone/words": status}
            assert same(load(NAME), first)
            refusal(lambda: load(f"{NAME}@other"), BadRequest, "other" if status[0] == 500 else NAME)
    with subtests.test("no network"):
        monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
        assert same(load(NAME), first)
        refusal(
            lambda: load("someone/else"),
            BadRequest,
            "someone/else is not a file or folder here",
            "check the network",
        )
        refusal(lambda: load(f"{NAME}:other.pth"), BadRequest, NAME, "could not be reached")


def test_a_folder_of_that_name_wins(tmp_path: Path, hub: Hub) -> None:
    (tmp_path / NAME).mkdir(parents=True)
    torch.save(legacy_state(small()), tmp_path / NAME / "local.pth")
    assert load(NAME, positions="learned").name == "local"
    assert hub.seen == []
    refusal(lambda: load(NAME, revision="main"), BadRequest, "revision='main'", "leave it out")


def test_a_revision(hub: Hub) -> None:
    for model in (load(NAME, revision=COMMIT), load(f"{NAME}@{COMMIT}"), load(f"{NAME}@{COMMIT}", revision=COMMIT)):
        assert same(model, named())
    refusal(lambda: load(f"{NAME}@v2"), BadRequest, NAME, "no revision 'v2'", "a branch, a tag or a commit")
    refusal(lambda: load(f"{NAME}@v2", revision="v3"), BadRequest, "two revisions; give one")


@each(
    ("status", "code", "words"),
    [
        (404, "RepoNotFound", "no file or folder here, and no repository"),
        (401, "RepoNotFound", "set HF_TOKEN to your token"),
        (403, "GatedRepo", "is gated: ask its owner for access"),
        (403, "DisabledRepo", "someone/a-model"),
        (500, "", "could not be reached"),
        (503, "", "could not be reached"),
    ],
)
def test_a_repository_that_is_not_given(hub: Hub, status: int, code: str, words: str) -> None:
    hub.errors[NAME] = (status, code)
    refusal(lambda: load(NAME), BadRequest, NAME, words)


def test_offline_without_a_copy(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    refusal(lambda: load(NAME), BadRequest, NAME, "not in the cache", "HF_HUB_OFFLINE forbids", "HF_HOME")


@pytest.mark.parametrize("names", [[], ["weights.ckpt", "model.onnx"], ["sub/model.pth"], ["../m.pth", "..\\m.pth"]])
def test_a_repository_without_a_model_file(hub: Hub, names: list[str]) -> None:
    hub.repositories[NAME] = dict.fromkeys(names, MODEL)
    refusal(lambda: load(NAME), BadCheckpoint, NAME, "no model file", names[0] if names else "no files")
    assert hub.fetched() == []


HOSTILE = [
    "../../evil.pth",
    "/etc/evil.pth",
    "..\\evil.pth",
    ".evil.pth",
    "a/b.pth",
    "\x1b[2J.pth",
    "x\n.pth",
    "%2e.pth",
]


def test_hostile_names_are_never_fetched(hub: Hub) -> None:
    hub.repositories[NAME] = {**dict.fromkeys(HOSTILE, b"x"), **FILES}
    assert same(load(NAME), named())
    assert not set(hub.fetched()) & set(HOSTILE)
    del hub.repositories[NAME]["model_final.pth"]
    refusal(lambda: load(f"{NAME}:../../evil.pth"), BadRequest, "there is no model")
    refusal(lambda: load(NAME), BadCheckpoint, "no model file")


def test_two_model_files_are_not_chosen_between(hub: Hub) -> None:
    hub.repositories[NAME] = {"config.json": CONFIG, "one.pth": MODEL, "two.pth": MODEL}
    refusal(lambda: load(NAME), BadCheckpoint, NAME, "2 model files (one.pth, two.pth)", "'someone/a-model:one.pth'")
    assert same(load(f"{NAME}:two.pth"), named())
    refusal(lambda: load(f"{NAME}:three.pth"), BadRequest, "no model file 'three.pth'; it has one.pth, two.pth")


def test_the_usual_names_are_chosen(hub: Hub) -> None:
    hub.repositories[NAME] = {"config.json": CONFIG, "data.pt": b"x", "m_final.pth": MODEL}
    assert same(load(NAME), named())
    hub.repositories[NAME] = {
        "config.json": CONFIG,
        "pytorch_model.bin": b"x",
        "model.safetensors": save(legacy_state(small())),
    }
    assert same(load(NAME), named())


@pytest.mark.parametrize("name", ["model_final.pth", "config.json"])
@pytest.mark.parametrize("size", [None, 0, MOST_MODEL + 1])
def test_a_size_out_of_bounds_is_refused_before_anything_is_fetched(hub: Hub, name: str, size: int | None) -> None:
    hub.told[name] = {"size": size}
    told = "does not state its size" if size is None else f"has {size:,} bytes"
    refusal(lambda: load(NAME), BadCheckpoint, name, NAME, told, f"{MOST_JSON if 'json' in name else MOST_MODEL:,}")
    assert name not in hub.fetched()


@pytest.mark.parametrize(
    ("name", "told", "words"),
    [
        ("model_final.pth", {"size": 1000}, "bytes, expected 1,000"),
        ("model_final.pth", {"sha256": "f" * 64}, f"expected {'f' * 64}"),
        ("config.json", {"blobId": "e" * 40}, f"expected {'e' * 40}"),
        ("tokenizer.json", {"blobId": "e" * 40}, "tokenizer.json of someone/words"),
    ],
)
def test_a_file_that_is_not_what_was_told_is_removed(hub: Hub, name: str, told: dict[str, Any], words: str) -> None:
    hub.told[name] = told
    refusal(lambda: load(NAME), BadCheckpoint, name, "is not the hub's file", words, "try again")
    hub.told.clear()
    hub.seen.clear()
    assert same(load(NAME), named())
    assert name in hub.fetched()


def test_an_interrupted_download_goes_on_where_it_stopped(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", 100)
    hub.cut = 1
    assert same(load(NAME), named())
    first, second = hub.seen[-2:]
    assert first == "GET model_final.pth None"
    assert second == f"GET model_final.pth bytes={len(MODEL) // 200 * 100}-"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("delay", "shown"), [(0.0, True), (60.0, False)])
def test_a_long_download_shows_a_bar(hub: Hub, monkeypatch: pytest.MonkeyPatch, delay: float, shown: bool) -> None:
    monkeypatch.setattr("loadstore.checkpoints.download.DELAY", delay)
    for stream, expected in ((Terminal(), shown), (io.StringIO(), False)):
        hub.repositories[NAME]["model_final.pth"] = MODEL + b"\0" * expected  # another file, so that it is fetched
        monkeypatch.setattr("sys.stderr", stream)
        outcome(lambda: load(NAME))
        assert ("model_final.pth" in stream.getvalue()) == expected
        assert expected or not stream.getvalue()


def test_a_download_that_never_ends_is_told_and_leaves_nothing(tmp_path: Path, hub: Hub) -> None:
    hub.cut = 1000
    refusal(lambda: load(NAME), BadRequest, "model_final.pth", NAME, f"expected {len(MODEL):,} bytes", "try again")
    assert not list((tmp_path / "cache").rglob("*.incomplete"))
    refusal(lambda: load(NAME), BadRequest, "model_final.pth")
    hub.cut = 0
    assert same(load(NAME), named())


def test_a_model_of_another_kind_is_refused_before_its_weights(hub: Hub) -> None:
    hub.repositories[NAME]["config.json"] = b'{"model_type": "t5", "d_model": 768}'
    refusal(
        lambda: load(NAME),
        NotThisModel,
        NAME,
        "type 't5'",
        "supported are arcee, bloom, cohere, ",
        "loadstore models",
    )
    assert hub.fetched() == ["config.json"]


@pytest.mark.parametrize("config", [b"", b"[]", b"[" * 100_000, b'"x"', b"\xff"])
def test_a_config_that_is_none(hub: Hub, config: bytes) -> None:
    hub.repositories[NAME]["config.json"] = config or b" "
    refusal(lambda: load(NAME), BadCheckpoint, "config")


def test_a_torn_model_file(hub: Hub) -> None:
    hub.repositories[NAME]["model_final.pth"] = MODEL[:-100]
    refusal(lambda: load(NAME), BadCheckpoint, "model_final.pth", "download it again")


@pytest.mark.parametrize("name", ["../../etc", "a/b/c", 7, "", "x" * 200, "a b", None, "someone/gone", "someone/other"])
def test_a_tokenizer_that_nobody_publishes(hub: Hub, name: object) -> None:
    hub.repositories[NAME]["config.json"] = json.dumps({**legacy_config(small()), "tokenizer_name": name}).encode()
    hub.repositories["someone/other"] = {"vocab.json": b"{}", "merges.txt": b""}
    refusal(lambda: run(load(NAME), "the cat"), Undefined, "a-model has no tokenizer", "list of ids")
    assert hub.fetched() == ["config.json", "model_final.pth"]


@pytest.mark.parametrize(
    ("status", "code", "words"), [(403, "GatedRepo", "is gated"), (500, "", "could not be reached")]
)
def test_a_tokenizer_that_is_not_given_is_told(hub: Hub, status: int, code: str, words: str) -> None:
    hub.errors["someone/words"] = (status, code)
    refusal(lambda: load(NAME), BadRequest, "someone/words", words)


def test_a_tokenizer_of_another_model(hub: Hub) -> None:
    other = words([*WORDS, *(f"word{i}" for i in range(20))]).to_str().encode()
    hub.repositories[NAME]["tokenizer.json"] = other  # its own is taken before the one that is named
    refusal(lambda: load(NAME), BadCheckpoint, "tokenizer.json", "it is not its tokenizer")


@each(
    ("name", "found"),
    [
        ("a/b", HubLocation("a/b")),
        ("a/b@v1", HubLocation("a/b", "v1")),
        ("a/b@refs/pr/1", HubLocation("a/b", "refs/pr/1")),
        ("a/b:c.pth@v1", HubLocation("a/b", "v1", "c.pth")),
        ("attn-only-2l", HubLocation("NeelNanda/Attn_Only_2L512W_C4_Code")),
        ("attn_only_2L_half@v1", HubLocation("callummcdougall/attn_only_2L_half", "v1")),
        *((name, None) for name in ("gpt2", "a/b.pth", "a/b/c", "../b", "a/../b", "/a/b", "~/a", "a\\b", "a b/c", "")),
    ],
)
def test_what_a_name_means(name: str, found: HubLocation | None) -> None:
    assert location(name) == found


ONLINE = {"HF_HUB_OFFLINE": "0", "TRANSFORMERS_OFFLINE": "0", "OMP_NUM_THREADS": "1"}


def shell(hub: Hub, home: Path, *arguments: str, **more: str) -> "subprocess.CompletedProcess[str]":
    """Run the command line as a user would, with the hub told by the environment alone."""
    settings = {**os.environ, "HF_ENDPOINT": hub.url, "HF_HOME": str(home), **ONLINE, **more}
    return subprocess.run(
        [sys.executable, "-c", "from loadstore.cli import main; main()", *arguments],
        env=settings,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.nightly
def test_the_command_line_obeys_the_environment(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with serving(Hub({NAME: dict(FILES), "someone/words": dict(SPEECH)})) as hub:
        first = shell(hub, home, "models", NAME, "--json")
        assert (first.returncode, first.stderr) == (0, "")
        assert json.loads(first.stdout)["schema"] == "loadstore/model@1"
        wrong = shell(hub, home, "models", "someone/else")
        assert (wrong.returncode, wrong.stdout) == (2, "")
        assert wrong.stderr.startswith("loadstore: there is no model 'someone/else'")
        assert wrong.stderr.count("\n") == 1
        fetched = len(hub.seen)
        offline = shell(hub, home, "models", NAME, "--json", HF_HUB_OFFLINE="1")
        # What is estimated depends on the machine's rate of the moment.
        told = [
            {key: fact for key, fact in json.loads(one.stdout).items() if "rate" not in key} for one in (first, offline)
        ]
        assert (told[0]["model"], len(hub.seen)) == (told[1]["model"], fetched)
        nothing = shell(hub, tmp_path / "empty", "models", NAME, HF_HUB_OFFLINE="1")
    assert (nothing.returncode, nothing.stdout) == (2, "")
    assert "HF_HUB_OFFLINE forbids a download" in nothing.stderr
    assert (home / "hub" / "models--someone--a-model").is_dir()


def test_a_local_file_needs_no_hub(tmp_path: Path) -> None:
    torch.save(legacy_state(small()), tmp_path / "attn_only_2L_half.pth")
    code = "import sys, loadstore as ls; ls.load(sys.argv[1]); ls.load(); print('huggingface_hub' in sys.modules)"
    path = str(tmp_path / "attn_only_2L_half.pth")
    done = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout == "False\n"
