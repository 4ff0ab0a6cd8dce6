/**
 * The loop with scripted models, two rounds: what each model was asked, on which contexts, by which settings and seeds; and what
 * it was trained on.
 */
import { beforeAll, expect, it } from 'vitest';
import { example, improve, refine, summary } from './prompts.js';
import { type Finished, folders, run } from './stage.js';

const held = ['h1', 'h2', 'h3'];
const first = ['c0', 'c1', 'c2', 'c3'];
const second = ['c4', 'c5', 'c6', 'c7'];
const baseOutput: Record<string, string> = {
  h1: 'h1 base - 0.5 0.25',
  h2: 'h2 base - 0.25 0.5',
  h3: 'h3 base - 0.75 0.25',
};

export function asked(): void {
  let went: Finished;
  let again: Finished;
  beforeAll(async () => {
    went = await run({ rounds: 2 }, { page: true });
    again = await run({ rounds: 2, roundMode: 'retrain' });
  });

  const use = { temperature: 0.5, topP: 0.75, topK: 0, maxNewTokens: 20 };
  const free = { temperature: 1, topP: 1, topK: 0, maxNewTokens: 20 };
  const ordered = (list: object[]) => list.map((of) => JSON.stringify(of)).sort();

  /** Each round's and the held-out contexts' prompts, where round 2's model is `tuned`. */
  const expected = (tuned: string) => [
    // What is compared with, and x0.
    ...[0, 1].map(() => ({ model: 'base', prompts: held.map(summary), n: 1, ...use })),
    {
      ...{ model: 'instruct', n: 3, ...use },
      prompts: held.map((id) => refine(id, baseOutput[id]!, `${id} wants more than base`)),
    },
    { model: 'instruct', prompts: held.map((id) => improve(id, baseOutput[id]!)), n: 3, ...use },
    {
      ...{ model: 'instruct', n: 3, ...use },
      prompts: [
        refine('h1', baseOutput.h1!, 'h2 wants more than base'),
        refine('h2', baseOutput.h2!, 'h3 wants more than base'),
        refine('h3', baseOutput.h3!, 'h1 wants more than base'),
      ],
    },
    { model: 'base', prompts: first.map(summary), n: 1, ...use },
    {
      ...{ model: 'instruct', n: 3, ...use },
      prompts: first.map((id) => refine(id, `${id} base - 0 0.5`, `${id} wants more than base`)),
    },
    // What it said twice.
    {
      ...{ model: 'instruct', n: 1, ...use },
      prompts: [refine('c3', 'c3 base - 0 0.5', 'c3 wants more than base')],
    },
    { model: 'base>1', prompts: held.map(summary), n: 1, ...use },
    { model: 'base>1', prompts: held.map(summary), n: 1, ...free },
    { model: 'base', prompts: held.map(summary), n: 1, ...free },
    // The newest model, whichever way rounds go on.
    { model: 'base>1', prompts: second.map(summary), n: 1, ...use },
    {
      ...{ model: 'instruct', n: 3, ...use },
      prompts: second.map((id) => refine(id, `${id} base>1 - 0 0.5`, `${id} wants more than base>1`)),
    },
    { model: tuned, prompts: held.map(summary), n: 1, ...use },
    { model: tuned, prompts: held.map(summary), n: 1, ...free },
    { model: 'base', prompts: held.map(summary), n: 1, ...free },
  ];
  const samplings = ({ asked }: Finished) =>
    asked.samplings.map(({ model, prompts, n, temperature, topP, topK, maxNewTokens }) => ({
      ...{ model, prompts, n, temperature, topP, topK, maxNewTokens },
    }));
  const keyed = (of: ReturnType<typeof samplings>) =>
    ordered(of.map((one) => Object.fromEntries(Object.entries(one).sort())));

  it('of models that write: whom, what, how', () => {
    expect(keyed(samplings(went))).toEqual(keyed(expected('base>1>2')));
    expect(keyed(samplings(again))).toEqual(keyed(expected('base>2')));
    for (const { temperature, stops } of went.asked.samplings) {
      expect(stops).toContain('⟨end⟩');
      // A KL is of all that a model writes.
      expect(stops.includes('\n')).toBe(temperature !== 1);
    }
  });

  /** Everything random of a run. */
  const seedsOf = ({ asked }: Finished) => [
    ...asked.samplings.map(({ seed }) => seed),
    ...asked.trainings.map(({ options: { seed } }) => seed),
    ...new Set(asked.annotated.map(({ key }) => Number(key))),
  ];

  it('with a seed of its own for each step of each round, other ones for another seed of the run', async () => {
    const seeds = seedsOf(went);
    expect(seeds.length).toBe(16 + 2 + 3);
    expect(new Set(seeds).size).toBe(seeds.length);
    for (const seed of seeds) expect(seed === Math.trunc(seed) && seed >= 0 && seed < 2 ** 31).toBe(true);
    const other = await run({ rounds: 2, seed: 8 });
    expect(seedsOf(other).length).toBe(seeds.length);
    for (const seed of seedsOf(other)) expect(seeds).not.toContain(seed);
    // The KL names the seeds that its texts were sampled with.
    const { kl: of } = went.result as { kl: Record<string, { sampling: { seed: number } }> };
    const texts = went.asked.samplings.filter(({ temperature }) => temperature === 1).slice(-2);
    expect(texts.map(({ model, seed }) => [model, seed])).toEqual([
      ['base>1>2', of.tunedFromBase!.sampling.seed],
      ['base', of.baseFromTuned!.sampling.seed],
    ]);
  });

  it('of the annotator: this round’s outputs, by this round’s model', () => {
    expect(went.asked.annotated.map(({ id, output }) => [id, output])).toEqual([
      ...held.map((id) => [id, baseOutput[id]]),
      ...first.map((id) => [id, `${id} base - 0 0.5`]),
      ...second.map((id) => [id, `${id} base>1 - 0 0.5`]),
    ]);
  });

  const told: Record<string, string[]> = {
    c0: ['c0 told0 - 0 0.75 so', 'c0 told1 - 0 0.5', 'c0 told2 - 0 0.25'],
    c1: ['c1 told0 - 0 0.25', 'c1 told1 - 0 1 so', 'c1 told2 - 0 0.5'],
    c2: ['c2 told0 - 0 0.5', `c2 told1 - 0 0.25${' so'.repeat(12)}`, 'c2 told2 - 0 0.75'],
    c3: ['c3 told0 - 0 0.5', 'c3 told1 - 0 0.75 so so', 'c3 told2 - 0 0.75 so'],
    c4: ['c4 told0 - 0 0.25', 'c4 told1 - 0 0.5', 'c4 told2 - 0 0.75 so so'],
    c5: ['c5 told0 - 0 1 so so', 'c5 told1 - 0 0.75 so', 'c5 told2 - 0 0.25'],
    c6: ['c6 told0 - 0 0.5', 'c6 told1 - 0 0.5 so', 'c6 told2 - 0 0.25'],
    c7: ['c7 told0 - 0 0.5', 'c7 told1 - 0 1 so so so', 'c7 told2 - 0 0.75 so so so'],
  };
  /** x0 and f of a context to learn from. */
  const madeFrom = (id: string): [string, string] => {
    const model = first.includes(id) ? 'base' : 'base>1';
    return [`${id} ${model} - 0 0.5`, `${id} wants more than ${model}`];
  };

  it('of models that score: their own outputs, and refinements under the refiner as it was told and under π_0', () => {
    const item = (model: string, prompt: string, text: string) => ({
      ...{ model, prompt, completion: ` ${text}⟨end⟩` },
    });
    const outputs = (model: string, texts: string[]) =>
      texts.map((text) => item(model, summary(text.split(' ')[0]!), text));
    const refinements = [...first, ...second].flatMap((id) =>
      told[id]!.flatMap((text) => [
        item('instruct', refine(id, ...madeFrom(id)), text),
        item('base', summary(id), text),
      ]),
    );
    expect(ordered(went.asked.scored)).toEqual(
      ordered([
        ...outputs('base', Object.values(baseOutput)),
        ...outputs('base', Object.values(baseOutput)),
        ...outputs(
          'base',
          first.map((id) => `${id} base - 0 0.5`),
        ),
        ...outputs(
          'base>1',
          second.map((id) => `${id} base>1 - 0 0.5`),
        ),
        ...outputs('base>1', ['h1 base>1 - 0.5 0.75', 'h2 base>1 - 0.375 0.25', 'h3 base>1 - 1 0.5']),
        ...outputs('base>1>2', [
          'h1 base>1>2 - 0.6875 0.5',
          'h2 base>1>2 - 0.125 0.75',
          'h3 base>1>2 - 1 0.125',
        ]),
        ...refinements,
      ]),
    );
  });

  it('and what they said stands in the tables', () => {
    const nats = (bits: number) => expect.closeTo(-bits * Math.LN2, 5);
    const rows = went.table('round-1/refinements');
    expect(rows.map(({ context, candidate, text }) => [context, candidate, text])).toEqual(
      first.flatMap((id) => told[id]!.map((text, i) => [id, i, text])),
    );
    // Six tokens and one a word of padding: 1 bit each by the refiner, 2 by the base model.
    expect(rows[0]).toMatchObject({ logprob_refiner: nats(7), logprob_base: nats(14) });
    expect(rows[7]).toMatchObject({ logprob_refiner: nats(18), logprob_base: nats(36) });
    expect(went.table('round-1/scores').map(({ mean, selected }) => [mean, selected])).toEqual([
      ...[
        [0.75, true],
        [0.5, false],
        [0.25, false],
      ],
      ...[
        [0.25, false],
        [1, true],
        [0.5, false],
      ],
      ...[
        [0.5, false],
        [0.25, false],
        [0.75, true],
      ],
      // The first of equals.
      ...[
        [0.5, false],
        [0.75, true],
        [0.75, false],
      ],
    ]);
    const initial = { text: 'c4 base>1 - 0 0.5', logprob: nats(6 * 4), sampled: true };
    expect(went.table('round-2/initial')[0]).toMatchObject(initial);
    expect(went.table('round-2/outputs')[2]).toMatchObject({
      text: 'h3 base>1>2 - 1 0.125',
      logprob: nats(6 * 5),
      sampled: true,
    });
    expect(went.table('heldout/outputs')).toEqual(went.table('heldout/initial'));
    expect(went.table('heldout/shuffled-feedback').map(({ text }) => text)).toEqual(
      expect.arrayContaining(['h1 other2 fact 0.25 0.5', 'h3 other1 fact,length 0.125 0']),
    );
    const kl1 = went.table('round-1/kl');
    expect(kl1.map(({ direction, context }) => [direction, context])).toEqual(
      ['tunedFromBase', 'baseFromTuned'].flatMap((direction) => held.map((id) => [direction, id])),
    );
    expect(kl1[3]).toMatchObject({
      logprobs_q: [-1, -1, -1, -1],
      logprobs_p: [-1.25, -1.125, -1.125, -1.125],
      exact: [0.75, 0.375, 0.375, 0.375],
    });
  });

  it('of the two models that are compared: texts that the first one wrote', () => {
    const texts = (q: string, words: number[]) =>
      held.map((id, i) => ({ id, text: [id, q, ...Array(words[i]! - 2).fill('free')].join(' ') }));
    const compared = (q: string, p: string, words: number[]) =>
      texts(q, words).map(({ id, text }) => ({ q, p, prompt: summary(id), completion: ` ${text}⟨end⟩` }));
    expect(ordered(went.asked.compared)).toEqual(
      ordered([
        ...compared('base>1', 'base', [3, 4, 7]),
        ...compared('base', 'base>1', [3, 4, 5]),
        ...compared('base>1>2', 'base', [4, 4, 7]),
        ...compared('base', 'base>1>2', [3, 4, 5]),
      ]),
    );
  });

  it('of the ranker: refinements with what they were made from', () => {
    expect(went.asked.rankersOpened.map(({ name }) => name)).toEqual(['instruct-rm']);
    expect(went.asked.rankersOpened[0]!.models).toMatchObject({
      ...{ judge: folders.judge, seed: 7, host: 'transformers' },
    });
    expect(went.asked.closed).toEqual(['instruct-rm']);
    const group = (id: string, [initial, feedback]: [string, string], texts: string[]) =>
      texts.map((refinement) => ({ context: `The story ${id}`, initial, feedback, refinement }));
    expect(went.asked.ranked.map(({ groups }) => groups)).toEqual([
      [
        group(
          'h1',
          [baseOutput.h1!, 'h1 wants more than base'],
          [
            'h1 told0 fact 0.5 0.25',
            'h1 told1 fact,length 0.75 0.5 longestoftheall',
            'h1 told2 fact 0.25 0.75 a b c d',
          ],
        ),
        group(
          'h2',
          [baseOutput.h2!, 'h2 wants more than base'],
          ['h2 told0 fact 1 0.75 a b', 'h2 told1 - 0.5 0.25 longestofthese', 'h2 told2 fact 0.75 0.5'],
        ),
        group(
          'h3',
          [baseOutput.h3!, 'h3 wants more than base'],
          [
            'h3 told0 length 0.5 0.5 thelongestofthesethree',
            'h3 told1 fact,length 0.875 1 a',
            'h3 told2 length,fact 0.625 0.25',
          ],
        ),
      ],
      first.map((id) => group(id, madeFrom(id), told[id]!)),
      second.map((id) => group(id, madeFrom(id), told[id]!)),
    ]);
  });

  it('of training: the picks of this round on the last model, or of all rounds on π_0', () => {
    const picks = [
      [example('c0 told0 - 0 0.75 so'), example('c1 told1 - 0 1 so')],
      [example('c2 told2 - 0 0.75'), example('c3 told1 - 0 0.75 so so')],
      [example('c4 told2 - 0 0.75 so so'), example('c5 told0 - 0 1 so so')],
      [example('c6 told0 - 0 0.5'), example('c7 told1 - 0 1 so so so')],
    ];
    const taught = ({ asked }: Finished) => asked.trainings.map(({ from, steps }) => ({ from, steps }));
    expect(taught(went)).toEqual([
      { from: 'base', steps: picks.slice(0, 2) },
      { from: 'base>1', steps: picks.slice(2) },
    ]);
    expect(taught(again)).toEqual([
      { from: 'base', steps: picks.slice(0, 2) },
      { from: 'base', steps: picks },
    ]);
    for (const { options: of } of [...went.asked.trainings, ...again.asked.trainings])
      expect(of).toMatchObject({ lr: 0.0625, epochs: 1, warmup: 1, stepSize: { sequences: 2 } });
    const losses = [11, 12, 21, 22, 23, 24];
    expect(again.scalars).toEqual(
      losses.map((loss) => [`round-${Math.floor(loss / 10)}/loss`, loss % 10, loss]),
    );
    expect(went.table('round-2/targets').map(({ weight }) => weight)).toEqual([1, 1, 1, 1]);
  });
}
