/**
 * A model as an ONNX file, in the form that @xenova/transformers (and Optimum) expects of a decoder with a KV
 * cache, so that it can be served by onnxruntime.
 *
 * Letters: B rows, S new tokens, P cached tokens, T = P + S, D embedding, H heads, KV key/value heads, K width of a head,
 * V vocabulary, N = B·S.
 *
 *     input_ids, position_ids (B, S)   attention_mask (B, T)   num_logits_to_keep ()   past_key_values.i.key|value (B, KV, P, K)
 *     logits (B, min(S, num_logits_to_keep), V), all S positions for 0                 present.i.key|value (B, KV, T, K)
 *
 * attention_mask is 0 at padding, wherever that is; what padding positions give is finite and means nothing. The
 * layers work on (N, D), so that every linear layer is one Gemm.
 */
import { join } from 'node:path';
import { writeFileAtomic } from '../store/atomic.js';
import { type ModelFolder, readModelFolder } from './model-folder.js';
import { OnnxLayers } from './onnx-layers.js';
import { OnnxGraph } from './onnx-proto.js';

/**
 * Attention, cache included, is an operator from opset 23 on (composed of smaller ones it takes 1.4 times as long), as are
 * RotaryEmbedding and RMSNormalization.
 */
const OPSET = 23;

/** The dimensions that vary, by the names from which transformers.js works out an empty cache. */
const BATCH = 'batch_size';
const SEQUENCE = 'sequence_length';
const PAST = 'past_sequence_length';
const TOTAL = 'total_sequence_length';

/** A score that no softmax gives any weight; finite, so that a row of padding does not become NaN. */
const MASKED = -1e9;

/** Adds shape_BS, shape_BSD and mask_B1ST (0 where a query may look, MASKED elsewhere), which all layers share. */
function addShared(graph: OnnxGraph, D: number): void {
  const shapeBS = graph.node('Shape', 'shape_BS', ['input_ids']);
  graph.node('Concat', 'shape_BSD', [shapeBS, graph.int64([D])], { axis: 0 });

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

/** The embeddings of input_ids at position_ids: (N, D). */
function addEmbedding(graph: OnnxGraph, layers: OnnxLayers, D: number): string {
  const tokens = graph.node('Gather', 'token_embeddings', [layers.weight('embedding.weight')!, 'input_ids']);
  const wpe = layers.weight('positions.weight');
  const embedded = wpe
    ? graph.node('Add', 'embedded_BSD', [
        tokens,
        graph.node('Gather', 'position_embeddings', [wpe, 'position_ids']),
      ])
    : tokens;
  return graph.node('Reshape', 'embedded', [embedded, graph.int64([-1, D])]);
}

/** x (N, D) → attention's mixed values (N, H·K); cached keys and values come in and go out. */
function attention(graph: OnnxGraph, layers: OnnxLayers, index: number, x: string): string {
  const { heads: H, kvHeads: KV, headDim: K } = layers.description.attention;
  const { query, key, value } = layers.projections(index, x);
  const cache = (['key', 'value'] as const).map((part) => {
    graph.output(`present.${index}.${part}`, 'float32', [BATCH, KV, TOTAL, K]);
    return graph.input(`past_key_values.${index}.${part}`, 'float32', [BATCH, KV, PAST, K]);
  });
  const mixed = graph.node(
    'Attention',
    [`${layers.prefix(index)}.attn.mixed`, `present.${index}.key`, `present.${index}.value`],
    [query, key, value, 'mask_B1ST', ...cache],
    { q_num_heads: H, kv_num_heads: KV },
  );
  return graph.node('Reshape', `${layers.prefix(index)}.attn.flat`, [mixed, graph.int64([-1, H * K])]);
}

/** The last num_logits_to_keep positions of hidden (N, D) through the head (V, D). */
function addHead(graph: OnnxGraph, layers: OnnxLayers, hidden: string): void {
  const { width: D, vocab: V } = layers.description;
  const rows = graph.node('Reshape', 'hidden_BSD', [hidden, 'shape_BSD']);
  // Slicing from -n keeps n, and from -0 everything.
  const start = graph.node('Unsqueeze', 'keep_from', [
    graph.node('Neg', 'keep_from_scalar', ['num_logits_to_keep']),
    graph.int64([0]),
  ]);
  const most = graph.int64([Number.MAX_SAFE_INTEGER]);
  const kept = graph.node('Slice', 'kept', [rows, start, most, graph.int64([1])]);
  const keptFlat = graph.node('Reshape', 'kept_flat', [kept, graph.int64([-1, D])]);
  const head = layers.weight('head.weight') ?? layers.weight('embedding.weight')!;
  const flat = graph.node('Gemm', 'logits_flat', [keptFlat, head], { transB: 1 });
  const B = graph.node('Slice', 'shape_B', ['shape_BS', graph.int64([0]), graph.int64([1])]);
  const shape = graph.node('Concat', 'shape_logits', [B, graph.int64([-1, V])], { axis: 0 });
  graph.node('Reshape', 'logits', [flat, shape]);
  graph.output('logits', 'float32', [BATCH, 'kept', V]);
}

function buildGraph(model: ModelFolder): OnnxGraph {
  const { width: D, layers: count } = model.config.description;
  const graph = new OnnxGraph();
  const layers = new OnnxLayers(graph, model);
  graph.input('input_ids', 'int64', [BATCH, SEQUENCE]);
  graph.input('attention_mask', 'int64', [BATCH, TOTAL]);
  graph.input('position_ids', 'int64', [BATCH, SEQUENCE]);
  graph.input('num_logits_to_keep', 'int64', []);
  addShared(graph, D);
  let x = addEmbedding(graph, layers, D);
  for (let i = 0; i < count; i++) {
    const layer = layers.prefix(i);
    const attended = attention(graph, layers, i, layers.norm(`layers.${i}.attention.norm`, x));
    const projected = layers.linear(`layers.${i}.attention.out`, attended);
    x = graph.node('Add', `${layer}.after_attn`, [projected, x]);
    const narrow = layers.mlp(i, layers.norm(`layers.${i}.mlp.norm`, x));
    x = graph.node('Add', `${layer}.out`, [narrow, x]);
  }
  addHead(graph, layers, layers.norm('norm', x));
  return graph;
}

/**
 * Writes `dir`/onnx/model.onnx from `dir`/config.json and `dir`/model.safetensors. Errors: UserError where these are
 * missing, do not fit together, or are of a model that we cannot run.
 */
export async function exportOnnx(dir: string): Promise<void> {
  const graph = buildGraph(await readModelFolder(dir));
  await writeFileAtomic(join(dir, 'onnx', 'model.onnx'), graph.encode(dir, OPSET));
}
