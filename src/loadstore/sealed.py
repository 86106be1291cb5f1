"""Sealed bytes: a first line with their kind and SHA-256, so that any damage is detected."""

import hashlib

MOST = 200  # bytes of a first line


def seal(kind: str, content: bytes | memoryview) -> bytes:
    """Return the line to put before ``content``; ``kind`` is a name, such as ``loadstore/training@3``."""
    return f"{kind} {hashlib.sha256(content).hexdigest()}\n".encode()


def unsealed(kind: str, data: bytes) -> memoryview:
    """Return the content after the seal. Raises ValueError if the kind differs or any bit has changed."""
    line, newline, _ = data[:MOST].partition(b"\n")
    name, _, digest = line.partition(b" ")
    content = memoryview(data)[len(line) + 1 :]
    if not newline or name != kind.encode():
        raise ValueError(f"it does not begin as a file of the kind {kind} does")
    if digest != hashlib.sha256(content).hexdigest().encode():
        raise ValueError("its content does not match its checksum: it is damaged")
    return content
