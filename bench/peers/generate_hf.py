"""Generation by Hugging Face's generate, timed: GPT2LMHeadModel with random weights, sampling at temperature 1 from its KV cache.

The last line is JSON. bfloat16: the whole model. Attention is scaled_dot_product_attention. Unlike ours and generate.py it
keeps no log-probabilities. Needs transformers.
"""
import argparse
import logging

import torch
import transformers
from transformers import GPT2Config, GPT2LMHeadModel

from gpt2 import MODELS
from measure import parameters, prepare, report, seconds_each

parser = argparse.ArgumentParser()
parser.add_argument("--model", default="3.7M", choices=MODELS)
parser.add_argument("--prompts", type=int, default=64)
parser.add_argument("--prompt-length", type=int, default=64)
parser.add_argument("--new-tokens", type=int, default=64)
parser.add_argument("--top-p", type=float, default=1.0)
parser.add_argument("--dtype", default="float32", choices=["float32", "bfloat16"])
parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
parser.add_argument("--cache", default="dynamic", choices=["dynamic", "static"])
parser.add_argument("--threads", type=int, default=2)
parser.add_argument("--steps", type=int, default=3)
parser.add_argument("--warm-up", type=int, default=2)
args = parser.parse_args()

logging.disable(logging.WARNING)
prepare(args.device, args.threads)
sizes = MODELS[args.model]
# No stop token: every row gets all its tokens.
config = GPT2Config(**sizes, bos_token_id=None, eos_token_id=None, attn_implementation="sdpa")
model = GPT2LMHeadModel(config).to(args.device, getattr(torch, args.dtype)).eval()
prompts = torch.randint(0, sizes["vocab_size"], (args.prompts, args.prompt_length), device=args.device)
options = {"do_sample": True, "temperature": 1.0, "top_k": 0, "top_p": args.top_p, "pad_token_id": 0}
if args.cache == "static":
    options["cache_implementation"] = "static"


def generate(new_tokens):
    out = model.generate(
        prompts,
        attention_mask=torch.ones_like(prompts),
        max_new_tokens=new_tokens,
        min_new_tokens=new_tokens,
        **options,
    )
    assert out.shape == (args.prompts, args.prompt_length + new_tokens)


def rates(new_tokens, tokens):
    seconds = seconds_each(args.warm_up, args.steps, lambda: generate(new_tokens), args.device)
    return [args.prompts * tokens / s for s in seconds]


report(
    {"generate": rates(args.new_tokens, args.new_tokens), "prefill": rates(1, args.prompt_length)},
    parameters(model),
    args.device,
    f"transformers {transformers.__version__}, PyTorch {torch.__version__}",
)
