"""GPT-2 in PyTorch, for comparison with bench/train.ts, generate.ts and kl.ts: the same shapes, the same work.

Only torch is needed. `attention` is 'fused' (scaled_dot_product_attention) or 'plain' (two products and a softmax), which
is the faster one on some CPUs and the only one of PyTorch 1. Leaves out dropout, and initial values that learn well.
"""
import json
import math
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import nn

MODELS = json.loads((Path(__file__).parent.parent / "models.json").read_text())


class Block(nn.Module):
    def __init__(self, width, heads, attention):
        super().__init__()
        self.heads, self.attention = heads, attention
        self.ln_1, self.ln_2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.c_attn, self.c_proj = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.c_fc, self.mlp_proj = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def attend(self, q, k, v, future):
        """q [B,H,T,Dh]; future [T,T]: what may not be seen, or None for a single new token, which sees everything."""
        if self.attention == "fused":
            return F.scaled_dot_product_attention(q, k, v, is_causal=future is not None)
        scores = q @ k.transpose(-2, -1) / math.sqrt(q.shape[-1])
        if future is not None:
            scores = scores.masked_fill(future, float("-inf"))
        return F.softmax(scores, -1).to(v.dtype) @ v

    def project(self, x):
        """[B,T,D] -> queries, keys and values, [B,H,T,Dh] each."""
        B, T, D = x.shape
        qkv = self.c_attn(self.ln_1(x)).view(B, T, 3, self.heads, D // self.heads).permute(2, 0, 3, 1, 4)
        return qkv[0], qkv[1], qkv[2]

    def finish(self, x, y):
        """x [B,T,D] with attention's values y [B,H,T,Dh], and the rest of the block."""
        x = x + self.c_proj(y.transpose(1, 2).reshape(x.shape))
        return x + self.mlp_proj(F.gelu(self.c_fc(self.ln_2(x)), approximate="tanh"))

    def forward(self, x, future, cache=None, at=0):
        T = x.shape[1]
        q, k, v = self.project(x)
        if cache is not None:
            cache[0][:, :, at : at + T] = k
            cache[1][:, :, at : at + T] = v
            k, v = cache[0][:, :, : at + T], cache[1][:, :, : at + T]
        return self.finish(x, self.attend(q, k, v, future))

    def decode(self, x, at, seen):
        """x [B,1,D] at position `at` [1], with the cache in the buffers keys and values; seen: which of its positions count."""
        q, k, v = self.project(x)
        self.keys.index_copy_(2, at, k)
        self.values.index_copy_(2, at, v)
        return self.finish(x, F.scaled_dot_product_attention(q, self.keys, self.values, attn_mask=seen))


class GPT2(nn.Module):
    def __init__(self, n_layer, n_head, n_embd, n_positions, vocab_size, attention="fused"):
        super().__init__()
        self.wte, self.wpe = nn.Embedding(vocab_size, n_embd), nn.Embedding(n_positions, n_embd)
        self.blocks = nn.ModuleList(Block(n_embd, n_head, attention) for _ in range(n_layer))
        self.ln_f = nn.LayerNorm(n_embd)
        self.heads, self.width = n_head, n_embd
        future = torch.ones(n_positions, n_positions, dtype=torch.bool).triu(1)
        self.register_buffer("future", future, persistent=False)
        for p in self.parameters():
            if p.dim() > 1:
                nn.init.normal_(p, std=0.02)

    def hidden(self, ids, caches=None, at=0):
        """ids [B,T], at positions from `at` on (0, or T is 1) -> [B,T,D] after the final norm."""
        T = ids.shape[1]
        x = self.wte(ids) + self.wpe(torch.arange(at, at + T, device=ids.device))
        future = self.future[:T, :T] if T > 1 else None
        for i, block in enumerate(self.blocks):
            x = block(x, future, None if caches is None else caches[i], at)
        return self.ln_f(x)

    def logits(self, h):
        return F.linear(h, self.wte.weight).float()

    def forward(self, ids, targets):
        return F.cross_entropy(self.logits(self.hidden(ids)).flatten(0, 1), targets.flatten())

    def caches(self, rows, length):
        """Keys and values of every layer, allocated once."""
        shape = (rows, self.heads, length, self.width // self.heads)
        return [(self.wte.weight.new_empty(shape), self.wte.weight.new_empty(shape)) for _ in self.blocks]

    def static_caches(self, rows, length):
        """The same as buffers of the blocks, which a CUDA graph finds where they were."""
        for block, (k, v) in zip(self.blocks, self.caches(rows, length)):
            # What is not seen is multiplied by 0.
            block.register_buffer("keys", k.zero_(), persistent=False)
            block.register_buffer("values", v.zero_(), persistent=False)
        return [(block.keys, block.values) for block in self.blocks]

    def decode(self, ids, at):
        """ids [B,1] at position `at` [1], a tensor: the same program whatever the position -> [B,D] after the final norm"""
        seen = torch.arange(self.blocks[0].keys.shape[2], device=ids.device)[None, None, None] <= at
        x = self.wte(ids) + self.wpe(at)
        for block in self.blocks:
            x = block.decode(x, at, seen)
        return self.ln_f(x)[:, 0]
