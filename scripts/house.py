"""Print the structure of the project, and fail where it breaks a rule of the house.

    python scripts/house.py            packages and their imports, cycles, long files, public names, cases by folder
    python scripts/house.py --check    only violations of the rules on sources, as in `make check`

The rules: no import cycle among modules or among sibling packages (imports inside functions and under
TYPE_CHECKING count), no file over 250 lines in src and web, no local named one, some, found, known or place in src,
at most 5,000 test cases.
"""

import argparse
import ast
import re
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from types import ModuleType

import grimp

ROOT = Path(__file__).resolve().parent.parent
MOST_LINES = 250
MOST_CASES = 5000
WRITTEN = {"src": (".py",), "web": (".ts", ".tsx", ".css", ".mjs")}
ROLELESS = {"one", "some", "found", "known", "place"}  # a local is named by its role
MADE = ("bundle", "node_modules", "dist", "model.ts")


def python_imports() -> dict[str, set[str]]:
    """The modules that every module of the package imports, anywhere in the file."""
    graph = grimp.build_graph("loadstore", cache_dir=None, exclude_type_checking_imports=False)
    return {module: set(graph.find_modules_directly_imported_by(module)) for module in graph.modules}


def web_imports(root: Path) -> dict[str, set[str]]:
    """The files that every file of the web bundle imports."""
    files = {path.relative_to(root).with_suffix(""): path for path in root.rglob("*.ts*")}
    found: dict[str, set[str]] = {}
    for name, path in files.items():
        named = re.findall(r'^(?:import|export)\b[^"]*?"(\.[^"]+)"', path.read_text(encoding="utf-8"), re.MULTILINE)
        targets = [(path.parent / text).resolve().relative_to(root.resolve()) for text in named]
        found[str(name)] = {str(target.with_suffix("")) for target in targets if target.with_suffix("") in files}
    return found


def circle(imports: Mapping[str, Iterable[str]]) -> list[str]:
    """Return one import cycle, its first name repeated at the end; an empty list if there is none."""
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def siblings(imports: Mapping[str, Iterable[str]], package: str) -> dict[str, Counter[str]]:
    """The imports between the direct members of a package, each member with all of its modules."""
    start = package + "."
    between: dict[str, Counter[str]] = defaultdict(Counter)
    for module, targets in imports.items():
        for target in targets:
            if module.startswith(start) and target.startswith(start):
                one, other = (name.removeprefix(start).split(".")[0] for name in (module, target))
                if one != other:
                    between[one][other] += 1
    return between


def circles(imports: Mapping[str, Iterable[str]]) -> list[str]:
    """Every cycle: among modules, and among the members of each package."""
    packages = {name.rsplit(".", 1)[0] for name in imports if "." in name}
    places = {"modules": circle(imports)} | {name: circle(siblings(imports, name)) for name in sorted(packages)}
    return [f"{place}: {' → '.join(found)}" for place, found in places.items() if found]


def long_files(most: int = MOST_LINES) -> list[str]:
    """Every hand-written source file of more than ``most`` lines."""
    found: list[tuple[int, str]] = []
    for folder, endings in WRITTEN.items():
        for path in (ROOT / folder).rglob("*"):
            if path.suffix in endings and not set(MADE) & set(path.parts):
                lines = len(path.read_text(encoding="utf-8").splitlines())
                found += [(lines, str(path.relative_to(ROOT)))] if lines > most else []
    return [f"{name}: {lines} lines" for lines, name in sorted(found, reverse=True)]


def roleless(source: str) -> list[tuple[int, str]]:
    """Return the line and name of each argument and assigned, loop or comprehension variable in ``ROLELESS``."""
    tree = ast.parse(source)
    bodies = [node.body for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    fields = {id(each.target) for body in bodies for each in body if isinstance(each, ast.AnnAssign)}
    names: list[tuple[int, str]] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and id(node) not in fields:
            names.append((node.lineno, node.id))
        elif isinstance(node, ast.arg):
            names.append((node.lineno, node.arg))
        elif isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and node.name:
            names.append((node.lineno, node.name))
    return sorted((line, name) for line, name in names if name in ROLELESS)


def roleless_locals() -> list[str]:
    """Every local of the package whose name does not express its role."""
    return [
        f"{path.relative_to(ROOT)}:{line}: {name}"
        for path in sorted((ROOT / "src").rglob("*.py"))
        for line, name in roleless(path.read_text(encoding="utf-8"))
    ]


def cases() -> Counter[str]:
    """The number of test cases below every folder of tests."""
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", "tests"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    named = re.findall(r"^(tests/[\w/]*?)[\w.]+\.py::", done.stdout, re.MULTILINE)
    if done.returncode or not named:
        raise SystemExit(f"pytest collects nothing here: {done.stdout[-500:]}{done.stderr[-500:]}")
    return Counter(named)


def show(imports: Mapping[str, Iterable[str]], counted: Counter[str]) -> None:
    """Print packages, public names and cases."""
    import loadstore as ls

    sizes = Counter(name.split(".")[1] for name in imports if name.count("."))
    print("packages, with their modules, and how many imports go to which other package")
    for name, targets in sorted(siblings(imports, "loadstore").items()):
        print(f"  {name} ({sizes[name]}): " + ", ".join(f"{other} {n}" for other, n in targets.most_common()))
    print(f"\n{len(ls.__all__)} public names: {', '.join(ls.__all__)}")
    for name in ls.__all__:
        if isinstance(getattr(ls, name), ModuleType):
            print(f"  {name}: {', '.join(getattr(ls, name).__all__)}")
    print(f"\n{counted.total()} cases")
    for folder, number in sorted(counted.items()):
        print(f"  {number:5} {folder}")


def main() -> int:
    """Print, and return 1 if a rule is broken."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--check", action="store_true", help="print only what breaks a rule of the sources")
    check = parser.parse_args().check
    imports = python_imports()
    web = circle(web_imports(ROOT / "web" / "src"))
    broken = [f"circle in {text}" for text in circles(imports)]
    broken += [f"circle in web: {' → '.join(web)}"] if web else []
    broken += [f"over {MOST_LINES} lines: {text}" for text in long_files()]
    broken += [f"a local is named by its role: {text}" for text in roleless_locals()]
    if not check:
        counted = cases()
        show(imports, counted)
        print()
        many = counted.total() > MOST_CASES
        broken += [f"{counted.total()} cases of tests, more than {MOST_CASES}"] if many else []
    print("\n".join(broken) or "no rule of the house is broken")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
