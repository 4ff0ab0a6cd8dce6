"""Generation by GPT-2 in PyTorch, timed: prefill, then a token at a time with a KV cache allocated once. The last line is JSON.

Samples at temperature 1 and keeps each token's log-probability, as src/lm/sample.ts does. bfloat16: the whole model.
"""
import argparse

import torch

from gpt2 import GPT2, MODELS
from measure import parameters, report, seconds_each

parser = argparse.ArgumentParser()
parser.add_argument("--model", default="3.7M", choices=MODELS)
parser.add_argument("--prompts", type=int, default=64)
parser.add_argument("--prompt-length", type=int, default=64)
parser.add_argument("--new-tokens", type=int, default=64)
parser.add_argument("--top-p", type=float, default=1.0)
parser.add_argument("--dtype", default="float32", choices=["float32", "bfloat16"])
parser.add_argument("--attention", default="plain", choices=["plain", "fused"])
parser.add_argument("--threads", type=int, default=2)
parser.add_argument("--steps", type=int, default=3)
parser.add_argument("--warm-up", type=int, default=2)
args = parser.parse_args()

torch.set_num_threads(args.threads)
torch.manual_seed(0)
sizes = MODELS[args.model]
model = GPT2(**sizes, attention=args.attention).to(getattr(torch, args.dtype)).eval()
prompts = torch.randint(0, sizes["vocab_size"], (args.prompts, args.prompt_length))


def sample(logits):
    """logits [B,V] -> a token of each row and its log-probability at temperature 1 without filters, both [B,1]."""
    logp = torch.log_softmax(logits, -1)
    p = logp.exp()
    if args.top_p < 1:
        ordered, order = p.sort(-1, descending=True)
        outside = ordered.cumsum(-1) - ordered >= args.top_p
        picked = torch.multinomial(ordered.masked_fill(outside, 0.0), 1)
        token = order.gather(-1, picked)
    else:
        token = torch.multinomial(p, 1)
    return token, logp.gather(-1, token)


@torch.inference_mode()
def generate(new_tokens):
    # The last token is not read.
    caches = model.caches(args.prompts, args.prompt_length + new_tokens - 1)
    tokens, logprobs = [], []
    ids, at = prompts, 0
    for _ in range(new_tokens):
        h = model.hidden(ids, caches, at)[:, -1]
        at += ids.shape[1]
        ids, logprob = sample(model.logits(h))
        tokens.append(ids)
        logprobs.append(logprob)
    return torch.cat(tokens, 1), torch.cat(logprobs, 1)


def rates(new_tokens, tokens):
    seconds = seconds_each(args.warm_up, args.steps, lambda: generate(new_tokens))
    return [args.prompts * tokens / s for s in seconds]


report(
    {"generate": rates(args.new_tokens, args.new_tokens), "prefill": rates(1, args.prompt_length)},
    parameters(model),
)
