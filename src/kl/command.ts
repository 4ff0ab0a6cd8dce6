/** KL between two model folders, alone: the texts, what is measured on them, and the report. */
import { stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import type { KlResult } from '../bayes/kl.js';
import {
  KL_DIRECTIONS,
  type KlDirection,
  type KlPrompt,
  klSettings,
  measureKl,
  sampleBothWays,
  textsOf,
} from '../measure/kl.js';
import type { Progress } from '../pipeline/progress.js';
import { type Place, stepSeed } from '../pipeline/seeds.js';
import { type KlRow, klTable } from '../pipeline/tables.js';
import { type KlParts, klParts, positionsFigure, tokensFigure } from '../report/kl/figures.js';
import type { GivenTexts, KlReport, ShadedText } from '../report/kl/types.js';
import type { Settings } from '../report/run/types.js';
import { removeLeftovers, writeFileAtomic } from '../store/atomic.js';
import { UserError } from '../store/errors.js';
import { canonicalJson, hashText, type Json } from '../store/hash.js';
import { writeTable } from '../store/tables.js';
import type { Tokenizer } from '../text/tokenizer.js';
import { type KlData, readKlData } from './data.js';
import { compareGiven, givenDirection, measureGiven } from './given.js';
import { type KlPair, openPair } from './pair.js';
import { tokenLabel, tokenText } from './tokens.js';

export interface KlOptions {
  /** Model folders: π_θ and π_0, or any two with one vocabulary. */
  tuned: string;
  base: string;
  /** A file of prompts or of texts, or the number of texts that are sampled without a prompt. */
  texts: { data: string } | { unconditional: number };
  /** Texts for each prompt. */
  samples: number;
  maxTokens: number;
  place: Place;
  /** Which of the last three were asked for: they say nothing where the texts are given. */
  asked: readonly string[];
}

export interface KlOutcome {
  report: KlReport;
  /** kl.json, and what --json prints. */
  document: Record<string, unknown>;
}

/** checkpoints/NAME, where equal options give equal names. */
export function klFolder({ asked: _, ...options }: KlOptions): string {
  const names = [options.tuned, options.base].map((dir) => basename(dir).replace(/[^\w.-]+/g, '-'));
  const hash = hashText(canonicalJson(options as unknown as Json)).slice(0, 8);
  return resolve('checkpoints', ['kl', ...names.map((name) => name.slice(0, 40)), hash].join('-'));
}

/**
 * Measures, and writes kl.arrow, kl.json and kl.html (by `html`) to the folder `out`, each whole or not at all.
 * @throws UserError for models that cannot be compared, texts that cannot be used, and a folder that cannot be written
 */
export async function klAlone(
  options: KlOptions,
  out: string,
  versions: Settings,
  html: (report: KlReport) => Promise<string>,
  progress: Progress,
): Promise<KlOutcome> {
  const start = performance.now();
  await checkFolder(out);
  const pair = await openPair(options.tuned, options.base);
  try {
    const data = await textsToMeasure(options, pair);
    const measured =
      data.kind === 'given'
        ? await measureTexts(pair, data.texts, progress)
        : await measureModels(pair, data.prompts, options, progress);
    await writeTable(join(out, 'kl.arrow'), klTable, measured.rows);
    const outcome = outcomeOf(
      options,
      out,
      versions,
      pair,
      data,
      measured,
      () => (performance.now() - start) / 1000,
    );
    await writeFileAtomic(join(out, 'kl.json'), `${JSON.stringify(outcome.document, null, 2)}\n`);
    await writeFileAtomic(join(out, 'kl.html'), await html(outcome.report));
    return outcome;
  } finally {
    pair.dispose();
  }
}

/** Found out before anything is computed. */
async function checkFolder(out: string): Promise<void> {
  const found = await stat(out).catch(() => null);
  if (found === null) return;
  if (!found.isDirectory()) throw new UserError(`--out ${out} is a file; the report is a folder`);
  await removeLeftovers(out);
}

async function textsToMeasure({ texts, maxTokens, asked }: KlOptions, pair: KlPair): Promise<KlData> {
  if ('unconditional' in texts) {
    if (1 + maxTokens > pair.window)
      throw new UserError(
        `--max-tokens ${maxTokens}: the models read ${pair.window} tokens, the first one included`,
      );
    const ids = [endOfText(pair)];
    const prompts = Array.from({ length: texts.unconditional }, (_, i) => ({ context: String(i + 1), ids }));
    return { kind: 'prompts', prompts };
  }
  const data = await readKlData(texts.data, pair, maxTokens);
  if (data.kind === 'given' && asked.length > 0)
    throw new UserError(
      `${texts.data} has completions, so nothing is sampled and ${asked.map((name) => `--${name}`).join(', ')} would do nothing; leave it out`,
    );
  return data;
}

function endOfText({ tokenizer, tuned, base }: KlPair): number {
  if (tokenizer) return tokenizer.eos;
  throw new UserError(
    `neither ${tuned.dir} nor ${base.dir} has a tokenizer, which says what ends a sampled text; give completions`,
  );
}

interface MeasuredKl {
  rows: KlRow[];
  kl?: Record<KlDirection, KlResult>;
  given?: GivenTexts;
}

async function measureModels(
  pair: KlPair,
  prompts: readonly KlPrompt[],
  { samples, maxTokens, place, texts }: KlOptions,
  progress: Progress,
): Promise<MeasuredKl> {
  const eos = endOfText(pair);
  const settings = klSettings(maxTokens, (direction) =>
    stepSeed(place.seed, `round-${place.round}`, direction),
  );
  const rows = await sampleBothWays(pair.tuned, pair.base, () => prompts, samples, settings, eos, progress);
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

const DIRECTION_NAMES: Record<KlDirection, string> = {
  tunedFromBase: 'KL(tuned ‖ base)',
  baseFromTuned: 'KL(base ‖ tuned)',
};

/** Texts of each direction that are shown token by token. */
const SHOWN = 3;

function outcomeOf(
  options: KlOptions,
  out: string,
  versions: Settings,
  pair: KlPair,
  data: KlData,
  { rows, kl, given }: MeasuredKl,
  seconds: () => number,
): KlOutcome {
  const { tokenizer } = pair;
  const parts = KL_DIRECTIONS.map((direction): [KlDirection, KlParts] => {
    const whose = direction === 'tunedFromBase' ? 'the tuned model’s texts' : 'the base model’s texts';
    const contexts = textsOf(rows, given ? givenDirection(direction) : direction);
    const label = (id: number) => tokenLabel(tokenizer, id);
    return [
      direction,
      klParts(DIRECTION_NAMES[direction], given ? 'the given texts' : whose, contexts, label),
    ];
  });
  const [tuned, base] = parts.map(([, part]) => part) as [KlParts, KlParts];
  const figures = [
    positionsFigure([tuned, base]),
    ...(given
      ? [tokensFigure('kl-tokens', 'the log-likelihood ratio, log tuned − log base', tuned)]
      : [
          tokensFigure('kl-tokens-tuned', `${tuned.direction} by k1`, tuned),
          tokensFigure('kl-tokens-base', `${base.direction} by k1`, base),
        ]),
  ];
  const { texts, samples, maxTokens, place } = options;
  const source: Settings = { ...texts, ...(!given && { samples, maxTokens, ...place }) };
  const report: KlReport = {
    title: `KL between ${basename(options.tuned)} and ${basename(options.base)}`,
    tuned: options.tuned,
    base: options.base,
    texts: textsInWords(options, data),
    results: kl ? [kl.tunedFromBase, kl.baseFromTuned] : [],
    ...(given && { given }),
    figures,
    samples: shadedTexts(rows, data, tokenizer, 'unconditional' in texts),
    options: source,
    versions,
    seconds: seconds(),
    out,
  };
  const document = {
    tuned: report.tuned,
    base: report.base,
    texts: report.texts,
    ...(kl && { kl }),
    ...(given && { given }),
    byPosition: Object.fromEntries(parts.map(([direction, { byPosition }]) => [direction, byPosition])),
    byToken: given
      ? { logRatio: tuned.byToken }
      : Object.fromEntries(parts.map(([direction, { byToken }]) => [direction, byToken])),
    options: source,
    versions,
    seconds: report.seconds,
    out,
  };
  return { report, document };
}

function textsInWords({ texts, samples }: KlOptions, data: KlData): string {
  if ('unconditional' in texts)
    return `${texts.unconditional} texts sampled from each model, from the end-of-text token alone.`;
  if (data.kind === 'given')
    return `The ${data.texts.length} texts of ${texts.data}, as they were given, after their prompts.`;
  const each = samples === 1 ? 'A text' : `${samples} texts`;
  return `${each} sampled from each model after each of the ${data.prompts.length} prompts of ${texts.data}.`;
}

function shadedTexts(
  rows: readonly KlRow[],
  data: KlData,
  tokenizer: Tokenizer | null,
  unconditional: boolean,
): ShadedText[] {
  const given = data.kind === 'given';
  const prompts = (given ? data.texts : data.prompts).slice(0, SHOWN);
  const read = (ids: readonly number[]) =>
    tokenizer ? tokenizer.decode(ids) : ids.map((id) => tokenText(tokenizer, id)).join(' ');
  return (given ? (['tunedFromBase'] as const) : KL_DIRECTIONS).flatMap((direction) => {
    const of = rows.filter((row) => row.direction === (given ? givenDirection(direction) : direction));
    const writer = direction === 'tunedFromBase' ? 'tuned' : 'base';
    return prompts.map(({ context, ids }): ShadedText => {
      const row = of.find((candidate) => candidate.context === context)!;
      const whose = given ? `Given text ${context}` : `Text ${context}, by the ${writer} model`;
      return {
        title: `${whose}: ${DIRECTION_NAMES[direction]}`,
        prompt: unconditional ? '' : read(ids),
        tokens: Array.from(row.ids, (id, t) => ({ text: tokenText(tokenizer, id), kl: row.exact[t]! })),
      };
    });
  });
}
