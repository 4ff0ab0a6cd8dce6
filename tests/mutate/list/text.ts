/** Mistakes about text and tokens: what the files beside a tokenizer say, and what its parts do. */
import type { Mutant } from '../mutant.js';

const settings = ['tests/text/settings.test.ts'];
const goldens = ['tests/text/goldens.test.ts'];
const written = ['tests/writers/text-model.test.ts'];

export const ofText: readonly Mutant[] = [
  {
    id: 'text/generation-config',
    file: 'src/text/settings.ts',
    find: 'generation?.eos_token_id ?? config?.eos_token_id',
    replace: 'config?.eos_token_id ?? generation?.eos_token_id',
    about: 'config.json is asked for the end before generation_config.json',
    tests: settings,
  },
  {
    id: 'text/end-outside',
    file: 'src/text/settings.ts',
    find: 'ends.filter((end) => end < below)',
    replace: 'ends.filter((end) => end <= below * 1e9)',
    about: "GPT-2's end is taken in a model that has no such token",
    tests: settings,
  },
  {
    id: 'text/begin',
    file: 'src/text/tokenizer.ts',
    find: 'if (config.add_bos_token === false) return [];',
    replace: '',
    about: 'a token begins texts that are not to have one',
    tests: settings,
  },
  {
    id: 'text/white-space',
    file: 'src/text/byte-level.ts',
    find: String.raw`| ?[^\p{White_Space}\p{L}\p{N}]+|`,
    replace: String.raw`| ?[^\s\p{L}\p{N}]+|`,
    about: "white space is JavaScript's",
    tests: goldens,
  },
  {
    id: 'text/merge-order',
    file: 'src/text/parts/bpe.ts',
    find: 'if (merge) heap.push(merge[0] * PLACES + at);',
    replace: 'if (merge) heap.push(merge[0] * PLACES - at);',
    about: 'of equal merges the last comes first',
    tests: goldens,
  },
  {
    id: 'text/written-end',
    file: 'src/writers/text-model.ts',
    find: 'await saveLM(lm, dir, ids);',
    replace: 'await saveLM(lm, dir);',
    about: 'config.json of a tuned model does not say how a text ends',
    tests: written,
  },
];
