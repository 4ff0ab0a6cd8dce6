/**
 * A made-up world in which every number can be worked out by hand. A text carries what it is worth as words:
 *
 *   h1 told1 fact,length 0.75 0.5 and more
 *   │  │     │           │    │   └ padding: one token a word
 *   │  │     │           │    └ R: InstructRM's probability (any other ranker says 1 − R)
 *   │  │     │           └ the oracle's score
 *   │  │     └ which kinds of points it settles ("-": none)
 *   │  └ who wrote it: a model by its name, the refiner told its own feedback, none, or another context's; or gold
 *   └ the context that it is about: h… held out, c… to learn from
 *
 * A model's name says what it is: "base>1>2" is the base model after trainings number 1 and 2.
 */
export interface Story {
  id: string;
  text: string;
  facts?: unknown;
  output?: string;
  feedback?: string;
  gold?: string;
}

/** What came with contexts, by their ids. */
export type Given = Record<string, Pick<Story, 'output' | 'feedback'>>;

/** The parts of a text of this world. @throws Error where it is about another context than `id` */
export function partsOf(text: string, id: string) {
  const [about, maker, settles, score, R] = text.split(' ');
  if (about !== id) throw new Error(`"${text}" was taken for a text about ${id}`);
  return { maker: maker!, settles: settles!.split(','), score: Number(score), R: Number(R) };
}

/** The kinds of the points that feedback asks for. */
export const pointsOf: Record<string, string[]> = {
  h1: ['fact', 'length'],
  h2: ['fact'],
  h3: ['length', 'fact'],
};

const gold: Record<string, string> = {
  h1: 'h1 gold - 0.875 0.5',
  h2: 'h2 gold - 0.25 0.5',
  h3: 'h3 gold - 0.9375 0.5',
};

/** Contexts of a split: ilf has c0 to c11, heldout h1 to h5. */
export const sizes = { ilf: 12, heldout: 5 };
export function stories(split: 'ilf' | 'heldout', from: number, n: number, given: Given = {}): Story[] {
  if (from + n > sizes[split]) throw new Error(`${split} has no context ${from + n - 1}`);
  return Array.from({ length: n }, (_, i) => {
    const id = split === 'ilf' ? `c${from + i}` : `h${from + i + 1}`;
    return { id, text: `The story ${id}`, gold: gold[id] ?? `${id} gold - 0 0.5`, ...given[id] };
  });
}

/** What models write after a held-out post: score and R. */
const outputs: Record<string, Record<string, string>> = {
  base: { h1: '0.5 0.25', h2: '0.25 0.5', h3: '0.75 0.25' },
  'base>1': { h1: '0.5 0.75', h2: '0.375 0.25', h3: '1 0.5' },
  'base>1>2': { h1: '0.6875 0.5', h2: '0.125 0.75', h3: '1 0.125' },
  'base>2': { h1: '0.25 0.125', h2: '0.5 0.125', h3: '0.5 0.125' },
};

/** A model's output on a post. */
export const outputOf = (model: string, id: string) =>
  `${id} ${model} - ${outputs[model]?.[id] ?? (id.startsWith('c') ? '0 0.5' : 'unknown')}`;

/** Words of what a model writes at temperature 1 from its whole vocabulary. */
const freeWords: Record<string, Record<string, number>> = {
  base: { h1: 3, h2: 4, h3: 5 },
  'base>1': { h1: 3, h2: 4, h3: 7 },
  'base>1>2': { h1: 4, h2: 4, h3: 7 },
  'base>2': { h1: 3, h2: 3, h3: 5 },
};
export const freeTextOf = (model: string, id: string) =>
  [id, model, ...Array.from({ length: (freeWords[model]?.[id] ?? 0) - 2 }, () => 'free')].join(' ');

/** What the refiner writes about held-out posts, told the post's own feedback, none, or another's. */
const heldOutRefinements: Record<'told' | 'untold' | 'other', Record<string, string[]>> = {
  told: {
    h1: ['fact 0.5 0.25', 'fact,length 0.75 0.5 longestoftheall', 'fact 0.25 0.75 a b c d'],
    h2: ['fact 1 0.75 a b', '- 0.5 0.25 longestofthese', 'fact 0.75 0.5'],
    h3: ['length 0.5 0.5 thelongestofthesethree', 'fact,length 0.875 1 a', 'length,fact 0.625 0.25'],
  },
  untold: {
    h1: ['- 0 0.25', 'fact 0.125 0.25', 'fact,length 0.25 0.25'],
    h2: ['- 0 0.5', '- 0.125 0.25', '- 0.25 0'],
    h3: ['fact 0 0.75', '- 0.125 0', 'length 0.25 0'],
  },
  other: {
    h1: ['- 0 0.5', 'length 0.125 0.5 a', 'fact 0.25 0.5'],
    h2: ['fact 0 0.25', '- 0.125 0.25', 'length 0.25 0.25'],
    h3: ['length 0 0', 'fact,length 0.125 0', 'length,fact 0.25 0.375'],
  },
};

/** R and words of padding of what the refiner writes about posts to learn from, told their own feedback. */
const learned: Record<string, [R: number, padding: number][]> = {
  c0: [
    [0.75, 1],
    [0.5, 0],
    [0.25, 0],
  ],
  c1: [
    [0.25, 0],
    [1, 1],
    [0.5, 0],
  ],
  c2: [
    [0.5, 0],
    [0.25, 12],
    [0.75, 0],
  ],
  c3: [
    [0.5, 0],
    [0.75, 2],
    [0.75, 1],
  ],
  c4: [
    [0.25, 0],
    [0.5, 0],
    [0.75, 2],
  ],
  c5: [
    [1, 2],
    [0.75, 1],
    [0.25, 0],
  ],
  c6: [
    [0.5, 0],
    [0.5, 1],
    [0.25, 0],
  ],
  c7: [
    [0.5, 0],
    [1, 3],
    [0.75, 3],
  ],
};

/** All that the refiner says to one prompt, in the order of sampling: to c3 it repeats itself once. */
function refinements(told: 'told' | 'untold' | 'other', id: string): string[] {
  const own = heldOutRefinements[told][id];
  if (own) return own.map((rest, i) => `${id} ${told}${i} ${rest}`);
  const texts = learned[id]!.map(([R, padding], i) =>
    told === 'told' ? `${id} told${i} - 0 ${R}${' so'.repeat(padding)}` : `${id} ${told}${i} - 0 0.5`,
  );
  return id === 'c3' && told === 'told' ? [texts[0]!, texts[1]!, texts[1]!, texts[2]!] : texts;
}

/** Feedback by the annotator (wants) or by the critic (lacks), on an output. */
export const feedbackOn = (output: string, id: string, verb: 'wants' | 'lacks') =>
  `${id} ${verb} more than ${partsOf(output, id).maker}`;

const PROMPT =
  /^Post: The story (?<id>\w+)\nSummary:(?: (?<initial>[^\n]+)(?:\n(?<critique>Feedback:)(?: (?<feedback>[^\n]+))?)?(?<refine>\nNew summary:)?)?$/;

export interface Asked {
  kind: 'summary' | 'critique' | 'refine' | 'improve';
  id: string;
  initial?: string | undefined;
  feedback?: string | undefined;
}

/** What a prompt asks for. @throws Error for one that no step of the loop uses */
export function askedBy(prompt: string): Asked {
  const parts = PROMPT.exec(prompt)?.groups;
  if (!parts) throw new Error(`nobody asks "${prompt}"`);
  const { id, initial, feedback } = parts as Record<string, string>;
  const kind = parts.refine
    ? parts.feedback
      ? 'refine'
      : 'improve'
    : parts.critique
      ? 'critique'
      : initial
        ? 'improve'
        : 'summary';
  if ((kind === 'improve') !== (!!parts.refine && !parts.critique))
    throw new Error(`nobody asks "${prompt}"`);
  return { kind, id: id!, initial, feedback };
}

/** All texts that a model has for a prompt, as used by the loop: the same ones again where it has but one. */
export function answers(model: string, prompt: string): string[] {
  const { kind, id, initial, feedback } = askedBy(prompt);
  const refiner = model === 'instruct';
  if (initial !== undefined) partsOf(initial, id);
  if (kind === 'summary' && !refiner) return [outputOf(model, id)];
  if (kind === 'critique' && refiner) return [feedbackOn(initial!, id, 'lacks')];
  if (kind === 'improve' && refiner) return refinements('untold', id);
  if (kind === 'refine' && refiner) return refinements(feedback!.startsWith(`${id} `) ? 'told' : 'other', id);
  throw new Error(`nobody asks ${model} for a ${kind}`);
}

/** −ln p of every token, in units of ln 2. */
export function costOf(model: string, prompt: string): number {
  const costs: Record<string, number> = {
    'base summary': 2,
    'instruct refine': 1,
    'base>1 summary': 4,
    'base>1>2 summary': 5,
    'base>2 summary': 6,
    'instruct improve': 7,
  };
  const cost = costs[`${model} ${askedBy(prompt).kind}`];
  if (cost === undefined) throw new Error(`nobody asks what ${model} thinks of a text after "${prompt}"`);
  return cost;
}

/** Of every token but the first, which has twice as much: ln q − ln p, and the exact KL(q ‖ p), in nats. */
export const apart: Record<string, { logRatio: number; exact: number }> = {
  'base>1 from base': { logRatio: 0.25, exact: 0.5 },
  'base from base>1': { logRatio: 0.125, exact: 0.375 },
  'base>1>2 from base': { logRatio: 0.5, exact: 0.75 },
  'base from base>1>2': { logRatio: 0.375, exact: 1 },
  'base>2 from base': { logRatio: 0.0625, exact: 0.25 },
  'base from base>2': { logRatio: 0.1875, exact: 0.625 },
};
