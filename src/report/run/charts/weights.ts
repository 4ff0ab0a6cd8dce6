import { meanEstimate } from '../../../bayes/index.js';
import { blue, type Chart, chart, interval, intervalsY, referenceY, width } from '../../charts/chart-kit.js';

/** Posterior weights of each context's refinements, heaviest first: how far from uniform, how far from the argmax. */
export async function weightsChart(weights: number[][] | undefined): Promise<Chart | undefined> {
  const sizes = new Set(weights?.map((w) => w.length));
  if (!weights || weights.length === 0 || sizes.size !== 1 || sizes.has(0)) return undefined;
  const n = weights[0]!.length;
  const sorted = weights.map((w) => [...w].sort((a, b) => b - a));
  const values = Array.from({ length: n }, (_, rank) => ({
    rank: rank + 1,
    ...interval(
      meanEstimate(
        sorted.map((w) => w[rank]!),
        { bounds: [0, 1], resamples: 500 },
      ),
    ),
  }));
  const x = { field: 'rank', type: 'ordinal', axis: { title: 'refinement, heaviest first', labelAngle: 0 } };
  const y = {
    field: 'value',
    type: 'quantitative',
    scale: { domain: [0, 1] },
    axis: { title: 'posterior weight ω', tickCount: 5 },
  };
  return chart(
    'weights',
    'Posterior weights',
    `Mean over ${weights.length} contexts, 95% intervals; dashed: all equal.`,
    {
      width,
      height: 170,
      layer: [...referenceY({ value: 1 / n, label: `1/${n}` }), ...intervalsY(values, x, y, { value: blue })],
    },
  );
}
