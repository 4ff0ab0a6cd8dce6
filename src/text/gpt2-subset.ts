/**
 * A lossless subset of GPT-2's tokenizer for a small model: of the 50,257 tokens only those that GPT-2's BPE uses on
 * a corpus, its intermediate merges included. On the corpus' pre-tokens it gives GPT-2's own tokenization; any other
 * text falls back to shorter tokens, in the end to the 256 bytes, so that nothing is ever unknown.
 */
import { join } from 'node:path';
import ranks from 'gpt-tokenizer/bpeRanks/r50k_base';
import { writeFileAtomic } from '../store/atomic.js';
import { makeFolder } from '../store/destination.js';
import {
  BYTE_CHARS,
  BYTE_LEVEL_CONFIG,
  BYTE_ORDER,
  byteLevelJson,
  END_OF_TEXT,
  PRE_TOKENS,
} from './byte-level.js';

/** A token's bytes as a Latin-1 string: a byte a character. */
type Bytes = string;

const bytesOf = (text: string): Bytes => Buffer.from(text).toString('latin1');

/** Bytes → GPT-2's id, which is also the merge's priority: lower first. */
function gpt2Ranks(): Map<Bytes, number> {
  return new Map(
    ranks.map((token, id) => [
      typeof token === 'string' ? bytesOf(token) : Buffer.from(token).toString('latin1'),
      id,
    ]),
  );
}

/** Runs GPT-2's BPE on one pre-token and notes every merge that it makes, by the merged token's bytes. */
function derive(word: Bytes, rankOf: Map<Bytes, number>, merges: Map<Bytes, [Bytes, Bytes]>): void {
  const parts: Bytes[] = [...word];
  for (;;) {
    let best = Number.POSITIVE_INFINITY;
    let at = -1;
    for (let i = 0; i + 1 < parts.length; i++) {
      const rank = rankOf.get(parts[i]! + parts[i + 1]!) ?? Number.POSITIVE_INFINITY;
      if (rank < best) [best, at] = [rank, i];
    }
    if (at < 0) return;
    const merged = parts[at]! + parts[at + 1]!;
    merges.set(merged, [parts[at]!, parts[at + 1]!]);
    parts.splice(at, 2, merged);
  }
}

/** Writes tokenizer.json and tokenizer_config.json into `outDir`; ids are dense, in GPT-2's order, the end of text last. */
export async function buildGpt2Subset(corpus: Iterable<string>, outDir: string): Promise<void> {
  const rankOf = gpt2Ranks();
  const merges = new Map<Bytes, [Bytes, Bytes]>();
  const seen = new Set<string>();
  for (const text of corpus) {
    for (const piece of text.match(PRE_TOKENS) ?? []) {
      if (seen.has(piece)) continue;
      seen.add(piece);
      derive(bytesOf(piece), rankOf, merges);
    }
  }

  const shown = (bytes: Bytes): string => [...bytes].map((char) => BYTE_CHARS[char.charCodeAt(0)]!).join('');
  const inOrder = [...merges].sort(([a], [b]) => rankOf.get(a)! - rankOf.get(b)!);
  const tokens = [...BYTE_ORDER.map((byte) => BYTE_CHARS[byte]!), ...inOrder.map(([token]) => shown(token))];
  const vocab = Object.fromEntries([...tokens, END_OF_TEXT].map((token, id) => [token, id]));
  const json = byteLevelJson(
    vocab,
    inOrder.map(([, [left, right]]) => `${shown(left)} ${shown(right)}`),
    tokens.length,
  );
  await makeFolder(outDir);
  await writeFileAtomic(join(outDir, 'tokenizer.json'), `${JSON.stringify(json, null, 1)}\n`);
  await writeFileAtomic(
    join(outDir, 'tokenizer_config.json'),
    `${JSON.stringify(BYTE_LEVEL_CONFIG, null, 2)}\n`,
  );
}
