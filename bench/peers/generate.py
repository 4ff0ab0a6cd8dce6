"""Generation by GPT-2 in PyTorch, timed: prefill, then a token at a time with a KV cache allocated once. The last line is JSON.

Samples at temperature 1 and keeps each token's log-probability, as src/lm/sample.ts does. bfloat16: the whole model.
--compile: steps after the prefill are one compiled program on a cache of fixed size, on a GPU a CUDA graph (as gpt-fast does).
"""
import argparse

import torch

from gpt2 import GPT2, MODELS
from measure import parameters, prepare, report, seconds_each

parser = argparse.ArgumentParser()
parser.add_argument("--model", default="3.7M", choices=MODELS)
parser.add_argument("--prompts", type=int, default=64)
parser.add_argument("--prompt-length", type=int, default=64)
parser.add_argument("--new-tokens", type=int, default=64)
parser.add_argument("--top-p", type=float, default=1.0)
parser.add_argument("--dtype", default="float32", choices=["float32", "bfloat16"])
parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
parser.add_argument("--compile", action="store_true")
parser.add_argument("--attention", default="plain", choices=["plain", "fused"])
parser.add_argument("--threads", type=int, default=2)
parser.add_argument("--steps", type=int, default=3)
parser.add_argument("--warm-up", type=int, default=2)
args = parser.parse_args()

prepare(args.device, args.threads)
sizes = MODELS[args.model]
model = GPT2(**sizes, attention=args.attention).to(args.device, getattr(torch, args.dtype)).eval()
prompts = torch.randint(0, sizes["vocab_size"], (args.prompts, args.prompt_length), device=args.device)


def draw(p):
    """An index of each row with probabilities proportional to p: multinomial() would make the host wait for a GPU."""
    return (p / torch.empty_like(p).exponential_()).argmax(-1, keepdim=True)


def sample(logits):
    """logits [B,V] -> a token of each row and its log-probability at temperature 1 without filters, both [B,1]."""
    logp = torch.log_softmax(logits, -1)
    p = logp.exp()
    if args.top_p < 1:
        ordered, order = p.sort(-1, descending=True)
        outside = ordered.cumsum(-1) - ordered >= args.top_p
        token = order.gather(-1, draw(ordered.masked_fill(outside, 0.0)))
    else:
        token = draw(p)
    return token, logp.gather(-1, token)


def step(ids, at):
    return sample(model.logits(model.decode(ids, at)))


if args.compile:
    # The last token is not read.
    length = args.prompt_length + args.new_tokens - 1
    static = model.static_caches(args.prompts, -(-length // 64) * 64)
    compiled_step = torch.compile(step, mode="reduce-overhead", fullgraph=True)


def generate_compiled(new_tokens):
    ids, logprob = sample(model.logits(model.hidden(prompts, static)[:, -1]))
    tokens, logprobs = [ids], [logprob]
    at = torch.tensor([args.prompt_length], device=args.device)
    for _ in range(new_tokens - 1):
        ids, logprob = compiled_step(ids, at)
        # The graph's own memory is written again by the next step.
        ids = ids.clone()
        tokens.append(ids)
        logprobs.append(logprob.clone())
        at = at + 1
    return torch.cat(tokens, 1), torch.cat(logprobs, 1)


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
    run = generate_compiled if args.compile else generate
    seconds = seconds_each(args.warm_up, args.steps, lambda: run(new_tokens), args.device)
    return [args.prompts * tokens / s for s in seconds]


with torch.no_grad() if args.compile else torch.inference_mode():
    found = {"generate": rates(args.new_tokens, args.new_tokens), "prefill": rates(1, args.prompt_length)}
report(found, parameters(model), args.device)
