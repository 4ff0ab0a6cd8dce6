/**
 * How the writers of the instruction corpus refine a summary: imperfectly, as people do. In the published studies human
 * refinements incorporate their feedback in 74 of 100 cases.
 */
import type { Random } from '../random.js';
import { type Point, pointsAgainst } from './points.js';
import { type Reading, read } from './reading.js';
import { type SummaryPlan, valuesOf, write, wrongValue } from './summary.js';
import { type Facts, type Slot, slots } from './world.js';

/** How carefully they follow each point of feedback. */
export const CARE = 0.8;

/** A text as a plan, without what could not be read. */
export function planOf(reading: Reading): SummaryPlan {
  const facts = {} as SummaryPlan['facts'];
  for (const slot of slots) facts[slot] = reading.said[slot][0] ?? null;
  return { style: reading.style, facts, details: [...reading.details], filler: reading.fillers[0] ?? null };
}

type Outcome = 'settled' | 'ignored' | 'botched';

function apply(
  plan: SummaryPlan,
  point: Point,
  outcome: Outcome,
  r: Random,
  facts: Facts,
  postText: string,
): void {
  if (outcome === 'ignored') return;
  const set = (slot: Slot) => {
    plan.facts[slot] = outcome === 'settled' ? facts[slot] : wrongValue(r, slot, facts, postText);
  };
  switch (point.kind) {
    case 'missing':
    case 'wrong':
      set(point.slot);
      break;
    case 'unclear':
      if (outcome === 'settled' || r.chance(0.5)) set('relation');
      set('name');
      break;
    case 'irrelevant':
      plan.details = plan.details.filter((detail) => detail !== point.detail);
      break;
    case 'long':
      plan.filler = null;
      break;
    case 'nothing':
      break;
    default:
      point satisfies never;
  }
}

const copy = (plan: SummaryPlan): SummaryPlan => ({
  ...plan,
  facts: { ...plan.facts },
  details: [...plan.details],
});

/** A refinement that settles each point with probability `care`. */
export function refine(
  r: Random,
  facts: Facts,
  postText: string,
  summary: string,
  points: readonly Point[],
  care: number,
): string {
  const plan = copy(planOf(read(summary)));
  for (const point of points) {
    const outcome: Outcome = r.chance(care) ? 'settled' : r.chance(0.65) ? 'ignored' : 'botched';
    apply(plan, point, outcome, r, facts, postText);
  }
  if (r.chance(0.25 * (1 - care))) plan.facts[r.pick(slots.filter((slot) => slot !== 'event'))] = null;
  return write(plan);
}

/** A refinement without feedback: the writer finds one thing to mend, or none. */
export function improve(r: Random, facts: Facts, postText: string, summary: string, care: number): string {
  return refine(r, facts, postText, summary, [r.pick(pointsAgainst(facts, read(summary)))], care);
}

/** The same refinement with the value of one slot exchanged: right for wrong or wrong for right. */
export function exchangeOne(r: Random, facts: Facts, refinement: string, points: readonly Point[]): string {
  const plan = copy(planOf(read(refinement)));
  const asked = points.flatMap((point) =>
    'slot' in point ? [point.slot] : point.kind === 'unclear' ? (['relation', 'name'] as const) : [],
  );
  const slot = asked.length > 0 ? r.pick(asked) : r.pick(slots);
  plan.facts[slot] =
    plan.facts[slot] === facts[slot]
      ? r.pick(valuesOf(slot, facts.topic).filter((v) => v !== facts[slot]))
      : facts[slot];
  return write(plan);
}
