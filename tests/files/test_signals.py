"""A signal that comes while a file is written leaves the old file or the new one, and no part of one.

Python runs the handler of a signal when a function begins or a built-in one returns. The tests raise at each such
moment in turn, from the first until the work is done.
"""

import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import FrameType

import pytest

from loadstore.atomic import check_target, write_whole


def signalled(work: Callable[[Path], None], target: Path, moment: int) -> bool:
    """Whether a signal comes at the moment of this number, before the work is done."""
    passed = 0

    def notice(_frame: FrameType, event: str, _what: object) -> None:
        nonlocal passed
        if event in ("call", "c_return"):
            passed += 1
            if passed == moment:
                sys.setprofile(None)
                raise SystemExit(143)

    before = sys.getprofile()
    with suppress(SystemExit):
        try:
            sys.setprofile(notice)
            work(target)
        finally:
            sys.setprofile(before)
    return passed >= moment


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning")
@pytest.mark.parametrize("old", [None, b"old"], ids=["a new file", "an older file"])
@pytest.mark.parametrize("writes", [True, False], ids=["written", "only tried"])
def test_a_signal_at_any_moment_leaves_the_old_file_or_the_new_one(
    writes: bool,
    old: bytes | None,
    tmp_path: Path,
) -> None:
    target, moment, found = tmp_path / "target", 0, set[bytes | None]()
    came = True
    while came:
        moment += 1
        target.unlink(missing_ok=True)
        if old is not None:
            target.write_bytes(old)
        came = signalled((lambda path: write_whole(path, b"new")) if writes else check_target, target, moment)
        found.add(target.read_bytes() if target.exists() else None)
        assert [path for path in tmp_path.iterdir() if path != target] == [], moment
    assert found == ({old, b"new"} if writes else {old})
    assert moment > 20
