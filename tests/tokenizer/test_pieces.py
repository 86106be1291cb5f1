"""Labels of tokens that hold a part of a character: their bytes, wherever a label is made."""

from each import each
from tokenizers import Tokenizer, decoders, models

import loadstore as ls
from loadstore.tokenizer.pieces import spelled
from loadstore.tokenizer.tokens import Tokens, labels, text_of


def test_parts_of_characters_are_named_by_their_bytes_and_no_two_look_alike() -> None:
    tokens = ls.load("builtin").tokens
    assert tokens is not None
    ids = tokens.encode("a—日")[1:]
    assert "".join(text_of(one, tokens) for one in ids) == "a<0xE2><0x80><0x94><0xE6><0x97><0xA5>"
    assert labels(ids, tokens)[1] == "<0xE2>·1"
    assert tokens.joined(ids) == "a—日"
    lost = [one for one in range(tokens.tokenizer.get_vocab_size()) if "\ufffd" in tokens.text(one)]
    assert len(lost) == len({text_of(one, tokens) for one in lost}) >= 128


def test_byte_fallback_names_a_byte_itself() -> None:
    bytes_ = {f"<0x{byte:02X}>": byte for byte in range(256)}
    tokenizer = Tokenizer(models.BPE(vocab=bytes_, merges=[], byte_fallback=True))
    tokenizer.decoder = decoders.Sequence([decoders.ByteFallback(), decoders.Fuse()])
    tokens = Tokens(tokenizer, None)
    assert [text_of(one, tokens) for one in (0xE2, 0x0A, 0x41)] == ["<0xE2>", "⏎", "A"]


@each(
    "piece, decoded, text",
    [
        ("Ġæ", " \ufffd", " <0xE6>"),
        ("æľ¬", "本", "本"),
        ("ðŁĳ", "\ufffd", "<0xF0><0x9F><0x91>"),
        ("ï¿½", "\ufffd", "\ufffd"),
        ("▁\ufffd", " \ufffd", " \ufffd"),
        ("<0xE2>", "\ufffd", "<0xE2>"),
        ("æľ¬æ", "本\ufffd", "本<0xE6>"),
    ],
)
def test_a_character_is_whole_or_spelled_in_bytes(piece: str, decoded: str, text: str) -> None:
    assert spelled(piece, decoded) == text
