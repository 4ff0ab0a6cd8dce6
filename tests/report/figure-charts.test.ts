import { describe, expect, it, vi } from 'vitest';
import type { Estimate } from '../../src/bayes/index.js';
import { figureChart } from '../../src/report/charts/figure-charts.js';
import type {
  DotsFigure,
  Figure,
  FrontierFigure,
  LinesFigure,
  ReliabilityFigure,
} from '../../src/report/charts/figures.js';
import {
  dotsFigure,
  frontierFigure,
  linesFigure,
  positionFigure,
  reliabilityFigure,
} from './sample-experiment.js';

const head = { id: 'f', title: 'A figure', caption: 'Of something.' };
const around = (value: number, half: number): Estimate => ({
  value,
  lo: value - half,
  hi: value + half,
  n: 9,
});
const unknown = (value: number): Estimate => ({ value, lo: -Infinity, hi: Infinity, n: 1 });

/** The SVG, sound: no number in it came to nothing, and vega had nothing to complain of. */
async function draw(figure: Figure): Promise<string> {
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
  const { svg } = await figureChart(figure);
  expect(warn.mock.calls).toEqual([]);
  warn.mockRestore();
  expect(svg).toMatch(/^<svg [^>]*width="\d/);
  expect(svg).not.toMatch(/NaN|undefined|Infinity|\[object/);
  return svg;
}

/** All texts of the SVG, several lines of one text joined. */
function texts(svg: string): string[] {
  return [...svg.matchAll(/<text [^>]*>(.*?)<\/text>/gs)].map(([, inside]) =>
    inside!
      .replace(/<\/tspan><tspan[^>]*>/g, ' ')
      .replace(/<[^>]*>/g, '')
      .replaceAll('\u200b', '')
      .replaceAll('&lt;', '<')
      .replaceAll('&gt;', '>')
      .replaceAll('&amp;', '&'),
  );
}

const points = (svg: string) =>
  svg.match(/<g class="mark-symbol role-mark[^"]*"[^>]*>.*?<\/g>/gs)?.join('') ?? '';
const bars = (svg: string) =>
  (svg.match(/<g class="mark-rule role-mark[^"]*"[^>]*>.*?<\/g>/gs)?.join('') ?? '').match(/<line /g)
    ?.length ?? 0;

describe('dots', () => {
  const dots = (of: Partial<DotsFigure>): Figure => ({
    ...head,
    kind: 'dots',
    axis: 'win rate',
    unit: 'share',
    points: [],
    ...of,
  });

  it('shows every row, number, interval, and the published ones hollow', async () => {
    const figure = dotsFigure as Figure & DotsFigure;
    const svg = await draw(figure);
    const shown = texts(svg);
    for (const { label, estimate, theirs } of figure.points) {
      expect(shown).toContain(label);
      expect(shown).toContain(`${(100 * estimate.value).toFixed(1)}%`);
      if (theirs) expect(shown).toContain(`${(100 * theirs.value).toFixed(1)}%`);
    }
    for (const text of ['win rate against a random refinement', 'chance', 'here', 'published'])
      expect(shown).toContain(text);
    const published = figure.points.filter(({ theirs }) => theirs);
    const hollow = points(svg).match(/<path (?![^>]*fill=)[^>]*>/g);
    expect(hollow).toHaveLength(published.length);
    expect(bars(svg)).toBe(
      1 + figure.points.length + published.filter(({ theirs }) => theirs!.lo !== undefined).length,
    );
  });

  it('has no legend where nothing is published', async () => {
    const shown = texts(await draw(dots({ points: [{ label: 'one', estimate: around(0.5, 0.1) }] })));
    expect(shown).not.toContain('published');
    expect(shown).not.toContain('here');
  });

  it('keeps rows whose numbers cannot be drawn, or have no interval', async () => {
    const svg = await draw(
      dots({
        unit: 'nats',
        axis: 'distance',
        points: [
          { label: 'infinite', estimate: { value: Infinity, lo: 1, hi: Infinity, n: 3 } },
          { label: 'unknown', estimate: unknown(Number.NaN) },
          { label: 'far out', estimate: unknown(-1234.5) },
        ],
      }),
    );
    const shown = texts(svg);
    for (const text of ['infinite', '∞', 'far out', '−1235', 'distance (nats)'])
      expect(shown).toContain(text);
    expect(points(svg).match(/<path /g)).toHaveLength(1);
    expect(bars(svg)).toBe(0);
  });

  it('cuts no long label, and tells equal ones apart', async () => {
    const label = 'a reward model that was trained on five thousand comparisons & <hostile> \'"\\n labels';
    const svg = await draw(
      dots({
        points: [0.2, 0.4, 0.6].map((value, i) => ({
          label: i === 2 ? 'short' : label,
          estimate: around(value, 0.1),
        })),
      }),
    );
    expect(texts(svg).filter((text) => text === label)).toHaveLength(2);
    expect(svg).not.toContain('…');
    expect(svg).not.toContain('<hostile>');
    expect(points(svg).match(/<path /g)).toHaveLength(3);
  });

  it('is an empty plot without points', async () => {
    expect(texts(await draw(dots({})))).toContain('win rate');
  });
});

describe('lines', () => {
  const lines = (of: Partial<LinesFigure>): Figure => ({
    ...head,
    kind: 'lines',
    x: { title: 'feedbacks' },
    y: { title: 'mean score', unit: 'score' },
    series: [],
    ...of,
  });

  it('shows titles, the sizes asked for, every series and interval', async () => {
    const figure = linesFigure as Figure & LinesFigure;
    const svg = await draw(figure);
    const shown = texts(svg);
    for (const text of ['feedbacks', 'mean score', 'base model', '25', '100', '300', '1,000'])
      expect(shown).toContain(text);
    for (const { name } of figure.series) expect(shown).toContain(name);
    expect(bars(svg)).toBe(1 + 12);
  });

  it('draws bands where there are many points', async () => {
    const svg = await draw(positionFigure);
    expect(svg.match(/mark-area role-mark/g)!.length).toBeGreaterThan(0);
    expect(texts(svg)).toContain('position in the summary');
    expect(texts(svg)).toContain('nats per token');
  });

  it('tells eight series apart without colours', async () => {
    const series = Array.from({ length: 8 }, (_, i) => ({
      name: `series ${i}`,
      points: [1, 2].map((x) => ({ x, estimate: around(i + x, 0.2) })),
    }));
    const svg = await draw(lines({ series }));
    const marks = [...points(svg).matchAll(/ d="([^"]*)"/g)].map(([, d]) => d);
    expect(marks).toHaveLength(16);
    expect(new Set(marks).size).toBe(8);
    const strokes = [
      ...svg.matchAll(/class="mark-line role-mark.*?<path [^>]*?(stroke-dasharray="[^"]*")/gs),
    ];
    expect(new Set(strokes.map(([, dash]) => dash)).size).toBe(8);
    expect(new Set([...svg.matchAll(/var\(--chart-\d/g)].map(([name]) => name)).size).toBe(7); // and the ink
  });

  it('puts 0 on a log axis, and orders large and small numbers', async () => {
    const series = [
      {
        name: 'one',
        points: [0, 0.01, 1000, 100_000].map((x, i) => ({ x, estimate: around(i, 0.1) })),
      },
    ];
    const shown = texts(await draw(lines({ x: { title: 'feedbacks', log: true }, series })));
    for (const text of ['0', '0.01', '1,000', '100,000']) expect(shown).toContain(text);
  });

  it('copes with one point, with none, and with what is infinite', async () => {
    const one = (estimate: Estimate) => lines({ series: [{ name: 'one', points: [{ x: 3, estimate }] }] });
    expect(points(await draw(one(around(0, 0)))).match(/<path /g)).toHaveLength(1);
    const bare = await draw(one(unknown(7)));
    expect(points(bare).match(/<path /g)).toHaveLength(1);
    expect(bars(bare)).toBe(0);
    expect(points(await draw(one(unknown(Number.NaN))))).not.toContain('<path');
    expect(texts(await draw(lines({})))).toContain('feedbacks');
  });
});

describe('frontier', () => {
  const frontier = frontierFigure as Figure & FrontierFigure;

  it('labels each point beside it, with its intervals both ways', async () => {
    const svg = await draw(frontier);
    const shown = texts(svg);
    for (const { label, series } of frontier.points) {
      expect(shown).toContain(label);
      expect(shown).toContain(series);
    }
    expect(shown).toContain('KL(model ‖ base), nats per summary');
    expect(shown).toContain('mean score (F1 of facts)');
    expect(bars(svg)).toBeGreaterThanOrEqual(32);
    expect(points(svg).match(/<path /g)).toHaveLength(16);
  });

  it('numbers the points where labels would collide, with a key', async () => {
    const points = Array.from({ length: 20 }, (_, i) => ({
      label: `a method with a long name, number ${i}`,
      series: i % 2 ? 'even' : 'odd',
      x: around(1 + (i % 5) / 100, 0.2),
      y: around(0.5 + Math.floor(i / 5) / 1000, 0.05),
    }));
    const shown = texts(await draw({ ...frontier, points }));
    for (const [i, { label }] of points.entries()) {
      expect(shown).toContain(String(i + 1));
      expect(shown.map((text) => text.replace(/\s+/g, ' '))).toContain(`${i + 1} ${label}`);
    }
  });

  it('copes with one point, none, and what is infinite', async () => {
    const point = frontier.points[3]!;
    expect(texts(await draw({ ...frontier, points: [point] }))).toContain(point.label);
    const bare = await draw({ ...frontier, points: [{ ...point, x: unknown(0), y: unknown(-3) }] });
    expect(bars(bare)).toBe(0);
    const some = await draw({
      ...frontier,
      points: [point, { ...point, label: 'gone', x: unknown(Infinity) }],
    });
    expect(points(some).match(/<path /g)).toHaveLength(1);
    expect(texts(await draw({ ...frontier, points: [] }))).toContain(frontier.x.title);
  });
});

describe('reliability', () => {
  const reliability = reliabilityFigure as Figure & ReliabilityFigure;

  it('shows both axes, each series with intervals, and how many predictions', async () => {
    const svg = await draw(reliability);
    const shown = texts(svg);
    for (const text of ['predicted probability', 'how often it came true', 'predictions', '0%', '100%'])
      expect(shown).toContain(text);
    for (const { name } of reliability.series) expect(shown).toContain(name);
    expect(bars(svg)).toBe(16);
    expect(points(svg).match(/<path /g)).toHaveLength(16);
  });

  it('copes with one bin, none, and numbers beyond 0 and 1', async () => {
    const bins = [{ predicted: 0.4, observed: unknown(1.2), count: 1 }];
    const svg = await draw({ ...reliability, series: [{ name: 'one', bins }] });
    expect(texts(svg)).toContain('120%');
    expect(bars(svg)).toBe(0);
    await draw({ ...reliability, series: [] });
    await draw({ ...reliability, series: [{ name: 'empty', bins: [] }] });
  });
});
