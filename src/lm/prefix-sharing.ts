/**
 * Logits after many texts that share their beginnings, such as one post under five questions about five summaries: every
 * beginning is computed once.
 *
 * The texts of a pass are packed as a prefix tree with one row for each distinct beginning, without padding, and the
 * layers run on the tree's rows. Attention alone sees whole texts: their queries, keys and values are gathered from the
 * rows, so that it is the ordinary causal attention, to the bit. It repeats the attention within a shared beginning for
 * each text, which is little beside the products with the weights: 2·T·D of 24·D² + 2·T·D operations a token.
 *
 * Dimension letters: N texts, T tokens of the longest, M rows of the tree, D width.
 */
import { causalAttention, gatherRows, type Projected } from '../engine/fused.js';
import * as tf from '../engine/tf.js';
import { consecutive } from './batch.js';
import type { CausalLM } from './model.js';

/** Texts with the same first tokens. */
export interface SharedPrefix {
  prefix: readonly number[];
  /** What comes after the prefix, one token at least. */
  suffixes: readonly (readonly number[])[];
}

/** Most tokens of whole texts computed at once, padding included. More are no faster. */
const MAX_TOKENS = 8192;

/** Texts as a prefix tree. */
interface PrefixTree {
  /** [M], the token of each row. */
  ids: Int32Array;
  /** Texts that attention needs: those that no other begins with. */
  N: number;
  T: number;
  /** [N·T], the row of each token; row 0 as padding on the right. */
  rows: Int32Array;
  /** [M], a place in [N·T] of each row. */
  places: Int32Array;
  /** Of each of the given texts, the row of its last token. */
  last: Int32Array;
}

/** How many tokens two texts have in common at their beginnings. */
export function commonLength(a: readonly number[], b: readonly number[]): number {
  let length = 0;
  while (length < a.length && length < b.length && a[length] === b[length]) length++;
  return length;
}

/** Lexicographically: texts with a common beginning become neighbours, a beginning comes before what goes on from it. */
function compare(a: readonly number[], b: readonly number[]): number {
  const at = commonLength(a, b);
  return (a[at] ?? -1) - (b[at] ?? -1);
}

function prefixTree(texts: readonly (readonly number[])[]): PrefixTree {
  const ids: number[] = [];
  const last = new Int32Array(texts.length);
  const whole: number[][] = [];
  let before: readonly number[] = [];
  let rows: number[] = [];
  for (const i of [...texts.keys()].sort((a, b) => compare(texts[a]!, texts[b]!))) {
    const text = texts[i]!;
    const shared = commonLength(before, text);
    rows = rows.slice(0, shared);
    for (const id of text.slice(shared)) rows.push(ids.push(id) - 1);
    if (shared === before.length) whole.pop();
    whole.push(rows);
    last[i] = rows.at(-1)!;
    before = text;
  }
  const [N, T] = [whole.length, Math.max(...whole.map(({ length }) => length))];
  const tree = { ids: Int32Array.from(ids), N, T, rows: new Int32Array(N * T), last };
  const places = new Int32Array(ids.length);
  for (const [n, of] of whole.entries())
    for (const [t, row] of of.entries()) {
      tree.rows[n * T + t] = row;
      places[row] = n * T + t;
    }
  return { ...tree, places };
}

/**
 * Hidden states after the last token of each text, [texts,D], after the final norm; differentiable in the parameters.
 * The same as lm.hidden's.
 * @throws UserError for a text that is longer than the model's positions
 */
export function lastHidden(lm: CausalLM, texts: readonly (readonly number[])[]): tf.Tensor2D {
  const { attention } = lm.description;
  const { ids, N, T, rows, places, last } = prefixTree(texts);
  const all = lm.positions(N, T);
  return tf.tidy(() => {
    const positions = places.map((place) => all[place]!);
    const attend = (projected: Projected) =>
      tf.tidy(() => {
        const whole = projected.map((x) => gatherRows(x, rows)) as unknown as Projected;
        return gatherRows(causalAttention(whole, { B: N, T, ...attention }), places);
      });
    return lm.layers(lm.embedding(ids, positions), positions, attend, last);
  });
}

/**
 * Logits of `tokens` after each text, [prefix][suffix][token]. They do not depend on what else is asked for. `onDone`
 * is told how many suffixes were finished. maxTokens bounds memory, not the result.
 * @throws UserError for a text that is longer than the model's positions
 */
export async function lastLogits(
  lm: CausalLM,
  shared: readonly SharedPrefix[],
  tokens: readonly number[],
  onDone?: (count: number) => void,
  maxTokens = MAX_TOKENS,
): Promise<number[][][]> {
  const out = shared.map(({ suffixes }) => suffixes.map((): number[] => []));
  const lengths = shared.map(
    ({ prefix, suffixes }) => prefix.length + Math.max(0, ...suffixes.map(({ length }) => length)),
  );
  // Prefixes of like length together, the texts of each one after another.
  const work = [...shared.keys()]
    .sort((a, b) => lengths[a]! - lengths[b]!)
    .flatMap((f) => [...shared[f]!.suffixes.keys()].map((s) => ({ f, s })));
  const lengthOf = ({ f, s }: (typeof work)[number]) =>
    shared[f]!.prefix.length + shared[f]!.suffixes[s]!.length;
  const answers = gatherRows(lm.head, Int32Array.from(tokens));
  try {
    for (const part of consecutive(work, lengthOf, maxTokens)) {
      const texts = part.map(({ f, s }) => [...shared[f]!.prefix, ...shared[f]!.suffixes[s]!]);
      const logits = tf.tidy(
        () => tf.matMul(lastHidden(lm, texts), answers, false, true).arraySync() as number[][],
      );
      for (const [i, { f, s }] of part.entries()) out[f]![s] = logits[i]!;
      onDone?.(part.length);
      // Lets timers and signals in.
      await new Promise((resolve) => setImmediate(resolve));
    }
  } finally {
    answers.dispose();
  }
  return out;
}
