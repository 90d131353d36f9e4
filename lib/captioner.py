"""Image to text: a ViT that reads an image, and the decoder of a Transformer that says in words what it shows.

Captioner         the two together: the Transformer of notebook 09 with another encoder    notebook 18
write_captions    greedy captions, by the search and the cache that translate
"""

from collections.abc import Sequence
from functools import partial

import torch
from torch import Tensor, nn

from lib.batching import Batch, Vocabulary, shift_right
from lib.decoding.incremental import cached_step, reorder_decoding, start_decoding
from lib.decoding.search import greedy_search
from lib.fused import FusedDecoderBlock, FusedTransformer
from lib.layers import FusedLayerNorm
from lib.transformer import Decoder
from lib.vit import ViT


class Captioner(FusedTransformer):
    """A FusedTransformer whose source is an image: what its decoder looks at are the class token and the patches.

    d_ff, n_blocks: of the decoder. Its loss takes what `batch` makes; `fresh_weights` draws its parameters.
    """

    def __init__(self, vit: ViT, vocab: int, n_heads: int, d_ff: int, n_blocks: int):
        d_model = vit.embedding.out_features
        words = nn.Embedding(vocab, d_model)
        blocks = [FusedDecoderBlock(d_model, n_heads, d_ff) for _ in range(n_blocks)]
        super().__init__(words, words, vit, Decoder(blocks, FusedLayerNorm(d_model)))

    def encode(self, source: Tensor, source_mask: Tensor) -> Tensor:
        """Images (batch, channel, height, width) to the memory (batch, 1 + patch, d_model); nothing is hidden."""
        return self.encoder(source)

    def batch(self, images: Tensor, captions: Sequence[Sequence[int]]) -> Batch:
        """Images and the ids of their captions, without <SOS> and <EOS>, for `loss` and `cross_attention_weights`."""
        return Batch(images, all_seen(images), *shift_right(captions))


def all_seen(images: Tensor) -> Tensor:
    """The mask of sources without padding, (batch, 1), True: one for all the patches of an image."""
    return torch.ones(len(images), 1, dtype=torch.bool, device=images.device)


@torch.no_grad()
def write_captions(model: Captioner, vocabulary: Vocabulary, images: Tensor, limit: int = 20) -> list[str]:
    """What the model says of each image, greedily, in at most `limit` words, <EOS> included; words with spaces."""
    state = start_decoding(model, images, all_seen(images), limit)
    ids = greedy_search(partial(cached_step, model), state, limit, reorder_decoding)
    return [" ".join(vocabulary.decode(row)) for row in ids.tolist()]
