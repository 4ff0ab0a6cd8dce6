/** A random GPT-2 as a model folder, and its logits computed by the book, in float64. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type NamedTensor, writeSafetensors } from '../../src/store/safetensors.js';

export interface TinyConfig {
  n_layer: number;
  n_head: number;
  n_embd: number;
  n_positions: number;
  vocab_size: number;
}
export type Tensors = Map<string, NamedTensor>;

/** Uniform in [-1, 1), by xorshift32. */
function noise(seed: number): () => number {
  let state = seed | 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state / 2 ** 31;
  };
}

export function randomTensors(config: TinyConfig, seed = 1): Tensors {
  const { n_layer, n_embd: D, n_positions, vocab_size: V } = config;
  const next = noise(seed * 7919);
  const tensors: Tensors = new Map();
  const add = (name: string, shape: number[], scale: number, mean = 0) => {
    const count = shape.reduce((product, n) => product * n, 1);
    tensors.set(name, {
      name,
      shape,
      data: Float32Array.from({ length: count }, () => mean + scale * next()),
    });
  };
  const linear = (name: string, from: number, to: number) => {
    add(`${name}.weight`, [from, to], 1.7 / Math.sqrt(from));
    add(`${name}.bias`, [to], 0.3);
  };
  const norm = (name: string) => {
    add(`${name}.weight`, [D], 0.3, 1);
    add(`${name}.bias`, [D], 0.2);
  };
  add('wte.weight', [V, D], 0.6);
  add('wpe.weight', [n_positions, D], 0.3);
  for (let i = 0; i < n_layer; i++) {
    norm(`h.${i}.ln_1`);
    linear(`h.${i}.attn.c_attn`, D, 3 * D);
    linear(`h.${i}.attn.c_proj`, D, D);
    norm(`h.${i}.ln_2`);
    linear(`h.${i}.mlp.c_fc`, D, 4 * D);
    linear(`h.${i}.mlp.c_proj`, 4 * D, D);
  }
  norm('ln_f');
  return tensors;
}

export async function writeModel(
  dir: string,
  config: TinyConfig,
  tensors: Tensors,
  prefix = '',
): Promise<void> {
  await mkdir(dir, { recursive: true });
  const json = {
    model_type: 'gpt2',
    architectures: ['GPT2LMHeadModel'],
    layer_norm_epsilon: 1e-5,
    ...config,
  };
  await writeFile(join(dir, 'config.json'), JSON.stringify(json));
  const named = [...tensors.values()].map((tensor) => ({ ...tensor, name: prefix + tensor.name }));
  await writeSafetensors(join(dir, 'model.safetensors'), named);
}

const gelu = (x: number) => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));

/** Logits [T][V] of one sequence, of its positions from `from` on. */
export function referenceLogits(
  config: TinyConfig,
  tensors: Tensors,
  ids: readonly number[],
  from = 0,
): number[][] {
  const { n_layer, n_head: H, n_embd: D } = config;
  const K = D / H;
  const data = (name: string) => tensors.get(name)!.data;
  const row = (name: string, index: number) => Array.from(data(name).subarray(index * D, (index + 1) * D));
  const linear = (name: string, x: number[]): number[] => {
    const [w, b] = [data(`${name}.weight`), data(`${name}.bias`)];
    const n = b.length;
    return Array.from(b, (bias, j) => x.reduce((total, value, i) => total + value * w[i * n + j]!, bias));
  };
  const norm = (name: string, x: number[]): number[] => {
    const mean = x.reduce((a, b) => a + b) / D;
    const variance = x.reduce((sum, value) => sum + (value - mean) ** 2, 0) / D;
    const [g, b] = [data(`${name}.weight`), data(`${name}.bias`)];
    return x.map((value, i) => ((value - mean) / Math.sqrt(variance + 1e-5)) * g[i]! + b[i]!);
  };
  const sum = (a: number[], b: number[]) => a.map((value, i) => value + b[i]!);

  let x = ids.map((id, t) => sum(row('wte.weight', id), row('wpe.weight', t)));
  for (let i = 0; i < n_layer; i++) {
    const qkv = x.map((h) => linear(`h.${i}.attn.c_attn`, norm(`h.${i}.ln_1`, h)));
    x = x.map((residual, t) => {
      const mixed: number[] = [];
      for (let head = 0; head < H; head++) {
        const at = head * K;
        const q = qkv[t]!.slice(at, at + K);
        const keys = qkv.slice(0, t + 1).map((row) => row.slice(D + at, D + at + K));
        const values = qkv.slice(0, t + 1).map((row) => row.slice(2 * D + at, 2 * D + at + K));
        const scores = keys.map((key) => key.reduce((a, k, j) => a + k * q[j]!, 0) / Math.sqrt(K));
        const most = Math.max(...scores);
        const exps = scores.map((score) => Math.exp(score - most));
        const total = exps.reduce((a, b) => a + b);
        for (let j = 0; j < K; j++) mixed.push(exps.reduce((a, e, s) => a + (e / total) * values[s]![j]!, 0));
      }
      const after = sum(residual, linear(`h.${i}.attn.c_proj`, mixed));
      const inner = linear(`h.${i}.mlp.c_fc`, norm(`h.${i}.ln_2`, after)).map(gelu);
      return sum(after, linear(`h.${i}.mlp.c_proj`, inner));
    });
  }
  return x.slice(from).map((h) => {
    const normed = norm('ln_f', h);
    return Array.from({ length: config.vocab_size }, (_, v) =>
      row('wte.weight', v).reduce((a, w, j) => a + w * normed[j]!, 0),
    );
  });
}
