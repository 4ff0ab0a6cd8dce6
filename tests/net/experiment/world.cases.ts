// What the studies' world is made of, what RL's steps learn from, and the experiment from its seeds to its files.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { contextIn, script, seen } from './fake-lm.js';
import {
  openData,
  openHeldOut,
  openScripted,
  reinforce,
  runExperiment,
  scales,
  type Value,
  type World,
  word,
} from './harness.js';

/** What is written tells what was read. */
function writes(prompt: string, role: string, j: number): string {
  const id = contextIn(prompt)!;
  const [, post, x0, , feedback] = /^Post: (.*)\nSummary:(?: (.*)(\nFeedback: (.*))?\nNew summary:)?$/.exec(
    prompt,
  )!;
  expect(post).toBe(`post of ${id}`);
  return x0 === undefined
    ? `${id}: ${role} ${word(j)}`
    : `${id}: ${role} on [${x0}] told [${feedback ?? 'nothing'}] ${word(j)}`;
}

const world = async () => {
  script.writes = ({ role }, prompt, j) => writes(prompt, role, j);
  script.logprob = ({ role }, prompt, text) => {
    const refining = prompt.endsWith('New summary:');
    return -(role === 'base' ? 1 : 2) - (refining ? 10 : 0) - (text.endsWith('bb') ? 0.5 : 0);
  };
  // The second of even contexts, the first of odd ones.
  script.rank = (name, _, { context, initial, feedback, refinement }) => {
    const id = contextIn(context)!;
    expect(name).toBe('instruct-rm');
    expect(initial).toBe(`${id}: base a`);
    expect(feedback).toBe(`${id}: feedback on [${id}: base a]`);
    return refinement.endsWith(Number(id.slice(-1)) % 2 === 0 ? 'bb' : ' a') ? 0.75 : 0.25;
  };
  return openScripted();
};

/** What people read of a row: the text's tokens are what the tokenizer makes of it. */
const withoutIds = <Row extends { ids: unknown; tokenizer: unknown }>({
  ids: _,
  tokenizer: __,
  ...row
}: Row) => row;

/** Refinements of a context by what the refiner was told. */
const refined = (id: string, told: string) => {
  const feedback = told === 'nothing' ? told : `${told}: feedback on [${told}: base a]`;
  return ['a', 'bb'].map((letters) => `${id}: instruct on [${id}: base a] told [${feedback}] ${letters}`);
};

describe('what the world is made of', () => {
  const three = (split: string, from: number) => [0, 1, 2].map((i) => `${split}-${from + i}`);
  const next = (ids: readonly string[], i: number) => ids[(i + 1) % ids.length]!;
  const textsIn = (rows: readonly { context: string; candidate: number; text: string }[]) =>
    rows.map(({ context, candidate, text }) => [context, candidate, text]);
  const rowsOf = (ids: readonly string[], told: (i: number) => string) =>
    ids.flatMap((id, i) => refined(id, told(i)).map((text, candidate) => [id, candidate, text]));

  it('to learn from: outputs of π_0, feedback on them, and refinements told it, nothing, or the next one’s', async () => {
    const opened = await world();
    const data = await openData(opened, 3);
    await opened.close();
    const ids = three('ilf', 0);
    expect(data.contexts.map(({ id }) => id)).toEqual(ids);
    expect(data.initial.map(withoutIds)).toEqual(
      ids.map((context) => ({ context, text: `${context}: base a`, logprob: -1, sampled: true })),
    );
    expect(data.feedback.map(({ context, text, points }) => [context, text, points])).toEqual(
      ids.map((id) => [id, `${id}: feedback on [${id}: base a]`, `["points of ${id}"]`]),
    );
    expect(textsIn(data.refinements)).toEqual(rowsOf(ids, (i) => ids[i]!));
    expect(textsIn(data.noFeedback)).toEqual(rowsOf(ids, () => 'nothing'));
    expect(textsIn(data.shuffledFeedback)).toEqual(rowsOf(ids, (i) => next(ids, i)));
    for (const rows of [data.refinements, data.noFeedback, data.shuffledFeedback])
      expect(rows.map(({ logprob_refiner, logprob_base }) => [logprob_refiner, logprob_base])).toEqual(
        ids.flatMap(() => [
          [-12, -1],
          [-12.5, -1.5],
        ]),
      );
    expect(
      data.scores.map(({ context, candidate, mean, selected }) => [context, candidate, mean, selected]),
    ).toEqual([
      ['ilf-0', 0, 0.25, false],
      ['ilf-0', 1, 0.75, true],
      ['ilf-1', 0, 0.75, true],
      ['ilf-1', 1, 0.25, false],
      ['ilf-2', 0, 0.25, false],
      ['ilf-2', 1, 0.75, true],
    ]);
  });

  it('held out: the same of other contexts, and π_0’s outputs', async () => {
    const opened = await world();
    const held = await openHeldOut(opened, 3, 4);
    await opened.close();
    const ids = three('heldout', 4);
    expect(held.contexts.map(({ id }) => id)).toEqual(ids);
    for (const rows of [held.base, held.initial])
      expect(rows.map(withoutIds)).toEqual(
        ids.map((context) => ({ context, text: `${context}: base a`, logprob: -1, sampled: true })),
      );
    expect(textsIn(held.refinements)).toEqual(rowsOf(ids, (i) => ids[i]!));
    expect(textsIn(held.noFeedback)).toEqual(rowsOf(ids, () => 'nothing'));
    expect(textsIn(held.shuffledFeedback)).toEqual(rowsOf(ids, (i) => next(ids, i)));
    expect(held.scores.filter(({ selected }) => selected).map(({ candidate }) => candidate)).toEqual([
      1, 0, 1,
    ]);
    expect(held.feedback.map(({ points }) => points)).toEqual(ids.map((id) => `["points of ${id}"]`));
  });
});

describe('RL’s steps', () => {
  const options = { beta: 0.5, prompts: 2, samples: 3, steps: 5, lr: 0.01, maxTokens: 9 };
  // By context and text; π_θ − π_0 by step and text.
  const rewards = [
    [1, 2, 6],
    [0, 3, 3],
    [5, 1, 0],
    [2, 2, 2],
    [-1, 4, 0],
  ];
  const ratios = [
    [0, 0.5, 1],
    [1, -1, 3],
    [2, 2, -4],
  ];
  /** Each against the mean of the two others. */
  const advantages = ([a, b, c]: readonly number[]) => [
    a! - (b! + c!) / 2,
    b! - (a! + c!) / 2,
    c! - (a! + b!) / 2,
  ];
  const run = async (seed: number, beta = 0.5) => {
    script.writes = ({ role, step }, prompt, j) => `${contextIn(prompt)}: ${role} at ${step} ${word(j)}`;
    script.logprob = ({ role, step }, _, text) => {
      const [, s, letters] = / at (\d) (\w+)$/.exec(text)!;
      expect(role).toBe('base');
      if (step === null) return -8;
      expect(step).toBe(Number(s));
      return -8 + ratios[step % 3]![letters!.length - 1]!;
    };
    const opened = await openScripted();
    const asked = await reinforce(
      opened,
      5,
      { ...options, beta },
      (post, text) => {
        expect(text.startsWith(`${contextIn(post)}: base at `)).toBe(true);
        return rewards[Number(contextIn(post)!.slice(-1))]![/ (\w+)$/.exec(text)![1]!.length - 1]!;
      },
      seed,
    );
    await opened.close();
    const contexts = asked.rollouts.map((of) => of.map(({ prompt }) => Number(contextIn(prompt)!.slice(-1))));
    return { ...asked, contexts, sampled: [...seen.sampled] };
  };

  it('learn from texts of π_θ as it is then, by rewards less β times ln π_θ/π_0', async () => {
    const { log, rollouts, contexts, training } = await run(1);
    expect([training.start, training.lr, training.steps]).toEqual(['base', 0.01, 5]);
    for (const [s, of] of rollouts.entries()) {
      const [first, second] = [contexts[s]![0]!, contexts[s]![3]!];
      expect(contexts[s]).toEqual([first, first, first, second, second, second]);
      expect(of.map(({ text }) => text)).toEqual(
        contexts[s]!.map((i, k) => `ilf-${i}: base at ${s} ${word(k % 3)}`),
      );
      const penalised = [first, second].map((i) => rewards[i]!.map((r, j) => r - 0.5 * ratios[s % 3]![j]!));
      expect(of.map(({ advantage }) => advantage)).toEqual(
        penalised.flatMap(advantages).map((value) => expect.closeTo(value, 4)),
      );
      const sums = [0, 0];
      for (const i of [first, second])
        for (const j of [0, 1, 2]) {
          sums[0]! += rewards[i]![j]! / 6;
          sums[1]! += ratios[s % 3]![j]! / 6;
        }
      expect(log[s]).toEqual({
        step: s + 1,
        reward: expect.closeTo(sums[0]!, 5),
        kl: expect.closeTo(sums[1]!, 5),
        // "ilf-0:", "base", "at", "0", "a", and the end.
        length: 6,
        loss: 100 + s,
        grad_norm: 200 + s,
      });
    }
    // The mean of ln π_θ − ln π_0 at each step.
    expect(log.map(({ kl }) => kl)).toEqual([0.5, 1, 0, 0.5, 1].map((value) => expect.closeTo(value, 5)));
    expect((await run(1, 0)).rollouts.flat()).not.toEqual(rollouts.flat());
  });

  it('each have contexts and a seed of their own, which the training’s seed decides', async () => {
    const { contexts, sampled } = await run(1);
    const taken = contexts.flatMap((of) => [of[0]!, of[3]!]);
    // A pass over all five, then another, in another order.
    for (const pass of [taken.slice(0, 5), taken.slice(5)]) expect([...pass].sort()).toEqual([0, 1, 2, 3, 4]);
    expect(taken.slice(5)).not.toEqual(taken.slice(0, 5));
    const own = sampled.filter(({ step }) => step !== null);
    expect(own.map(({ step, n }) => [step, n])).toEqual([
      [0, 3],
      [1, 3],
      [2, 3],
      [3, 3],
      [4, 3],
    ]);
    for (const { settings } of own)
      expect(settings).toMatchObject({ temperature: 1, topP: 1, topK: 0, maxNewTokens: 9 });
    const other = await run(2);
    const seeds = [...own, ...other.sampled.filter(({ step }) => step !== null)].map(
      ({ settings }) => settings.seed,
    );
    expect(new Set(seeds).size).toBe(10);
    expect(other.contexts).not.toEqual(contexts);
    expect((await run(1)).sampled).toEqual(sampled);
  });
});

describe('the experiment', () => {
  it('runs each study on each seed’s world, and writes what they gave', async () => {
    script.writes = ({ role }, prompt, j) => `${contextIn(prompt) ?? ''} ${role} ${word(j)}`.trim();
    script.logprob = () => -1;
    script.rank = (_, __, { refinement }) => refinement.length;
    const worlds: unknown[] = [];
    const study = (name: string, of: (seed: number) => Value[]) => ({
      name,
      valuesIn: async ({ run: { options }, scale, heldOut, data, oracle, scorer }: World) => {
        const { seed, contexts, heldout } = options;
        worlds.push([name, seed, contexts, heldout, scale.heldoutFrom]);
        expect(heldOut.contexts.map(({ id }) => id)).toEqual(
          [7, 8].map((from) => expect.stringMatching(`^heldout-\\d*${from}$`)),
        );
        expect(data.contexts.length).toBe(3);
        expect(oracle).not.toBeNull();
        expect(scorer).toBe(oracle);
        return of(seed);
      },
    });
    const value = (arm: string, measure: string, context: string, value: number): Value => ({
      arm,
      measure,
      context,
      value,
    });
    const { out, values, estimates, document, report } = await runExperiment(
      [
        study('ladder', (seed) => [
          value('small', 'gain', 'b', seed),
          value('small', 'gain', 'a', 10 * seed),
        ]),
        study('rl', (seed) => [
          value('RL', 'score', 'a', 0.25 * seed),
          value('RL', 'score', 'b', 0.125 * seed),
          value('RL', 'trainingReward', '1', seed),
        ]),
      ],
      [3, 1],
      { heldout: 2, heldoutFrom: 7, sizes: [2, 3], usual: 2 },
    );
    expect(worlds).toEqual([
      ['ladder', 3, 3, 2, 7],
      ['rl', 3, 3, 2, 7],
      ['ladder', 1, 3, 2, 7],
      ['rl', 1, 3, 2, 7],
    ]);
    expect(values.map((row) => Object.values(row))).toEqual([
      [3, 'ladder', 'small', 'gain', 'b', 3],
      [3, 'ladder', 'small', 'gain', 'a', 30],
      [3, 'rl', 'RL', 'score', 'a', 0.75],
      [3, 'rl', 'RL', 'score', 'b', 0.375],
      [3, 'rl', 'RL', 'trainingReward', '1', 3],
      [1, 'ladder', 'small', 'gain', 'b', 1],
      [1, 'ladder', 'small', 'gain', 'a', 10],
      [1, 'rl', 'RL', 'score', 'a', 0.25],
      [1, 'rl', 'RL', 'score', 'b', 0.125],
      [1, 'rl', 'RL', 'trainingReward', '1', 1],
    ]);
    // Means over contexts of seed 1 and of seed 3, and over both; the course of a training is none.
    expect(
      estimates.map(({ lo: _, hi: __, per_seed, ...row }) => [...Object.values(row), ...per_seed]),
    ).toEqual([
      ['ladder', 'small', 'gain', 11, 2, 5.5, 16.5],
      ['rl', 'RL', 'score', 0.375, 2, 0.1875, 0.5625],
    ]);
    const file = JSON.parse(readFileSync(join(out, 'result.json'), 'utf8'));
    expect(file).toEqual(JSON.parse(JSON.stringify(document)));
    expect(file).toMatchObject({
      command: 'node train.js experiment --made-up',
      quick: true,
      seeds: [3, 1],
      contexts: 2,
      options: { seed: '3, 1', lr: 0.001, data: null, temperature: 0.7 },
      versions: { ilf: '1.2.3' },
    });
    expect(
      file.estimates.map(({ study: of, value: mean }: { study: string; value: number }) => [of, mean]),
    ).toEqual([
      ['ladder', 11],
      ['rl', 0.375],
    ]);
    expect(file.seconds).toBeGreaterThan(0);
    expect(report.sections.map(({ id }) => id)).toEqual(['ladder', 'rl']);
    expect(readFileSync(join(out, 'report.html'), 'utf8')).toContain('<th scope="row">small</th>');
  });

  it('on a person’s own contexts has no oracle, and scores by likeness to the reference', async () => {
    script.writes = ({ role }, prompt, j) => `${contextIn(prompt)} ${role} ${word(j)}`;
    script.logprob = () => -1;
    script.rank = (_, __, { refinement }) => refinement.length;
    const lines = Array.from({ length: 10 }, (_, i) => ({ context: `post of ilf-${i}`, gold: `gold ${i}` }));
    const seenBy: unknown[] = [];
    const { report, document } = await runExperiment(
      [
        {
          name: 'refinements',
          valuesIn: async ({ oracle, scorer, scale, heldOut, data }) => {
            const context = { ...heldOut.contexts[0]!, gold: 'one two three four' };
            // Three of four words, and three of four: F1 is 3/4.
            const texts = ['one two three four', 'one two six four', 'five'];
            seenBy.push(oracle, await scorer.score(texts.map((text) => ({ context, text }))));
            seenBy.push([
              scale.heldout,
              heldOut.contexts.length,
              scale.sizes,
              data.contexts.length,
              scale.usual,
            ]);
            return [{ arm: 'without feedback', measure: 'winVsInitial', context: 'a', value: 0.5 }];
          },
        },
      ],
      [1],
      {},
      lines,
    );
    expect(seenBy).toEqual([
      null,
      [1, 0.75, 0].map((value) => expect.closeTo(value, 5)),
      // A fifth of ten is held out.
      [2, 2, [8], 8, 8],
    ]);
    expect(report.title).toContain('ILF on letters');
    expect(report.judge).toContain('ROUGE-L');
    expect(document).toMatchObject({ contexts: 2, seeds: [1] });
    await expect(
      runExperiment([{ name: 'ladder', embedded: true, valuesIn: async () => [] }], [1], {}, lines),
    ).rejects.toThrow('ladder is about the embedded world alone');
  });

  it('is of the size that is documented', () => {
    const { full, quick } = scales;
    expect(full).toEqual({
      heldout: 250,
      heldoutFrom: 1000,
      texts: 4,
      sizes: [25, 100, 300, 1000],
      usual: 300,
      comparisons: [100, 300, 1000],
      comparisonsHeldOut: 500,
      bestOf: 64,
      bestOfContexts: 150,
      betas: [2, 0.5, 0.125],
      rlSteps: 50,
      unconditional: 1000,
      posterior: 50,
      calibration: 200,
      rounds: 3,
      ladder: { rungs: [0, 1, 2, 3], steps: 900 },
      places: { compared: ['ilf', 100_000], comparedHeldOut: ['ilf', 400_000], calibrated: ['ilf', 300_000] },
    });
    expect(quick).toMatchObject({
      heldout: 60,
      heldoutFrom: 500,
      usual: 100,
      betas: [0.5],
      places: full.places,
    });
  });
});
