/** KL between two model folders, alone: the texts, what is measured on them, and the report. */
import { stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { type KlPrompt, klSettings, measureKl, sampleBothWays } from '../measure/kl.js';
import type { Progress } from '../pipeline/progress.js';
import { stepSeed } from '../pipeline/seeds.js';
import { klTable } from '../pipeline/tables.js';
import type { KlReport } from '../report/kl/types.js';
import type { Settings } from '../report/page/settings.js';
import { writeFileAtomic } from '../store/atomic.js';
import { UserError } from '../store/errors.js';
import { canonicalJson, hashText, type Json } from '../store/hash.js';
import { requirePlaceForFile } from '../store/place.js';
import { writeTable } from '../store/tables.js';
import type { Tokenizer } from '../text/tokenizer.js';
import { type KlData, readKlData } from './data.js';
import { compareGiven, measureGiven } from './given.js';
import type { KlOptions } from './options.js';
import { type KlOutcome, klOutcome, type MeasuredKl } from './outcome.js';
import { type KlPair, openPair } from './pair.js';

/** checkpoints/NAME, where equal options give equal names. */
export function klFolder({ asked: _, tooLong: __, task, ...options }: KlOptions): string {
  const names = [options.tuned, options.base].map((dir) => basename(dir).replace(/[^\w.-]+/g, '-'));
  const hash = hashText(canonicalJson({ ...options, task: task.name } as unknown as Json)).slice(0, 8);
  return resolve('checkpoints', ['kl', ...names.map((name) => name.slice(0, 40)), hash].join('-'));
}

/**
 * Measures, and writes kl.arrow, kl.json and kl.html (by `html`) to the folder `out`, each whole or not at all.
 * @throws UserError for models that cannot be compared, texts that cannot be used, and a folder that cannot be written
 */
export async function klCommand(
  options: KlOptions,
  out: string,
  versions: Settings,
  html: (report: KlReport) => Promise<string>,
  progress: Progress,
): Promise<KlOutcome> {
  const start = performance.now();
  await checkFolder(out, options);
  const pair = await openPair(options.tuned, options.base);
  try {
    const data = await textsToMeasure(options, pair);
    const measured =
      data.kind === 'given'
        ? await measureTexts(pair, data.texts, progress)
        : await measureModels(pair, data.prompts, options, progress);
    await writeTable(join(out, 'kl.arrow'), klTable, measured.rows);
    const seconds = (performance.now() - start) / 1000;
    const { tokenizer } = pair;
    const outcome = klOutcome({ ...measured, options, data, tokenizer, versions, seconds, out });
    await writeFileAtomic(join(out, 'kl.json'), `${JSON.stringify(outcome.document, null, 2)}\n`);
    await writeFileAtomic(join(out, 'kl.html'), await html(outcome.report));
    return outcome;
  } finally {
    pair.dispose();
  }
}

/** Found out before anything is computed. */
async function checkFolder(out: string, { tuned, base, texts }: KlOptions): Promise<void> {
  const found = await stat(out).catch(() => null);
  if (found && !found.isDirectory()) throw new UserError(`--out ${out} is a file; the report is a folder`);
  const inputs = [tuned, base, 'data' in texts ? texts.data : undefined];
  for (const name of ['kl.arrow', 'kl.json', 'kl.html']) await requirePlaceForFile(join(out, name), inputs);
}

async function textsToMeasure(
  { task, texts, maxTokens, asked, tooLong }: KlOptions,
  pair: KlPair,
): Promise<KlData> {
  if ('unconditional' in texts) {
    if (1 + maxTokens > pair.window)
      throw new UserError(
        `--max-tokens ${maxTokens}: the models read ${pair.window} tokens, the first one included`,
      );
    const { begin, eos } = withEnds(pair);
    const ids = begin.length > 0 ? [...begin] : [eos];
    const prompts = Array.from({ length: texts.unconditional }, (_, i) => ({ context: String(i + 1), ids }));
    return { kind: 'prompts', prompts };
  }
  const data = await readKlData(texts.data, pair, task, maxTokens, tooLong);
  if (data.kind === 'given' && asked.length > 0)
    throw new UserError(
      `${texts.data} has completions, so nothing is sampled and ${asked.map((name) => `--${name}`).join(', ')} would do nothing; leave it out`,
    );
  return data;
}

function withEnds({ tokenizer, tuned, base }: KlPair): Tokenizer {
  if (tokenizer) return tokenizer;
  throw new UserError(
    `neither ${tuned.dir} nor ${base.dir} has a tokenizer, which says what ends a sampled text; give completions`,
  );
}

async function measureModels(
  pair: KlPair,
  prompts: readonly KlPrompt[],
  { samples, maxTokens, place, texts }: KlOptions,
  progress: Progress,
): Promise<MeasuredKl> {
  const { ends } = withEnds(pair);
  const settings = klSettings(maxTokens, (direction) =>
    stepSeed(place.seed, `round-${place.round}`, direction),
  );
  const both = { tunedFromBase: prompts, baseFromTuned: prompts };
  const { tuned, base } = pair;
  const rows = await sampleBothWays({ tuned, base, prompts: both, n: samples, settings, ends }, progress);
  return { rows, kl: measureKl(rows, settings, 'data' in texts) };
}

async function measureTexts(
  pair: KlPair,
  texts: Extract<KlData, { kind: 'given' }>['texts'],
  progress: Progress,
): Promise<MeasuredKl> {
  const rows = await compareGiven(pair, texts, progress);
  return { rows, given: measureGiven(rows) };
}
