"""What the peers share: the clock, and the JSON that a bench reads from the last line."""
import json
import resource
import sys
import time

import torch


def seconds_each(warm_up, steps, run):
    """Wall clock of each run after the first warm_up ones."""
    seconds = []
    for _ in range(warm_up + steps):
        started = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - started)
    return seconds[warm_up:]


def report(rates, parameters=None):
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    out = {
        "subject": f"PyTorch {torch.__version__}",
        "rates": rates,
        # KiB, but bytes on macOS.
        "peakRssMiB": peak / (2**20 if sys.platform == "darwin" else 2**10),
    }
    if parameters is not None:
        out["parameters"] = parameters
    print(json.dumps(out))


def parameters(model):
    return sum(p.numel() for p in model.parameters())
