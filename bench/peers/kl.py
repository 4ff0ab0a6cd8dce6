"""Scoring by GPT-2 in PyTorch, timed: a forward pass, log-probabilities of completions, exact KL. The last line is JSON.

The vocabulary's products and softmaxes are done for `chunk` tokens at a time, which bounds memory. bfloat16: the whole
models; softmaxes are in float32.
"""
import argparse

import torch
import torch.nn.functional as F

from gpt2 import GPT2, MODELS
from measure import parameters, report, seconds_each

parser = argparse.ArgumentParser()
parser.add_argument("--model", default="3.7M", choices=MODELS)
parser.add_argument("--sequences", type=int, default=32)
parser.add_argument("--prompt-length", type=int, default=64)
parser.add_argument("--completion-length", type=int, default=64)
parser.add_argument("--chunk", type=int, default=512)
parser.add_argument("--dtype", default="float32", choices=["float32", "bfloat16"])
parser.add_argument("--attention", default="plain", choices=["plain", "fused"])
parser.add_argument("--threads", type=int, default=2)
parser.add_argument("--steps", type=int, default=3)
parser.add_argument("--warm-up", type=int, default=2)
args = parser.parse_args()

torch.set_num_threads(args.threads)
torch.manual_seed(0)
sizes = MODELS[args.model]
p, q = (GPT2(**sizes, attention=args.attention).to(getattr(torch, args.dtype)).eval() for _ in range(2))
T = args.prompt_length + args.completion_length
texts = torch.randint(0, sizes["vocab_size"], (args.sequences, T))
inputs, targets = texts[:, :-1], texts[:, args.prompt_length :].flatten()


def predicting(model):
    """[completion tokens, D]: what each completion token is predicted from, in chunks."""
    return model.hidden(inputs)[:, args.prompt_length - 1 :].flatten(0, 1).split(args.chunk)


def score():
    pairs = zip(predicting(p), targets.split(args.chunk))
    return torch.cat([-F.cross_entropy(p.logits(h), t, reduction="none") for h, t in pairs])


def kl():
    out = []
    for hp, hq in zip(predicting(p), predicting(q)):
        log_p, log_q = torch.log_softmax(p.logits(hp), -1), torch.log_softmax(q.logits(hq), -1)
        out.append((log_p.exp() * (log_p - log_q)).sum(-1))
    return torch.cat(out)


with torch.inference_mode():
    works = {"forward": lambda: p.hidden(inputs), "score": score, "kl": kl}
    rates = {
        name: [args.sequences * T / s for s in seconds_each(args.warm_up, args.steps, run)]
        for name, run in works.items()
    }
report(rates, parameters(p))
