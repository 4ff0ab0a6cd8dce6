// A task in one file: write a word, and under it the same word reversed. CONTRIBUTING.md's example; tests/cli/plug-ins.test.ts runs
// the whole loop on it. It has prompts of its own, outputs of two lines, an annotator, and a scorer that answers later.

const letters = 'abcdefghij';
/** The n-th of the 10,000 words of four letters, in an order that looks like none. */
const wordOf = (n) =>
  Array.from(String((7919 * n) % 10_000).padStart(4, '0'), (digit) => letters[digit]).join('');
const reversed = (word) => [...word].reverse().join('');
const answer = (word) => `${word}\n${reversed(word)}`;

/** The contexts of a split have numbers of their own. */
const first = { ilf: 0, heldout: 5_000 };

const ask = (word) => `Word: ${word}\nIt and its reverse:`;
const question = (name, text) => ({
  name,
  positive: ' Yes',
  negative: ' No',
  prefix: ask,
  suffix: (output) => ` ${output}\n${text}\nAnswer:`,
});

/** @type {import('../../src/tasks/prompts.js').Prompts} */
const prompts = {
  write: ask,
  critique: (word, output) => `${ask(word)} ${output}\nFeedback:`,
  noCritique: 'Look at it again.',
  refine: (word, output, feedback) => `${ask(word)} ${output}\nFeedback: ${feedback}\nBetter:`,
  improve: (word, output) => `${ask(word)} ${output}\nBetter:`,
  outputMark: 'Better:',
  judge: [
    {
      name: 'done',
      positive: ' Yes',
      negative: ' No',
      prefix: (word, initial) => `${ask(word)} ${initial}\nBetter:`,
      suffix: (refinement, feedback) => ` ${refinement}\nFeedback: ${feedback}\nWas that done?\nAnswer:`,
    },
  ],
  quality: question('quality', 'Is this right?'),
  human: question('human', 'Did a person write this?'),
};

/** Lines as they are, to the end of the text. */
const lines = { name: 'lines', stop: null, tidy: (text) => text.trim() };

/** @type {import('../../src/tasks/task.js').Task} */
const task = {
  name: 'reverse-word',
  about: 'words and their reverses',
  words: { context: 'word', contexts: 'words', output: 'answer', outputs: 'answers' },
  prompts,
  format: { output: lines, feedback: lines },
  size: () => 1000,
  contexts: (split, from, n) =>
    Array.from({ length: n }, (_, i) => {
      const word = wordOf(first[split] + from + i);
      return { id: `${split}-${from + i}`, text: word, facts: { word }, gold: answer(word) };
    }),
  annotate: ({ facts: { word } }, output) =>
    output === answer(word)
      ? { text: 'Right.', points: [] }
      : { text: `Line 1: ${word}\nLine 2: ${reversed(word)}`, points: answer(word).split('\n') },
};

/** Which lines of the answer a text has. */
const right = (text, wanted) => wanted.filter((line, i) => text.split('\n')[i] === line);
const later = () => new Promise((resolve) => setTimeout(resolve, 1));

/** @type {import('../../src/tasks/task.js').Scorer} */
const scorer = {
  unit: 'share of the two lines that are right',
  score: async (items) => {
    await later();
    return items.map(({ context, text }) => right(text, context.gold.split('\n')).length / 2);
  },
  feedback: {
    incorporated: async (items) =>
      items.map(({ text, points }) => (points.length === 0 ? 1 : right(text, points).length / points.length)),
    byKind: async (items) =>
      items.map(({ text, points }) =>
        points.map((line, i) => ({ kind: `line ${i + 1}`, settled: text.split('\n')[i] === line })),
      ),
  },
};

/** @type {import('../../src/tasks/task.js').TaskDescriptor} */
export default {
  name: 'reverse-word',
  help: 'a word and its reverse, on two lines',
  open: async () => task,
  openScorer: async () => scorer,
};
