// What must hold whatever the models are: that a model is as good as itself, that swapping two of them mirrors the numbers, that
// neither the order of rows nor what else is in a batch changes anything, through the program's commands.
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { winRate } from '../../src/bayes/estimate.js';
import writeTinyModels from '../helpers/tiny-models.js';
import { scratchFolder } from '../store/folder.js';
import { mean, sum } from './definitions.js';
import { program } from './program.js';
import { type KlRow, type Row, readRows } from './read-run.js';
import { rewrite } from './rewrite.js';

const dir = scratchFolder();
const at = (...names: string[]) => join(dir, ...names);
const [base, instruct] = [at('models', 'base'), at('models', 'instruct')];

// Some of them take seconds: a busy machine needs its time.
vi.setConfig({ testTimeout: 120_000 });

beforeAll(() => writeTinyModels(at('models')), 120_000);

interface Estimate {
  value: number;
  lo: number;
  hi: number;
}
const ESTIMATORS = ['raoBlackwell', 'k1', 'k2', 'k3', 'k3TokenSum'] as const;
type Kl = Record<
  'tunedFromBase' | 'baseFromTuned',
  Record<(typeof ESTIMATORS)[number], Estimate> & { direction: string; conditional: boolean }
>;

describe('a model that has learned nothing', () => {
  it('is where it was, and wins half against itself', async () => {
    // The embedded models: the tiny ones' texts say nothing and all draw.
    const embedded = join(dirname(fileURLToPath(import.meta.url)), '..', '..', 'models');
    const models = ['--base', join(embedded, 'base'), '--instruct', join(embedded, 'instruct')];
    const size = ['--contexts', '4', '--heldout', '48', '--samples', '1', '--ranker', 'longest'];
    const document = JSON.parse(
      await program(...models, ...size, '--lr', '1e-12', '--run', at('still'), '--quiet', '--json'),
    );
    for (const kl of Object.values(document.kl as Kl))
      for (const name of ESTIMATORS) expect(Math.abs(kl[name].value)).toBeLessThan(1e-6);
    const { winRate, score } = document as Record<'winRate' | 'score', Record<string, Estimate>>;
    for (const [{ value, lo, hi }, still] of [
      [winRate.tunedVsBase!, 0.5],
      [score.tunedMinusBase!, 0],
    ] as const) {
      // Not a foregone conclusion: their texts are samples of their own.
      expect(value).not.toBe(still);
      expect(lo).toBeLessThan(still);
      expect(hi).toBeGreaterThan(still);
    }
  });

  it('has no KL from itself, by any estimator, to the last bit', async () => {
    const words = ['kl', '--model', base, '--base', base, '--unconditional', '20', '--max-tokens', '8'];
    const { kl } = JSON.parse(await program(...words, '--out', at('self'), '--quiet', '--json')) as {
      kl: Kl;
    };
    for (const direction of Object.values(kl))
      for (const name of ESTIMATORS) expect(direction[name]).toMatchObject({ value: 0, lo: 0, hi: 0 });
    expect(kl.tunedFromBase).toMatchObject({ direction: 'KL(tuned ‖ base)', conditional: false });
    expect(kl.baseFromTuned).toMatchObject({ direction: 'KL(base ‖ tuned)', conditional: false });
  });
});

describe('two models in each other’s place', () => {
  it('mirror the numbers of given texts', async () => {
    const texts = Array.from({ length: 12 }, (_, i) => ({
      prompt_ids: [1, 2 + i],
      completion_ids: Array.from({ length: 1 + (i % 5) }, (_, t) => 3 + ((7 * i + t) % 40)),
    }));
    writeFileSync(at('given.jsonl'), texts.map((text) => `${JSON.stringify(text)}\n`).join(''));
    const given = async (model: string, other: string, out: string) => {
      const words = ['kl', '--model', model, '--base', other, '--data', at('given.jsonl'), '--out', at(out)];
      const document = JSON.parse(await program(...words, '--quiet', '--json'));
      return {
        rows: readRows(at(out, 'kl.arrow')) as KlRow[],
        numbers: document.given as Record<'tunedFromBase' | 'baseFromTuned' | 'logRatio', Estimate>,
        page: readFileSync(at(out, 'kl.html'), 'utf8'),
      };
    };
    const there = await given(base, instruct, 'there');
    const back = await given(instruct, base, 'back');
    for (const [of, other] of [
      ['tunedFromBase', 'baseFromTuned'],
      ['baseFromTuned', 'tunedFromBase'],
    ] as const) {
      for (const end of ['value', 'lo', 'hi'] as const)
        expect(there.numbers[of][end]).toBeCloseTo(back.numbers[other][end], 5);
      const [mine, theirs] = [
        there.rows.filter(({ direction }) => direction === `given-${of}`),
        back.rows.filter(({ direction }) => direction === `given-${other}`),
      ];
      expect(mine).toHaveLength(texts.length);
      mine.forEach((row, i) => {
        expect(row).toMatchObject({ context: theirs[i]!.context, ids: texts[i]!.completion_ids });
        // The same model on the same text: the same bits, whichever part it plays.
        expect(row.logprobs_q).toEqual(theirs[i]!.logprobs_q);
        expect(row.logprobs_p).toEqual(theirs[i]!.logprobs_p);
        row.exact.forEach((kl, t) => {
          expect(kl).toBeCloseTo(theirs[i]!.exact[t]!, 5);
        });
      });
    }
    const [ratio, mirrored] = [there.numbers.logRatio, back.numbers.logRatio];
    // Under the model that is called tuned, over that under the other.
    const ratios = there.rows
      .filter(({ direction }) => direction === 'given-tunedFromBase')
      .map(({ logprobs_q, logprobs_p }) => sum(logprobs_q) - sum(logprobs_p));
    expect(ratio.value).toBeCloseTo(mean(ratios), 9);
    // Its texts are shaded by this direction.
    expect(there.page.match(/Given text 1: KL\((tuned ‖ base|base ‖ tuned)\)/g)).toEqual([
      'Given text 1: KL(tuned ‖ base)',
    ]);
    expect(ratio.value).toBe(-mirrored.value);
    expect(ratio.lo).toBeCloseTo(-mirrored.hi, 9);
    expect(ratio.hi).toBeCloseTo(-mirrored.lo, 9);
  });

  it('win what the other loses', () => {
    // A fifth of them draw.
    const a = Array.from({ length: 50 }, (_, i) => Math.sin(i));
    const b = a.map((v, i) => (i % 5 === 0 ? v : Math.cos(3 * i)));
    const [of, other] = [winRate(a, b), winRate(b, a)];
    expect(of.value + other.value).toBeCloseTo(1, 12);
    expect(of.lo + other.hi).toBeCloseTo(1, 9);
    expect(of.hi + other.lo).toBeCloseTo(1, 9);
  });
});

describe('the order of rows', () => {
  const N = 6;
  const sampling = ['--max-tokens', '8', '--seed', '3', '--quiet'];
  const tables = ['contexts', 'initial', 'feedback', 'refinements', 'scores'] as const;
  type Name = (typeof tables)[number];
  const file = (place: string, name: string) => at(place, `${name}.arrow`);
  /** A step alone, with its tables from the folder `place`, into `out`. */
  const step = async (place: string, out: string, more: string[] = []) => {
    const words: Record<string, string[]> = {
      initial: ['generate', '--model', base, ...sampling],
      feedback: ['feedback', '--instruct', instruct, ...sampling],
      refinements: ['refine', '--instruct', instruct, '--base', base, '-n', '3', ...sampling],
      scores: ['rank', '--instruct', instruct, '--seed', '3', '--quiet'],
      targets: ['targets', '--seed', '3'],
    };
    const reads = out === 'targets' ? tables : tables.slice(0, tables.indexOf(out as Name));
    await program(
      ...words[out]!,
      ...more,
      ...reads.flatMap((name) => [`--${name}`, file(place, name)]),
      '--out',
      file(place, out),
    );
  };
  /** Rows by context and candidate, as text. */
  const sorted = (place: string, name: string) =>
    readRows(file(place, name))
      .map((row) => JSON.stringify(row))
      .sort();
  const shuffled = (rows: Row[]) => [
    ...rows.filter((_, i) => i % 2 === 1),
    ...rows.filter((_, i) => i % 2 === 0),
  ];

  beforeAll(async () => {
    mkdirSync(at('straight'));
    await program('contexts', '--count', String(N), '--out', file('straight', 'contexts'));
    for (const out of [...tables.slice(1), 'targets']) await step('straight', out);
  }, 120_000);

  /** A folder with the straight tables, some of them in another order. */
  const place = (...mixed: Name[]) => {
    const folder = mkdtempSync(at('mixed-')).slice(dir.length + 1);
    for (const name of tables)
      rewrite(
        file('straight', name),
        (rows) => (mixed.includes(name) ? shuffled(rows) : rows),
        file(folder, name),
      );
    return folder;
  };

  /** A step's rows with all tables as they are, by what it was told: made once. */
  const straight = new Map<string, Promise<string[]>>();
  const usual = (out: string, more: string[]): Promise<string[]> => {
    const key = [out, ...more].join(' ');
    const made =
      straight.get(key) ??
      (async () => {
        const folder = place();
        await step(folder, out, more);
        return sorted(folder, out);
      })();
    straight.set(key, made);
    return made;
  };
  /** The same, and with some tables in another order. */
  const bothWays = async (
    out: string,
    mixed: readonly Name[],
    more: string[],
  ): Promise<[string[], string[]]> => {
    const folder = place(...mixed);
    await step(folder, out, more);
    return [await usual(out, more), sorted(folder, out)];
  };

  it.each([
    ['feedback', ['initial']],
    ['refinements', ['initial', 'feedback']],
    ['scores', ['initial', 'feedback']],
    ['targets', ['initial', 'feedback', 'refinements', 'scores']],
  ] as [string, Name[]][])('of the tables that %s reads beside the contexts: none', async (out, mixed) => {
    const folder = place(...mixed);
    await step(folder, out);
    expect(readFileSync(file(folder, out)).equals(readFileSync(file('straight', out)))).toBe(true);
  });

  it.each([
    ['contexts', 'scores', ['--ranker', 'longest']],
    // By our engine to the last bit.
    ['contexts', 'scores', ['--host', 'engine']],
    ['contexts', 'scores', ['--ranker', 'embedding']],
    ['contexts', 'scores', ['--ranker', 'random']],
    ['contexts', 'targets', []],
    ['contexts', 'feedback', []],
    // Whose numbers are not those of the rows.
    ['refinements', 'scores', ['--ranker', 'longest']],
    ['refinements', 'scores', ['--ranker', 'random']],
    ['refinements', 'targets', ['--kind', 'posterior']],
  ] as [Name, string, string[]][])('of the %s: none for %s %j', async (mixed, out, more) => {
    const [mine, other] = await bothWays(out, [mixed], more);
    expect(other).toEqual(mine);
  });

  it('of the contexts: none for InstructRM on onnxruntime, up to the rounding of its batches', async () => {
    const [mine, mixed] = (await bothWays('scores', ['contexts'], [])).map((rows) =>
      rows.map((row) => JSON.parse(row) as { context: string; candidate: number; mean: number }),
    );
    expect(mixed).toHaveLength(mine!.length);
    mine!.forEach(({ context, candidate, mean }) => {
      const other = mixed!.find((row) => row.context === context && row.candidate === candidate)!;
      expect(other.mean).toBeCloseTo(mean, 5);
    });
  });

  it('of all tables: none for the posterior’s targets', async () => {
    const [mine, mixed] = await bothWays('targets', tables, ['--kind', 'posterior']);
    expect(mixed).toEqual(mine);
  });

  // A writer's text j of prompt i depends on (seed, i, j) alone (src/writers/writer.ts): the prompt's place is part of the seed, so
  // that equal prompts get texts of their own. The first contexts of more are sampled alike, below; contexts in another order are not.
  it.each(['initial', 'refinements'])('of the contexts matters to what is sampled: %s', async (out) => {
    const [mine, other] = await bothWays(out, ['contexts'], []);
    const contextsOf = (rows: string[]) =>
      rows.map((row) => (JSON.parse(row) as { context: string }).context);
    expect(contextsOf(other)).toEqual(contextsOf(mine));
    expect(other).not.toEqual(mine);
  });
});

describe('what else is in a batch', () => {
  it('changes no score: eight texts at once, and one by one', async () => {
    const texts = Array.from({ length: 8 }, (_, i) => ({
      prompt_ids: Array.from({ length: 1 + 5 * (i % 3) }, (_, t) => 2 + t + i),
      completion_ids: Array.from({ length: 2 + 3 * (i % 4) }, (_, t) => 5 + ((11 * i + t) % 60)),
    }));
    const score = async (name: string, of: readonly object[]) => {
      writeFileSync(at(name), of.map((text) => `${JSON.stringify(text)}\n`).join(''));
      const words = ['score', '--model', base, '--data', at(name), '--quiet', '--json'];
      return (await program(...words)).trim().split('\n');
    };
    const together = await score('together.jsonl', texts);
    const alone: string[] = [];
    for (const [i, text] of texts.entries()) alone.push(...(await score(`alone-${i}.jsonl`, [text])));
    expect(together).toEqual(alone);
  });

  it('changes no sample: the first contexts of more, and alone', async () => {
    const generate = async (n: number) => {
      await program('contexts', '--count', String(n), '--out', at(`${n}.arrow`));
      const out = at(`initial-${n}.arrow`);
      const words = ['generate', '--contexts', at(`${n}.arrow`), '--model', base, '--max-tokens', '8'];
      await program(...words, '--out', out, '--quiet');
      return readRows(out);
    };
    const [few, many] = [await generate(2), await generate(5)];
    expect(many.slice(0, 2)).toEqual(few);
  });
});
