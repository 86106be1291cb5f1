"""Every command, on a model whose names and tokens try to steer the terminal: nothing hidden is printed."""

import csv
import json
import re
from pathlib import Path

import pytest
import torch
from cli.conftest import Run
from depth import deep
from each import each
from hostile import small
from safetensors.torch import save_file
from solvable import solvable
from tokenizers import Regex, Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Split

import loadstore as ls
from loadstore.checkpoints.families.own import save_weights
from loadstore.model.weights import Weights
from loadstore.tokenizer.tokens import Tokens
from loadstore.visible import shown

TOKENS = [
    *("<s>", "\x1b[31m", "\x1b]0;title\x07", "\x9b2J", "\u202ecba", "\u2066x\u2069", "a\u200bb", "\r", "\n", "\x00"),
    *("=1+1", "+cmd", "@SUM(A1)", "[bold red]x[/]", ":smile:", "\U000e0041\u061c\x7f", "long" * 1000),
]
NAME = "m\x1b[2J\u202e[red]:bomb:\x85=1"
PROMPT = "|".join([*TOKENS[1:5], *TOKENS[1:5], TOKENS[10]])  # ␣ nothing between them: "|" is dropped
IDS = "0,1,2,5,13,1,2,5"
HIDDEN = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\U000e0000-\U000e007f]")
COMMANDS = {
    "models": "models MODEL",
    "scores": "scores MODEL --top 0 --null heads",
    "scores none": "scores MODEL --writer L1.H0 --reader L0.H1.Q",
    "heads": "heads MODEL --sequences 2",
    "spectrum": "spectrum MODEL pos",
    "head": "head MODEL L1.H0 --sequences 2 --top 3",
    "channels": "channels MODEL L0.H1",
    "channels of a wire": "channels MODEL L0.H1 --reader L1.H0.K",
    "wires": "wires MODEL --corpus TEXT --effect --top 3",
    "vocabulary map": "vocabulary-map MODEL L0.H1",
    "vocabulary map, match": "vocabulary-map MODEL L0.H1 --kind match",
    "vocabulary map, key": "vocabulary-map MODEL L0.H1 L1.H0 --kind key",
    "vocabulary map, position": "vocabulary-map MODEL L0.H1 --kind position",
    "tasks": "tasks MODEL --pairs 4",
    "tasks of a file": "tasks MODEL --task PAIRS",
    "discover": "discover MODEL --task SOLVED --size 20",
    "prove": "prove CIRCUIT --model MODEL --task SOLVED --controls 2 --sampled 2 --null 2",
    "export": "export CIRCUIT --model MODEL --task SOLVED -o GRAPH",
    "listing": "listing MODEL PROMPT",
    "listing of ids": "listing MODEL --ids IDS",
    "verify": "verify MODEL PROMPT --controls 2 --replicates 2 --top 3",
    "patch": "patch MODEL PROMPT --top 3",
    "patch, counterfactual": "patch MODEL PROMPT --counterfactual OTHER --top 3",
    "address": "address MODEL PROMPT --head L1.H0",
    "report": "report MODEL --prompt PROMPT -o PAGE",
    "models of a folder": "models FOLDER",
    "scores of a folder": "scores FOLDER --top 0 --writer L1.H0",
    "heads of a folder": "heads FOLDER --sequences 2",
    "wires of a folder": "wires FOLDER --corpus TEXT --top 3",
}
REFUSED = {
    "model": "models NAME",
    "option": "models --NAME",
    "command": "NAME",
    "an argument": "scores MODEL NAME",
    "norms": "scores MODEL --norms NAME",
    "null": "scores MODEL --null NAME",
    "writer": "scores MODEL --writer NAME",
    "where": "scores MODEL --where NAME",
    "offset": "scores MODEL --offset NAME",
    "out": "scores MODEL -o NAME",
    "folder": "report MODEL --prompt PROMPT -o NAME/NAME",
    "site": "spectrum MODEL NAME",
    "head": "head MODEL NAME",
    "channels": "channels MODEL NAME",
    "corpus": "wires MODEL --corpus NAME",
    "kind": "vocabulary-map MODEL L0.H0 --kind NAME",
    "heads": "vocabulary-map MODEL NAME NAME",
    "task": "tasks MODEL --task NAME",
    "task file": "tasks MODEL --task NAME.jsonl",
    "discover": "discover MODEL --task NAME",
    "size": "discover MODEL --size NAME",
    "circuit": "prove NAME --model MODEL",
    "method": "discover MODEL --method NAME",
    "task pairs": "tasks MODEL --task ODD",
    "on": "heads MODEL --on NAME",
    "bos": "heads MODEL --bos NAME",
    "positions": "heads MODEL --positions NAME",
    "ids": "report MODEL --ids NAME",
    "predict": "listing MODEL PROMPT --predict PROMPT",
    "target": "patch MODEL PROMPT --predict PROMPT",
    "about": "address MODEL PROMPT --head L1.H0 --about NAME",
    "recipe": "train NAME NAME",
    "run": "emergence NAME",
    "plan": "sweep NAME",
    "swept": "sweep --models NAME --analysis NAME",
    "demo": "demo-induction --recipe NAME -o NAME",
    "damaged": "models DAMAGED",
}


def gpt2(folder: Path, tokenizer: Tokenizer) -> Path:
    """A folder as Hugging Face has it: its name is the model's."""
    d, vocab, context = 8, len(TOKENS), 32
    shapes = {"wte.weight": (vocab, d), "wpe.weight": (context, d), "ln_f.weight": (d,), "ln_f.bias": (d,)}
    for layer in ("h.0", "h.1"):
        for name, rows, columns in (("attn.c_attn", d, 3 * d), ("attn.c_proj", d, d), ("mlp.c_fc", d, 4 * d)):
            shapes |= {f"{layer}.{name}.weight": (rows, columns), f"{layer}.{name}.bias": (columns,)}
        shapes |= {f"{layer}.mlp.c_proj.weight": (4 * d, d), f"{layer}.mlp.c_proj.bias": (d,)}
        shapes |= {f"{layer}.{norm}.{part}": (d,) for norm in ("ln_1", "ln_2") for part in ("weight", "bias")}
    dice = torch.Generator().manual_seed(0)
    folder.mkdir()
    tensors = {f"transformer.{name}": torch.randn(shape, generator=dice) for name, shape in shapes.items()}
    save_file(tensors, folder / "model.safetensors")
    sizes = {"n_layer": 2, "n_head": 2, "n_embd": d, "n_positions": context, "vocab_size": vocab}
    (folder / "config.json").write_text(json.dumps({"model_type": "gpt2", **sizes}))
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The values of the placeholders in a command line."""
    folder = tmp_path_factory.mktemp("hostile")
    tokenizer = Tokenizer(WordLevel({token: index for index, token in enumerate(TOKENS)}, unk_token="<s>"))
    tokenizer.pre_tokenizer = Split(Regex(r"\|"), "removed")
    model = Weights(**{**vars(small()), "name": NAME, "tokens": Tokens(tokenizer, 0)})
    where = folder / f"{NAME}.safetensors"
    save_weights(model, where)
    damaged = folder / f"damaged{NAME}.safetensors"
    damaged.write_bytes(where.read_bytes()[:-100])
    text = folder / f"text{NAME}.txt"
    text.write_text("|".join(2 * [*TOKENS[1:9], *TOKENS[10:16]]), encoding="utf-8", newline="")
    other = "|".join([*TOKENS[3:7], *TOKENS[1:5], TOKENS[11]])
    texts = [("|".join(pair), "|".join(pair[::-1])) for pair in zip(TOKENS[1:5], TOKENS[11:15], strict=True)]
    lines = [{"clean": one, "counterfactual": two, "good": TOKENS[1], "bad": TOKENS[2]} for one, two in texts]
    pairs, odd = folder / f"pairs{NAME}.jsonl", folder / f"odd{NAME}.jsonl"
    pairs.write_text("\n".join(json.dumps(line) for line in [{"task": NAME}, *lines]))
    odd.write_text(json.dumps({**lines[0], NAME: 1}))
    solved, circuit = solvable(model, folder / f"solved{NAME}.jsonl"), folder / f"circuit{NAME}.json"
    ls.circuit(ls.attribute(ls.task(model, solved)), 20).save(circuit)
    files = {
        "CIRCUIT": circuit,
        "PAIRS": pairs,
        "ODD": odd,
        "SOLVED": solved,
        "FOLDER": gpt2(folder / f"folder{NAME}", tokenizer),
        "MODEL": where,
        "DAMAGED": damaged,
        "TEXT": text,
        "GRAPH": folder / f"graph{NAME}.json",
        "PAGE": folder / f"page{NAME}.html",
    }
    return {name: str(path) for name, path in files.items()} | {
        "NAME": NAME,
        "PROMPT": PROMPT,
        "IDS": IDS,
        "OTHER": other,
    }


def words(line: str, names: dict[str, str]) -> list[str]:
    """The words of a command line."""
    said = [re.sub("|".join(names), lambda found: names[found[0]], word) for word in line.split()]
    return [re.sub("\x00", "\x01", word) if word != names["PROMPT"] else word for word in said]


def plain(text: str) -> None:
    """Assert that nothing in what was printed is hidden."""
    assert not HIDDEN.search(text), ascii(text)
    assert shown(text) == text


@each("command", deep([*COMMANDS], usual=[*COMMANDS][::2]))
def test_no_command_prints_what_is_hidden(loadstore: Run, names: dict[str, str], command: str) -> None:
    code, out, err = loadstore(*words(COMMANDS[command], names))
    assert code == 0, err
    plain(out)
    plain(err)
    assert len(out) > 40
    code, out, err = loadstore(*words(COMMANDS[command], names), "--json")
    assert code == 0, err
    plain(out)
    plain(err)
    assert isinstance(json.loads(out), dict)


@each("command", REFUSED)
def test_no_refusal_prints_what_is_hidden(
    loadstore: Run, names: dict[str, str], command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    code, out, err = loadstore(*words(REFUSED[command], names))
    assert code == 2
    assert out == ""
    plain(err)
    assert r"\x1b" in err


def test_a_prompt_keeps_its_text_in_json(loadstore: Run, names: dict[str, str]) -> None:
    told = json.loads(loadstore(*words("patch MODEL PROMPT --counterfactual OTHER --top 1 --json", names))[1])
    assert told["from"] == names["OTHER"]


def test_a_page_holds_nothing_hidden(loadstore: Run, names: dict[str, str]) -> None:
    assert loadstore(*words("report MODEL --prompt PROMPT -o PAGE", names))[0] == 0
    page = Path(names["PAGE"]).read_text(encoding="utf-8")
    data = page.split('id="loadstore-data">')[1].split("</script>")[0]
    plain(page[: page.index("<style>")])
    plain(data)
    plain(json.dumps(json.loads(data), ensure_ascii=False).replace("\\n", "\n"))


def test_a_table_file_has_no_formula_and_numbers_stay_numbers(
    loadstore: Run, names: dict[str, str], tmp_path: Path
) -> None:
    path = tmp_path / "scores.csv"
    assert loadstore(*words("scores MODEL", names), "-o", str(path))[0] == 0
    with path.open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    assert header[:2] == ["writer", "reader"]
    assert any(float(row[header.index("z")] or 0) < 0 for row in rows)
    assert not [cell for row in rows for cell in row if cell[:1] in ("'", "=", "@", "+")]
