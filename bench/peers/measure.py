"""What the peers share: the device, the clock, and the JSON that a bench reads from the last line."""
import json
import resource
import sys
import time

import torch


def prepare(device, threads):
    """float32 products are float32 on a GPU, too: no TF32."""
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    if device == "cuda":
        torch.backends.cuda.matmul.allow_tf32 = False
        torch.backends.cudnn.allow_tf32 = False


def wait(device):
    if device == "cuda":
        torch.cuda.synchronize()


def seconds_each(warm_up, steps, run, device="cpu"):
    """Wall clock of each run after the first warm_up ones."""
    seconds = []
    for _ in range(warm_up + steps):
        wait(device)
        started = time.perf_counter()
        run()
        wait(device)
        seconds.append(time.perf_counter() - started)
    return seconds[warm_up:]


def report(rates, parameters=None, device="cpu", subject=None):
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    out = {
        "subject": subject or f"PyTorch {torch.__version__}",
        "rates": rates,
        # KiB, but bytes on macOS.
        "peakRssMiB": peak / (2**20 if sys.platform == "darwin" else 2**10),
    }
    if device == "cuda":
        out["peakGpuMiB"] = torch.cuda.max_memory_allocated() / 2**20
    if parameters is not None:
        out["parameters"] = parameters
    print(json.dumps(out))


def parameters(model):
    return sum(p.numel() for p in model.parameters())
