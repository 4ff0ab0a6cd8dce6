// Texts shaded by the KL at each token: a level a halving of the largest, so that the same page reads for models that are close
// and for models that are far apart.
import { formatNumber } from '../format.js';
import type { ShadedText } from './types.js';

/** Levels above the lightest, which is not shaded. */
const LEVELS = 5;

/** The least KL of levels 1, 2, …; all infinite where there is none to show. */
export function thresholds(texts: readonly ShadedText[]): number[] {
  const largest = Math.max(0, ...texts.flatMap(({ tokens }) => tokens.map(({ kl }) => kl)));
  return Array.from({ length: LEVELS }, (_, i) =>
    largest > 0 ? largest / 2 ** (LEVELS - i) : Number.POSITIVE_INFINITY,
  );
}

export function levelOf(kl: number, from: readonly number[]): number {
  return from.filter((least) => kl >= least).length;
}

/** What each level means. */
export function legend(from: readonly number[]): { level: number; text: string }[] {
  const nats = (value: number) => formatNumber(value, 'nats');
  if (!Number.isFinite(from[0]!)) return [{ level: 0, text: '0 nats' }];
  return [
    { level: 0, text: `below ${nats(from[0]!)} nats` },
    ...from.map((least, i) => ({
      level: i + 1,
      text: i + 1 < from.length ? `${nats(least)} to ${nats(from[i + 1]!)}` : `from ${nats(least)}`,
    })),
  ];
}
