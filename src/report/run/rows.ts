// The table of measures, once, for the terminal and for the HTML report.
import type { Estimate } from '../../bayes/index.js';
import { afterCaveats, type Caveat } from '../caveats.js';
import {
  formatDifference,
  formatDifferenceInterval,
  formatInterval,
  formatNumber,
  type Unit,
} from '../format.js';
import type { Measures, Report, Sample } from './types.js';

/** A row of the table; numbers are formatted already. */
export interface Row {
  measure: string;
  /** "0.539 → 0.708" of the model before and after tuning, or a number alone. */
  value: string;
  /** The interval: of the number, or of the one after the arrow; a signed number before it is the paired difference, and the interval is its. */
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

/** The caveat of this kind, where the report has it. */
const caveat = ({ caveats = [] }: Pick<Report, 'caveats'>, kind: Caveat['kind']): Caveat | undefined =>
  caveats.find((of) => of.kind === kind);

/** The headline: what must be known first, then what became of the model, with its interval, whichever way it came out. */
export const verdict = (report: Report): string => afterCaveats(report.caveats ?? [], outcome(report));

/** What became of the model, in one sentence. Nothing is concluded from what the caveats say is no evidence. */
function outcome(report: Report): string {
  const { winRate, score, rankerScore, kl } = report.measures;
  const cost = kl?.tunedFromBase?.raoBlackwell ?? kl?.tunedFromBase?.k1;
  const distance = cost
    ? `, ${formatNumber(cost.value, 'nats')} nats per sequence from the base model (${formatInterval(cost, 'nats')})`
    : '';
  if (caveat(report, 'unknown text'))
    return cost
      ? `The tuned model is${distance.slice(1)}; nothing here says whether it is better.`
      : 'Nothing here says whether the tuned model is better.';
  const won = winRate?.tunedVsBase;
  if (won) {
    const numbers = `${formatNumber(won.value, 'share')} of comparisons (${formatInterval(won, 'share')}, n = ${won.n})`;
    const few = caveat(report, 'few contexts') !== undefined;
    const way = few ? 0 : won.lo > 0.5 ? 1 : won.hi < 0.5 ? -1 : 0;
    if (!few && caveat(report, 'no independent judge')) {
      const prefers = ['prefers the base model', 'prefers neither model', 'prefers the tuned model'][way + 1];
      return `The judge ${prefers}: it gives the tuned one ${numbers}${distance}.`;
    }
    const how = [
      'is worse than the base model',
      'cannot be told from the base model',
      'is better than the base model',
    ][way + 1];
    return `The tuned model ${how}: it wins ${numbers}${distance}.`;
  }
  const gain = score?.tunedMinusBase ?? rankerScore?.tunedMinusBase;
  if (gain) {
    const by = score?.tunedMinusBase ? 'mean score' : 'mean InstructRM score';
    const moved = caveat(report, 'few contexts')
      ? 'was not shown to change its'
      : gain.lo > 0
        ? 'raised its'
        : gain.hi < 0
          ? 'lowered its'
          : 'was not shown to change its';
    return `Tuning ${moved} ${by} by ${formatDifference(gain.value, 'score')} (${formatDifferenceInterval(gain, 'score')}, n = ${gain.n})${distance}.`;
  }
  if (cost) return `The tuned model is${distance.slice(1)}; nothing here says whether it is better.`;
  return 'The run measured nothing that says whether the tuned model is better.';
}

/** What a judge's figures are, for the titles of their groups. */
export function opinionOf(report: Report): string {
  if (caveat(report, 'unknown text')) return 'the opinion of a judge that does not know such text';
  return caveat(report, 'no independent judge')
    ? 'the judge’s opinion, not an independent one'
    : 'the judge’s opinion';
}

/** All measures in the order that the algorithm produces them, grouped. */
export function rowGroups(report: Report): RowGroup[] {
  const { winRate, score, rankerScore, incorporated, judgeProbability, ranking, kl } = report.measures;
  const { words, judge = 'judge', scorer = judge } = report;
  // Where a model judges, InstructRM's own score was measured, too.
  const byModel = rankerScore !== undefined;
  const titled = (title: string) => `${title}: ${opinionOf(report)}`;
  const groups: RowGroup[] = [
    {
      key: 'score',
      title: 'Score',
      note: `Mean score of ${words.outputs} of held-out ${words.contexts}. By ${scorer}.`,
      rows: rows(
        change('Mean score', 'score', score?.base, score?.tuned, score?.tunedMinusBase),
        only(`Mean score of gold ${words.outputs}`, 'score', score?.gold),
      ),
    },
    {
      key: 'winRate',
      title: byModel ? titled('Win rate') : 'Win rate',
      note: `Share of comparisons on the same context that are won, ties as half; 50% is a draw. Judge: ${judge}.`,
      rows: rows(
        only('Tuned against base', 'share', winRate?.tunedVsBase),
        change(`Against gold ${words.outputs}`, 'share', winRate?.baseVsGold, winRate?.tunedVsGold),
      ),
    },
    {
      key: 'rankerScore',
      title: titled('InstructRM’s score'),
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
      key: 'judgeProbability',
      title: titled('Mean probability that the feedback was followed'),
      note: `InstructRM’s mean probability that a refinement follows its ${words.context}’s feedback: no share of refinements, since nobody looked whether they do. Without feedback, and with another ${words.context}’s, are controls.`,
      rows: rows(
        only('Refined with the feedback', 'score', judgeProbability?.feedback),
        only('Refined without feedback', 'score', judgeProbability?.noFeedback),
        only('Refined with shuffled feedback', 'score', judgeProbability?.shuffledFeedback),
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
    .filter(({ rows, key }) => rows.length > 0 || (key !== 'rankerScore' && key !== 'judgeProbability'))
    .map((group) =>
      group.rows.length > 0
        ? group
        : { ...group, absent: report.absent?.[group.key] ?? 'Not measured in this run.' },
    );
}

/** What x0, which the feedback is on, is; and π_0's own text beside it, which the tuned model's is compared with. */
export function textsBefore({
  given,
  initial,
  base,
  scores,
}: Sample): [label: string, text: string, score: number | undefined][] {
  const own = 'Base model, the output that the feedback is on';
  const name = given === undefined ? 'Base model' : given ? 'The output that came with it' : own;
  const compared: ReturnType<typeof textsBefore> =
    base === undefined ? [] : [['Base model, the output that is compared', base, scores?.base]];
  return [[name, initial, scores?.initial], ...compared];
}

function rows(...all: (Row | undefined)[]): Row[] {
  return all.filter((row) => row !== undefined);
}

/** A measure of the finished run alone. */
function only(measure: string, unit: Unit, after: Estimate | undefined): Row | undefined {
  return (
    after && {
      measure,
      value: formatNumber(after.value, unit),
      interval: formatInterval(after, unit),
      n: String(after.n),
    }
  );
}

/** A signed difference alone. */
function difference(measure: string, unit: Unit, estimate: Estimate | undefined): Row | undefined {
  const row = only(measure, unit, estimate);
  return (
    row && {
      ...row,
      value: formatDifference(estimate!.value, unit),
      interval: formatDifferenceInterval(estimate!, unit),
    }
  );
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
    value: [before, after].map((of) => (of ? formatNumber(of.value, unit) : '–')).join(' → '),
    interval: delta
      ? `${formatDifference(delta.value, unit)}: ${formatDifferenceInterval(delta, unit)}`
      : formatInterval(shown, unit),
    n: String(shown.n),
  };
}
