"""The training of a tiny GPT-2 by PyTorch and transformers, in float64: python training.py > training.json

AdamW with clipping at work in some steps and not in others, decay of matrices only, warm-up, and a cosine to a floor; all by PyTorch's own
parts. Weights and texts are made by a formula that tests/lm/training-golden.test.ts has, too.
"""

import json
import math

import torch
import transformers
from transformers import GPT2Config, GPT2LMHeadModel

SIZES = dict(n_layer=2, n_head=2, n_embd=8, n_positions=16, vocab_size=19, bos_token_id=None, eos_token_id=None)
STEPS, WARMUP, LR, FLOOR, CLIP = 16, 4, 2e-2, 0.1, 2.0
BETAS, EPS, DECAY = (0.8, 0.95), 1e-8, 0.1
TEXTS = 4  # a step


def number(i):
    """A number in [0, 1) for each whole number."""
    return (i * 2654435761 + 12345) % 2**32 / 2**32


def texts(step):
    made = []
    for text in range(step * TEXTS, (step + 1) * TEXTS):
        length = 4 + int(number(1000 + text) * 9)
        ids = [int(number(5000 + 100 * text + t) * 19) for t in range(length)]
        made.append((ids, [0.3 if 2 * t < length else 1.0 for t in range(length)]))
    return made


torch.set_default_dtype(torch.float64)
config = GPT2Config(**SIZES, attn_pdrop=0, embd_pdrop=0, resid_pdrop=0, attn_implementation="eager")
model = GPT2LMHeadModel(config).double().eval()
count = 0
with torch.no_grad():
    for name, p in model.transformer.named_parameters():
        values = [number(count + i) - 0.5 for i in range(p.numel())]
        count += p.numel()
        # As float32, which is what is trained elsewhere.
        p.copy_(torch.tensor(values).float().double().view_as(p) + (1.0 if ".ln_" in f".{name}" and name.endswith("weight") else 0))

matrices = [p for p in model.parameters() if p.ndim >= 2]
others = [p for p in model.parameters() if p.ndim < 2]
optimizer = torch.optim.AdamW(
    [dict(params=matrices, weight_decay=DECAY), dict(params=others, weight_decay=0)], lr=LR, betas=BETAS, eps=EPS
)
warm = torch.optim.lr_scheduler.LinearLR(optimizer, 1 / WARMUP, 1, WARMUP - 1)
cosine = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, STEPS - 1 - WARMUP, FLOOR * LR)
schedule = torch.optim.lr_scheduler.SequentialLR(optimizer, [warm, cosine], [WARMUP])

steps = []
for step in range(STEPS):
    loss, weight = 0.0, 0.0
    for ids, weights in texts(step):
        logits = model(torch.tensor([ids])).logits[0, :-1]
        ce = torch.nn.functional.cross_entropy(logits, torch.tensor(ids[1:]), reduction="none")
        w = torch.tensor(weights[1:])
        loss, weight = loss + (w * ce).sum(), weight + w.sum()
    loss = loss / weight
    optimizer.zero_grad()
    loss.backward()
    norm = torch.nn.utils.clip_grad_norm_(model.parameters(), CLIP)
    steps.append(dict(lr=optimizer.param_groups[0]["lr"], loss=loss.item(), gradNorm=norm.item()))
    optimizer.step()
    schedule.step()

assert any(s["gradNorm"] > 1.1 * CLIP for s in steps) and any(s["gradNorm"] < 0.9 * CLIP for s in steps)
# Of each parameter the first values, and the norm of them all. A key's bias changes no probability: its gradient is rounding.
weights = {
    name: dict(first=p.detach().flatten()[:8].tolist(), norm=p.norm().item())
    for name, p in model.transformer.named_parameters()
    if not name.endswith("c_attn.bias")
}
made_by = f"PyTorch {torch.__version__}, transformers {transformers.__version__}"
print(json.dumps(dict(madeBy=made_by, steps=steps, weights=weights), indent=1))
