// Runs of the real program come out sound by the independent checker, and runs that were tampered with do not.
import { cpSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import writeTinyModels from '../helpers/tiny-models.js';
import { scratchFolder } from '../store/folder.js';
import { checkModels } from './check-models.js';
import { checkResult } from './check-result.js';
import { problemsOf } from './check-run.js';
import { checkTables } from './check-tables.js';
import { checkTokens } from './check-tokens.js';
import { program } from './program.js';
import type { Row } from './read-run.js';
import { rewrite } from './rewrite.js';

const dir = scratchFolder();
const embedded = join(dirname(fileURLToPath(import.meta.url)), '..', '..', 'models');
const tiny = join(dir, 'models');
const modelsIn = (place: string) => ['--base', join(place, 'base'), '--instruct', join(place, 'instruct')];

// Whole runs: a busy machine needs its time.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

type Ends = { value: number; lo: number; hi: number };
/** What of result.json is tampered with. */
interface Document {
  score: Record<'tuned' | 'tunedMinusBase', Ends> & { median?: number };
  ranking: Record<'pairAccuracy', Ends>;
  kl: Record<'tunedFromBase' | 'baseFromTuned', { direction: string }>;
}

async function run(name: string, words: readonly string[]): Promise<string> {
  const folder = join(dir, name);
  await program(...words, '--run', folder, '--quiet', '--json');
  return folder;
}

let copies = 0;
/** A copy of a run that something was done to. */
const copyOf = (sound: string, tamper: (folder: string) => void) => {
  const folder = join(dir, `copy-${copies++}`);
  mkdirSync(folder);
  cpSync(sound, folder, { recursive: true });
  tamper(folder);
  return folder;
};
const swap = (a: string, b: string) => (folder: string) => {
  const path = (name: string) => join(folder, name);
  renameSync(path(a), path('aside'));
  renameSync(path(b), path(a));
  renameSync(path('aside'), path(b));
};
const rows = (table: string, change: (all: Row[]) => Row[]) => (folder: string) =>
  rewrite(join(folder, `${table}.arrow`), change);
/** Changes each row in place. */
const each = (table: string, change: (row: Row, i: number) => void) =>
  rows(table, (all) => {
    all.forEach(change);
    return all;
  });

beforeAll(() => writeTinyModels(tiny));

const small = ['--contexts', '5', '--heldout', '6', '--samples', '3', '--max-tokens', '12', '--seed', '3'];

describe('a sound run', () => {
  it.each([
    ['--retrain', []],
    ['--continue', ['--ranker', 'random', '--targets', 'posterior', '--beta', '0.5']],
    ['--continue', ['--ranker', 'longest', '--targets', 'feedback-refinement']],
    ['--continue', ['--ranker', 'instruct-rm-2', '--targets', 'shuffled-feedback']],
  ])('of two rounds, %s %j', async (going, more) => {
    const words = [...modelsIn(tiny), ...small, '--rounds', '2', going, ...more];
    expect(problemsOf(await run(['tiny', going, ...more].join(' '), words))).toEqual([]);
  });

  it('on own data, judged by InstructRM', async () => {
    const data = join(dir, 'own.jsonl');
    const lines = Array.from({ length: 20 }, (_, i) => ({
      context: `Dana left on day ${i}.`,
      ...(i % 2 === 0 && { output: `Dana left ${i}.` }),
    }));
    writeFileSync(data, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
    for (const ranker of ['instruct-rm', 'longest']) {
      const words = [...modelsIn(tiny), ...small, '--data', data, '--ranker', ranker];
      expect(problemsOf(await run(`own ${ranker}`, words))).toEqual([]);
    }
  });
});

describe('a run with the embedded models', () => {
  let sound: string;
  beforeAll(async () => {
    const words = ['--contexts', '8', '--heldout', '32', '--samples', '4', '--rounds', '2', '--lr', '1e-3'];
    sound = await run('embedded', [...modelsIn(embedded), ...words]);
  });

  it('is sound', () => expect(problemsOf(sound)).toEqual([]));

  const result = (change: (document: Document) => void) => (folder: string) => {
    const path = join(folder, 'result.json');
    const document = JSON.parse(readFileSync(path, 'utf8'));
    change(document);
    writeFileSync(path, JSON.stringify(document));
  };

  const tampered: [name: string, tamper: (folder: string) => void, problem: RegExp][] = [
    [
      'base and tuned outputs swapped',
      swap('heldout/outputs.arrow', 'round-2/outputs.arrow'),
      /score\.base is/,
    ],
    ['the outputs of another round', swap('round-1/outputs.arrow', 'round-2/outputs.arrow'), /winRate is/],
    [
      'controls swapped',
      swap('heldout/no-feedback.arrow', 'heldout/shuffled-feedback.arrow'),
      /noFeedback is/,
    ],
    ['KL of another round', swap('round-1/kl.arrow', 'round-2/kl.arrow'), /rounds\.0\.kl\..*raoBlackwell is/],
    ['a held-out post learned from', swap('heldout/contexts.arrow', 'round-1/contexts.arrow'), /no row for/],
    [
      'two rounds with the same posts',
      (folder) => cpSync(join(folder, 'round-1/contexts.arrow'), join(folder, 'round-2/contexts.arrow')),
      /is in round-1\/contexts too/,
    ],
    [
      'another refinement selected',
      each('heldout/scores', (row) => {
        row.selected = row.candidate === 0;
      }),
      /not the one with the highest score/,
    ],
    [
      'selections turned round',
      each('round-1/scores', (row) => {
        row.selected = !row.selected;
      }),
      /3 refinements of .* are selected/,
    ],
    [
      'scores of the next prompt',
      each('round-2/scores', (row) => {
        row.per_prompt = [0.5];
      }),
      /not the mean over its prompts/,
    ],
    [
      'texts learned by their neighbours',
      rows('round-1/targets', (all) =>
        all.map((row, i) => ({ ...row, text: all[(i + 1) % all.length]!.text })),
      ),
      /not learned from what --targets ilf says/,
    ],
    [
      'prior and proposal swapped',
      each('round-2/refinements', (row) => {
        [row.logprob_base, row.logprob_refiner] = [row.logprob_refiner, row.logprob_base];
      }),
      /posterior\.ess is/,
    ],
    [
      'log-probabilities without their sign',
      each('round-1/initial', (row) => {
        row.logprob = -(row.logprob as number);
      }),
      /log-probabilities are none/,
    ],
    [
      'directions of KL swapped',
      each('round-2/kl', (row) => {
        row.direction = row.direction === 'tunedFromBase' ? 'baseFromTuned' : 'tunedFromBase';
      }),
      /kl\.tunedFromBase\.k1 is/,
    ],
    [
      'q and p swapped',
      each('round-2/kl', (row) => {
        [row.logprobs_q, row.logprobs_p] = [row.logprobs_p, row.logprobs_q];
      }),
      /kl\.tunedFromBase\.k1 is/,
    ],
    ['a direction left out', rows('round-2/kl', (all) => all.slice(all.length / 2)), /tunedFromBase: no row/],
    ['a row left out', rows('heldout/outputs', (all) => all.slice(1)), /no row for heldout/],
    ['a row twice', rows('round-1/initial', (all) => [...all, all[0]!]), /1 keys are there twice/],
    [
      'a number of the document',
      result((document) => {
        document.ranking.pairAccuracy.value += 1e-6;
      }),
      /pairAccuracy is/,
    ],
    [
      'means where differences belong',
      result((document) => {
        document.score.tunedMinusBase = document.score.tuned;
      }),
      /tunedMinusBase is/,
    ],
    [
      'an interval beside its value',
      result((document) => {
        document.score.tuned.lo = document.score.tuned.hi;
      }),
      /score\.tuned, .* is outside its interval/,
    ],
    [
      'an interval that is too narrow',
      result((document) => {
        const estimate = document.score.tuned;
        for (const end of ['lo', 'hi'] as const)
          estimate[end] = estimate.value + 0.3 * (estimate[end] - estimate.value);
      }),
      /score\.tuned is 0\.\d+ times as wide/,
    ],
    [
      'labels of the directions swapped',
      result((document) => {
        [document.kl.tunedFromBase.direction, document.kl.baseFromTuned.direction] = [
          document.kl.baseFromTuned.direction,
          document.kl.tunedFromBase.direction,
        ];
      }),
      /kl\.tunedFromBase\.direction is "KL\(base ‖ tuned\)"/,
    ],
    [
      'a number that nobody knows',
      result((document) => {
        document.score.median = 0.5;
      }),
      /nothing is known of score\.median/,
    ],
  ];

  it('is, with rows in another order', () => {
    const tables = ['heldout/scores', 'heldout/outputs', 'round-1/contexts', 'round-2/kl'];
    const shuffled = copyOf(sound, (folder) => {
      for (const table of tables) rows(table, (all) => all.reverse())(folder);
    });
    expect(problemsOf(shuffled, [checkTables, checkResult])).toEqual([]);
  });

  it.each(tampered)('is not, with %s', (_name, tamper, problem) => {
    // Without passes of the models, which take longest.
    const problems = problemsOf(copyOf(sound, tamper), [checkTables, checkResult]);
    expect(problems.join('\n')).toMatch(problem);
  });
});

describe('passes of the models, and tokens', () => {
  let sound: string;
  beforeAll(async () => {
    const words = ['--rounds', '2', '--lr', '1e-2', '--ranker', 'longest'];
    sound = await run('passes', [...modelsIn(tiny), ...small, ...words]);
  });

  const other = (column: string) => (row: Row) => {
    row[column] = (row[column] as number) - 0.01;
  };
  it.each([
    [
      'models of two rounds swapped',
      swap('round-1/finetuned', 'round-2/finetuned'),
      /round-1\/outputs: logprob of/,
    ],
    ['x0 of another model', each('round-2/initial', other('logprob')), /round-2\/initial: logprob of/],
    [
      'another prior',
      each('round-1/refinements', other('logprob_base')),
      /round-1\/refinements: .* logprob_base is/,
    ],
    ['another proposal', each('round-2/refinements', other('logprob_refiner')), /logprob_refiner is/],
    [
      'q and p swapped',
      each('round-2/kl', (row) => {
        [row.logprobs_q, row.logprobs_p] = [row.logprobs_p, row.logprobs_q];
      }),
      /round-2\/kl, tunedFromBase, .*: other numbers/,
    ],
    [
      'the exact KL of the other direction',
      rows('round-1/kl', (all) =>
        all.map((row, i) => ({ ...row, exact: all[(i + all.length / 2) % all.length]!.exact })),
      ),
      /round-1\/kl, tunedFromBase, .*: other numbers/,
    ],
    [
      'tokens that were not sampled',
      each('heldout/outputs', (row) => {
        const [first, second, ...rest] = row.ids as number[];
        row.ids = [second, first, ...rest];
      }),
      /heldout\/outputs: logprob of/,
    ],
    [
      'tokens that say something else',
      each('round-1/refinements', (row) => {
        row.ids = (row.ids as number[]).slice(1);
      }),
      /round-1\/refinements: the tokens of .* say /,
    ],
    [
      'tokens without an end',
      each('heldout/no-feedback', (row) => {
        row.ids = (row.ids as number[]).slice(0, -1);
      }),
      /heldout\/no-feedback: the tokens of .* do not end it/,
    ],
    [
      'tokens of another tokenizer',
      each('round-2/targets', (row) => {
        row.tokenizer = 'another';
      }),
      /round-2\/targets: the tokens of .* are said to be of the tokenizer another/,
    ],
  ])('show %s', (_name, tamper, problem) => {
    expect(problemsOf(copyOf(sound, tamper), [checkTokens, checkModels]).join('\n')).toMatch(problem);
  });
});
