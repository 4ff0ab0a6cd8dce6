// Comparisons, and reward models trained on them: what is compared, where it comes from, what becomes of it in a run.
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Compared, type Comparison, compare, comparisonsStep } from '../../src/baselines/comparisons.js';
import { readComparisons } from '../../src/baselines/comparisons-file.js';
import { rewardModelStep, trainRewardModel } from '../../src/baselines/reward-model.js';
import { startEngine } from '../../src/engine/index.js';
import { openRunContext } from '../../src/ilf/open.js';
import { scoreCompletions } from '../../src/lm/score.js';
import type { LoopOptions } from '../../src/pipeline/options.js';
import { noProgress } from '../../src/pipeline/progress.js';
import { briefs } from '../../src/tasks/briefs/task.js';
import { localWriter } from '../../src/writers/local.js';
import { openModel, type TextModel } from '../../src/writers/text-model.js';
import writeTinyModels from '../helpers/tiny-models.js';
import { scratchFolder } from '../store/folder.js';

const dir = scratchFolder();
const sampling = { temperature: 1, topP: 0.95, maxTokens: 6 };
const contexts = briefs.contexts('ilf', 0, 12);
const { quality, human, write } = briefs.prompts;
let base: TextModel;

beforeAll(async () => {
  await startEngine();
  await writeTinyModels(dir);
  base = await openModel(join(dir, 'base'));
  return () => base.lm.dispose();
}, 120_000);

/** As many samples of each context as the comparisons were made from, with their seed. */
async function samples(n: number): Promise<string[][]> {
  const prompts = contexts.map(({ id, text }) => ({ text: write(text), name: id }));
  const drawn = await localWriter(base).write(
    prompts,
    n,
    { ...sampling, format: briefs.format.output, seed: 7 },
    () => {},
  );
  return drawn.map((of) => of.map(({ text }) => text));
}

describe('comparisons', () => {
  const compared = (of: Pick<Compared, 'kind'> & Partial<Compared>) =>
    compare(localWriter(base), { task: briefs, contexts, sampling, seed: 7, ...of }, noProgress);

  it('are of two samples each, in the order that the annotator prefers', async () => {
    const pairs = await compared({ kind: 'quality' });
    const drawn = await samples(2);
    expect(pairs.map(({ context }) => context)).toEqual(contexts.map(({ id }) => id));
    pairs.forEach(({ text, chosen, rejected }, i) => {
      const [first, second] = drawn[i] as [string, string];
      expect(text).toBe(contexts[i]!.text);
      const firstIsBetter = briefs.prefers!(contexts[i]!, first, second, '7');
      expect([chosen, rejected]).toEqual(firstIsBetter ? [first, second] : [second, first]);
    });
    expect(pairs.some(({ chosen }, i) => chosen === drawn[i]![0])).toBe(true);
    expect(pairs.some(({ chosen }, i) => chosen === drawn[i]![1])).toBe(true);
  });

  it('leave out contexts whose two samples are equal', async () => {
    const greedy = { ...sampling, topP: 1e-6 };
    expect(await compared({ kind: 'quality', sampling: greedy })).toEqual([]);
  });

  it('of what was written set it against a sample', async () => {
    const pairs = await compared({ kind: 'human' });
    const drawn = await samples(1);
    expect(pairs).toEqual(
      contexts.map((context, i) => ({
        context: context.id,
        text: context.text,
        chosen: briefs.written!(context, '7'),
        rejected: drawn[i]![0],
      })),
    );
  });

  it('need a task that can compare', async () => {
    const { prefers, written, ...silent } = briefs;
    const task = { ...silent, name: 'mine' };
    await expect(compared({ kind: 'quality', task })).rejects.toThrow(
      /^mine has no annotator who compares outputs; .*$/,
    );
    await expect(compared({ kind: 'human', task })).rejects.toThrow(/^mine has no writers of outputs; .*$/);
  });
});

describe("a person's own comparisons", () => {
  const file = (...lines: unknown[]) => {
    const path = join(mkdtempSync(join(dir, 'data-')), 'own.jsonl');
    writeFileSync(path, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
    return path;
  };
  const good = { context: ' A post.\nTwo lines. ', chosen: 'good\r\none ', rejected: 'bad' };

  it('are read as they were given, without white space around them, named by their numbers', async () => {
    expect(await readComparisons(file(good, good))).toEqual(
      ['1', '2'].map((context) => ({
        context,
        text: 'A post.\nTwo lines.',
        chosen: 'good\none',
        rejected: 'bad',
        where: expect.stringMatching(new RegExp(`own\\.jsonl:${context}$`)),
      })),
    );
  });

  it.each([
    ['a missing text', { context: 'a', chosen: 'b' }, /own\.jsonl:2: .*rejected/],
    ['an unknown key', { ...good, score: 1 }, /own\.jsonl:2: .*score/],
    ['an empty text', { ...good, chosen: ' ' }, /own\.jsonl:2: .*chosen.*it is empty/],
    ['equal texts', { ...good, rejected: ' good\none' }, /own\.jsonl:2: .*are the same text/],
  ])('are refused with %s', async (_, line, message) => {
    await expect(readComparisons(file(good, line))).rejects.toThrow(message);
  });

  it('are refused where there are none', async () => {
    await expect(readComparisons(file())).rejects.toThrow(/own\.jsonl has no comparisons/);
  });
});

describe('a reward model', () => {
  /** Comparisons that anybody can tell apart. */
  const easy = (n: number): Comparison[] =>
    briefs
      .contexts('ilf', 0, n)
      .map(({ id, text }) => ({ context: id, text, chosen: 'It is cheap.', rejected: 'The post.' }));

  const train = async (name: string, seed: number, form: 'bradley-terry' | 'yes-no' = 'bradley-terry') => {
    const model = await openModel(join(dir, 'instruct'));
    const losses: number[] = [];
    try {
      const of = { comparisons: easy(48), prompt: quality, form, seed };
      await trainRewardModel(model, of, join(dir, name), (_, done) => losses.push(done));
    } finally {
      model.lm.dispose();
    }
    return readFileSync(join(dir, name, 'model.safetensors')).toString('latin1');
  };

  /** Mean reward of the chosen above that of the rejected, on contexts that were not trained on. */
  async function margin(folder: string): Promise<number> {
    const model = await openModel(folder);
    const { prefix, suffix, positive, negative } = quality;
    const logprob = async (text: string, answer: string) => {
      const items = briefs.contexts('heldout', 0, 8).map((context) => ({
        prompt: model.tokenizer.encode(prefix(context.text) + suffix(text)),
        completion: model.tokenizer.encode(answer),
      }));
      const scores = await scoreCompletions(model.lm, items);
      return scores.reduce((sum, [lp]) => sum + lp!, 0) / items.length;
    };
    const reward = async (text: string) => (await logprob(text, positive)) - (await logprob(text, negative));
    const difference = (await reward('It is cheap.')) - (await reward('The post.'));
    model.lm.dispose();
    return difference;
  }

  it.each(['bradley-terry', 'yes-no'] as const)(
    'by %s rewards what was chosen more than before',
    async (form) => {
      await train(form, 1, form);
      const before = await margin(join(dir, 'instruct'));
      expect(await margin(join(dir, form))).toBeGreaterThan(before + 0.1);
    },
  );

  it('has the same bytes for the same seed, others for another one', async () => {
    const [one, again, other] = [await train('one', 1), await train('again', 1), await train('other', 2)];
    expect(again).toBe(one);
    expect(other).not.toBe(one);
  });

  it('is refused without comparisons, with a post that is too long, and with an answer of several tokens', async () => {
    const of = (comparisons: Comparison[], prompt = quality) =>
      trainRewardModel(base, { comparisons, prompt, form: 'yes-no', seed: 1 }, join(dir, 'none'), noProgress);
    await expect(of([])).rejects.toThrow(/no comparisons to learn from/);
    const long = { ...easy(1)[0]!, context: '7', text: 'a b c '.repeat(300) };
    await expect(of([long])).rejects.toThrow(/^context 7 is too long for the model .*base/);
    await expect(of(easy(1), { ...human, positive: ' Yes and No' })).rejects.toThrow(
      /the answer " Yes and No" of the prompt "human-likeness" is \d+ tokens, not one/,
    );
  });

  it('is made once in a run, and again where its comparisons are other ones', async () => {
    const options = {
      task: 'briefs',
      data: null,
      base: join(dir, 'base'),
      refiner: join(dir, 'instruct'),
      critic: join(dir, 'instruct'),
      judge: join(dir, 'instruct'),
      feedback: null,
      targets: 'ilf',
      contexts: 4,
      heldout: 4,
      rounds: 1,
      seed: 3,
      ...{ engine: 'cpu', precision: 'float32' },
      ranker: 'random',
      ...{ temperature: 1, topP: 0.95, maxTokens: 6 },
    } as LoopOptions;
    const ran: string[] = [];
    const reporter = {
      progress: noProgress,
      scalar: () => {},
      done: (step: string, anew: boolean) => anew && ran.push(step),
    };
    const place = { dir: join(dir, 'run'), fresh: false, version: '0' };
    const run = await openRunContext(briefs, options, place, reporter);
    const steps = async (n: number) => {
      const contexts = briefs.contexts('ilf', 5, n);
      const comparisons = await comparisonsStep(run, 'reward', 'human', contexts);
      expect(comparisons.map(({ context }) => context)).toEqual(contexts.map(({ id }) => id));
      const of = { kind: 'human', form: 'yes-no', comparisons, table: 'reward/comparisons' } as const;
      return rewardModelStep(run, 'reward', of);
    };
    try {
      const folder = await steps(6);
      expect(folder).toBe(join(dir, 'run', 'reward', 'model'));
      (await openModel(folder)).lm.dispose();
      await steps(6);
      expect(ran).toEqual(['reward/comparisons', 'reward/model']);
      await steps(7);
      expect(ran).toHaveLength(4);
    } finally {
      await run.close();
    }
  });
});
