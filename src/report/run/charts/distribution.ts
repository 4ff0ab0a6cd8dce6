import { blue, type Chart, chart, faint, green, ink, width } from '../../charts/chart-kit.js';
import type { Report } from '../types.js';

/** Distribution of single outputs' scores before and after, one panel below the other on one axis. */
export async function distributionChart({ scores, words }: Report): Promise<Chart | undefined> {
  const series = (
    [
      ['base', scores?.base],
      ['tuned', scores?.tuned],
      ['gold', scores?.gold],
    ] as const
  ).flatMap(([label, values]) => (values && values.length > 0 ? [{ label, values }] : []));
  if (series.length === 0) return undefined;
  const all = series.flatMap((s) => s.values);
  const [lo, hi] = all.every((v) => v >= 0 && v <= 1) ? [0, 1] : [Math.min(...all), Math.max(...all)];
  const bins = 20;
  const step = (hi - lo) / bins || 1;
  const values = series.flatMap(({ label, values: scored }) => {
    const counted = new Array<number>(bins).fill(0);
    for (const v of scored) counted[Math.min(bins - 1, Math.floor((v - lo) / step + 1e-9))]!++;
    return counted.map((count, bin) => ({
      label: `${label} (n = ${scored.length})`,
      start: lo + bin * step,
      end: lo + (bin + 1) * step,
      share: count / scored.length,
    }));
  });
  const order = series.map((s) => `${s.label} (n = ${s.values.length})`);
  const means = series.map((s, i) => ({
    label: order[i],
    mean: s.values.reduce((sum, v) => sum + v, 0) / s.values.length,
  }));
  const panels = order.map((label, i) => ({
    width,
    height: 64,
    title: { text: label, anchor: 'start', fontSize: 11, fontWeight: 'normal', offset: 4 },
    layer: [
      {
        data: { values: values.filter((v) => v.label === label) },
        mark: {
          type: 'bar',
          color: [faint, blue, green][['base', 'tuned', 'gold'].indexOf(series[i]!.label)],
        },
        encoding: {
          x: {
            field: 'start',
            bin: { binned: true, step },
            type: 'quantitative',
            scale: { domain: [lo, hi] },
            axis: {
              title:
                i === order.length - 1
                  ? `score of ${/^[aeiou]/.test(words.output) ? 'an' : 'a'} ${words.output}`
                  : null,
              labels: i === order.length - 1,
              values: Array.from({ length: 6 }, (_, tick) => lo + (tick * (hi - lo)) / 5),
              tickCount: 5,
            },
          },
          x2: { field: 'end' },
          y: {
            field: 'share',
            type: 'quantitative',
            // Each panel's own: a reference that is all in one bin would flatten the others.
            scale: { zero: true, nice: true },
            axis: { title: 'share', format: '.0%', tickCount: 2 },
          },
        },
      },
      {
        data: { values: [means[i]] },
        mark: { type: 'rule', color: ink, strokeWidth: 2 },
        encoding: { x: { field: 'mean', type: 'quantitative' } },
      },
    ],
  }));
  return chart(
    'scores',
    'Scores before and after',
    `Line: mean (${means.map((m, i) => `${series[i]!.label} ${m.mean.toFixed(3)}`).join(', ')}). Same contexts in all panels.`,
    { vconcat: panels, spacing: 10 },
  );
}
