import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startEngine } from '../../src/engine/index.js';
import { exportOnnx } from '../../src/lm/onnx.js';
import { instructRm, instructRmPrompts } from '../../src/rankers/instruct-rm.js';
import { type Candidate, HOSTS, type Host, type Ranker } from '../../src/rankers/ranker.js';
import { UserError } from '../../src/store/errors.js';
import type { JudgePrompt } from '../../src/tasks/prompts.js';
import { judgePrompts, prompts } from '../../src/tasks/summarization.js';
import { buildGpt2Subset } from '../../src/text/gpt2-subset.js';
import { copyTokenizer, loadTokenizer, type Tokenizer } from '../../src/text/tokenizer.js';
import { rankerOptions } from '../helpers/ranker-options.js';
import {
  randomTensors,
  referenceLogits,
  type Tensors,
  type TinyConfig,
  writeModel,
} from '../lm/tiny-gpt2.js';
import { scratchFolder } from '../store/folder.js';

const dir = join(scratchFolder(), 'judge');
const words = ['the', 'meeting', 'moves', 'to', 'Thursday', 'because', 'Alice', 'is', 'ill', '2', 'pm'];

/** `n` words, another choice for every seed. */
const text = (seed: number, n: number) =>
  Array.from({ length: n }, (_, i) => words[(seed * 7 + i * (seed + 3)) % words.length]).join(' ');

function group(seed: number, refinements: number): Candidate[] {
  const shared = {
    context: text(seed, 5 + 4 * seed),
    initial: text(seed + 1, 4),
    feedback: text(seed + 2, 3 + seed),
  };
  return Array.from({ length: refinements }, (_, i) => ({
    ...shared,
    refinement: text(seed + i, 2 + ((i * 3) % 7)),
  }));
}
/** Groups of several sizes and lengths, one with equal refinements, one with text that is not in the vocabulary. */
const groups: Candidate[][] = [
  group(1, 3),
  group(4, 2),
  [],
  [...group(2, 1), ...group(2, 1)],
  [{ context: 'é 漢', initial: '', feedback: '<|endoftext|>', refinement: '' }],
];

let config: TinyConfig;
let tensors: Tensors;
let tokenizer: Tokenizer;
const optionsOf = (judge: string, asked: readonly JudgePrompt[], host: Host) =>
  rankerOptions({ judge, host, prompts: { ...prompts, judge: asked } });
const open = (judge: string, asked: readonly JudgePrompt[], host: Host) =>
  instructRm.open(optionsOf(judge, asked, host));

beforeAll(async () => {
  await startEngine();
  const corpus = judgePrompts.flatMap((prompt) => [
    prompt.prefix(words.join(' '), ` ${words.join(' ')}`) + prompt.suffix('', '', ''),
    prompt.positive,
    prompt.negative,
  ]);
  await buildGpt2Subset(corpus, dir);
  tokenizer = await loadTokenizer(dir);
  config = { n_layer: 2, n_head: 2, n_embd: 16, n_positions: 160, vocab_size: tokenizer.vocabSize };
  tensors = randomTensors(config, 5);
  await writeModel(dir, config, tensors);
  await exportOnnx(dir);
});

/** p(positive) / (p(positive) + p(negative)) of one prompt by a whole forward pass. */
function reference(candidate: Candidate, p: number): number {
  const prompt = judgePrompts[p]!;
  const { context, initial, feedback, refinement } = candidate;
  const ids = tokenizer.encode(
    prompt.prefix(context, initial) + prompt.suffix(refinement, feedback, context),
  );
  const logits = referenceLogits(config, tensors, ids, ids.length - 1)[0]!;
  const [positive, negative] = [prompt.positive, prompt.negative].map((answer) =>
    Math.exp(logits[tokenizer.encode(answer)[0]!]!),
  ) as [number, number];
  return positive / (positive + negative);
}

describe.each(HOSTS)('scores by %s', (host) => {
  let judge: Ranker;
  beforeAll(async () => {
    judge = await open(dir, judgePrompts, host);
  });
  afterAll(() => judge.close?.());

  it("are the mean over the prompts of the answers' probabilities, by the book", async () => {
    const scores = await judge.score(groups);
    expect(scores.map((group) => group.length)).toEqual(groups.map((group) => group.length));
    for (const [g, candidates] of groups.entries()) {
      for (const [c, candidate] of candidates.entries()) {
        const expected = judgePrompts.map((_, p) => reference(candidate, p));
        const { score, perPrompt } = scores[g]![c]!;
        expect(perPrompt).toHaveLength(judgePrompts.length);
        for (const [p, value] of perPrompt.entries())
          expect(Math.abs(value - expected[p]!)).toBeLessThan(1e-5);
        expect(score).toBeCloseTo(expected.reduce((a, b) => a + b) / expected.length, 5);
      }
    }
    const all = scores.flat().flatMap(({ perPrompt }) => perPrompt);
    expect(Math.max(...all) - Math.min(...all)).toBeGreaterThan(0.2);
  });

  it('do not depend on what else is scored', async () => {
    const together = await judge.score([...groups, ...Array.from({ length: 12 }, (_, i) => group(i % 6, 4))]);
    for (const [g, candidates] of groups.entries()) {
      for (const [c, candidate] of candidates.entries()) {
        const alone = (await judge.score([[candidate]]))[0]![0]!;
        for (const [p, value] of alone.perPrompt.entries()) {
          expect(Math.abs(value - together[g]![c]!.perPrompt[p]!)).toBeLessThan(1e-5);
        }
      }
    }
  });

  it('of one prompt are what it adds to the ensemble', async () => {
    const together = await judge.score(groups);
    const third = await instructRmPrompts[2]!.open(optionsOf(dir, judgePrompts, host));
    const alone = await third.score(groups);
    await third.close?.();
    for (const [g, group] of together.entries())
      for (const [c, { perPrompt }] of group.entries()) {
        expect(alone[g]![c]!.perPrompt).toEqual([alone[g]![c]!.score]);
        expect(alone[g]![c]!.score).toBeCloseTo(perPrompt[2]!, 5);
      }
  });

  it('come with progress that ends at 1', async () => {
    const seen: number[] = [];
    await judge.score(groups, (done) => seen.push(done));
    expect(seen).toEqual([...seen].sort((a, b) => a - b));
    expect(seen.at(-1)).toBe(1);
    expect(await judge.score([])).toEqual([]);
  });
});

describe('what scores are made from', () => {
  const valuesOf = (asked: readonly JudgePrompt[], host: Host = 'engine', ranker = instructRm) =>
    JSON.stringify(ranker.madeFrom(optionsOf('a judge', asked, host)));

  it('is the judge, what hosts it, and the words that it is asked in', () => {
    expect(instructRm.madeFrom(optionsOf('a judge', judgePrompts, 'engine')).models).toEqual(['a judge']);
    const reworded = judgePrompts.map((prompt) => ({ ...prompt, prefix: () => 'Be honest.' }));
    const all = [valuesOf(judgePrompts), valuesOf(reworded), valuesOf(judgePrompts, 'transformers')];
    expect(new Set(all).size).toBe(3);
    expect(valuesOf(judgePrompts)).toBe(all[0]);
    expect(valuesOf(judgePrompts, 'engine', instructRmPrompts[1])).not.toBe(all[0]);
  });

  it('says where the task has no such prompt', () => {
    expect(() => valuesOf(judgePrompts.slice(0, 2), 'engine', instructRmPrompts[2])).toThrow(
      'the task has 2 prompts for its judge: there is no instruct-rm-3',
    );
  });
});

describe.each(HOSTS)('refuses, by %s,', (host) => {
  it('a question longer than the context', async () => {
    const judge = await open(dir, judgePrompts, host);
    const long = [[{ ...groups[0]![0]!, context: text(3, 200) }]];
    await expect(judge.score(long)).rejects.toThrow(/tokens long, its context holds 160/);
    await judge.close?.();
  });

  it('an answer of several tokens', async () => {
    const asked = [{ ...judgePrompts[0]!, positive: ' Absolutely!' }];
    await expect(open(dir, asked, host)).rejects.toThrow(/" Absolutely!" of the prompt ".*" is \d+ tokens/);
  });

  it('a folder without a model, or with a broken one', async () => {
    const other = join(dir, `other-${host}`);
    await buildGpt2Subset([' Yes No True False'], other);
    const file = { transformers: 'onnx/model.onnx', engine: 'model.safetensors' }[host];
    await expect(open(other, judgePrompts, 'transformers')).rejects.toThrow('has no onnx/model.onnx');
    await expect(open(other, judgePrompts, 'engine')).rejects.toThrow('config.json');
    await writeModel(other, config, tensors);
    await writeModel(join(other, 'onnx'), config, tensors);
    await writeFile(join(other, file), 'no model');
    await expect(open(other, judgePrompts, host)).rejects.toThrow(UserError);
  });

  it("a tokenizer that is not the model's", async () => {
    const mixed = join(dir, `mixed-${host}`);
    await mkdir(mixed);
    await copyTokenizer(dir, mixed);
    const small = { ...config, vocab_size: 100 };
    await writeModel(mixed, small, randomTensors(small));
    await exportOnnx(mixed);
    await expect(open(mixed, judgePrompts, host)).rejects.toThrow(
      /the model 100; they do not belong together/,
    );
  });

  it('a model that gives no numbers', async () => {
    const broken = join(dir, `broken-${host}`);
    await mkdir(broken);
    await copyTokenizer(dir, broken);
    const bad = new Map(tensors);
    bad.set('ln_f.bias', { ...tensors.get('ln_f.bias')!, data: new Float32Array(16).fill(Number.NaN) });
    await writeModel(broken, config, bad);
    await exportOnnx(broken);
    // The engine looks at the weights that it reads.
    const line = {
      transformers: /logits that are no numbers/,
      engine: /ln_f\.bias holds NaN as number 1 of 16/,
    };
    const scored = open(broken, judgePrompts, host).then((ranker) => ranker.score([group(1, 1)]));
    await expect(scored).rejects.toThrow(line[host]);
  });
});
