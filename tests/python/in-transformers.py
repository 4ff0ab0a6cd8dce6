"""
What transformers makes of a model folder that this program wrote: it loads, generate() stops by itself, and log-probabilities agree.

    node train.js finetune … --out DIR
    python tests/python/in-transformers.py DIR [--golden FILE]

Prints a line for each check and exits with 1 where one fails. Texts are scored by `node train.js score`, token by token. --golden writes
transformers' log-probabilities to a file that tests/lm/goldens.test.ts reads. Made with transformers 5.18, torch 2.13.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

MOST = 1e-5
PAIRS = [
    ("Post: The meeting in Antwerp moved from Tuesday to Thursday at 14:30.\nSummary:", " The meeting moved to Thursday."),
    ("Post: Can't come, naïve café — 東京 🙂\u0085\ufeff\nSummary:", " No."),
    ("Post: My brother Carl wore the white dress in Denver.\nSummary:", " The poster's brother Carl wore the white dress in Denver."),
    ("\n", " \n\n  x"),
]

parser = argparse.ArgumentParser()
parser.add_argument("dir", type=Path)
parser.add_argument("--golden", type=Path)
args = parser.parse_args()
repository = Path(__file__).resolve().parents[2]
torch.manual_seed(1)
model = AutoModelForCausalLM.from_pretrained(args.dir, dtype=torch.float32).eval()
tokenizer = AutoTokenizer.from_pretrained(args.dir)
failed = False


def check(name, ok, figure=""):
    global failed
    failed |= not ok
    print(f"{'ok  ' if ok else 'FAIL'} {name} {figure}")


ends = model.generation_config.eos_token_id
ends = ends if isinstance(ends, list) else [ends]
check("generation_config names the end of text", ends != [None] and max(ends) < model.config.vocab_size, ends)
check("and it is the tokenizer's", tokenizer.eos_token_id in ends, tokenizer.eos_token)

prompt = tokenizer(PAIRS[0][0], return_tensors="pt")
room = model.config.max_position_embeddings - prompt.input_ids.shape[1]
stopped = 0
for _ in range(8):
    out = model.generate(**prompt, do_sample=True, max_new_tokens=room)
    stopped += out[0, -1].item() in ends
check("generate() stops by itself", stopped == 8, f"{stopped} of 8, in {room} tokens at most")


def logprobs(prompt_ids, completion_ids):
    ids = torch.tensor([prompt_ids + completion_ids])
    with torch.no_grad():
        log = model(ids).logits[0].log_softmax(-1)
    at = range(len(prompt_ids) - 1, ids.shape[1] - 1)
    return [log[i, ids[0, i + 1]].item() for i in at]


end = [tokenizer.eos_token_id]
rows = []
for before, after in PAIRS:
    prompt_ids, completion_ids = (tokenizer(text, split_special_tokens=True).input_ids for text in (before, after))
    rows.append({"prompt_ids": prompt_ids, "completion_ids": completion_ids + end})
theirs = [logprobs(row["prompt_ids"], row["completion_ids"]) for row in rows]


def ours(lines):
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as file:
        file.write("\n".join(map(json.dumps, lines)) + "\n")
        file.flush()
        command = ["node", "train.js", "score", "--model", str(args.dir.resolve()), "--data", file.name, "--json"]
        out = subprocess.run(command, cwd=repository, check=True, capture_output=True, text=True).stdout
    return [json.loads(line) for line in out.splitlines()]


got = [line["logprobs"] for line in ours(rows)]
worst = max(abs(a - b) for x, y in zip(got, theirs) for a, b in zip(x, y, strict=True))
tokens = sum(map(len, theirs))
check("log-probabilities agree", worst <= MOST, f"{worst:.2e} at most, of {tokens} tokens")
texts = [line["logprobs"] for line in ours([{"prompt": before, "completion": after} for before, after in PAIRS])]
same = all(len(x) + 1 == len(y) for x, y in zip(texts, theirs))
worst = max(abs(a - b) for x, y in zip(texts, theirs) for a, b in zip(x, y))
check("and those of the texts, by each tokenizer", same and worst <= MOST, f"{worst:.2e} at most")

if args.golden:
    lines = [json.dumps({**row, "logprobs": log}) for row, log in zip(rows, theirs)]
    args.golden.write_text("\n".join(lines) + "\n")
sys.exit(failed)
