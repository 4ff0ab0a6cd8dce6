/** A claim that was published, and what decides here whether it held. */
import type { Estimate } from '../../../bayes/index.js';
import type { Caveat } from '../../../report/caveats.js';
import type { Claim, Verdict } from '../../../report/charts/figures.js';
import { formatInterval, formatNumber, type Unit } from '../../../report/format.js';
import type { Arm } from '../../arms.js';
import type { StudyName } from '../../names.js';
import type { Values } from '../../values.js';

/** What decides a claim, and our numbers in words. */
interface Evidence {
  difference: Estimate;
  ours: string;
}

export interface ClaimRule {
  id: string;
  /** The section that it stands in. */
  section: StudyName | 'frontier';
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

/** An arm by its id, or by what it is among the study's. */
export type Choice = string | ((values: Values) => Arm | undefined);

const chosen = (values: Values, study: StudyName, choice: Choice): Arm | undefined =>
  typeof choice === 'string' ? values.arm(study, choice) : choice(values);

/** Of a study's series from the least x on; what was not run has none. */
const inOrder = (values: Values, study: StudyName, series: string): Arm[] =>
  values.armsOf(study, series).sort((a, b) => a.x! - b.x!);
export const least =
  (study: StudyName, series: string): Choice =>
  (values) =>
    inOrder(values, study, series)[0];
export const most =
  (study: StudyName, series: string): Choice =>
  (values) =>
    inOrder(values, study, series).at(-1);

/** a − b of one measure, both sides in words. */
export const compare =
  (study: StudyName, measure: string, unit: Unit, a: Choice, b: Choice) =>
  (values: Values): Evidence | null => {
    const [of, against] = [chosen(values, study, a), chosen(values, study, b)];
    if (!of || !against) return null;
    if (!values.has(study, of.id, measure) || !values.has(study, against.id, measure)) return null;
    return {
      difference: values.difference(study, measure, of.id, against.id),
      ours: [of, against]
        .map(({ id, label }) => `${label} ${formatNumber(values.estimate(study, id, measure).value, unit)}`)
        .join(', '),
    };
  };

/** A share against a half. */
export const above =
  (study: StudyName, measure: string, arm: string) =>
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
export const compareMeasures =
  (study: StudyName, unit: Unit, arm: Choice, a: string, b: string) =>
  (values: Values): Evidence | null => {
    const id = chosen(values, study, arm)?.id;
    if (id === undefined || !values.has(study, id, a) || !values.has(study, id, b)) return null;
    return {
      difference: values.differenceOfMeasures(study, id, a, b),
      ours: [a, b]
        .map((measure) => formatNumber(values.estimate(study, id, measure).value, unit))
        .join(' against '),
    };
  };

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

/** Why nothing follows, in a note. */
const REASONS: Record<Caveat['kind'], string> = {
  'unknown text': 'the models do not know such text',
  'few contexts': 'too few held-out contexts',
  'no independent judge': 'no independent judge',
};

/** The claim where that must be known first: its numbers stand, and decide nothing, for it or against it. */
export function undecidedBy(caveats: readonly Caveat[], claim: Claim): Claim {
  if (caveats.length === 0 || claim.verdict === 'not measured') return claim;
  const why = `Undecided: ${caveats.map(({ kind }) => REASONS[kind]).join('; ')}.`;
  return { ...claim, verdict: 'undecided', note: claim.note === '' ? why : `${why} ${claim.note}` };
}
