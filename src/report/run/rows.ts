// The table of measures, once, for the terminal and for the HTML report.
import type { Estimate } from '../../bayes/index.js';
import { formatDifference, formatInterval, formatNumber, type Unit } from '../format.js';
import type { Measures, Report } from './types.js';

/** A row of the table; numbers are formatted already. */
export interface Row {
  measure: string;
  before: string;
  after: string;
  /** What the interval is of, where that is not `after` itself, and the interval. */
  interval: string;
  n: string;
}

/** Rows under one heading; without rows, `absent` says why. */
export interface RowGroup {
  key: keyof Measures;
  title: string;
  /** What the numbers mean, in a line. */
  note: string;
  rows: Row[];
  absent?: string;
}

/** The verdict: what became of the model, in one sentence, with its interval, whichever way it came out. */
export function verdict(report: Report): string {
  const { winRate, score, kl } = report.measures;
  const cost = kl?.tunedFromBase?.raoBlackwell ?? kl?.tunedFromBase?.k1;
  const distance = cost
    ? `, ${formatNumber(cost.value, 'nats')} nats per sequence from the base model (${formatInterval(cost, 'nats')})`
    : '';
  const won = winRate?.tunedVsBase;
  if (won) {
    const numbers = `it wins ${formatNumber(won.value, 'share')} of comparisons (${formatInterval(won, 'share')}, n = ${won.n})`;
    const how =
      won.lo > 0.5
        ? 'is better than the base model'
        : won.hi < 0.5
          ? 'is worse than the base model'
          : 'cannot be told from the base model';
    return `The tuned model ${how}: ${numbers}${distance}.`;
  }
  const gain = score?.tunedMinusBase ?? report.measures.rankerScore?.tunedMinusBase;
  if (gain) {
    const by = score?.tunedMinusBase ? 'mean score' : 'mean InstructRM score';
    const moved = gain.lo > 0 ? 'raised its' : gain.hi < 0 ? 'lowered its' : 'was not shown to change its';
    return `Tuning ${moved} ${by} by ${formatDifference(gain.value, 'score')} (${formatInterval(gain, 'score')}, n = ${gain.n})${distance}.`;
  }
  if (cost) return `The tuned model is${distance.slice(1)}; nothing here says whether it is better.`;
  return 'The run measured nothing that says whether the tuned model is better.';
}

/** All measures in the order that the algorithm produces them, grouped. */
export function rowGroups(report: Report): RowGroup[] {
  const { winRate, score, rankerScore, incorporated, ranking, kl } = report.measures;
  const { words, judge = 'judge' } = report;
  const groups: RowGroup[] = [
    {
      key: 'score',
      title: 'Score',
      note: `Mean score of ${words.outputs} of held-out ${words.contexts}. Judge: ${judge}.`,
      rows: rows(
        change('Mean score', 'score', score?.base, score?.tuned, score?.tunedMinusBase),
        only(`Mean score of gold ${words.outputs}`, 'score', score?.gold),
      ),
    },
    {
      key: 'winRate',
      title: 'Win rate',
      note: `Share of comparisons on the same context that are won, ties as half; 50% is a draw. Judge: ${judge}.`,
      rows: rows(
        only('Tuned against base', 'share', winRate?.tunedVsBase),
        change(`Against gold ${words.outputs}`, 'share', winRate?.baseVsGold, winRate?.tunedVsGold),
      ),
    },
    {
      key: 'rankerScore',
      title: 'InstructRM’s score',
      note: 'Mean score that InstructRM gives, a model itself: no independent judge where it chose the training data.',
      rows: rows(
        change(
          'Mean InstructRM score',
          'score',
          rankerScore?.base,
          rankerScore?.tuned,
          rankerScore?.tunedMinusBase,
        ),
      ),
    },
    {
      key: 'incorporated',
      title: 'Feedback incorporated',
      note: `Share of refinements that settle every point of their ${words.context}’s feedback. Without feedback, and with another ${words.context}’s, are controls.`,
      rows: rows(
        only('Refined with the feedback', 'share', incorporated?.feedback),
        only('Refined without feedback', 'share', incorporated?.noFeedback),
        only('Refined with shuffled feedback', 'share', incorporated?.shuffledFeedback),
      ),
    },
    {
      key: 'ranking',
      title: 'Ranking',
      note: 'Mean score of the refinement picked from the same candidates, and pairs of one context ordered as the judge does (50% is chance).',
      rows: rows(
        only(`Picked by ${report.ranker}`, 'score', ranking?.picked),
        only('Picked at random', 'score', ranking?.random),
        only('The longest', 'score', ranking?.longest),
        difference(`${report.ranker} minus random`, 'score', ranking?.pickedMinusRandom),
        only('Pairs of one context in order', 'share', ranking?.pairAccuracy),
        only('Pairs of all contexts in order', 'share', ranking?.pooledAuc),
      ),
    },
    {
      key: 'kl',
      title: 'Distance, nats per sequence',
      note: 'Kullback–Leibler divergence between the models, exact over the vocabulary at every sampled prefix.',
      rows: rows(
        ...[kl?.tunedFromBase, kl?.baseFromTuned].map((result) =>
          result?.raoBlackwell
            ? only(result.direction, 'nats', result.raoBlackwell)
            : only(`${result?.direction} (k1)`, 'nats', result?.k1),
        ),
      ),
    },
  ];
  // The ranker's own score stands in where there is no judge; beside one it is of interest only if it was measured.
  return groups
    .filter((group) => group.rows.length > 0 || group.key !== 'rankerScore')
    .map((group) =>
      group.rows.length > 0
        ? group
        : { ...group, absent: report.absent?.[group.key] ?? 'Not measured in this run.' },
    );
}

function rows(...all: (Row | undefined)[]): Row[] {
  return all.filter((row) => row !== undefined);
}

/** A measure of the finished run alone. */
function only(measure: string, unit: Unit, after: Estimate | undefined): Row | undefined {
  return (
    after && {
      measure,
      before: '',
      after: formatNumber(after.value, unit),
      interval: formatInterval(after, unit),
      n: String(after.n),
    }
  );
}

/** A signed difference alone. */
function difference(measure: string, unit: Unit, estimate: Estimate | undefined): Row | undefined {
  const row = only(measure, unit, estimate);
  return row && { ...row, after: formatDifference(estimate!.value, unit) };
}

/** A measure before and after tuning; the interval is the paired difference's where there is one, else the latter's. */
function change(
  measure: string,
  unit: Unit,
  before: Estimate | undefined,
  after: Estimate | undefined,
  delta?: Estimate,
): Row | undefined {
  if (!before && !after) return undefined;
  const shown = delta ?? after ?? before!;
  return {
    measure,
    before: before ? formatNumber(before.value, unit) : '',
    after: after ? formatNumber(after.value, unit) : '',
    interval: delta
      ? `${formatDifference(delta.value, unit)}: ${formatInterval(delta, unit)}`
      : formatInterval(shown, unit),
    n: String(shown.n),
  };
}
