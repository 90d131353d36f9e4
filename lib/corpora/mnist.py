"""MNIST: 70,000 digits that people wrote by hand, 28 x 28 pixels each (LeCun, Cortes and Burges 1998).

    load_mnist    images and labels of a split, downloaded on first use
    read_idx      the numbers of a file in the format of that time, IDX

Unlike the course's own digits (`lib.corpora.digits`) it is not drawn by a program: `lib.downloads` fetches it when it
is asked for. The writers of the test digits are not those of the training digits.
"""

import gzip

import numpy as np
import torch
from torch import Tensor

from lib.downloads import fetch

MEAN, SPREAD = 0.1307, 0.3081  # of all pixels of "train": (images - MEAN) / SPREAD is what models learn from best
SPLITS = {"train": ("train", 60_000), "test": ("t10k", 10_000)}


def load_mnist(split: str = "train") -> tuple[Tensor, Tensor]:
    """Images (n, 28, 28), float32 from 0, paper, to 1, ink, and labels (n,), int64 from 0 to 9.

    split: "train", 60,000 of them, or "test", 10,000
    """
    if split not in SPLITS:
        raise ValueError(f"MNIST has no split {split!r}; there are {', '.join(SPLITS)}")
    name, number = SPLITS[split]
    parts = [f"mnist/{name}-{part}-ubyte.gz" for part in ("images-idx3", "labels-idx1")]
    images, labels = (read_idx(gzip.decompress(fetch(part).read_bytes())) for part in parts)
    if images.shape != (number, 28, 28) or labels.shape != (number,):
        raise ValueError(f"mnist/{name} has images {images.shape} and labels {labels.shape} instead of {number} each")
    return torch.from_numpy(images).float() / 255, torch.from_numpy(labels).long()


def read_idx(content: bytes) -> np.ndarray:
    """The numbers of an IDX file, uint8, in the shape that its header tells.

    Two bytes 0, one for the kind of numbers (8: uint8), one for the number of axes; then the size of each axis in four
    bytes, the highest first; then the numbers. Raises ValueError when the content is something else.
    """
    if content[:3] != b"\0\0\x08" or len(content) < 4 or len(content) < (start := 4 + 4 * content[3]):
        raise ValueError(f"no IDX file of bytes: it begins with {content[:4].hex(' ')}")
    shape = tuple(np.frombuffer(content, ">u4", count=content[3], offset=4).tolist())
    numbers = np.frombuffer(content, np.uint8, offset=start)
    if len(numbers) != np.prod(shape, dtype=np.int64):
        raise ValueError(f"an IDX file of shape {shape} has {len(numbers):,} numbers")
    return numbers.reshape(shape).copy()
