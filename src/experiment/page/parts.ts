/** What sections are made of: tables, dots and lines of a study's estimates, and published numbers beside them. */
import type { Estimate } from '../../bayes/index.js';
import type { Figure, FigureTable, Published } from '../../report/charts/figures.js';
import type { Unit } from '../../report/format.js';
import type { StudyName } from '../names.js';
import type { Values } from '../values.js';

/** One measure of the arms that have it; no figure where none has. */
export function dots(
  values: Values,
  study: StudyName,
  measure: string,
  of: { title: string; axis: string; unit: Unit; rule?: { value: number; label: string } },
  theirs: Record<string, Published> = {},
  arms = values.armsOf(study),
): Figure[] {
  const points = arms
    .filter((label) => values.has(study, label, measure))
    .map((label) => ({
      label,
      estimate: values.estimate(study, label, measure),
      ...(theirs[label] && { theirs: theirs[label] }),
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
  const there = measures.filter(([measure]) => arms.some((arm) => values.has(study, arm, measure)));
  return {
    title,
    caption,
    columns: there.map(([, name, unit]) => ({ name, unit })),
    rows: arms.map((label) => ({
      label,
      cells: there.map(([measure]) =>
        values.has(study, label, measure) ? values.estimate(study, label, measure) : null,
      ),
    })),
  };
}

/** Arms of the name "NAME, 25" as a line over the number. */
export function lines(
  values: Values,
  study: StudyName,
  measure: string,
  pattern: RegExp,
): { name: string; points: { x: number; estimate: Estimate }[] }[] {
  const series = new Map<string, { x: number; estimate: Estimate }[]>();
  for (const arm of values.armsOf(study)) {
    const found = pattern.exec(arm);
    if (!found || !values.has(study, arm, measure)) continue;
    const [, name, x] = found as unknown as [string, string, string];
    series.set(name, [
      ...(series.get(name) ?? []),
      { x: Number(x), estimate: values.estimate(study, arm, measure) },
    ]);
  }
  return [...series].map(([name, points]) => ({ name, points }));
}

/** A published share, in percent, with its standard error where one was given. */
export const share = (percent: number, error?: number): Published => ({
  value: percent / 100,
  // A standard error as published; 1.96 of them.
  ...(error !== undefined && { lo: (percent - 1.96 * error) / 100, hi: (percent + 1.96 * error) / 100 }),
});
