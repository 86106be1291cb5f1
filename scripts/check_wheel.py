"""Build the wheel and compare it with git: every tracked file of the package must be in it, and nothing else."""

import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def tracked() -> set[str]:
    """Files of the package that git tracks and that exist."""
    listed = subprocess.run(["git", "ls-files", "-z", "src/loadstore"], cwd=ROOT, check=True, capture_output=True)
    names = listed.stdout.decode().split("\0")
    return {name.removeprefix("src/") for name in names if name and (ROOT / name).is_file()}


def packed() -> tuple[set[str], int]:
    """Files of the package in a freshly built wheel, and the wheel's size in bytes."""
    with tempfile.TemporaryDirectory() as folder:
        pip = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", folder, str(ROOT)]
        subprocess.run(pip, check=True)
        (wheel,) = Path(folder).glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            names = {name for name in archive.namelist() if name.startswith("loadstore/")}
        return names, wheel.stat().st_size


def main() -> int:
    """Print the differences; return 1 if there are any."""
    expected, (actual, size) = tracked(), packed()
    for name in sorted(expected - actual):
        print(f"tracked by git but not in the wheel: {name}", file=sys.stderr)
    for name in sorted(actual - expected):
        print(f"in the wheel but not tracked by git: {name}", file=sys.stderr)
    print(f"wheel: {len(actual)} files, {size / 1e6:.1f} MB")
    return int(expected != actual)


if __name__ == "__main__":
    raise SystemExit(main())
