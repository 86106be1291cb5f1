"""Runs ``transformers`` without its warnings and progress bars."""

import warnings
from collections.abc import Generator
from contextlib import contextmanager, redirect_stderr
from io import StringIO
from typing import Any

import torch


@contextmanager
def quiet(library: Any) -> Generator[None]:
    """Suppress the library's warnings and progress bars, and gradient recording, within the block."""
    logging: Any = library.utils.logging
    loud, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        with torch.no_grad(), warnings.catch_warnings(), redirect_stderr(StringIO()):  # other progress bars
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.set_verbosity(loud)
        if bars:
            logging.enable_progress_bar()
