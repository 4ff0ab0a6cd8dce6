import type { Estimate } from '../../../bayes/index.js';
import { type Chart, chart, counts, interval, intervalsX } from '../../charts/chart-kit.js';
import { formatDifference, formatNumber } from '../../format.js';
import type { Report } from '../types.js';

/** Mean score of each ranker's pick. */
export async function rankingChart(
  ranker: string,
  ranking: Report['measures']['ranking'],
): Promise<Chart | undefined> {
  const controls: [string, Estimate | undefined][] = [
    ['random', ranking?.random],
    ['longest', ranking?.longest],
  ];
  // A ranker that is one of the controls has its bar already.
  const isControl = controls.some(([label]) => label === ranker);
  const picks = isControl ? controls : [[ranker, ranking?.picked] as const, ...controls];
  const values = picks.flatMap(([label, e]) => (e ? [{ label, ...interval(e) }] : []));
  if (values.length === 0) return undefined;
  const x = {
    field: 'value',
    type: 'quantitative',
    scale: { zero: false, nice: true, padding: 12 },
    axis: { tickCount: 5, title: 'mean score of the picked refinement' },
  };
  const gain = ranking?.pickedMinusRandom;
  const paired = gain
    ? ` ${ranker} minus random, paired: ${formatDifference(gain.value, 'score')} (${formatNumber(gain.lo, 'score')} to ${formatNumber(gain.hi, 'score')}).`
    : '';
  return chart(
    'ranking',
    'What each ranker picks',
    `Bars: intervals; ${counts(values)}. The axis does not start at 0.${paired}`,
    {
      width: 215,
      height: { step: 38 },
      layer: intervalsX(
        values,
        x,
        picks.map(([label]) => label),
      ),
    },
  );
}
