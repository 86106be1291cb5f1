"""Read a JUnit file of pytest; fail unless tests of ``tests/browser`` ran and none was skipped."""

import sys
from pathlib import Path
from xml.etree import ElementTree


def main(junit: Path) -> int:
    """Print the number of browser tests that ran; return 1 if none ran or one was skipped."""
    cases = [
        case
        for case in ElementTree.parse(junit).iter("testcase")
        if case.get("classname", "").startswith("tests.browser")
    ]
    skipped = [case.get("name") for case in cases if case.find("skipped") is not None]
    print(f"browser tests: {len(cases) - len(skipped)} ran, {len(skipped)} were skipped")
    for name in skipped:
        print(f"skipped: {name}", file=sys.stderr)
    return int(not cases or bool(skipped))


if __name__ == "__main__":
    raise SystemExit(main(Path(sys.argv[1])))
