/**
 * A GPT-2 in plain loops of float64, from config.json and model.safetensors (Radford et al. 2019; the layout is Hugging Face's), and
 * its tokenizer as @xenova/transformers has it. Slow, and nothing of src/ takes part.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PreTrainedTokenizer } from '@xenova/transformers';

export interface OwnTokenizer {
  encode(text: string): number[];
  /** Without special tokens, and spaces as they are. */
  decode(ids: readonly number[]): string;
  /** The id that ends a text. */
  eos: number;
  /** Equal for equal tokenizers. */
  content: string;
}

/** ln p(· | what precedes), [token][vocabulary], for each token of a completion. */
export interface OwnModel extends OwnTokenizer {
  logProbs(prompt: readonly number[], completion: readonly number[]): Float64Array[];
}

interface Config {
  n_layer: number;
  n_head: number;
  n_embd: number;
  layer_norm_epsilon: number;
}

function readTensors(path: string): Map<string, Float32Array> {
  const bytes = readFileSync(path);
  const start = 8 + Number(bytes.readBigUInt64LE());
  const header = JSON.parse(bytes.toString('utf8', 8, start)) as Record<
    string,
    { dtype: string; data_offsets: [number, number] }
  >;
  const tensors = new Map<string, Float32Array>();
  for (const [name, { dtype, data_offsets }] of Object.entries(header)) {
    if (name === '__metadata__') continue;
    if (dtype !== 'F32') throw new Error(`${path}: ${name} is ${dtype}`);
    const [from, to] = data_offsets;
    tensors.set(
      name,
      new Float32Array(bytes.buffer.slice(bytes.byteOffset + start + from, bytes.byteOffset + start + to)),
    );
  }
  return tensors;
}

/** x [in] times weights [in, out], plus a bias [out]. */
function linear(x: Float64Array, weights: Float32Array, bias: Float32Array): Float64Array {
  const y = Float64Array.from(bias);
  const out = y.length;
  for (let i = 0; i < x.length; i++) for (let j = 0; j < out; j++) y[j]! += x[i]! * weights[i * out + j]!;
  return y;
}

function norm(x: Float64Array, scale: Float32Array, shift: Float32Array, eps: number): Float64Array {
  const mean = x.reduce((a, b) => a + b, 0) / x.length;
  const variance = x.reduce((a, b) => a + (b - mean) ** 2, 0) / x.length;
  return x.map((v, i) => ((v - mean) / Math.sqrt(variance + eps)) * scale[i]! + shift[i]!);
}

/** GPT-2's approximation by tanh. */
const gelu = (x: number) => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));
const add = (a: Float64Array, b: Float64Array) => a.map((v, i) => v + b[i]!);

/** Each position's mix of the values up to it; q, k and v are [positions][D]. */
function attend(q: Float64Array[], k: Float64Array[], v: Float64Array[], heads: number): Float64Array[] {
  const width = q[0]!.length / heads;
  return q.map((query, t) => {
    const out = new Float64Array(query.length);
    for (let from = 0; from < query.length; from += width) {
      const scores = k.slice(0, t + 1).map((key) => {
        let dot = 0;
        for (let d = from; d < from + width; d++) dot += query[d]! * key[d]!;
        return dot / Math.sqrt(width);
      });
      const top = Math.max(...scores);
      const raw = scores.map((s) => Math.exp(s - top));
      const total = raw.reduce((a, b) => a + b, 0);
      for (const [s, r] of raw.entries())
        for (let d = from; d < from + width; d++) out[d]! += (r / total) * v[s]![d]!;
    }
    return out;
  });
}

function logSoftmax(logits: Float64Array): Float64Array {
  const top = logits.reduce((a, b) => Math.max(a, b));
  const total = logits.reduce((sum, z) => sum + Math.exp(z - top), 0);
  return logits.map((z) => z - top - Math.log(total));
}

export function openOwnTokenizer(dir: string): OwnTokenizer {
  const read = (name: string) => readFileSync(join(dir, name), 'utf8');
  const content = read('tokenizer.json');
  const tokenizer = new PreTrainedTokenizer(JSON.parse(content), JSON.parse(read('tokenizer_config.json')));
  const encode = (text: string): number[] => tokenizer.encode(text, { add_special_tokens: false });
  const decode = (ids: readonly number[]) =>
    ids.length === 0
      ? ''
      : tokenizer.decode([...ids], { skip_special_tokens: true, clean_up_tokenization_spaces: false });
  return { content, encode, decode, eos: encode('<|endoftext|>')[0]! };
}

export function openOwnModel(dir: string): OwnModel {
  const config = JSON.parse(readFileSync(join(dir, 'config.json'), 'utf8')) as Config;
  const { n_layer, n_head, n_embd: D, layer_norm_epsilon: eps } = config;
  const tensors = readTensors(join(dir, 'model.safetensors'));
  const of = (name: string) => tensors.get(name)!;
  const both = (name: string) => [of(`${name}.weight`), of(`${name}.bias`)] as const;
  const [wte, wpe] = [of('wte.weight'), of('wpe.weight')];

  const hidden = (ids: readonly number[]): Float64Array[] => {
    let x = ids.map((id, t) =>
      Float64Array.from({ length: D }, (_, d) => wte[id * D + d]! + wpe[t * D + d]!),
    );
    for (let layer = 0; layer < n_layer; layer++) {
      const h = `h.${layer}`;
      const qkv = x.map((row) => linear(norm(row, ...both(`${h}.ln_1`), eps), ...both(`${h}.attn.c_attn`)));
      const part = (i: number) => qkv.map((row) => row.slice(i * D, (i + 1) * D));
      const mixed = attend(part(0), part(1), part(2), n_head);
      x = x.map((row, t) => add(row, linear(mixed[t]!, ...both(`${h}.attn.c_proj`))));
      x = x.map((row) => {
        const inner = linear(norm(row, ...both(`${h}.ln_2`), eps), ...both(`${h}.mlp.c_fc`)).map(gelu);
        return add(row, linear(inner, ...both(`${h}.mlp.c_proj`)));
      });
    }
    return x.map((row) => norm(row, ...both('ln_f'), eps));
  };

  return {
    ...openOwnTokenizer(dir),
    logProbs(prompt, completion) {
      const rows = hidden([...prompt, ...completion].slice(0, -1)).slice(prompt.length - 1);
      return rows.map((row) =>
        logSoftmax(
          Float64Array.from({ length: wte.length / D }, (_, id) => {
            let dot = 0;
            for (let d = 0; d < D; d++) dot += row[d]! * wte[id * D + d]!;
            return dot;
          }),
        ),
      );
    },
  };
}
