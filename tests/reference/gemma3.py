"""Write gemma3.json: what transformers computes for Gemma 3 270M, and the ids of its tokenizer for 50 texts.

    python tests/reference/gemma3.py FILE.gguf

transformers reads the numbers of this file in 11 s and its tokenizer in half a minute or more; the tests compare with
what is kept here. float32 throughout, attention as eager code computes it.
"""

import json
import sys
import warnings
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, __version__

HERE = Path(__file__).parent
PROMPTS = {
    "capital": "The capital of Italy is",
    "mary": "When Mary and John went to the store, John gave a drink to",
    "code": "def squares(n):\n    return [i * i for i in range(n)]\n\n\ndef cubes(n):\n    return",
    "licence": (HERE.parents[1] / "LICENSE").read_text(encoding="utf-8")[:4000],  # beyond the window of 512
}
TOP, SAMPLED, STRIDE = 8, 24, 41
TEXTS = [
    "Hello world",
    "hello",
    " hello",
    "  hello",
    "The quick brown fox jumps over the lazy dog.",
    "x = 42 + 1234567.89; y=0007",
    "3.14159e-10 and 1,000,000 and 0xFFEE",
    "one\n\n  two\r\n\tthree\n\n\n",
    "\n",
    "\n\n\n\n",
    "\t\tindented\n\t\t\tmore",
    "    four spaces, then     five",
    "trailing   ",
    " " * 7 + "x" + " " * 31 + "y" + " " * 32 + "z" + " " * 70,
    "naïve café — “quotes” … €5",
    "Ångström façade coöperate Zürich",
    "日本語のテキスト 中文 한국어",
    "今日は天気がいいですね。散歩に行きましょう。",
    "人工智能正在改变世界",
    "안녕하세요, 반갑습니다",
    "مرحبا بالعالم, שלום",
    "हिन्दी में एक वाक्य",
    "Привет, как дела?",
    "Γειά σου Κόσμε",
    "สวัสดีชาวโลก",
    "👩‍👩‍👧 family 🎉🎉",
    "🇮🇹 🏴󠁧󠁢󠁳󠁣󠁴󠁿 ❤️",
    "before<eos>after<bos><pad>",
    "<start_of_turn>user\nHi<end_of_turn>\n<start_of_turn>model\n",
    "<table><tr><td>a</td></tr></table> <b>bold</b><br/>",
    "<unused0> <unused99> [multimodal] <start_of_image>",
    "I'll don't WE'RE they've o'clock",
    "a" * 60,
    "ab" * 40,
    "abcabcabcabc ABCABC",
    "def f(x):\n    return {'k': x**2}  # squares\n",
    "#include <stdio.h>\nint main(void) { return 0; }\n",
    "SELECT * FROM t WHERE a >= 10 AND b != 'x';",
    "https://example.org/a/b?c=d&e=f#g",
    "snake_case CamelCase HTTPServer kebab-case",
    "non\u00a0breaking zero\u200bwidth combining e\u0301 \u2028",
    "▁ is how a space is spelled, ▁▁ twice",
    "<0x41> is no byte here",
    "\x00\x01\x7f",
    "𝔹𝕠𝕝𝕕 𝒮𝒸𝓇𝒾𝓅𝓉",
    "\ufeffbyte order mark",
    "supercalifragilisticexpialidocious antidisestablishmentarianism",
    "When Mary and John went to the store, John gave a drink to",
    "€£¥₹₿ ±×÷≈≠≤≥∞∑∏√∫",
    "᚛ᚐᚅ 𐎀𐎁 ꦲꦏ",
]


def sampled(model: Any, ids: list[int], vocabulary: list[int]) -> dict[str, Any]:
    """The first logits and some others, at every position of a short prompt and at some of a long one."""
    length = len(ids)
    positions = list(range(length)) if length < 40 else sorted({*range(0, length, STRIDE), 511, 512, 513, length - 1})
    with torch.no_grad():
        hidden = model.model(torch.tensor([ids]), use_cache=False).last_hidden_state[0, positions]
        logits = model.lm_head(hidden)
    top = logits.topk(TOP)
    return {
        "ids": ids,
        "positions": positions,
        "top": top.indices.tolist(),
        "top_logits": [[round(x, 5) for x in row] for row in top.values.tolist()],
        "logits": [[round(x, 5) for x in row] for row in logits[:, vocabulary].tolist()],
    }


def main(path: Path) -> None:
    warnings.simplefilter("ignore")
    tokenizer: Any = AutoTokenizer.from_pretrained(path.parent, gguf_file=path.name, local_files_only=True)
    model: Any = AutoModelForCausalLM.from_pretrained(
        path.parent, gguf_file=path.name, dtype=torch.float32, attn_implementation="eager", local_files_only=True
    ).eval()
    generator = torch.Generator().manual_seed(0)
    vocabulary = torch.randint(model.config.vocab_size, (SAMPLED,), generator=generator).tolist()
    prompts = {name: tokenizer(text)["input_ids"] for name, text in PROMPTS.items()}
    found = {
        "about": f"made by gemma3.py with transformers {__version__} from {path.name}",
        "vocabulary": vocabulary,
        "prompts": {name: sampled(model, ids, vocabulary) for name, ids in prompts.items()},
        "texts": [[text, tokenizer(text)["input_ids"]] for text in TEXTS],
    }
    lines = json.dumps(found, ensure_ascii=True, separators=(",", ":")).replace("],[", "],\n[")
    (HERE / "gemma3.json").write_text(lines + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
