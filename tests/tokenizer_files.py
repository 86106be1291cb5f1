"""Small tokenizers of the kinds that are published, with the parts that the published files have."""

from collections.abc import Sequence
from typing import Any

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

from loadstore.tokenizer.splits import GPT4O, LLAMA3, QWEN2, TEKKEN

END = "<|endoftext|>"
MERGES = [("t", "h"), ("th", "e"), ("Ġ", "the"), ("Ġ", "c"), ("1", "2")]
WORDS = ["▁", "▁t", "he", "▁the", "▁c", "at", "▁cat"]


def byte_level(
    split: Sequence[Any] = (), *, normal: Any = None, special: Sequence[str] = (END,), prefix: bool = False
) -> Tokenizer:
    """A byte-level BPE; ``split``: what splits before it, else it splits as GPT-2's does."""
    vocab = {letter: index for index, letter in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}
    for left, right in MERGES:
        vocab[left + right] = len(vocab)
    made = Tokenizer(models.BPE(vocab, MERGES))
    level = pre_tokenizers.ByteLevel(add_prefix_space=prefix, use_regex=not split)
    made.pre_tokenizer = pre_tokenizers.Sequence([*split, level]) if split else level
    if normal is not None:
        made.normalizer = normal
    made.decoder = decoders.ByteLevel()
    made.post_processor = processors.ByteLevel(trim_offsets=False)
    made.add_special_tokens([AddedToken(name, special=True, normalized=False) for name in special])
    return made


def by_pattern(pattern: str, **how: Any) -> Tokenizer:
    """A byte-level BPE that splits by a regular expression."""
    return byte_level([pre_tokenizers.Split(Regex(pattern), "isolated")], **how)


def sentencepiece(*, meta: bool = False, dummy: bool = True) -> Tokenizer:
    """Pieces with bytes for the rest: Llama 2's and Mistral's way, by normalizers or by a pre-tokenizer."""
    names = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256)), *"thecat", *WORDS]
    vocab = {name: index for index, name in enumerate(dict.fromkeys(names))}
    merges = [("▁", "t"), ("h", "e"), ("▁t", "he"), ("▁", "c"), ("a", "t"), ("▁c", "at")]
    made = Tokenizer(models.BPE(vocab, merges, unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    if meta:
        made.pre_tokenizer = pre_tokenizers.Metaspace("▁", prepend_scheme="first" if dummy else "never", split=False)
    else:
        spaces = normalizers.Replace(" ", "▁")
        made.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), spaces]) if dummy else spaces
    made.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    made.post_processor = processors.TemplateProcessing(
        single="<s> $A", pair="<s> $A <s>:1 $B:1", special_tokens=[("<s>", 1)]
    )
    made.add_special_tokens([AddedToken(name, special=True, normalized=False) for name in ("<unk>", "<s>", "</s>")])
    return made


def published() -> dict[str, Tokenizer]:
    """One of each kind, by name."""
    digits = pre_tokenizers.Digits(individual_digits=True)
    llama3 = by_pattern(LLAMA3, special=("<|begin_of_text|>", "<|end_of_text|>"))
    begin = str(llama3.token_to_id("<|begin_of_text|>"))
    llama3.post_processor = processors.Sequence(
        [
            processors.ByteLevel(trim_offsets=False),
            processors.TemplateProcessing(
                single="<|begin_of_text|> $A", pair="$A $B", special_tokens=[("<|begin_of_text|>", int(begin))]
            ),
        ]
    )
    padded = byte_level()
    padded.enable_padding(length=1 << 40)
    padded.enable_truncation(2)
    return {
        "gpt2": byte_level(),
        "gpt2, padded and truncated": padded,
        "llama3": llama3,
        "qwen": by_pattern(QWEN2, normal=normalizers.NFC(), special=(END, "<|im_start|>", "<|im_end|>")),
        "neox": byte_level(normal=normalizers.NFC(), special=(END, "<|padding|>", "  ")),
        "phi": byte_level(special=(END, " " * 31, "\t\t")),
        "smollm2": byte_level([digits], special=(END, "<|im_start|>")),
        "tekken": by_pattern(TEKKEN),
        "gpt-4o": by_pattern(GPT4O),
        "llama2": sentencepiece(),
        "mistral": sentencepiece(meta=True),
    }
