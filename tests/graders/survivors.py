"""Mutants that pass a check, and why that is right. An unlisted survivor fails the tests.

`{exercise: {"before -> after": "reason"}}`, as `python -m tests.graders.report` prints them.
"""

SURVIVORS: dict[str, dict[str, str]] = {
    "dropout": {"torch.rand_like(x) >= p -> torch.rand_like(x) > p": "a random number equals p once in 16 million"},
    "next_character_loss": {":-1 -> :": "gather looks only as far as the ids reach, one position fewer"},
    "LSTM": {"2 -> -2": "of four blocks, the one that ends 2 from the start also ends 2 from the end"},
    "BahdanauDecoder": {
        "torch.zeros -> torch.ones": "given code, and `seeded` sets every weight",
        "-1 -> 1": "of two axes, the last is axis 1",
        "1 -> -1": "of two axes, axis 1 is the last",
    },
    "greedy_translate": {
        "0 -> -1": "every part of the state has the batch for its first axis",
        "0 -> 1": "every part of the state has the batch for its first axis",
        "-1 -> 1": "of two axes, the last is axis 1",
        "1 -> -1": "of two axes, axis 1 is the last",
    },
    "training_step": {"norm.item() -> norm": "only the words of the error change"},
    "average_so_far": {
        "-1 -> 1": "of two axes, the last is axis 1",
        "1 -> -1": "of two axes, axis 1 is the last",
    },
    "sinusoidal_positions": {
        "2 -> -2": "the remainder by -2 is 0 for the same numbers",
    },
    "shift_matrix": {
        "0 -> -1": "there is one position, first and last at once",
        "-1 -> 1": "the last of two axes is axis 1",
        "1 -> -1": "the last of two axes is axis 1",
    },
    "LearnedPositions": {
        "0.02 -> -0.02": "a random number times -0.02 is as random",
        "end - 1 -> end + 1": "only the words of the error change",
        "end - 1 -> end": "only the words of the error change",
        "end - 1 -> 1": "only the words of the error change",
        "start -> x": "only the words of the error change",
        "1 -> -1": "only the words of the error change",
        "1 -> 0": "only the words of the error change",
        "1 -> 2": "only the words of the error change",
    },
    "rotate": {"0::2 -> ::2": "a slice starts at 0 by itself"},
    "GroupedQueryAttention": {
        "if not self.keep_weights: -> if False:": "the other branch gives the same mix",
        "causal_mask(q.shape[-2]).to(q.device) -> causal_mask(q.shape[-2])": "the probes run on one device",
        "bias -> rotate": "given code: the layers that it makes are made anew",
        "n_heads -> n_kv_heads": "only the words of the error change",
        "n_kv_heads -> d_head": "only the words of the error change",
        "self.n_kv_heads < self.n_heads -> self.n_kv_heads <= self.n_heads": "groups of one head are no groups",
        "q -> k": "as many queries as keys, on one device",
        "k -> v": "keys and values have the same length",
        "0 -> -1": "distances alone count, wherever the first position is",
        "0 -> 1": "distances alone count, wherever the first position is",
        "-2 -> 2": "of four axes, axis 2 is axis -2",
        "2 -> -2": "of four axes, axis 2 is axis -2",
    },
    "sliding_window_mask": {"window -> new": "only the words of the error change"},
    "unpack_q4_1": {
        "np.ascontiguousarray(blocks[:, :4]).view('<f2').astype(np.float32) -> "
        "np.ascontiguousarray(blocks[:, :4]).view('<f2')": "`*=` on float32 computes in float32",
        "1 -> 2": "reshape takes any negative number for -1",
        "1 -> -1": "of two halves, half 1 is the last",
    },
    "attention": {"q -> k": "q and k have the same last size"},
    "attention_gradient": {"q -> k": "q and k have the same last size"},
    "split_heads": {"2 -> -2": "of four axes, axis 2 is axis -2"},
    "join_heads": {"2 -> -2": "of four axes, axis 2 is axis -2"},
    "MultiHeadAttention": {
        "d_model -> n_heads": "only the words of the error change",
        "n_heads -> bias": "only the words of the error change",
    },
    "apply_temperature": {"temperature -> logits": "only the words of the error change"},
    "top_k": {
        "logits.topk(min(k, logits.shape[-1]), dim=-1) -> logits.topk(min(k, logits.shape[-1]))": "the last axis",
        "k -> logits": "only the words of the error change",
    },
    "top_p": {
        "logits.sort(dim=-1, descending=True) -> logits.sort(descending=True)": "the last axis anyway",
        "p -> logits": "only the words of the error change",
    },
    "entropy": {
        "0.0 -> 1.0": "times p = 0 it is 0 in any case",
        "0.0 -> -1.0": "times p = 0 it is 0 in any case",
    },
    "min_p": {
        "0 -> -1": "the logarithm refuses what is not above 0, with a ValueError too",
        "p -> logits": "only the words of the error change",
    },
    "repetition_penalty": {
        "seen > 0 -> seen >= 0": "0 divided is 0, and so is 0 multiplied",
        "penalty -> logits": "only the words of the error change",
    },
    "Transformer": {
        "causal_mask(inputs.shape[1]).to(inputs.device) -> causal_mask(inputs.shape[1])": "checks run on the CPU alone",
        "inputs -> memory": "of its device only: inputs and memory lie on one",
        "1 -> -1": "of two axes, axis 1 is the last",
    },
    "next_word_step": {"1 -> -1": "of two axes, axis 1 is the last"},
    "KeyValueCache": {
        "2 -> -2": "of four axes, axis 2 is axis -2",
        "0 -> 1": "of `torch.empty(0)` only the dtype is used",
        "keys -> values": "keys and values have one length",
        "end - 1 -> end + 1": "only the words of the error change",
        "end - 1 -> end": "only the words of the error change",
        "end - 1 -> 1": "only the words of the error change",
        "1 -> -1": "only the words of the error change",
        "1 -> 0": "only the words of the error change",
        "1 -> 2": "only the words of the error change",
    },
    "read_on": {
        "None if new == 1 and empty is None else prefill_mask(new, before, empty) -> "
        "None if False else prefill_mask(new, before, empty)": "for one new position the mask hides nothing",
        "1 -> 0": "for one new position the mask hides nothing",
        "empty -> model": "for one new position the mask hides nothing",
        "zip(model.blocks, caches, strict=True) -> zip(model.blocks, caches)": "there is a cache for each block",
        "True -> False": "there is a cache for each block",
        "(columns - empty[:, None]).clamp(min=0) -> columns - empty[:, None]": "nobody sees where padding stands",
        "0 -> -1": "nobody sees where padding stands, and all caches are equally long",
        "1 -> -1": "of two axes, the last is axis 1",
    },
    "pad_left": {
        "zip(empty, prompts, strict=True) -> zip(empty, prompts)": "one list is made of the other",
        "True -> False": "one list is made of the other",
    },
    "flash_attention": {
        "64 -> 63": "the size of the tiles changes no result",
        "64 -> 65": "the size of the tiles changes no result",
        "zip(k.split(tile, dim=-2), v.split(tile, dim=-2), strict=True) -> "
        "zip(k.split(tile, dim=-2), v.split(tile, dim=-2))": "there is a value for each key",
        "True -> False": "there is a value for each key",
        "k -> v": "of its length only: there is a value for each key",
        "1.0 -> -1.0": "where it divides, 0 is divided",
        "1.0 -> 2.0": "where it divides, 0 is divided",
    },
    "accept": {
        "torch.rand((), generator=generator) * q[i, guess] >= p[i, guess] -> "
        "torch.rand((), generator=generator) * q[i, guess] > p[i, guess]": "a random number is 0 once in 16 million",
    },
    "speculative_step": {"0 -> -1": "of one row, the first is the last"},
    "residual": {"p -> q": "p is returned where it equals q"},
    "mask_words": {
        "torch.rand(ids.shape, generator=generator) < share -> torch.rand(ids.shape, generator=generator) <= share": (
            "a random number equals `share` once in 16 million"
        ),
        "torch.tensor(list(special), dtype=ids.dtype) -> torch.tensor(list(special))": "ids are int64, and so are ints",
        "dice < 0.8 -> dice <= 0.8": "a random number is 0.8 once in 16 million",
        "dice >= 0.9 -> dice > 0.9": "a random number is 0.9 once in 16 million",
    },
    "masked_loss": {
        "cross_entropy(*flat, ignore_index=IGNORED, reduction='sum') -> cross_entropy(*flat, reduction='sum')": (
            "IGNORED is what PyTorch leaves out by itself"
        ),
    },
    "read_header": {
        "len(content) < 8 -> len(content) <= 8": "of 8 bytes the header is empty, which is no JSON",
        "8 -> -8": "fewer than 8 bytes are fewer than `start` too, which is 8 at least",
        "8 -> 7": "fewer than 8 bytes are fewer than `start` too, which is 8 at least",
        "8 -> 9": "of 8 bytes the header is empty, which is no JSON",
    },
    "tensor_at": {
        "', '.join(DTYPES) -> ', '": "only the words of the error change",
        "len(content) - start -> len(content) + start": "only the words of the error change",
        "len(content) - start -> len(content)": "only the words of the error change",
        "len(content) - start -> start": "only the words of the error change",
        "end - begin -> end + begin": "only the words of the error change",
        "end - begin -> end": "only the words of the error change",
        "end - begin -> begin": "only the words of the error change",
    },
    "LoraLinear": {"rank -> alpha": "only the words of the error change"},
    "fit_context": {"n_positions -> ids": "only the words of the error change"},
    "GPT": {
        "causal_mask(ids.shape[1]).to(ids.device) -> causal_mask(ids.shape[1])": "checks run on the CPU",
        "1 -> -1": "of two axes, axis 1 is the last",
    },
    "bigram_loss": {"1 -> -1": "of two axes, axis 1 is the last"},
    "log_probability": {
        "-1 -> 1": "of two axes, the last is axis 1",
        "1 -> -1": "of two axes, the last is axis 1",
    },
    "beam_step": {"1 -> -1": "of two axes, axis 1 is the last"},
    "beam_search": {
        "-1 -> 1": "of two axes, the last is axis 1",
        "1 -> -1": "of two axes, axis 1 is the last",
        "2 -> 3": "more candidates than are needed change nothing",
        "words.shape[1] - width -> words.shape[1]": "beginnings that have ended go on at -inf and never win",
    },
    "search_sentence": {
        "1 -> -1": "of a pair, place 1 is the last",
        "log_probs_after(ids).tolist() -> log_probs_after(ids)": "tensors of one number are numbers, too",
    },
    "exact_search": {
        "1 -> -1": "of two axes, axis 1 is the last",
        "-1 -> 1": "of two axes, the last is axis 1",
        "0 -> -1": "of one axis, the first is the last",
        "value.item() -> value": "a tensor of one number is a number, too",
        "ids[row, 1:].tolist() -> ids[row, 1:]": "tensors of one id are ids, too",
    },
    "clipped_matches": {
        "zip(written, right, strict=True) -> zip(written, right)": "bleu compares the numbers of sentences",
        "True -> False": "bleu compares the numbers of sentences",
    },
    "bleu": {
        "same_number(written, right) -> nothing": "a given line, and clipped_matches raises a ValueError too",
        "written -> right": "in same_number, a given line",
        "right -> written": "in same_number, a given line",
    },
    "route": {"logits.topk(k, dim=-1) -> logits.topk(k)": "the last axis anyway"},
    "load_balancing_loss": {"-1 -> 1": "of two axes, the last is axis 1", "1 -> -1": "of two axes, axis 1 is the last"},
    "keep_within_capacity": {"1 -> -1": "of two axes, axis 1 is the last"},
    "patches": {
        "-2: -> :": "only the words of the error change",
        "2 -> 3": "only the words of the error change",
    },
    "interpolate_positions": {
        "interpolate(grid, size=new, mode='bicubic', align_corners=False) -> "
        "interpolate(grid, size=new, mode='bicubic')": "False is the default",
        "1 -> -1": "of two axes, axis 1 is the last",
        "0 -> -1": "a batch of one: the first is the last",
    },
    "ViT": {
        "if grid == self.grid: -> if False:": "to the same grid, interpolation changes nothing",
        "torch.empty(channels, *image, device='meta') -> torch.empty(channels, *image)": "its shape alone is used",
        "-2 -> 2": "images have four axes",
        "2 -> -2": "images have four axes",
        "1 -> -1": "of a pair, the second is the last",
    },
    "vit_parameters": {"1 -> -1": "of a pair, the second is the last"},
    "attention_rollout": {"1 -> 2": "maps are square"},
    "mutual_information": {
        "counts.double() -> counts": "float32 differs from the seventh digit on",
        "joint.sum(dim=0, keepdim=True) -> joint.sum(dim=0)": "a row without its first axis is spread alike",
        "1 -> -1": "of two axes, axis 1 is the last",
        "True -> False": "a row without its first axis is spread alike",
    },
    "corrupt_spans": {
        "zip(spans, sentinels, strict=False) -> zip(spans, sentinels)": "that is what zip does by default",
        "len(spans) + 1 -> len(spans) - 1": "only the words of the error change",
        "len(spans) + 1 -> len(spans)": "only the words of the error change",
        "len(spans) + 1 -> 1": "only the words of the error change",
        "spans -> sentinels": "only the words of the error change",
        "sentinels -> ids": "only the words of the error change",
        "1 -> -1": "only the words of the error change",
        "1 -> 0": "only the words of the error change",
        "1 -> 2": "only the words of the error change",
    },
    "relative_buckets": {
        "size < exact -> size <= exact": "the logarithm of 1 is 0: both give bucket n // 2",
        "size.clamp(min=1) -> size": "the logarithm of 0 is not chosen",
        "1 -> -1": "the logarithm of 0 is not chosen",
        "1 -> 0": "the logarithm of 0 is not chosen",
        "n_buckets -> furthest": "only the words of the error change",
        "furthest -> distance": "only the words of the error change",
    },
    "RelativeBias": {
        "torch.arange(keys, device=self.table.weight.device) -> torch.arange(keys)": "checks run on the CPU",
    },
    "biased_attention": {
        "0.0 -> -1.0": "the same number added to all scores changes no weight",
        "0.0 -> 1.0": "the same number added to all scores changes no weight",
    },
    "answer_mask": {
        "torch.arange(ids.shape[-1], device=ids.device) -> torch.arange(ids.shape[-1])": "checks run on the CPU",
        "1 -> 2": "-1 and -2 are both before every position",
    },
    "sequence_log_probability": {
        "-1 -> 1": "of two axes, the last is axis 1",
        "1 -> -1": "of two axes, axis 1 is the last",
    },
    "grpo_loss": {
        "-1 -> 1": "of two axes, the last is axis 1",
        "1 -> -1": "of two axes, axis 1 is the last",
    },
    "find_call": {
        "1 -> 2": "-1 and -2 are both before every index",
        "start >= 0 -> start > 0": "a mark ends at 6 or later",
        "0 -> 1": "a mark ends at 6 or later",
    },
    "evaluate": {
        "0 -> -1": "only the words of the error change",
        "0 -> 1": "only the words of the error change",
    },
    "zero_bytes": {"stage -> n_parameters": "only the words of the error change"},
    "token_span": {
        "begin < stop -> begin <= stop": "(0, 0) holds no character anyway",
        "1 -> -1": "of two numbers, number 1 is the last",
    },
    "best_spans": {
        "(best == -math.inf) | (start_scores[..., 0] + end_scores[..., 0] - best > margin) -> "
        "start_scores[..., 0] + end_scores[..., 0] - best > margin": "of nothing but -inf the first is taken",
        "-math.inf -> math.inf": "of nothing but -inf the first is taken",
        "start_scores -> end_scores": "of its length only: both are as long",
        "longest -> margin": "only the words of the error change",
        "torch.ones(position, position, dtype=torch.bool, device=context.device) -> "
        "torch.ones(position, position, dtype=torch.bool)": "checks run on the CPU",
    },
    "must_fit": {
        "found.keys() -> found": "a union of two dicts has the names of both",
        "wanted.keys() -> wanted": "names united with a dict are united with its names",
    },
}
