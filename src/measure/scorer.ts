/** What an output is worth, where something can tell. Only measurement imports this (tests/architecture.test.ts). */
import { incorporated, scoreSummary } from '../tasks/briefs/oracle.js';
import { type Point, settled } from '../tasks/briefs/points.js';
import type { Facts } from '../tasks/briefs/world.js';
import { likeness } from '../tasks/file/likeness.js';
import type { Context } from '../tasks/task.js';

export interface Scorer {
  /** What the score is, for people. */
  readonly unit: string;
  /** In [0, 1]. */
  score(context: Context, output: string): number;
}

export interface Oracle extends Scorer {
  /** Share of the feedback's points that a refinement settles; 1 means that it was incorporated. */
  incorporated(context: Context, points: unknown, refinement: string): number;
  /** Each point's kind, and whether the refinement settles it. */
  byKind(context: Context, points: unknown, refinement: string): { kind: string; settled: boolean }[];
}

const briefs: Oracle = {
  unit: 'F1 of the six facts',
  score: ({ facts }, output) => scoreSummary(facts as Facts, output).f1,
  incorporated: ({ facts }, points, refinement) =>
    incorporated(facts as Facts, points as Point[], refinement),
  byKind: ({ facts }, points, refinement) =>
    (points as Point[]).map((point) => ({
      kind: point.kind,
      settled: settled(point, facts as Facts, refinement),
    })),
};

/** For contexts that all have a reference. */
export const byReference: Scorer = {
  unit: 'F1 of ROUGE-L against the reference',
  score: ({ gold }, output) => likeness(output, gold!),
};

/** The oracle of a task, or null: a person's own data have none. */
export const oracleOf = (task: string, contexts: readonly Context[]): Oracle | null =>
  task === 'briefs' && contexts.every(({ facts }) => facts !== undefined) ? briefs : null;
