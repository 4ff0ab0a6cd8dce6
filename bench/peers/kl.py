"""Scoring by GPT-2 in PyTorch, timed: a forward pass up to the completions' logits, their log-probabilities, exact KL with
both log-probabilities. The last line is JSON.

The texts are run `micro` at a time, the vocabulary's products and softmaxes are done for `chunk` tokens at a time, which
bounds memory. bfloat16: the whole models; softmaxes are in float32.
"""
import argparse

import torch
import torch.nn.functional as F

from gpt2 import GPT2, MODELS
from measure import parameters, prepare, report, seconds_each

parser = argparse.ArgumentParser()
parser.add_argument("--model", default="3.7M", choices=MODELS)
parser.add_argument("--sequences", type=int, default=32)
parser.add_argument("--prompt-length", type=int, default=64)
parser.add_argument("--completion-length", type=int, default=64)
parser.add_argument("--micro", type=int, default=0, help="texts computed at once; 0: all")
parser.add_argument("--chunk", type=int, default=512)
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
dtype = getattr(torch, args.dtype)
p, q = (GPT2(**sizes, attention=args.attention).to(args.device, dtype).eval() for _ in range(2))
# The last texts are fewer than `micro`: a graph of their own, not one for any number.
compiled = (lambda f: torch.compile(f, dynamic=False)) if args.compile else (lambda f: f)
T = args.prompt_length + args.completion_length
texts = torch.randint(0, sizes["vocab_size"], (args.sequences, T), device=args.device)
parts = texts.split(args.micro or args.sequences)
hidden_p, hidden_q = compiled(p.hidden), compiled(q.hidden)


def predicting(hidden, part):
    """[completion tokens, D]: what each completion token is predicted from, in chunks."""
    return hidden(part[:, :-1])[:, args.prompt_length - 1 :].flatten(0, 1).split(args.chunk)


@compiled
def score_of(h, targets):
    return -F.cross_entropy(p.logits(h), targets, reduction="none")


@compiled
def kl_of(hp, hq, targets):
    log_p, log_q = torch.log_softmax(p.logits(hp), -1), torch.log_softmax(q.logits(hq), -1)
    of = targets[:, None]
    return torch.stack([(log_p.exp() * (log_p - log_q)).sum(-1), log_p.gather(-1, of)[:, 0], log_q.gather(-1, of)[:, 0]])


def forward():
    for part in parts:
        for h in predicting(hidden_p, part):
            p.logits(h)


def score():
    out = []
    for part in parts:
        targets = part[:, args.prompt_length :].flatten().split(args.chunk)
        out += [score_of(h, t) for h, t in zip(predicting(hidden_p, part), targets)]
    return torch.cat(out)


def kl():
    out = []
    for part in parts:
        targets = part[:, args.prompt_length :].flatten().split(args.chunk)
        out += [kl_of(*of) for of in zip(predicting(hidden_p, part), predicting(hidden_q, part), targets)]
    return torch.cat(out, 1)


with torch.inference_mode():
    works = {"forward": forward, "score": score, "kl": kl}
    rates = {
        name: [args.sequences * T / s for s in seconds_each(args.warm_up, args.steps, run, args.device)]
        for name, run in works.items()
    }
report(rates, parameters(p), args.device)
