"""Right answers to notebook 05 in several styles."""

import torch
from torch import nn

from lib.attention import attention, fused_attention
from tests.graders.cases import right

# ------------------------------------------------------------------------------------------------------- split_heads


@right("split_heads")
def view_and_transpose(x, n_heads):
    batch, position, d_model = x.shape
    return x.view(batch, position, n_heads, d_model // n_heads).transpose(1, 2)


@right("split_heads")
def reshape_and_permute(x, n_heads):
    return x.reshape(*x.shape[:2], n_heads, -1).permute(0, 2, 1, 3).contiguous()


@right("split_heads")
def chunks_stacked(x, n_heads):
    return torch.stack(x.chunk(n_heads, dim=-1), dim=1)


@right("split_heads")
def slices(x, n_heads):
    d_head = x.shape[-1] // n_heads
    return torch.stack([x[..., head * d_head : (head + 1) * d_head] for head in range(n_heads)], 1)


@right("split_heads")
def filled_head_by_head(x, n_heads):
    heads = x.new_zeros(x.shape[0], n_heads, x.shape[1], x.shape[2] // n_heads)
    for head in range(n_heads):
        heads[:, head] = x.tensor_split(n_heads, dim=2)[head]
    return heads


@right("split_heads")
def swapaxes_and_reshape(x, n_heads):
    return x.reshape(len(x), -1, n_heads, x.size(2) // n_heads).swapaxes(1, 2)


# -------------------------------------------------------------------------------------------------------- join_heads


@right("join_heads")
def contiguous_view(x):
    batch, heads, position, d_head = x.shape
    return x.transpose(1, 2).contiguous().view(batch, position, heads * d_head)


@right("join_heads")
def concatenated(x):
    return torch.cat(x.unbind(1), dim=-1)


@right("join_heads")
def permuted(x):
    return x.permute(0, 2, 1, 3).reshape(x.shape[0], x.shape[2], -1)


@right("join_heads")
def loop_over_positions(x):
    return torch.stack([x[:, :, place].flatten(1) for place in range(x.shape[2])], dim=1)


@right("join_heads")
def moved_and_flattened(x):
    return x.movedim(1, 2).flatten(-2)


@right("join_heads")
def filled_slice_by_slice(x):
    batch, heads, position, d_head = x.shape
    joined = x.new_empty(batch, position, heads * d_head)
    for head in range(heads):
        joined[..., head * d_head : (head + 1) * d_head] = x[:, head]
    return joined


# ------------------------------------------------------------------------------------------------------- causal_mask


@right("causal_mask")
def compares_places(length):
    places = torch.arange(length)
    return places[:, None] >= places[None, :]


@right("causal_mask")
def not_the_upper_triangle(length):
    return ~torch.triu(torch.ones(length, length, dtype=torch.bool), diagonal=1)


@right("causal_mask")
def by_loops(length):
    mask = torch.zeros(length, length, dtype=torch.bool)
    for query in range(length):
        mask[query, : query + 1] = True
    return mask


@right("causal_mask")
def from_a_list(length):
    return torch.tensor([[key <= query for key in range(length)] for query in range(length)])


@right("causal_mask")
def numbers_to_bool(length):
    return torch.tril(torch.ones(length, length)) == 1


@right("causal_mask")
def summed_up(length):
    return torch.eye(length).cumsum(0).bool()


# ------------------------------------------------------------------------------------------------------ padding_mask


@right("padding_mask")
def unsqueezed_twice(ids, padding):
    return (ids != padding).unsqueeze(1).unsqueeze(2)


@right("padding_mask")
def not_equal(ids, padding):
    return ~ids.eq(padding)[:, None, None]


@right("padding_mask")
def viewed(ids, padding):
    return ids.ne(padding).view(ids.shape[0], 1, 1, ids.shape[1])


@right("padding_mask")
def list_of_lists(ids, padding):
    return torch.tensor([[[[number != padding for number in row]]] for row in ids.tolist()])


@right("padding_mask")
def logical(ids, padding):
    return torch.logical_not(ids == padding)[:, None][:, None]


@right("padding_mask")
def through_a_difference(ids, padding):
    return (ids - padding).bool().reshape(len(ids), 1, 1, -1)


# ------------------------------------------------------------------------------------------------ MultiHeadAttention


class _Base(nn.Module):
    def __init__(self, d_model, n_heads, bias=False):
        super().__init__()
        if d_model % n_heads != 0:
            raise ValueError(f"{d_model} is no multiple of {n_heads}")
        self.n_heads, self.keep_weights, self.weights = n_heads, False, None
        self.to_q = nn.Linear(d_model, d_model, bias)
        self.to_k = nn.Linear(d_model, d_model, bias)
        self.to_v = nn.Linear(d_model, d_model, bias)
        self.to_out = nn.Linear(d_model, d_model, bias)

    def attend(self, q, k, v, mask):
        if not self.keep_weights:
            return fused_attention(q, k, v, mask)
        mixed, self.weights = attention(q, k, v, mask)
        return mixed


@right("MultiHeadAttention")
class HeadByHead(_Base):
    def forward(self, x, context=None, mask=None):
        context = x if context is None else context
        d_head, parts = x.shape[-1] // self.n_heads, []
        for numbers in (self.to_q(x), self.to_k(context), self.to_v(context)):
            slices = [numbers[..., head * d_head : (head + 1) * d_head] for head in range(self.n_heads)]
            parts.append(torch.stack(slices, dim=1))
        mixed = self.attend(*parts, mask)
        return self.to_out(torch.cat([mixed[:, head] for head in range(self.n_heads)], dim=-1))


@right("MultiHeadAttention")
class WithEinsum(_Base):
    def forward(self, x, context=None, mask=None):
        context = context if context is not None else x
        q, k, v = (
            torch.einsum("bphd->bhpd", layer(part).unflatten(-1, (self.n_heads, -1)))
            for layer, part in ((self.to_q, x), (self.to_k, context), (self.to_v, context))
        )
        return self.to_out(torch.einsum("bhqd->bqhd", self.attend(q, k, v, mask)).flatten(-2))

    def attend(self, q, k, v, mask):
        scores = torch.einsum("bhqd,bhkd->bhqk", q, k) * q.shape[-1] ** -0.5
        if mask is not None:
            scores = torch.where(mask, scores, torch.tensor(-1e30))
        weights = torch.softmax(scores, dim=-1)
        if self.keep_weights:
            self.weights = weights
        return torch.einsum("bhqk,bhkd->bhqd", weights, v)


@right("MultiHeadAttention")
class HeadsInTheBatch(_Base):
    def fold(self, x):
        batch, position, d_model = x.shape
        x = x.view(batch, position, self.n_heads, d_model // self.n_heads)
        return x.transpose(1, 2).reshape(batch * self.n_heads, position, -1)

    def forward(self, x, context=None, mask=None):
        context = x if context is None else context
        folded = self.fold(self.to_q(x)), self.fold(self.to_k(context)), self.fold(self.to_v(context))
        mixed = self.attend(*(part.view(len(x), self.n_heads, *part.shape[1:]) for part in folded), mask)
        return self.to_out(mixed.transpose(1, 2).reshape(x.shape))


@right("MultiHeadAttention")
class FusedUnlessKept(_Base):
    def forward(self, x, context=None, mask=None):
        context = x if context is None else context
        q, k, v = (
            layer(part).unflatten(-1, (self.n_heads, -1)).transpose(1, 2)
            for layer, part in ((self.to_q, x), (self.to_k, context), (self.to_v, context))
        )
        return self.to_out(self.attend(q, k, v, mask).transpose(1, 2).flatten(2))

    def attend(self, q, k, v, mask):
        if self.keep_weights:
            identity = torch.eye(k.shape[-2]).expand(*k.shape[:2], -1, -1)
            self.weights = nn.functional.scaled_dot_product_attention(q, k, identity, attn_mask=mask)
        return nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=mask)


@right("MultiHeadAttention")
class WithTheGivenAttend(_Base):
    def split(self, x):
        return torch.stack(x.chunk(self.n_heads, dim=-1), dim=1)

    def forward(self, x, context=None, mask=None):
        if context is None:
            context = x
        heads = self.attend(*(self.split(y) for y in (self.to_q(x), self.to_k(context), self.to_v(context))), mask)
        return self.to_out(torch.cat(heads.unbind(1), dim=-1))


@right("MultiHeadAttention")
class DetachesWhatItKeeps(_Base):
    def forward(self, x, context=None, mask=None):
        context = x if context is None else context
        parts = self.to_q(x), self.to_k(context), self.to_v(context)
        heads = [part.view(*part.shape[:2], self.n_heads, -1).permute(0, 2, 1, 3) for part in parts]
        mixed = self.attend(*heads, mask)
        self.weights = self.weights.detach() if self.keep_weights else None
        return self.to_out(mixed.permute(0, 2, 1, 3).flatten(2))


# ------------------------------------------------------------------------------------------------------- future_leak


@right("future_leak")
def clone_and_negate(layer, x):
    outputs, largest = layer(x), 0.0
    for position in range(1, x.shape[1]):
        changed = x.clone()
        changed[:, position:] *= -1
        largest = max(largest, float((layer(changed) - outputs)[:, :position].abs().max()))
    return largest


@right("future_leak")
def by_comprehension(layer, x):
    outputs = layer(x)
    moves = [
        (layer(torch.cat((x[:, :p], -x[:, p:]), dim=1))[:, :p] - outputs[:, :p]).abs().max().item()
        for p in range(1, x.shape[1])
    ]
    return max(moves, default=0.0)


@right("future_leak")
def with_signs_from_zero(layer, x):
    outputs, largest = layer(x), torch.zeros(())
    for position in range(x.shape[1]):
        signs = torch.where(torch.arange(x.shape[1]) < position, 1.0, -1.0)[:, None]
        moved = (layer(x * signs) - outputs).detach().abs()[:, :position]
        if position:
            largest = torch.maximum(largest, moved.max())
    return largest.item()


@right("future_leak")
def without_gradients(layer, x):
    worst = 0.0
    with torch.no_grad():
        outputs = layer(x)
        for position in reversed(range(1, x.shape[1])):
            sign = torch.ones_like(x)
            sign[:, position:] = -1
            difference = torch.linalg.vector_norm((layer(x * sign) - outputs)[:, :position], ord=float("inf"))
            worst = max(worst, difference.item())
    return worst


@right("future_leak")
def all_changes_in_one_batch(layer, x):
    batch, positions = x.shape[:2]
    if positions == 1:
        return 0.0
    moves = []
    for sentence in range(batch):  # a layer may treat the sentences of a batch differently: put it in its place
        for position in range(1, positions):
            changed = x.clone()
            changed[sentence, position:] *= -1
            moves.append((layer(changed) - layer(x))[sentence, :position].abs().max())
    return float(torch.stack(moves).max())


@right("future_leak")
def a_zero_that_is_an_int(layer, x):
    moves = [0]
    for position in range(1, x.shape[1]):
        changed = torch.where((torch.arange(x.shape[1]) >= position)[None, :, None], -x, x)
        moves.append((layer(changed) - layer(x))[:, :position].detach().abs().numpy().max())
    return max(moves)
