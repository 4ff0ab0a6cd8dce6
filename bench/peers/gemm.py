"""Matrix products in PyTorch, timed: shapes as M,N,K,transA,transB. The last line is JSON, in GFLOP per second.

A GPU gets ten at once, so that starting and waiting for one does not count.
"""
import argparse
import time

import torch

from measure import prepare, report, wait

parser = argparse.ArgumentParser()
parser.add_argument("shapes", nargs="+")
parser.add_argument("--dtype", default="float32", choices=["float32", "bfloat16"])
parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
parser.add_argument("--threads", type=int, default=2)
parser.add_argument("--seconds", type=float, default=0.3)
parser.add_argument("--least", type=int, default=3)
args = parser.parse_args()

prepare(args.device, args.threads)
at_once = 10 if args.device == "cuda" else 1
dtype = getattr(torch, args.dtype)


def stored(rows, columns, transposed):
    if transposed:
        return stored(columns, rows, False).t()
    return (2 * torch.rand(rows, columns, device=args.device) - 1).to(dtype)


@torch.inference_mode()
def rates(shape):
    M, N, K, trans_a, trans_b = (int(x) for x in shape.split(","))
    a, b = stored(M, K, trans_a), stored(K, N, trans_b)
    c = torch.empty(M, N, dtype=dtype, device=args.device)
    torch.mm(a, b, out=c)
    wait(args.device)
    out = []
    began = time.perf_counter()
    while len(out) < args.least or time.perf_counter() - began < args.seconds:
        started = time.perf_counter()
        for _ in range(at_once):
            torch.mm(a, b, out=c)
        wait(args.device)
        out.append(at_once * 2 * M * N * K / (time.perf_counter() - started) / 1e9)
    return out


report({shape: rates(shape) for shape in args.shapes}, device=args.device)
