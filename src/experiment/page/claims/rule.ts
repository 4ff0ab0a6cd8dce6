/** A claim that was published, and what decides here whether it held. */
import type { Estimate } from '../../../bayes/index.js';
import type { Claim, Verdict } from '../../../report/charts/figures.js';
import { formatInterval, formatNumber, type Unit } from '../../../report/format.js';
import type { Values } from '../../values.js';

/** What decides a claim, and our numbers in words. */
interface Evidence {
  difference: Estimate;
  ours: string;
}

export interface ClaimRule {
  id: string;
  /** The section that it stands in. */
  section: string;
  claim: string;
  theirs: string;
  unit: Unit;
  /** What differs here from what was published. */
  note?: string;
  /** The same of the embedded world alone. */
  noteOnBriefs?: string;
  /** Null where it was not measured. */
  decide(values: Values): Evidence | null;
}

/** a − b of one measure, both sides in words. */
export const compare =
  (study: string, measure: string, unit: Unit, a: string, b: string) =>
  (values: Values): Evidence | null =>
    values.has(study, a, measure) && values.has(study, b, measure)
      ? {
          difference: values.difference(study, measure, a, b),
          ours: [a, b]
            .map((arm) => `${arm} ${formatNumber(values.estimate(study, arm, measure).value, unit)}`)
            .join(', '),
        }
      : null;

/** A share against a half. */
export const above =
  (study: string, measure: string, arm: string) =>
  (values: Values): Evidence | null => {
    if (!values.has(study, arm, measure)) return null;
    const estimate = values.estimate(study, arm, measure);
    const { value, lo, hi, n } = estimate;
    return {
      difference: { value: value - 0.5, lo: lo - 0.5, hi: hi - 0.5, n },
      ours: `${formatNumber(value, 'share')} (${formatInterval(estimate, 'share')})`,
    };
  };

/** a − b of two measures of one arm. */
export function compareMeasures(study: string, unit: Unit, arm: string, a: string, b: string) {
  return (values: Values): Evidence | null =>
    values.has(study, arm, a) && values.has(study, arm, b)
      ? {
          difference: values.differenceOfMeasures(study, arm, a, b),
          ours: [a, b]
            .map((measure) => formatNumber(values.estimate(study, arm, measure).value, unit))
            .join(' against '),
        }
      : null;
}

/** Held where the whole interval is above 0, failed where it is below. */
export const verdictOf = ({ lo, hi }: Estimate): Verdict =>
  lo > 0 ? 'held' : hi < 0 ? 'failed' : 'undecided';

/** A rule on the values, of a person's `own` contexts or not; a claim whose studies were not all run is not measured. */
export function claimOf(
  { decide, section: _, noteOnBriefs, ...rule }: ClaimRule,
  values: Values,
  own = false,
): Claim {
  const claim = { ...rule, note: rule.note ?? (own ? '' : (noteOnBriefs ?? '')) };
  const evidence = decide(values);
  if (evidence === null) return { ...claim, ours: '–', difference: null, verdict: 'not measured' };
  return { ...claim, ...evidence, verdict: verdictOf(evidence.difference) };
}
