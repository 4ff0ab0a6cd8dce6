"""One optimizer step of GPT-2 in PyTorch, timed: forward, backward, clipping, AdamW. The last line is JSON.

bfloat16 is autocast: parameters, their gradients and the optimizer stay in float32. Gradients of `micro` sequences at a time
are added up. --pad-vocab 64 gives the vocabulary rows that nothing uses up to a multiple of 64, as nanoGPT does: products with
it are then faster.
"""
import argparse

import torch

from gpt2 import GPT2, MODELS
from measure import parameters, prepare, report, seconds_each

parser = argparse.ArgumentParser()
parser.add_argument("--model", default="3.7M", choices=MODELS)
parser.add_argument("--sequences", type=int, default=32)
parser.add_argument("--length", type=int, default=128)
parser.add_argument("--micro", type=int, default=0, help="sequences computed at once; 0: all")
parser.add_argument("--pad-vocab", type=int, default=1)
parser.add_argument("--dtype", default="float32", choices=["float32", "bfloat16"])
parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
parser.add_argument("--attention", default="plain", choices=["plain", "fused"])
parser.add_argument("--compile", action="store_true")
parser.add_argument("--threads", type=int, default=2)
parser.add_argument("--steps", type=int, default=3)
parser.add_argument("--warm-up", type=int, default=2)
args = parser.parse_args()

prepare(args.device, args.threads)
sizes = MODELS[args.model]
rows = -(-sizes["vocab_size"] // args.pad_vocab) * args.pad_vocab
model = GPT2(**{**sizes, "vocab_size": rows}, attention=args.attention).to(args.device)
decay = [p for p in model.parameters() if p.dim() > 1]
rest = [p for p in model.parameters() if p.dim() <= 1]
groups = [{"params": decay, "weight_decay": 0.01}, {"params": rest, "weight_decay": 0.0}]
try:
    optimizer = torch.optim.AdamW(groups, lr=1e-4, betas=(0.9, 0.98), fused=True)
except (TypeError, RuntimeError):  # PyTorch 1 has it on CUDA only
    optimizer = torch.optim.AdamW(groups, lr=1e-4, betas=(0.9, 0.98))
loss_of = torch.compile(model) if args.compile else model
data = torch.randint(0, sizes["vocab_size"], (args.sequences, args.length + 1), device=args.device)
parts = data.split(args.micro or args.sequences)


def step():
    for part in parts:
        with torch.autocast(args.device, dtype=torch.bfloat16, enabled=args.dtype == "bfloat16"):
            loss = loss_of(part[:, :-1], part[:, 1:]) * (len(part) / args.sequences)
        loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)


tokens = args.sequences * args.length
seconds = seconds_each(args.warm_up, args.steps, step, args.device)
report({"train": [tokens / s for s in seconds]}, parameters(model), args.device)
