"""Damaged and odd tokenizer.json files, made from right ones by seeded changes; run in a process of its own."""

import json
import random
from pathlib import Path
from typing import Any

from loadstore.errors import BadCheckpoint, BadPrompt
from loadstore.tokenizer.bos import begun
from loadstore.tokenizer.tokens import Tokens

ODD: list[Any] = [None, True, 0, -1, 1 << 31, 1 << 64, 0.5, "", "a", "\ud800", "é" * 50, [], {}, [[]], {"type": "NFC"}]
TEXTS = ["the cat's 12 é\n", "a", "▁ <s>" + "x" * 200, " " * 300, "\ud800"]


def places(value: Any) -> list[tuple[Any, Any]]:
    """Every container with each of its keys, the vocabulary's and the merges' few only."""
    found: list[tuple[Any, Any]] = []
    keys = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in list(keys)[:12]:
        found.append((value, key))
        found += places(value[key])
    return found


def mutated(text: str, r: random.Random) -> str:
    """The file with one or two changes of its values, or of its bytes."""
    if r.random() < 0.2:
        at, length = r.randrange(len(text)), r.choice((1, 1, 5, 500))
        return text[:at] + r.choice(("", '"', "}", ",", "9" * 30, text[at : at + length] * 2)) + text[at + length :]
    facts = json.loads(text)
    for _ in range(r.choice((1, 1, 2))):
        holder, key = r.choice(places(facts))
        match r.randrange(5):
            case 0:
                del holder[key]
                if not facts:
                    return "{}"
            case 1:
                donor, other = r.choice(places(facts))
                holder[key] = json.loads(json.dumps(donor[other]))
            case _:
                holder[key] = r.choice(ODD)
    return json.dumps(facts)


def fuzz(folder: str, count: int, seed: int) -> dict[str, int]:
    """Try ``count`` files; how many were read, refused as documented, or raised anything else."""
    r = random.Random(seed)
    files = [path.read_text() for path in sorted(Path(folder).iterdir())]
    seen = {"read": 0, "refused": 0, "unspoken": 0, "other": 0}
    for _ in range(count):
        text = mutated(r.choice(files), r)
        try:
            tokens = begun(Tokens.from_json(text, None, 1000, "here"), {}, "reference", "here")
            seen["read"] += 1
            for prompt in TEXTS:
                _speak(tokens, prompt, seen)
        except BadCheckpoint:
            seen["refused"] += 1
        except BaseException as error:
            print(type(error), error, text[:2000])
            seen["other"] += 1
    return seen


def _speak(tokens: Tokens, prompt: str, seen: dict[str, int]) -> None:
    try:
        for token in tokens.encode(prompt):
            tokens.text(token)
    except BadPrompt:
        seen["unspoken"] += 1
