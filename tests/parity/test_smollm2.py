"""A real model, SmolLM2-135M from the GGUF file of an installed package, against transformers; and how soon it runs.

The reference is built from the same file by transformers, offline and in float32.
"""

import json
import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest
import torch
from close import assert_close
from pace import processor, slowness

import loadstore as ls
from loadstore.checkpoints.installed import installed
from loadstore.figures.facts import facts
from loadstore.model.quantised import Quantised
from loadstore.model.weights import Weights

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

PROSE = "The quick brown fox jumps over the lazy dog, while 12 grey cats sleep; the quick brown fox has seen it all.\n"
TEXTS = [
    "Hello world",
    "x = 42 + 1234567.89; y=0007",
    "one\n\n  two\r\n\tthree\n\n\n",
    "naïve café — “quotes” … €5",
    "日本語のテキスト 中文 한국어",
    "مرحبا بالعالم, שלום",
    "👩‍👩‍👧 family 🎉🎉",
    "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n",
    "before<|endoftext|>after<file_sep><unknown>",
    "I'll don't WE'RE they've o'clock",
    "  leading and trailing  ",
    "a" * 60,
    "def f(x):\n    return {'k': x**2}  # squares\n",
    "non\u00a0breaking zero\u200bwidth combining e\u0301 \u2028",
]


@pytest.fixture(scope="module")
def model() -> Weights:
    return ls.load("smollm2")


@pytest.fixture(scope="module")
def reference() -> Any:
    from transformers import AutoModelForCausalLM
    from transformers.utils import logging

    logging.disable_progress_bar()
    path = installed("smollm2")
    return AutoModelForCausalLM.from_pretrained(
        path.parent, gguf_file=path.name, dtype=torch.float32, attn_implementation="eager", local_files_only=True
    )


@pytest.fixture(scope="module")
def tokenizer() -> "PreTrainedTokenizerBase":
    from transformers import AutoTokenizer

    path = installed("smollm2")
    return AutoTokenizer.from_pretrained(path.parent, gguf_file=path.name, local_files_only=True)


def repeats() -> list[int]:
    period = torch.randint(100, 49_000, (15,), generator=torch.Generator().manual_seed(0)).tolist()
    return period * 3


@pytest.mark.parametrize("prompt", ["prose", "repeats"])
def test_logits_and_every_pattern_are_the_references(model: Weights, reference: Any, prompt: str) -> None:
    assert model.tokens is not None
    ids = model.tokens.encode(PROSE) if prompt == "prose" else repeats()
    assert len(ids) >= 20
    trace = ls.run(model, ids)
    with torch.no_grad():
        expected = reference(torch.tensor([ids]), output_attentions=True)
    assert_close(trace.logits, expected.logits[0], terms=30 * 1024)
    assert expected.logits.abs().max() > 10
    assert len(expected.attentions) == 30
    for layer, patterns in enumerate(expected.attentions):
        for head in range(9):
            assert (trace.pattern(f"L{layer}.H{head}") - patterns[0, head]).abs().max() < 1e-3


def test_the_tokenizer_is_the_references(model: Weights, tokenizer: "PreTrainedTokenizerBase") -> None:
    assert model.tokens is not None
    assert model.tokens.bos is None
    for text in TEXTS:
        assert model.tokens.encode(text) == tokenizer(text, add_special_tokens=False)["input_ids"], text
        assert model.tokens.tokenizer.decode(model.tokens.encode(text), skip_special_tokens=False) == text


def test_every_number_sign_stands_alone(model: Weights) -> None:
    """What a GGUF calls smollm splits every one; transformers 5 leaves that out, and joins the space before a ½."""
    assert model.tokens is not None
    pieces = [model.tokens.text(token) for token in model.tokens.encode("in 1984 or 7 ²")]
    assert [piece for piece in pieces if piece.strip().isnumeric()] == ["1", "9", "8", "4", "7", "²"]
    half = model.tokens.encode(" ½")
    assert half == model.tokens.encode(" ") + model.tokens.encode("½")


def test_it_is_called_by_its_name_and_its_numbers_stay_in_the_file(model: Weights) -> None:
    assert model.name == "smollm2"
    assert facts(model)[0] == ("model", "smollm2 (SmolLM2-135M-Instruct.Q4_1.gguf, mostly Q4_1)")
    assert model.architecture.rotary is not None
    assert all(isinstance(tensor, Quantised) for _, tensor in model.named())
    assert model.W_U.data_ptr() == model.W_E.data_ptr()


@pytest.mark.alone
@pytest.mark.nightly
def test_the_command_line_names_its_previous_token_and_induction_heads() -> None:
    start = time.monotonic()
    found = subprocess.run(
        [sys.executable, "-m", "loadstore", "heads", "smollm2", "--json"],
        capture_output=True,
        check=True,
        text=True,
        timeout=60 * slowness(),
    )
    print(f"loadstore heads smollm2: {time.monotonic() - start:.1f} s")  # at most 60, by timeout
    heads = json.loads(found.stdout)["heads"]
    assert len(heads) == 270
    assert max(heads, key=lambda head: head["previous"])["head"] == "L16.H0"
    assert max(heads, key=lambda head: head["induction"])["head"] == "L18.H6"


@pytest.mark.alone
def test_it_opens_and_answers_within_six_seconds() -> None:
    """From process start to the logits of 20 tokens on one thread, one of three tries at most.

    Of wall time and the processor's own the smaller: on a machine with other work only the second is the model's.
    """
    took: list[tuple[float, float]] = []
    code = "import loadstore as ls\nprint(list(ls.run(ls.load('smollm2'), list(range(100, 120))).logits.shape))"
    while len(took) < 3 and not any(min(times) < 6 * slowness() for times in took):
        start, used = time.monotonic(), processor()
        found = subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            check=True,
            text=True,
            timeout=120,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )
        took.append((time.monotonic() - start, processor() - used))
        assert found.stdout.strip() == "[20, 49152]"
    print("start to logits, wall and processor:", ", ".join(f"{wall:.2f} s and {used:.2f} s" for wall, used in took))
    assert min(min(times) for times in took) < 6 * slowness()


@pytest.mark.alone
def test_an_address_takes_less_than_a_second_after_the_run(model: Weights) -> None:
    trace = ls.run(model, PROSE, record=True)
    last, took = len(trace.labels) - 1, list[float]()
    for head in ("L2.H0", "L18.H6", "L29.H8"):
        began = time.perf_counter()
        found = ls.address(trace, head, last)
        took.append(time.perf_counter() - began)
        assert all(abs(one) < 1e-3 for one in found.remainder.values())
    assert sorted(took)[1] < slowness()
