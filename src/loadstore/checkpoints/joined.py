"""A model file distributed in parts: joined once in a cache folder and verified by its checksum.

The cache is ``$LOADSTORE_CACHE``, or ``loadstore`` in ``$XDG_CACHE_HOME``, or ``~/.cache/loadstore``. Its files may be
deleted; they are made again.
"""

import hashlib
import os
import re
from collections.abc import Sequence
from pathlib import Path

from loadstore.atomic import replacing
from loadstore.errors import BadCheckpoint, BadRequest
from loadstore.quote import quote

SUMS = "SHA256SUMS"
SUM = re.compile(r"([0-9a-f]{64}) [ *]([\w.-]{1,200}\.gguf)")
PART = re.compile(r"(.+\.gguf)\.part(\d{2,4})")
CHUNK = 1 << 22
MOST_SUMS = 1 << 16  # bytes


def cache_folder() -> Path:
    """The folder for joined files. Raises BadRequest if the user has no home folder and names no other."""
    if own := os.environ.get("LOADSTORE_CACHE"):
        return Path(own)
    if base := os.environ.get("XDG_CACHE_HOME"):
        return Path(base) / "loadstore"
    try:
        return Path.home() / ".cache" / "loadstore"
    except RuntimeError:
        raise BadRequest("there is no home folder for the cache; set LOADSTORE_CACHE") from None


def joined(name: str, files: Sequence[Path]) -> Path:
    """Join the parts of a model file, unless already done.

    Args:
        name: The model's name, for messages.
        files: All files of its packages: parts called ``file.gguf.part00`` and on, and ``SHA256SUMS``.

    Returns:
        The joined file, ``cache_folder()/<first digits of the checksum>/file.gguf``.

    Raises:
        BadCheckpoint: Parts are missing, or do not match the checksum.
        BadRequest: The cache cannot be written.
    """
    file, digest = _stated(name, files)
    parts = {int(match[2]): path for path in files if (match := PART.fullmatch(path.name)) and match[1] == file}
    if not parts or sorted(parts) != list(range(len(parts))):
        raise BadCheckpoint(f"the packages of '{name}' hold the parts {sorted(parts)} of {file}; install them again")
    size = sum(path.stat().st_size for path in parts.values())
    target = cache_folder() / digest[:16] / file
    if target.is_file() and target.stat().st_size == size:
        return target
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadRequest(
            f"{target.parent} cannot be made ({quote(error)}), where the parts of '{name}' are joined; set "
            "LOADSTORE_CACHE to a folder that you may write to"
        ) from None
    with replacing(target, size) as new:
        sha256 = _join([parts[index] for index in sorted(parts)], new)
        if sha256 != digest:
            raise BadCheckpoint(
                f"the parts of '{name}' have the SHA-256 {sha256[:16]}…, expected {digest[:16]}…; install its packages "
                "again"
            )
    return target


def _stated(name: str, files: Sequence[Path]) -> tuple[str, str]:
    """The file and its checksum as stated by the packages."""
    for path in files:
        if path.name == SUMS and path.stat().st_size <= MOST_SUMS:
            text = path.read_text(encoding="utf-8", errors="replace")
            stated = [match for line in text.splitlines() if (match := SUM.fullmatch(line.strip()))]
            if len(stated) == 1:
                return stated[0][2], stated[0][1]
    raise BadCheckpoint(f"the packages of '{name}' state no checksum of a GGUF file ({SUMS}); install them again")


def _join(parts: Sequence[Path], target: Path) -> str:
    """Concatenate the parts; return their joint SHA-256."""
    total = hashlib.sha256()
    with target.open("wb") as out:
        for part in parts:
            with part.open("rb") as content:
                while chunk := content.read(CHUNK):
                    total.update(chunk)
                    out.write(chunk)
    return total.hexdigest()
