/**
 * What a summary of the embedded world is worth, written again from data/README.md and METHOD: F1 of the six facts, and whether
 * what feedback asked for was done. Of src/ only the lists of words are used, which are data (src/tasks/briefs/world.ts):
 * what can be said in this world is defined nowhere else.
 */
import { details, fillers, names, places, times, topics } from '../../src/tasks/briefs/world.js';

const SLOTS = ['relation', 'name', 'event', 'when', 'where', 'ask'] as const;
type Slot = (typeof SLOTS)[number];
type Kind = Slot | 'detail' | 'filler' | 'joint';
export type Facts = Record<Slot, string>;

/** What feedback asks for, as the table of feedback has it. */
export interface Point {
  kind: string;
  slot?: Slot;
  wrong?: string;
  detail?: string;
}

/** Lower-case words and marks with one space between them and around all: " dana left , on monday . ". */
const spaced = (text: string) =>
  ` ${text
    .toLowerCase()
    .replace(/[^\s\p{L}\p{N}']/gu, ' $& ')
    .trim()
    .replace(/\s+/gu, ' ')} `;

/** Words that join facts to a sentence and say nothing. */
const JOINTS = [
  ...["the poster's", 'the poster', 'asks', 'because', 'writes that', 'someone', 'did something'],
  ...['and', 'while', ',', ';', '.'],
];

const meanings = new Map<string, Kind>();
const known: [Kind, readonly string[]][] = [
  ['relation', topics.flatMap((topic) => topic.relations)],
  ['event', topics.flatMap((topic) => topic.events)],
  ['ask', topics.flatMap((topic) => topic.asks)],
  ['name', names],
  ['when', times],
  ['where', places],
  ['detail', details],
  ['filler', fillers],
  ['joint', JOINTS],
];
for (const [kind, phrases] of known) for (const phrase of phrases) meanings.set(spaced(phrase).trim(), kind);

const escaped = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
/** Any phrase between spaces, the one with most words first where several begin at one place. */
const anyPhrase = new RegExp(
  `(?<= )(?:${[...meanings.keys()]
    .sort((a, b) => b.split(' ').length - a.split(' ').length)
    .map(escaped)
    .join('|')})(?= )`,
  'gu',
);

interface Said {
  /** Phrases of a kind, in the text's order. */
  of(kind: Kind): string[];
  /** Runs of words that mean nothing here. */
  noise: number;
}

function read(text: string): Said {
  const line = spaced(text);
  const found = [...line.matchAll(anyPhrase)].map(([phrase]) => phrase);
  const rest = line.split(anyPhrase).filter((piece) => piece.trim() !== '');
  return { of: (kind) => found.filter((phrase) => meanings.get(phrase) === kind), noise: rest.length };
}

const same = (phrase: string, value: string) => phrase === spaced(value).trim();
const says = (said: Said, facts: Facts, slot: Slot) =>
  said.of(slot).some((phrase) => same(phrase, facts[slot]));

/** F1 of precision (facts told / things said) and recall (facts told / 6). */
export function f1(facts: Facts, summary: string): number {
  const said = read(summary);
  const told = SLOTS.filter((slot) => says(said, facts, slot)).length;
  const things = [...SLOTS, 'detail' as const, 'filler' as const].flatMap((kind) => said.of(kind)).length;
  // 2PR/(P+R) with P = told/(things + noise) and R = told/6.
  return told === 0 ? 0 : (2 * told) / (things + said.noise + SLOTS.length);
}

/** Whether a refinement does what one point asks for. */
export function settles(point: Point, facts: Facts, refinement: string): boolean {
  const said = read(refinement);
  const plain = said.of('filler').length === 0 && said.noise === 0;
  const anything = SLOTS.some((slot) => said.of(slot).length > 0);
  switch (point.kind) {
    case 'missing':
      return says(said, facts, point.slot!);
    case 'wrong':
      return (
        says(said, facts, point.slot!) && !said.of(point.slot!).some((phrase) => same(phrase, point.wrong!))
      );
    case 'irrelevant':
      return anything && !said.of('detail').some((phrase) => same(phrase, point.detail!));
    case 'long':
      return anything && plain;
    case 'unclear':
      return says(said, facts, 'relation') && says(said, facts, 'name');
    case 'nothing':
      // Nothing can be said against it: all facts, no other values, nothing else.
      return (
        plain &&
        said.of('detail').length === 0 &&
        SLOTS.every(
          (slot) => said.of(slot).length > 0 && said.of(slot).every((phrase) => same(phrase, facts[slot])),
        )
      );
    default:
      throw new Error(`feedback has a point of the unknown kind ${point.kind}`);
  }
}
