import { type Reading, read } from './reading.js';
import { type Facts, type Slot, slots } from './world.js';

/** One thing that feedback asks for. */
export type Point =
  | { kind: 'missing'; slot: Slot }
  | { kind: 'wrong'; slot: Slot; wrong: string }
  | { kind: 'irrelevant'; detail: string }
  | { kind: 'long' }
  | { kind: 'unclear' }
  | { kind: 'nothing' };

export type PointKind = Point['kind'];

/** Everything that could be said against a summary of a post with these facts; [nothing] if there is nothing. */
export function pointsAgainst(facts: Facts, reading: Reading): Point[] {
  const points: Point[] = [];
  const nobody = reading.said.relation.length === 0 && reading.said.name.length === 0;
  if (nobody) points.push({ kind: 'unclear' });
  for (const slot of slots) {
    const said = reading.said[slot];
    const wrong = said.find((value) => value !== facts[slot]);
    if (wrong !== undefined) points.push({ kind: 'wrong', slot, wrong });
    else if (said.length === 0 && !(nobody && (slot === 'relation' || slot === 'name')))
      points.push({ kind: 'missing', slot });
  }
  for (const detail of reading.details) points.push({ kind: 'irrelevant', detail });
  if (reading.fillers.length > 0 || reading.unknown.length > 0) points.push({ kind: 'long' });
  return points.length > 0 ? points : [{ kind: 'nothing' }];
}

/** Whether a new summary does what a point asks for. */
export function settled(point: Point, facts: Facts, summary: string): boolean {
  const reading = read(summary);
  // An empty text leaves out every irrelevant detail; that is no improvement.
  const saysSomething = slots.some((slot) => reading.said[slot].length > 0);
  const right = (slot: Slot) => reading.said[slot].includes(facts[slot]);
  switch (point.kind) {
    case 'missing':
      return right(point.slot);
    case 'wrong':
      return right(point.slot) && !reading.said[point.slot].includes(point.wrong);
    case 'irrelevant':
      return saysSomething && !reading.details.includes(point.detail);
    case 'long':
      return saysSomething && reading.fillers.length === 0 && reading.unknown.length === 0;
    case 'unclear':
      return right('relation') && right('name');
    case 'nothing':
      return pointsAgainst(facts, reading)[0]!.kind === 'nothing';
    default:
      return point satisfies never;
  }
}
