"""A process that heeds signals, however the tests were started."""

import signal


def heed() -> None:
    """Undo what a process in the background hands on: ``nohup`` ignores SIGHUP and a shell's ``&`` SIGINT.

    Give it to ``subprocess`` as ``preexec_fn``.
    """
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
