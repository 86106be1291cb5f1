"""Scores relative to their neighbours: the residual after the main effects of writer and reader."""

import numpy as np


def relative(scores: np.ndarray) -> np.ndarray:
    """Log score minus the main effects of writer and reader, by least squares over the wires with a positive score.

    NaN if there are fewer than two writers or readers, since their effects would then explain everything.
    """
    rows, columns = np.nonzero(np.nan_to_num(scores) > 0)
    out = np.full(scores.shape, np.nan)
    if len(set(rows.tolist())) < 2 or len(set(columns.tolist())) < 2:
        return out
    logs = np.log(scores[rows, columns])
    n, m = scores.shape
    normal = np.zeros((n + m, n + m))
    np.add.at(normal, (rows, rows), 1.0)
    np.add.at(normal, (n + columns, n + columns), 1.0)
    normal[rows, n + columns] = 1.0
    normal[n + columns, rows] = 1.0
    right = np.concatenate([np.bincount(rows, logs, n), np.bincount(columns, logs, m)])
    effects = np.linalg.lstsq(normal, right, rcond=None)[0]
    out[rows, columns] = logs - effects[rows] - effects[n + columns]
    return out
