/**
 * A judge served by @xenova/transformers on onnxruntime. Every beginning is run once; its keys and values are then copied to the rows of
 * the texts that go on from it.
 *
 * Rows of a batch are padded on the left, the beginnings and the rest each, so that all end at the same place.
 */
import { stat } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import type { PretrainedConfig, Tensor } from '@xenova/transformers';
import { consecutive } from '../../lm/batch.js';
import type { SharedPrefix } from '../../lm/prefix-sharing.js';
import { UserError } from '../../store/errors.js';
import { oneLine } from '../../store/read-json.js';
import type { LogitHost } from './host.js';
import { readOnnxConfig } from './onnx-folder.js';

/** The part of onnxruntime's InferenceSession that is used here. */
interface Session {
  readonly inputNames: readonly string[];
  readonly inputMetadata: readonly { name: string; shape?: readonly (number | string)[] }[];
  readonly outputNames: readonly string[];
  run(feeds: Record<string, unknown>, fetches: readonly string[]): Promise<Record<string, OrtTensor>>;
}
interface OrtTensor {
  readonly data: Float32Array;
  readonly dims: readonly number[];
}

/** New tokens that go through the model at once, padding included: more do not fit into the processor's caches. */
const BATCH_TOKENS = 1024;

/** Loads `dir`/onnx/model.onnx. @throws UserError where it is missing or cannot be loaded. */
export async function loadTransformers(dir: string, threads = availableParallelism()): Promise<LogitHost> {
  const file = join(dir, 'onnx', 'model.onnx');
  const found = await stat(file).catch(() => undefined);
  if (found === undefined)
    throw new UserError(
      `${dir} has no onnx/model.onnx: let the engine compute the judge (--host engine), or export the model to ONNX first`,
    );
  const config = await readOnnxConfig(dir);
  const { AutoModelForCausalLM, env, Tensor } = await import('@xenova/transformers').catch((error) => {
    throw new UserError(
      `the package @xenova/transformers is not installed, or cannot be loaded: let the engine compute the judge (--host engine); ${oneLine((error as Error).message)}`,
    );
  });
  env.allowRemoteModels = false;
  const model = await AutoModelForCausalLM.from_pretrained(resolve(dir), {
    local_files_only: true,
    config: config as unknown as PretrainedConfig,
    // The files that a model.onnx names are found by onnxruntime, beside it.
    use_external_data_format: false,
    dtype: 'fp32',
    device: 'cpu',
    session_options: {
      intraOpNumThreads: threads,
      interOpNumThreads: 1,
      logSeverityLevel: 4, // what goes wrong is told by us, in one line
      // Its threads sleep between operators: while they spin, they keep the cores from our own.
      extra: { session: { intra_op: { allow_spinning: '0' } } },
    },
  }).catch((error: unknown) => {
    throw new UserError(`cannot load ${file}: ${oneLine((error as Error).message)}`);
  });
  const session = (model as unknown as { sessions: { model?: Session } }).sessions.model;
  if (session === undefined) throw new UserError(`cannot use ${file}: it is not a decoder`);
  const maxTokens = config.n_positions ?? config.max_position_embeddings ?? Number.POSITIVE_INFINITY;
  const vocabSize = config.vocab_size ?? Number.POSITIVE_INFINITY;

  const ort = (type: 'int64' | 'float32', data: BigInt64Array | Float32Array, dims: number[]): unknown =>
    (new Tensor(type, data, dims) as Tensor & { ort_tensor: unknown }).ort_tensor;
  const lastLogits = (...args: Parameters<LogitHost['lastLogits']>) =>
    run(session, ort, ...args).catch((error: unknown) => {
      throw new UserError(`${file} cannot be run: ${oneLine(String((error as Error)?.message))}`, {
        cause: error,
      });
    });
  return {
    maxTokens,
    vocabSize,
    lastLogits,
    close: async () => {
      await model.dispose();
    },
  };
}

type MakeTensor = (type: 'int64' | 'float32', data: BigInt64Array | Float32Array, dims: number[]) => unknown;

/** A row of a batch: its new tokens, and how many tokens of its cache are real. */
interface Row {
  tokens: readonly number[];
  cached: number;
}

/** Keys or values of a batch: (rows, H, P, K), row by row. */
interface Cache {
  data: Float32Array;
  dims: readonly number[];
}

async function run(
  session: Session,
  ort: MakeTensor,
  families: readonly SharedPrefix[],
  tokens: readonly number[],
  onDone?: (count: number) => void,
): Promise<number[][][]> {
  const pastNames = session.inputNames.filter((name) => name.startsWith('past_key_values.'));
  const presentOf = (past: string) => past.replace('past_key_values.', 'present.');
  const buffers = new Map<string, Float32Array>();

  /** Memory for a cache that is used again and again. */
  const buffer = (name: string, length: number): Float32Array => {
    let memory = buffers.get(name);
    if (memory === undefined || memory.length < length) {
      memory = new Float32Array(length);
      buffers.set(name, memory);
    }
    return memory.subarray(0, length);
  };

  const forward = (rows: readonly Row[], past: ReadonlyMap<string, Cache>, fetches: readonly string[]) => {
    const B = rows.length;
    const S = Math.max(...rows.map((row) => row.tokens.length));
    const P = past.values().next().value?.dims[2] ?? 0;
    const T = P + S;
    const ids = new BigInt64Array(B * S);
    const positions = new BigInt64Array(B * S);
    const mask = new BigInt64Array(B * T);
    for (const [b, row] of rows.entries()) {
      mask.fill(1n, b * T + P - row.cached, b * T + P);
      mask.fill(1n, (b + 1) * T - row.tokens.length, (b + 1) * T);
      const first = (b + 1) * S - row.tokens.length;
      for (const [t, token] of row.tokens.entries()) {
        ids[first + t] = BigInt(token);
        positions[first + t] = BigInt(row.cached + t);
      }
    }
    const feeds: Record<string, unknown> = {
      input_ids: ort('int64', ids, [B, S]),
      attention_mask: ort('int64', mask, [B, T]),
    };
    if (session.inputNames.includes('position_ids')) feeds.position_ids = ort('int64', positions, [B, S]);
    if (session.inputNames.includes('num_logits_to_keep')) {
      feeds.num_logits_to_keep = ort('int64', BigInt64Array.of(1n), []);
    }
    for (const name of pastNames) {
      const cache = past.get(name) ?? { data: new Float32Array(), dims: emptyCache(session, name, B) };
      feeds[name] = ort('float32', cache.data, [...cache.dims]);
    }
    return session.run(feeds, fetches);
  };

  /** The logits of `tokens` at the last position of every row. */
  const finish = async (rows: readonly Row[], past: ReadonlyMap<string, Cache>): Promise<number[][]> => {
    const logits = (await forward(rows, past, ['logits'])).logits!;
    const [, kept, V] = logits.dims as [number, number, number];
    return rows.map((_, b) => {
      const start = ((b + 1) * kept - 1) * V;
      return tokens.map((token) => logits.data[start + token]!);
    });
  };

  const results: number[][][] = families.map(({ suffixes }) => suffixes.map(() => []));
  const noCache: ReadonlyMap<string, Cache> = new Map();
  const order = families
    .map((_, index) => index)
    .sort((a, b) => families[a]!.prefix.length - families[b]!.prefix.length);
  for (const batch of consecutive(order, (index) => families[index]!.prefix.length, BATCH_TOKENS)) {
    const prefixes = batch.map((index) => ({ tokens: families[index]!.prefix, cached: 0 }));
    // A model without a cache, and texts without a common beginning: everything is new.
    const shared = pastNames.length > 0 && prefixes.every(({ tokens }) => tokens.length > 0);
    const present = shared ? await forward(prefixes, noCache, pastNames.map(presentOf)) : {};
    const work = batch.flatMap((index, place) =>
      families[index]!.suffixes.map((suffix, number) => ({ index, place, number, suffix })),
    );
    work.sort((a, b) => a.suffix.length - b.suffix.length);
    const lengthOf = ({ index, suffix }: (typeof work)[number]) =>
      suffix.length + (shared ? 0 : families[index]!.prefix.length);
    for (const chunk of consecutive(work, lengthOf, BATCH_TOKENS)) {
      const rows = chunk.map(({ index, suffix }) => {
        const { prefix } = families[index]!;
        return shared
          ? { tokens: suffix, cached: prefix.length }
          : { tokens: [...prefix, ...suffix], cached: 0 };
      });
      const past = new Map<string, Cache>();
      for (const name of shared ? pastNames : []) {
        const places = chunk.map(({ place }) => place);
        past.set(
          name,
          copyRows(present[presentOf(name)]!, places, (length) => buffer(name, length)),
        );
      }
      const values = await finish(rows, past);
      for (const [row, { index, number }] of chunk.entries()) results[index]![number] = values[row]!;
      onDone?.(chunk.length);
    }
  }
  return results;
}

/** The dimensions of a cache of nothing, from the model's own. */
function emptyCache(session: Session, name: string, rows: number): number[] {
  const shape = session.inputMetadata.find((input) => input.name === name)?.shape ?? [];
  return shape.map((size, axis) => (axis === 0 ? rows : typeof size === 'number' ? size : 0));
}

/** The rows `places` of a cache, one after another. */
function copyRows(
  cache: OrtTensor,
  places: readonly number[],
  memory: (length: number) => Float32Array,
): Cache {
  const [, ...rest] = cache.dims;
  const size = rest.reduce((product, n) => product * n, 1);
  const data = memory(places.length * size);
  for (const [row, place] of places.entries()) {
    data.set(cache.data.subarray(place * size, (place + 1) * size), row * size);
  }
  return { data, dims: [places.length, ...rest] };
}
