/**
 * A GPT-2 model as an ONNX file, in the form that @xenova/transformers (and Optimum) expects of a decoder with a KV
 * cache, so that the model can be served by onnxruntime.
 *
 * Letters: B rows, S new tokens, P cached tokens, T = P + S, D embedding, H heads, K = D / H, V vocabulary, N = B·S.
 *
 *     input_ids, position_ids (B, S)   attention_mask (B, T)   num_logits_to_keep ()   past_key_values.i.key|value (B, H, P, K)
 *     logits (B, min(S, num_logits_to_keep), V), all S positions for 0                 present.i.key|value (B, H, T, K)
 *
 * attention_mask is 0 at padding, wherever that is; what padding positions give is finite and means nothing. The
 * layers work on (N, D), so that every linear layer is one Gemm.
 */
import { join } from 'node:path';
import { writeFileAtomic } from '../store/atomic.js';
import { UserError } from '../store/errors.js';
import { type NamedTensor, readSafetensors } from '../store/safetensors.js';
import { type Gpt2Config, readConfig } from './config.js';
import { OnnxGraph } from './onnx-proto.js';

/** Attention, cache included, is an operator from opset 23 on; composed of smaller ones it takes 1.4 times as long. */
const OPSET = 23;

/** The dimensions that vary, by the names from which transformers.js works out an empty cache. */
const BATCH = 'batch_size';
const SEQUENCE = 'sequence_length';
const PAST = 'past_sequence_length';
const TOTAL = 'total_sequence_length';

/** A score that no softmax gives any weight; finite, so that a row of padding does not become NaN. */
const MASKED = -1e9;

/** Looks weights up by their Hugging Face names, checks their shapes, and puts them into the graph. */
class Weights {
  constructor(
    private readonly graph: OnnxGraph,
    private readonly tensors: Map<string, NamedTensor>,
    private readonly path: string,
  ) {}

  data(name: string, shape: readonly number[]): Float32Array {
    const tensor = this.tensors.get(name) ?? this.tensors.get(`transformer.${name}`);
    if (tensor === undefined) throw new UserError(`${this.path} has no tensor "${name}"`);
    if (tensor.shape.join() !== shape.join()) {
      throw new UserError(`${this.path}: "${name}" is [${tensor.shape}], config.json needs [${shape}]`);
    }
    return tensor.data;
  }

  add(name: string, shape: readonly number[]): string {
    return this.graph.weight(name, shape, this.data(name, shape));
  }
}

/** x (N, from) → x·W + b (N, to), with GPT-2's Conv1D weights. */
function linear(
  graph: OnnxGraph,
  weights: Weights,
  name: string,
  x: string,
  from: number,
  to: number,
): string {
  return graph.node('Gemm', `${name}.out`, [
    x,
    weights.add(`${name}.weight`, [from, to]),
    weights.add(`${name}.bias`, [to]),
  ]);
}

function layerNorm(graph: OnnxGraph, weights: Weights, name: string, x: string, config: Gpt2Config): string {
  const { n_embd, layer_norm_epsilon } = config;
  return graph.node(
    'LayerNormalization',
    `${name}.out`,
    [x, weights.add(`${name}.weight`, [n_embd]), weights.add(`${name}.bias`, [n_embd])],
    { axis: -1, epsilon: { float: layer_norm_epsilon } },
  );
}

/** One of query, key, value for all heads: x (N, D) → (B, S, D). Its columns of c_attn. */
function partOf(
  graph: OnnxGraph,
  weights: Weights,
  layer: string,
  part: 'query' | 'key' | 'value',
  x: string,
  D: number,
): string {
  const first = { query: 0, key: D, value: 2 * D }[part];
  const all = weights.data(`${layer}.attn.c_attn.weight`, [D, 3 * D]);
  const columns = new Float32Array(D * D);
  for (let row = 0; row < D; row++) {
    const start = row * 3 * D + first;
    columns.set(all.subarray(start, start + D), row * D);
  }
  const bias = weights.data(`${layer}.attn.c_attn.bias`, [3 * D]).subarray(first, first + D);
  const name = `${layer}.attn.${part}`;
  const flat = graph.node('Gemm', `${name}.flat`, [
    x,
    graph.weight(`${name}.weight`, [D, D], columns),
    graph.weight(`${name}.bias`, [D], bias),
  ]);
  return graph.node('Reshape', name, [flat, 'shape_BSD']);
}

/** x (N, D) → attention's output before its projection (N, D); cached keys and values come in and go out. */
function attention(graph: OnnxGraph, weights: Weights, config: Gpt2Config, index: number, x: string): string {
  const { n_embd: D, n_head: H } = config;
  const layer = `h.${index}`;
  const [query, key, value] = (['query', 'key', 'value'] as const).map((part) =>
    partOf(graph, weights, layer, part, x, D),
  ) as [string, string, string];
  const cache = (['key', 'value'] as const).map((part) => {
    graph.output(`present.${index}.${part}`, 'float32', [BATCH, H, TOTAL, D / H]);
    return graph.input(`past_key_values.${index}.${part}`, 'float32', [BATCH, H, PAST, D / H]);
  });
  const mixed = graph.node(
    'Attention',
    [`${layer}.attn.mixed`, `present.${index}.key`, `present.${index}.value`],
    [query, key, value, 'mask_B1ST', ...cache],
    { q_num_heads: H, kv_num_heads: H },
  );
  return graph.node('Reshape', `${layer}.attn.flat`, [mixed, graph.int64([-1, D])]);
}

/** Adds shape_BSD and mask_B1ST (0 where a query may look, MASKED elsewhere), which all layers share. */
function addShared(graph: OnnxGraph, config: Gpt2Config): void {
  const shapeBS = graph.node('Shape', 'shape_BS', ['input_ids']);
  graph.node('Concat', 'shape_BSD', [shapeBS, graph.int64([config.n_embd])], { axis: 0 });

  const zero = graph.int64(0);
  const one = graph.int64(1);
  const S = graph.node('Gather', 'S', [shapeBS, one]);
  const T = graph.node('Gather', 'T', [graph.node('Shape', 'shape_BT', ['attention_mask']), one]);
  const P = graph.node('Sub', 'P', [T, S]);
  const key = graph.node('Range', 'key_T', [zero, T, one]);
  const query = graph.node('Range', 'query_S', [P, T, one]);
  const queryColumn = graph.node('Unsqueeze', 'query_S1', [query, graph.int64([1])]);
  const causal = graph.node('LessOrEqual', 'causal_ST', [key, queryColumn]);
  const isToken = graph.node('Greater', 'token_BT', ['attention_mask', zero]);
  const isTokenWide = graph.node('Unsqueeze', 'token_B11T', [isToken, graph.int64([1, 2])]);
  const allowed = graph.node('And', 'allowed_B1ST', [isTokenWide, causal]);
  graph.node('Where', 'mask_B1ST', [allowed, graph.float('unmasked', 0), graph.float('masked', MASKED)]);
}

/** The last num_logits_to_keep positions of hidden (N, D) through the head, which is wte (V, D). */
function addHead(graph: OnnxGraph, config: Gpt2Config, hidden: string, wte: string): void {
  const { n_embd: D, vocab_size: V } = config;
  const rows = graph.node('Reshape', 'hidden_BSD', [hidden, 'shape_BSD']);
  // Slicing from -n keeps n, and from -0 everything.
  const start = graph.node('Unsqueeze', 'keep_from', [
    graph.node('Neg', 'keep_from_scalar', ['num_logits_to_keep']),
    graph.int64([0]),
  ]);
  const most = graph.int64([Number.MAX_SAFE_INTEGER]);
  const kept = graph.node('Slice', 'kept', [rows, start, most, graph.int64([1])]);
  const keptFlat = graph.node('Reshape', 'kept_flat', [kept, graph.int64([-1, D])]);
  const flat = graph.node('Gemm', 'logits_flat', [keptFlat, wte], { transB: 1 });
  const B = graph.node('Slice', 'shape_B', ['shape_BS', graph.int64([0]), graph.int64([1])]);
  const shape = graph.node('Concat', 'shape_logits', [B, graph.int64([-1, V])], { axis: 0 });
  graph.node('Reshape', 'logits', [flat, shape]);
  graph.output('logits', 'float32', [BATCH, 'kept', V]);
}

function buildGraph(config: Gpt2Config, tensors: Map<string, NamedTensor>, weightsPath: string): OnnxGraph {
  const { n_embd: D, n_positions, vocab_size: V, n_layer } = config;
  const inner = config.n_inner ?? 4 * D;
  const graph = new OnnxGraph();
  const weights = new Weights(graph, tensors, weightsPath);
  graph.input('input_ids', 'int64', [BATCH, SEQUENCE]);
  graph.input('attention_mask', 'int64', [BATCH, TOTAL]);
  graph.input('position_ids', 'int64', [BATCH, SEQUENCE]);
  graph.input('num_logits_to_keep', 'int64', []);
  addShared(graph, config);

  const wte = weights.add('wte.weight', [V, D]);
  const head = tensors.get('lm_head.weight')?.data;
  const embeddings = weights.data('wte.weight', [V, D]);
  if (head !== undefined && (head.length !== V * D || head.some((x, i) => x !== embeddings[i]))) {
    throw new UserError(
      `${weightsPath}: lm_head.weight differs from wte.weight; only tied heads are supported`,
    );
  }
  const tokens = graph.node('Gather', 'token_embeddings', [wte, 'input_ids']);
  const wpe = weights.add('wpe.weight', [n_positions, D]);
  const positions = graph.node('Gather', 'position_embeddings', [wpe, 'position_ids']);
  const embedded = graph.node('Add', 'embedded_BSD', [tokens, positions]);
  let x = graph.node('Reshape', 'embedded', [embedded, graph.int64([-1, D])]);
  for (let index = 0; index < n_layer; index++) {
    const layer = `h.${index}`;
    const attended = attention(
      graph,
      weights,
      config,
      index,
      layerNorm(graph, weights, `${layer}.ln_1`, x, config),
    );
    const projected = linear(graph, weights, `${layer}.attn.c_proj`, attended, D, D);
    x = graph.node('Add', `${layer}.after_attn`, [projected, x]);
    const normed = layerNorm(graph, weights, `${layer}.ln_2`, x, config);
    const wide = linear(graph, weights, `${layer}.mlp.c_fc`, normed, D, inner);
    const active = graph.node('Gelu', `${layer}.mlp.act`, [wide], { approximate: 'tanh' });
    const narrow = linear(graph, weights, `${layer}.mlp.c_proj`, active, inner, D);
    x = graph.node('Add', `${layer}.out`, [narrow, x]);
  }
  const hidden = layerNorm(graph, weights, 'ln_f', x, config);
  addHead(graph, config, hidden, wte);
  return graph;
}

/**
 * Writes `dir`/onnx/model.onnx from `dir`/config.json and `dir`/model.safetensors. Errors: UserError where these are
 * missing, do not fit together, or are not a GPT-2 model.
 */
export async function exportOnnx(dir: string): Promise<void> {
  const weightsPath = join(dir, 'model.safetensors');
  const config = await readConfig(dir);
  const graph = buildGraph(config, await readSafetensors(weightsPath), weightsPath);
  await writeFileAtomic(join(dir, 'onnx', 'model.onnx'), graph.encode(dir, OPSET));
}
