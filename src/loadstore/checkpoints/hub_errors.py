"""Explains hub errors in one sentence that names the model and a remedy."""

from loadstore.checkpoints.repository import HubLocation
from loadstore.errors import BadRequest
from loadstore.quote import quote


class NoSuchRepository(BadRequest):
    """The hub has no repository of that name that is public or accessible with this token."""


def refusal(error: Exception, where: HubLocation) -> BadRequest | None:
    """The error for an answer of the hub; None if there was no answer or it does not concern the name."""
    from huggingface_hub import constants, errors

    if isinstance(error, errors.GatedRepoError):
        return BadRequest(f"{where} is gated: ask its owner for access on its page, then set HF_TOKEN to your token")
    if isinstance(error, errors.RevisionNotFoundError):
        return BadRequest(f"{where.repository} has no revision '{where.revision}'; give a branch, a tag or a commit")
    if isinstance(error, errors.RepositoryNotFoundError | errors.HFValidationError):
        return NoSuchRepository(
            f"there is no model '{where}': no file or folder here, and no repository on {constants.ENDPOINT}; check "
            "the name, or set HF_TOKEN to your token if it is private"
        )
    if isinstance(error, errors.DisabledRepoError):
        return BadRequest(f"{where} was disabled by its owner or by the hub; choose another model")
    return None


def unreachable(error: Exception, where: HubLocation) -> BadRequest:
    """The error if neither the hub nor the cache has the model."""
    from huggingface_hub import constants

    if constants.HF_HUB_OFFLINE:
        return BadRequest(
            f"{where} is not a file or folder here and not in the cache ({constants.HF_HUB_CACHE}), and HF_HUB_OFFLINE "
            "forbids a download; unset it once, or set HF_HOME to a folder that has a copy"
        )
    return BadRequest(
        f"{where} is not a file or folder here and not in the cache, and {constants.ENDPOINT} could not be reached "
        f"({quote(error)}); check the network, or load a file that you have"
    )
