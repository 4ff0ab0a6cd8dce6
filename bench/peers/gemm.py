"""Matrix products in PyTorch, timed: shapes as M,N,K,transA,transB. The last line is JSON, in GFLOP per second."""
import argparse
import time

import torch

from measure import report

parser = argparse.ArgumentParser()
parser.add_argument("shapes", nargs="+")
parser.add_argument("--dtype", default="float32", choices=["float32", "bfloat16"])
parser.add_argument("--threads", type=int, default=2)
parser.add_argument("--seconds", type=float, default=0.3)
parser.add_argument("--least", type=int, default=3)
args = parser.parse_args()

torch.set_num_threads(args.threads)
dtype = getattr(torch, args.dtype)


def stored(rows, columns, transposed):
    if transposed:
        return (2 * torch.rand(columns, rows) - 1).to(dtype).t()
    return (2 * torch.rand(rows, columns) - 1).to(dtype)


@torch.inference_mode()
def rates(shape):
    M, N, K, trans_a, trans_b = (int(x) for x in shape.split(","))
    a, b, c = stored(M, K, trans_a), stored(K, N, trans_b), torch.empty(M, N, dtype=dtype)
    torch.mm(a, b, out=c)
    out = []
    began = time.perf_counter()
    while len(out) < args.least or time.perf_counter() - began < args.seconds:
        started = time.perf_counter()
        torch.mm(a, b, out=c)
        out.append(2 * M * N * K / (time.perf_counter() - started) / 1e9)
    return out


report({shape: rates(shape) for shape in args.shapes})
