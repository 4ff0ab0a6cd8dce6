/**
 * The simulated annotator: reads a summary, knows what the post said, and writes what is wrong in ordinary English.
 * It is a program, and every table and page that shows its words says so.
 */
import type { Random } from '../random.js';
import { type Point, type PointKind, pointsAgainst } from './points.js';
import { read } from './reading.js';
import type { Facts, Slot } from './world.js';

/** How a fact is put in feedback: "you left out that …". */
const clauses: Record<Slot, readonly string[]> = {
  relation: ['it was the {relation}', 'this is about the {relation}'],
  name: ['the name is {name}', 'it was {name}'],
  event: ['somebody {event}', 'the person {event}'],
  when: ['it happened {when}', 'this was {when}'],
  where: ['it happened {where}', 'this was {where}'],
  ask: ['the poster asks {ask}', 'the question is {ask}'],
};

/** At least eight phrasings a kind, of which the last two never occur in training. */
export const phrasings: Record<PointKind, readonly string[]> = {
  missing: [
    'You left out that {clause}.',
    'It is missing that {clause}.',
    'Please add that {clause}.',
    'You should mention that {clause}.',
    'The summary does not say that {clause}.',
    'Do not forget that {clause}.',
    'You never mention that {clause}.',
    'Say that {clause}.',
    'What is missing is that {clause}.',
    'Please do say that {clause}.',
  ],
  wrong: [
    'It says {wrong}, but the truth is {right}.',
    'Not {wrong}: it should be {right}.',
    'You wrote {wrong} but the post says {right}.',
    'Change {wrong} to {right}.',
    'Replace {wrong} with {right}.',
    'It is wrong to say {wrong}, since it was {right}.',
    'The post says {right} and not {wrong}.',
    'Use {right} instead of {wrong}.',
    'The summary says {wrong}, and it should say {right}.',
    'Say {right} and not {wrong}.',
  ],
  irrelevant: [
    'Leave out that {detail}.',
    'It does not matter that {detail}.',
    'Drop the part where {detail}.',
    'Nobody needs to know that {detail}.',
    'Do not mention that {detail}.',
    'Remove that {detail}.',
    'That {detail} is not important.',
    'You can skip that {detail}.',
    'You should not say that {detail}.',
    'The part where {detail} does not matter.',
  ],
  long: [
    'It is too long, so cut the empty words.',
    'Too long: drop the filler.',
    'Please make it shorter without the filler.',
    'There are empty words in it, so remove them.',
    'Cut the words that say nothing.',
    'Make it short and plain.',
    'Drop the empty words.',
    'It should be shorter and without empty words.',
    'Please cut the filler.',
    'Remove the words that say nothing.',
  ],
  unclear: [
    'It is not clear who did it: it was the {relation} {name}.',
    'Who is meant? It was the {relation} {name}.',
    'Say who did it, namely the {relation} {name}.',
    'One cannot tell who this is about: the {relation} {name}.',
    'Make clear that it was the {relation} {name}.',
    'Name the person, who is the {relation} {name}.',
    'It is unclear that the {relation} {name} is meant.',
    'Tell the reader that it was the {relation} {name}.',
    'Say that the {relation} {name} is meant.',
    'Who did it? The {relation} {name}.',
  ],
  nothing: [
    'This is good as it is.',
    'Nothing to change.',
    'It is fine, so keep it.',
    'I would not change a thing.',
    'Keep the summary as it is.',
    'All of it is right.',
    'There is nothing to add or to cut.',
    'The summary is good.',
    'Keep it as it is.',
    'It is good and there is nothing to change.',
  ],
};

export const heldOutPhrasings = 2;

export interface Feedback {
  text: string;
  points: Point[];
}

/** Which phrasings an annotator uses: those of training only, or any of them, the held-out ones too. */
export type Voice = 'training' | 'any';

function say(r: Random, point: Point, facts: Facts, voice: Voice): string {
  const all = phrasings[point.kind];
  const template = r.pick(voice === 'training' ? all.slice(0, -heldOutPhrasings) : all);
  const values: Record<string, string> = { ...facts };
  if (point.kind === 'missing') values.clause = fill(r.pick(clauses[point.slot]), values);
  if (point.kind === 'wrong') Object.assign(values, { wrong: point.wrong, right: facts[point.slot] });
  if (point.kind === 'irrelevant') values.detail = point.detail;
  return fill(template, values);
}

const fill = (template: string, values: Record<string, string>) =>
  template.replace(/\{(\w+)\}/g, (_, key: string) => values[key]!);

/** Up to three points at once, most often two: refinements then differ in how many they settle. */
export function choosePoints(r: Random, facts: Facts, summary: string): Point[] {
  const points = r.shuffle(pointsAgainst(facts, read(summary)));
  const draw = r.float();
  return points.slice(0, draw < 0.3 ? 1 : draw < 0.75 ? 2 : 3);
}

/** A value of a slot as a clause: "it happened in March". */
export const sayValue = (r: Random, slot: Slot, value: string): string =>
  fill(r.pick(clauses[slot]), { [slot]: value });

/** Points in words, a sentence each. */
export const sayAll = (r: Random, points: readonly Point[], facts: Facts, voice: Voice): string =>
  points.map((point) => say(r, point, facts, voice)).join(' ');

/** Feedback on one summary. */
export function annotate(r: Random, facts: Facts, summary: string, voice: Voice): Feedback {
  const points = choosePoints(r, facts, summary);
  return { text: sayAll(r, points, facts, voice), points };
}
