"""Tokens that hold part of a character: each such byte is written as ``<0xE2>``.

Byte-level BPE names a token by one character per byte (GPT-2's ``bytes_to_unicode``). Tokenizers with byte fallback
name a byte ``<0xE2>`` themselves. The library decodes either to U+FFFD, which makes different tokens look alike.
"""

import re

PRINTED = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
REST = [byte for byte in range(256) if byte not in PRINTED]
BYTES = {chr(byte): byte for byte in PRINTED} | {chr(0x100 + index): byte for index, byte in enumerate(REST)}
"""The byte for each character in the names of byte-level tokens."""
FALLBACK = re.compile(r"<0x[0-9A-F]{2}>")


def spelled(piece: str, decoded: str) -> str:
    """Write the text of a token with every incomplete byte as ``<0xE2>``.

    Args:
        piece: The token's name in the vocabulary.
        decoded: Its text as decoded by the tokenizer.

    Returns:
        The spelled text; ``decoded`` itself if it is complete or the bytes cannot be determined.
    """
    if "\ufffd" not in decoded:
        return decoded
    if FALLBACK.fullmatch(piece):
        return piece
    if not all(mark in BYTES for mark in piece):
        return decoded
    whole = bytes(BYTES[mark] for mark in piece).decode(errors="surrogateescape")
    return re.sub(r"[\udc80-\udcff]", lambda lost: f"<0x{ord(lost[0]) - 0xDC00:02X}>", whole)
