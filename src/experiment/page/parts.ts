/** What sections are made of: tables, dots and lines of a study's estimates, and published numbers beside them. */
import type { Estimate } from '../../bayes/index.js';
import type { Figure, FigureTable, Published } from '../../report/charts/figures.js';
import type { Unit } from '../../report/format.js';
import type { StudyName } from '../names.js';
import type { Values } from '../values.js';

/** One measure of the arms that have it, with the numbers that were published of them, by their ids; no figure where none has. */
export function dots(
  values: Values,
  study: StudyName,
  measure: string,
  of: { title: string; axis: string; unit: Unit; rule?: { value: number; label: string } },
  theirs: Record<string, Published> = {},
  arms = values.armsOf(study),
): Figure[] {
  const points = arms
    .filter(({ id }) => values.has(study, id, measure))
    .map(({ id, label }) => ({
      label,
      estimate: values.estimate(study, id, measure),
      ...(theirs[id] && { theirs: theirs[id] }),
    }));
  return points.length === 0 ? [] : [{ id: `${study}-${measure}`, caption: '', kind: 'dots', ...of, points }];
}

/** A table of arms by those measures that one of them has. */
export function table(
  values: Values,
  study: StudyName,
  title: string,
  caption: string,
  measures: readonly [measure: string, name: string, unit: Unit][],
  arms = values.armsOf(study),
): FigureTable {
  const there = measures.filter(([measure]) => arms.some(({ id }) => values.has(study, id, measure)));
  return {
    title,
    caption,
    columns: there.map(([, name, unit]) => ({ name, unit })),
    rows: arms.map(({ id, label }) => ({
      label,
      cells: there.map(([measure]) =>
        values.has(study, id, measure) ? values.estimate(study, id, measure) : null,
      ),
    })),
  };
}

/** A measure of the arms that have it, a line a series, over where they stand in it. */
export function lines(
  values: Values,
  study: StudyName,
  measure: string,
  arms = values.armsOf(study),
): { name: string; points: { x: number; estimate: Estimate }[] }[] {
  const series = new Map<string, { x: number; estimate: Estimate }[]>();
  for (const { id, series: name, x } of arms) {
    if (x === null || !values.has(study, id, measure)) continue;
    series.set(name, [...(series.get(name) ?? []), { x, estimate: values.estimate(study, id, measure) }]);
  }
  return [...series].map(([name, points]) => ({ name, points }));
}

/** The measures of an arm that are of places, over these: its positions, or steps of its training. */
export const places = (values: Values, study: StudyName, arm: string, kind: 'position' | 'step') =>
  values
    .measuresOf(study, arm, kind)
    .map(({ name, place }) => ({ x: Number(place), estimate: values.estimate(study, arm, name) }));

/** A published share, in percent, with its standard error where one was given. */
export const share = (percent: number, error?: number): Published => ({
  value: percent / 100,
  // A standard error as published; 1.96 of them.
  ...(error !== undefined && { lo: (percent - 1.96 * error) / 100, hi: (percent + 1.96 * error) / 100 }),
});
