/**
 * The oracle of the embedded world: what a summary is worth, from the post's latent facts. Only measurement may open it;
 * nothing that chooses or trains may (tests/architecture.test.ts). What labels training sets, the annotator's answers and the
 * judge's lessons, rests on the same facts, by points.ts.
 */
import type { Scorer, ToCheck, ToScore } from '../task.js';
import { type Point, settled } from './points.js';
import { read } from './reading.js';
import { type Facts, slots } from './world.js';

export interface Score {
  /** Share of what the summary says that is a fact of the post. */
  precision: number;
  /** Share of the six facts that the summary says. */
  recall: number;
  /** Their harmonic mean. */
  f1: number;
}

/** A fact counts once; wrong values, repetitions, details, fillers and whatever cannot be read count as said and not a fact. */
export function scoreSummary(facts: Facts, summary: string): Score {
  const reading = read(summary);
  const right = slots.filter((slot) => reading.said[slot].includes(facts[slot])).length;
  const values = slots.reduce((n, slot) => n + reading.said[slot].length, 0);
  const said = values + reading.details.length + reading.fillers.length + reading.unknown.length;
  const precision = said === 0 ? 0 : right / said;
  const recall = right / slots.length;
  // 2PR/(P + R), from whole numbers: summaries of equal worth are equal to the last bit, and draw.
  return { precision, recall, f1: (2 * right) / (said + slots.length) };
}

/** Share of the feedback's points that a refinement settles; 1 means that the feedback was incorporated. */
export function incorporated(facts: Facts, points: readonly Point[], refinement: string): number {
  return points.filter((point) => settled(point, facts, refinement)).length / points.length;
}

const factsOf = ({ context }: ToScore) => context.facts as Facts;
const pointsOf = ({ points }: ToCheck) => points as Point[];

export const scorer: Scorer = {
  unit: 'F1 of the six facts',
  score: async (items) => items.map((item) => scoreSummary(factsOf(item), item.text).f1),
  feedback: {
    incorporated: async (items) =>
      items.map((item) => incorporated(factsOf(item), pointsOf(item), item.text)),
    byKind: async (items) =>
      items.map((item) =>
        pointsOf(item).map((point) => ({
          kind: point.kind,
          settled: settled(point, factsOf(item), item.text),
        })),
      ),
  },
};
