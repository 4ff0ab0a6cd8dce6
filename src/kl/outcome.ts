/** What two models' KL comes to: the report's content and the JSON document. */
import { basename } from 'node:path';
import type { KlResult } from '../bayes/kl.js';
import { KL_DIRECTIONS, type KlDirection, textsOf } from '../measure/kl.js';
import type { KlRow } from '../pipeline/tables.js';
import { type KlParts, klParts, positionsFigure, tokensFigure } from '../report/kl/figures.js';
import type { GivenTexts, KlReport, ShadedText } from '../report/kl/types.js';
import type { Settings } from '../report/page/settings.js';
import type { Tokenizer } from '../text/tokenizer.js';
import type { KlData } from './data.js';
import { givenDirection } from './given.js';
import type { KlOptions } from './options.js';
import { tokenLabel, tokenText } from './tokens.js';

export interface MeasuredKl {
  rows: KlRow[];
  kl?: Record<KlDirection, KlResult>;
  given?: GivenTexts;
}

export interface KlOutcome {
  report: KlReport;
  /** kl.json, and what --json prints. */
  document: Record<string, unknown>;
}

/** What was measured, on what, and where it goes. */
export interface FinishedKl extends MeasuredKl {
  options: KlOptions;
  data: KlData;
  tokenizer: Tokenizer | null;
  versions: Settings;
  seconds: number;
  out: string;
}

const DIRECTION_NAMES: Record<KlDirection, string> = {
  tunedFromBase: 'KL(tuned ‖ base)',
  baseFromTuned: 'KL(base ‖ tuned)',
};

/** Texts of each direction that are shown token by token. */
const SHOWN = 3;

export function klOutcome(finished: FinishedKl): KlOutcome {
  const { options, data, tokenizer, versions, seconds, out, rows, kl, given } = finished;
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
    seconds,
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
    seconds,
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
