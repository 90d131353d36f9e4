"""SmolLM2-135M-Instruct in the course's Llama, beside Hugging Face: `python benchmarks/smollm2.py [rounds]`.

One interleaved run on one thread, with the published weights unpacked to float32, the same in all: every round reads
a prompt of READ tokens, and writes NEW tokens greedily behind one of PROMPT, with each contestant, in turn, so that a
busy machine slows all alike; the time is the processor's. Ours and Hugging Face's `generate` with its cache must
write the same tokens. A ratio is the median over the rounds. Needs the published file: `course.py fetch smollm2`.
"""

import os
import sys
from statistics import median

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
import torch
from kv_cache import seconds
from torch import nn

from lib.decoding.generate import CachedGPT, lay_out_for_decoding
from lib.decoding.quantise import quantised
from lib.decoding.sampling import generate
from lib.llama import Llama
from lib.smollm import IN_A_BLOCK, load_smollm2

READ, PROMPT, NEW = 512, 32, 64
IN_THEIRS = {
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}


def hugging_face(ours: Llama) -> nn.Module:
    """Their Llama with our weights. Theirs turns the halves of a head against each other, ours turns neighbours."""
    from transformers import LlamaConfig, LlamaForCausalLM

    layer, mlp = ours.blocks[0].attention, ours.blocks[0].feed_forward
    config = LlamaConfig(
        vocab_size=ours.embedding.num_embeddings,
        hidden_size=ours.embedding.embedding_dim,
        intermediate_size=mlp.widen.out_features,
        num_hidden_layers=len(ours.blocks),
        num_attention_heads=layer.n_heads,
        num_key_value_heads=layer.n_kv_heads,
        max_position_embeddings=ours.n_positions,
        rms_norm_eps=ours.norm.epsilon,
        rope_parameters={"rope_type": "default", "rope_theta": layer.rotate.base},
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=None,
    )
    with torch.device("meta"):
        theirs = LlamaForCausalLM(config)
    state = {"model.embed_tokens.weight": ours.embedding.weight, "model.norm.weight": ours.norm.scale}
    for number, block in enumerate(ours.blocks):
        for name, place in IN_A_BLOCK.items():
            part = block.get_parameter(place)
            if name in ("attn_q", "attn_k"):
                part = part.unflatten(0, (-1, layer.d_head // 2, 2)).transpose(1, 2).flatten(0, 2)
            state[f"model.layers.{number}.{IN_THEIRS[name]}.weight"] = part
    theirs.load_state_dict(
        {name: part.detach().contiguous() for name, part in state.items()}, strict=False, assign=True
    )
    theirs.tie_weights()
    theirs.model.rotary_emb = type(theirs.model.rotary_emb)(config)
    return theirs.eval()


def main(rounds: int) -> None:
    torch.set_num_threads(1)
    model, tokenizer = load_smollm2()
    text = tokenizer.encode_ordinary("The history of the city begins with a river and a bridge. " * 60)
    reference = hugging_face(model)
    ours = {"ours, float32": lay_out_for_decoding(model), "ours, dynamic int8": quantised(model)}
    theirs = "Hugging Face, float32"

    @torch.inference_mode()
    def their_reading():
        return reference(torch.tensor([text[:READ]]), use_cache=True, logits_to_keep=1).logits[0, -1]

    @torch.inference_mode()
    def their_writing():
        ids = torch.tensor([text[:PROMPT]])
        settings = {"max_new_tokens": NEW, "do_sample": False, "use_cache": True, "pad_token_id": 0}
        return reference.generate(ids, attention_mask=torch.ones_like(ids), **settings)[0, PROMPT:].tolist()

    def greedy(one):
        return list(generate(CachedGPT(one), text[:PROMPT], NEW, lambda logits, ids: logits.argmax().item()))

    reading = {name: lambda one=one: CachedGPT(one)(text[:READ]) for name, one in ours.items()}
    writing = {name: lambda one=one: greedy(one) for name, one in ours.items()}
    reading[theirs], writing[theirs] = their_reading, their_writing
    torch.testing.assert_close(reading["ours, float32"](), reading[theirs](), rtol=1e-3, atol=1e-3)
    same = writing["ours, float32"]() == writing[theirs]()
    print(f"one thread, {rounds} rounds; ours and Hugging Face write {'the same tokens' if same else 'OTHER TOKENS'}")
    for what, works, tokens in (("reading", reading, READ), ("writing", writing, NEW)):
        times = {name: [] for name in works}
        for _ in range(rounds):
            for name, work in works.items():
                times[name].append(seconds(work) / tokens)
        for name, took in times.items():
            ratio = median(a / b for a, b in zip(times[theirs], took, strict=True))
            print(f"{what} {name:24} {1 / median(took):7.1f} tokens/s  {ratio:5.2f}x Hugging Face")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
