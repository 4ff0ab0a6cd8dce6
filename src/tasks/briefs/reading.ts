import { styles } from './summary.js';
import { details, fillers, names, places, type Slot, times, topics } from './world.js';

/** What a text says, as far as this world has words for it. */
export interface Reading {
  /** Every value mentioned, in order of appearance, by slot. */
  said: Record<Slot, string[]>;
  details: string[];
  fillers: string[];
  /** Runs of words that are nothing this world knows: names of nobody, half phrases, noise. */
  unknown: string[];
  style: number;
}

type Meaning = { slot: Slot | 'detail' | 'filler' | 'glue'; value: string };

const split = (text: string) => text.toLowerCase().match(/[\p{L}\p{N}']+|[^\s\p{L}\p{N}']/gu) ?? [];

/** The words that hold a summary together, so that they do not count as unknown. */
export const glue = [
  "the poster's",
  'the poster',
  'asks',
  'because',
  'writes that',
  'someone',
  'did something',
  'and',
  'while',
  ',',
  ';',
  '.',
];

const phrases = new Map<string, Meaning>();
const add = (slot: Meaning['slot'], values: readonly string[]) => {
  for (const value of values) phrases.set(split(value).join(' '), { slot, value });
};
for (const topic of topics) {
  add('relation', topic.relations);
  add('event', topic.events);
  add('ask', topic.asks);
}
add('name', names);
add('when', times);
add('where', places);
add('detail', details);
add('filler', fillers);
add('glue', glue);
const longest = Math.max(...[...phrases.keys()].map((phrase) => phrase.split(' ').length));

function styleOf(text: string): number {
  const lower = text.toLowerCase();
  if (/the poster (asks .* because|writes that)/.test(lower)) return 2;
  if (lower.includes('; the poster asks')) return 1;
  return times.some((time) => lower.startsWith(time.toLowerCase())) ? 1 % styles : 0;
}

/** Reads any text at all; longest phrase first, from left to right. */
export function read(text: string): Reading {
  const tokens = split(text);
  const reading: Reading = {
    said: { relation: [], name: [], event: [], when: [], where: [], ask: [] },
    details: [],
    fillers: [],
    unknown: [],
    style: styleOf(text),
  };
  let noise: string[] = [];
  const endNoise = () => {
    if (noise.length > 0) reading.unknown.push(noise.join(' '));
    noise = [];
  };
  for (let i = 0; i < tokens.length; ) {
    let meaning: Meaning | undefined;
    let n = Math.min(longest, tokens.length - i);
    for (; n > 0 && !meaning; n--) meaning = phrases.get(tokens.slice(i, i + n).join(' '));
    if (!meaning) {
      noise.push(tokens[i++]!);
      continue;
    }
    i += n + 1;
    endNoise();
    if (meaning.slot === 'detail') reading.details.push(meaning.value);
    else if (meaning.slot === 'filler') reading.fillers.push(meaning.value);
    else if (meaning.slot !== 'glue') reading.said[meaning.slot].push(meaning.value);
  }
  endNoise();
  return reading;
}
