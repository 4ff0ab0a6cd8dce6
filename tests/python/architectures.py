"""Writes small models of random weights, each with what transformers (float32) says of some texts:

    python tests/python/architectures.py tests/lm/goldens/architectures

A folder for each: config.json and model.safetensors as transformers saves them, golden.jsonl: {prompt_ids, completion_ids, logprobs}.
Biases and norms are not at their initial values. transformers 5.18, torch 2.13.
"""

import json
import pathlib
import sys

import torch
from transformers import AutoConfig, AutoModelForCausalLM

out = pathlib.Path(sys.argv[1])
llama = dict(vocab_size=40, hidden_size=24, intermediate_size=36, num_hidden_layers=2, num_attention_heads=6,
             num_key_value_heads=2, max_position_embeddings=64, bos_token_id=0, eos_token_id=1, pad_token_id=None)


def rope(kind, **more):
    return dict(rope_parameters=dict(rope_type=kind, rope_theta=1000.0, **more))


models = {
    "llama": ("llama", llama),
    "llama-tied": ("llama", dict(llama, tie_word_embeddings=True, head_dim=8, num_key_value_heads=1)),
    "llama-biased": ("llama", dict(llama, attention_bias=True, mlp_bias=True, num_key_value_heads=6)),
    "llama-linear": ("llama", dict(llama, **rope("linear", factor=4.0))),
    "llama-dynamic": ("llama", dict(llama, **rope("dynamic", factor=4.0))),
    "llama-llama3": ("llama", dict(llama, head_dim=16, **rope("llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
                                                              original_max_position_embeddings=16))),
    "llama-yarn": ("llama", dict(llama, head_dim=16, **rope("yarn", factor=4.0, original_max_position_embeddings=16))),
    "llama-yarn-all": ("llama", dict(llama, head_dim=16, **rope("yarn", factor=4.0, original_max_position_embeddings=16, beta_fast=8.0,
                                                                beta_slow=2.0, mscale=0.7, mscale_all_dim=0.4, truncate=False))),
    "mistral": ("mistral", dict(llama, sliding_window=None)),
    "mistral-window": ("mistral", dict(llama, sliding_window=48)),
    "qwen2": ("qwen2", dict(llama, tie_word_embeddings=True)),
}

for number, (name, (kind, sizes)) in enumerate(models.items()):
    torch.manual_seed(number)
    config = AutoConfig.for_model(kind, **sizes)
    model = AutoModelForCausalLM.from_config(config, dtype=torch.float32).eval()
    with torch.no_grad():
        for key, weight in model.named_parameters():
            weight.normal_(1.0 if key.endswith("norm.weight") else 0.0, 0.3)
    model.tie_weights()
    folder = out / name
    model.save_pretrained(folder)
    with open(folder / "golden.jsonl", "w") as file, torch.no_grad():
        for length, begin in [(2, 1), (9, 4), (24, 20), (48, 3)]:
            ids = torch.randint(0, config.vocab_size, (length,)).tolist()
            logprobs = model(torch.tensor([ids])).logits[0].log_softmax(-1)
            row = dict(prompt_ids=ids[:begin], completion_ids=ids[begin:],
                       logprobs=[round(logprobs[t - 1, ids[t]].item(), 7) for t in range(begin, length)])
            file.write(json.dumps(row) + "\n")
    print(name, model.num_parameters())
