"""A Ray cluster: one remote function for each item; the driver writes the results, so that nodes share no disk.

Ray runs a function again whose worker or node dies, up to ``TRIES`` times. The nodes need this version of loadstore,
and the checkpoints under the same paths.
"""

import importlib
import os
import socket
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

from loadstore.errors import BadRequest
from loadstore.quote import quote
from loadstore.sweep.compute import Outcome, compute
from loadstore.sweep.engine import Unit, written
from loadstore.sweep.store import Store

ADDRESS = "RAY_ADDRESS"
TRIES = 5  # further tries of an item whose worker or node dies
PATIENCE = 5.0  # seconds until an address counts as unreachable


class OnRay:
    """Computes on a Ray cluster that is running.

    Args:
        address: ``host:port`` of the cluster, ``ray://host:port``, or ``auto`` for the one of this machine; None takes
            RAY_ADDRESS.

    Raises:
        BadRequest: Ray is not installed, or there is no cluster at the address.
    """

    def __init__(self, address: str | None) -> None:
        self.ray = _ray()
        self.address = _reachable(address or os.environ.get(ADDRESS, ""))

    def run(self, units: Sequence[Unit], store: Store) -> Iterator[Outcome]:
        """Yield outcomes as they come. Raises BadRequest if the cluster refuses."""
        ray = self.ray
        try:
            ray.init(self.address, log_to_driver=False, logging_level="ERROR", ignore_reinit_error=True)
        except Exception as error:  # ConnectionError, RuntimeError and others
            raise _refused(self.address, str(error)) from None
        remote = ray.remote(compute).options(num_cpus=1, max_retries=TRIES)
        try:
            pending = {remote.remote(item, store.suffix): item for unit in units for item in unit}
            while pending:
                for ready in ray.wait(list(pending))[0]:
                    item = pending.pop(ready)
                    yield _outcome(ray, ready, item.key, store)
        finally:
            with suppress(Exception):  # also of a cluster that is gone
                ray.shutdown()


def _outcome(ray: Any, ready: Any, key: str, store: Store) -> Outcome:
    """Write the result of an item that ended; what stopped it is its reason."""
    try:
        data, outcome = ray.get(ready)
    except ray.exceptions.RayError as error:
        return Outcome(key, quote(f"its worker or node died more than {TRIES} times: {error}"))
    return outcome if outcome.reason else written(data, outcome, store)


def _ray() -> Any:
    try:
        return importlib.import_module("ray")
    except ModuleNotFoundError:
        raise BadRequest("--engine ray needs Ray, which is not installed: pip install 'loadstore[ray]'") from None


def _reachable(address: str) -> str:
    """The address, if something answers there: Ray itself would try for a minute. ``auto`` is left to Ray."""
    if not address:
        raise BadRequest(f"--engine ray needs a cluster: give --address HOST:PORT, or set {ADDRESS}")
    if address == "auto":
        return address
    host, _, port = address.removeprefix("ray://").rpartition(":")
    try:
        socket.create_connection((host, int(port)), PATIENCE).close()
    except (OSError, ValueError, OverflowError) as error:
        raise _refused(address, str(error)) from None
    return address


def _refused(address: str, why: str) -> BadRequest:
    return BadRequest(
        f"there is no Ray cluster at '{quote(address, 80)}' ({quote(why, 120)}); start one with ray start --head, "
        "and give its HOST:PORT"
    )
