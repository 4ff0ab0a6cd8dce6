/**
 * Sampling n completions of each prompt: one prefill per prompt, rows leave the batch as they finish. A row's
 * random numbers are a function of (seed, prompt index, sample index), so results do not depend on how rows
 * were batched.
 */
import { rowsTogether } from '../engine/fused.js';
import { UserError } from '../store/errors.js';
import { openLMDecoder } from './decoder.js';
import type { CausalLM } from './model.js';
import { randomStream } from './random.js';

export interface SampleOptions {
  maxNewTokens: number;
  /** 0: greedy. */
  temperature: number;
  /** 0: off. */
  topK: number;
  /** 1: off. */
  topP: number;
  seed: number;
  stopIds: readonly number[];
  /** Rows decoded together at most: bounds memory, not the result. Without, as many as suit the engine. */
  maxRows?: number;
}

export interface Completion {
  /** New tokens, the stop token included. */
  ids: number[];
  /** The model's own log-probability of each, at temperature 1 without filters. */
  logprobs: number[];
  /** Whether it ended with a stop token (else it was cut off). */
  finished: boolean;
}

function check(lm: CausalLM, prompts: readonly (readonly number[])[], n: number, o: SampleOptions): void {
  const bad = (what: string) => {
    throw new UserError(`sampling: ${what}`);
  };
  if (!Number.isInteger(n) || n < 1) bad(`the number of samples must be a positive integer, not ${n}`);
  if (!Number.isInteger(o.maxNewTokens) || o.maxNewTokens < 1) bad('maxNewTokens must be a positive integer');
  if (!(o.temperature >= 0)) bad(`temperature must be 0 or more, not ${o.temperature}`);
  if (o.maxRows !== undefined && !(o.maxRows >= 1)) bad(`maxRows must be 1 or more, not ${o.maxRows}`);
  if (!Number.isInteger(o.topK) || o.topK < 0)
    bad(`top-k must be 0 (off) or a positive integer, not ${o.topK}`);
  if (!(o.topP > 0 && o.topP <= 1)) bad(`top-p must be in (0, 1], not ${o.topP}`);
  prompts.forEach((prompt, p) => {
    if (prompt.length === 0) bad(`prompt ${p} is empty`);
    if (prompt.length >= lm.description.positions) {
      bad(
        `prompt ${p} has ${prompt.length} tokens, which leaves no room in the model's ${lm.description.positions} positions`,
      );
    }
  });
}

interface Row {
  prompt: number;
  uniform: () => number;
  /** Tokens that fit after its prompt. */
  room: number;
  out: Completion;
}

/**
 * Indices of prompts that are decoded together: neighbours in length, at most maxRows rows (or one prompt),
 * and none so long that the new tokens of the shortest would pass the model's positions.
 */
function promptGroups(
  lm: CausalLM,
  prompts: readonly (readonly number[])[],
  n: number,
  { maxNewTokens, maxRows = rowsTogether() }: SampleOptions,
): number[][] {
  const { positions } = lm.description;
  const order = [...prompts.keys()].sort((a, b) => prompts[a]!.length - prompts[b]!.length || a - b);
  const groups: number[][] = [];
  let longest = 0;
  for (const p of order) {
    const { length } = prompts[p]!;
    const group = groups.at(-1);
    if (group && (group.length + 1) * n <= maxRows && length <= longest) group.push(p);
    else {
      groups.push([p]);
      longest = Math.max(length, positions - maxNewTokens);
    }
  }
  return groups;
}

/**
 * Completions [prompt][sample]. Each ends at a stop token, after maxNewTokens, or where the model's positions end.
 * onProgress gets the number of finished rows and of all, after every token; where it throws, sampling ends.
 * @throws UserError for empty or too long prompts and bad options
 */
export async function sample(
  lm: CausalLM,
  prompts: readonly (readonly number[])[],
  n: number,
  options: SampleOptions,
  onProgress?: (done: number, total: number) => void,
): Promise<Completion[][]> {
  check(lm, prompts, n, options);
  const rows = prompts.flatMap((prompt, p) =>
    Array.from({ length: n }, (_, i) => ({
      prompt: p,
      uniform: randomStream(options.seed, 2, p, i),
      room: Math.min(options.maxNewTokens, lm.description.positions - prompt.length),
      out: { ids: [], logprobs: [], finished: false } as Completion,
    })),
  );
  const decoder = openLMDecoder(lm);
  let done = 0;
  try {
    for (const group of promptGroups(lm, prompts, n, options)) {
      const chosen = group.flatMap((p) => rows.slice(p * n, (p + 1) * n));
      await decodeGroup(
        lm,
        decoder,
        group.map((p) => prompts[p]!),
        n,
        chosen,
        options,
        (count) => {
          done += count;
          onProgress?.(done, rows.length);
        },
      );
    }
  } finally {
    decoder.close();
  }
  return prompts.map((_, p) => rows.slice(p * n, (p + 1) * n).map((row) => row.out));
}

/** Decodes the rows of a few prompts (prompt-major, n each) to their ends. */
async function decodeGroup(
  lm: CausalLM,
  decoder: ReturnType<typeof openLMDecoder>,
  prompts: readonly (readonly number[])[],
  n: number,
  rows: readonly Row[],
  options: SampleOptions,
  finish: (count: number) => void,
): Promise<void> {
  const { temperature, topK, topP, stopIds } = options;
  const drawing = { temperature, topK, topP };
  const P = prompts.length;
  const T = Math.max(...prompts.map((p) => p.length));
  const ids = new Int32Array(P * T);
  prompts.forEach((prompt, p) => {
    ids.set(prompt, p * T);
  });
  const lengths = Int32Array.from(prompts, (p) => p.length);
  decoder.prefill(ids, lengths, n, Math.max(...rows.map((r) => r.room)));
  const start = (which: Int32Array) => {
    // 24 bits, so that a float32 below 1 comes out.
    const uniform = Float32Array.from(which, (r) => Math.floor(rows[r]!.uniform() * 2 ** 24) / 2 ** 24);
    decoder.start(which, drawing, uniform);
    return which;
  };
  let step = start(Int32Array.from(rows.keys()));
  while (true) {
    // The next step is on its way before it is known which rows end with this one: what those draw in it is thrown away.
    const next = step.filter((r) => !ended(rows[r]!) && rows[r]!.out.ids.length + 1 < rows[r]!.room);
    const started = decoder.ahead && next.length > 0 ? start(next) : null;
    const tokens = new Int32Array(step.length);
    const logprobs = new Float32Array(step.length);
    decoder.read(tokens, logprobs);
    let done = 0;
    step.forEach((r, i) => {
      const row = rows[r]!;
      if (ended(row)) return;
      // Logits that are not finite have no softmax.
      if (!Number.isFinite(logprobs[i]!)) throw lm.notFinite('logits');
      row.out.ids.push(tokens[i]!);
      row.out.logprobs.push(logprobs[i]!);
      row.out.finished = stopIds.includes(tokens[i]!);
      if (ended(row)) done++;
    });
    finish(done);
    const going = step.filter((r) => !ended(rows[r]!));
    if (going.length === 0) return;
    step = started ?? start(going);
    // Lets timers and signals in.
    await new Promise((resolve) => setImmediate(resolve));
  }
}

const ended = ({ out, room }: Row): boolean => out.finished || out.ids.length >= room;
