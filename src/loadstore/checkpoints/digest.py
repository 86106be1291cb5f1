"""The digest of all data that a model computes with; resumed scores and other cached results compare it.

It is a tree of SHA-256: chunks of every tensor in row-major order, then names, shapes and dtypes. Chunks are hashed on
all processors that this process may use. Quantised tensors are hashed as stored in the file.
"""

import hashlib
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from torch import Tensor

from loadstore.model.quantised import Quantised
from loadstore.model.weights import Weights
from loadstore.threads import available

CHUNK = 1 << 22  # bytes per task of a thread


def digest_of(weights: Weights) -> str:
    """Return the digest of a model's content: its architecture and every bit of every tensor, as stored.

    Equal content has an equal digest, regardless of the file's location, the model's name and the compute dtype. A tied
    matrix has the digest of an untied copy. The tokenizer is not included.

    Args:
        weights: The model. All of its tensors are read, at about 1 GB per second and processor.

    Returns:
        64 hexadecimal digits.
    """
    return digest_of_tensors(
        ((name, tensor.mT if name == "W_U" else tensor) for name, tensor in weights.named()), _facts(weights)
    )


def _facts(weights: Weights) -> str:
    """The architecture as text."""
    return f"Architecture({', '.join(f'{name}={value!r}' for name, value in weights.architecture.stated.items())})"


def digest_of_tensors(tensors: Iterable[tuple[str, Tensor]], facts: str = "") -> str:
    """Return the digest of named tensors and of ``facts`` about them.

    Args:
        tensors: Names and tensors. Shapes, dtypes and all bits count; strides do not.
        facts: Any text about them.

    Returns:
        64 hexadecimal digits.
    """
    total = hashlib.sha256(f"{facts}\n".encode())
    key_digests: dict[object, bytes] = {}  # a matrix that is stored once is read once
    named = list(tensors)
    with ThreadPoolExecutor(available()) as pool:
        for name, tensor in named:
            if isinstance(tensor, Quantised):
                key, kind = id(tensor.matrix), f"{tensor.matrix.kind} {tensor.stride()} {tensor.storage_offset()}"
            else:
                key, kind = (tensor.data_ptr(), tensor.shape, tensor.stride(), tensor.dtype), str(tensor.dtype)
            if key not in key_digests:
                content = _content(tensor)
                chunks = [content[at : at + CHUNK] for at in range(0, len(content), CHUNK)]
                leaves = pool.map(lambda chunk: hashlib.sha256(chunk).digest(), chunks)
                key_digests[key] = hashlib.sha256(b"".join(leaves)).digest()
            total.update(f"{name} {list(tensor.shape)} {kind}\n".encode() + key_digests[key])
    return total.hexdigest()


def _content(tensor: Tensor) -> memoryview:
    """The bytes of a tensor in row-major order, copied only if necessary; for a quantised tensor, the file's bytes."""
    if isinstance(tensor, Quantised):
        return np.ascontiguousarray(tensor.matrix.raw).reshape(-1).data
    return tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data
