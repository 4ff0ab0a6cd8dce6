/** What π_θ is trained on, by the kind of targets: the texts, their weights, and what was asked to make them. */
import { expect, it } from 'vitest';
import { example, improve, refine, summary } from './prompts.js';
import { estimatesIn, expectEstimates } from './read.js';
import { type Finished, run } from './stage.js';

const ids = ['c0', 'c1', 'c2', 'c3'];
const written = (id: string) => `${id} base - 0 0.5`;
const feedback = (id: string) => `${id} wants more than base`;

/** Texts in the order of learning, of the only training. */
const taught = ({ asked }: Finished) => asked.trainings.map(({ steps }) => steps);
const inPairs = (texts: string[]) => [
  [texts.slice(0, 2), texts.slice(2)].map((of) => of.map((text) => example(text))),
];
/** What the refiner was told about contexts to learn from. */
const askedOf = ({ asked }: Finished) =>
  asked.samplings.filter(({ model, prompts }) => model === 'instruct' && prompts[0]!.includes('story c'));
const kinds = ({ asked }: Finished) => asked.annotated.filter(({ id }) => id.startsWith('c')).length;
const ranked = ({ asked }: Finished) => asked.ranked.length;

/** base>1 on held-out posts: it does not matter what it learned. */
const measured = {
  'score.base': 0.5,
  'score.tuned': 1.875 / 3,
  'score.gold': 2.0625 / 3,
  'score.tunedMinusBase': 0.375 / 3,
  'winRate.tunedVsBase': 2.5 / 3,
  'winRate.tunedVsGold': 2 / 3,
  'winRate.baseVsGold': 0.5 / 3,
};
function expectMeasured({ result }: Finished, n?: 'posterior') {
  const { score, winRate, posterior } = result;
  expectEstimates({ score, winRate }, measured);
  expect(posterior !== undefined).toBe(n !== undefined);
}

export function targets(): void {
  it('initial: what the model wrote, and no one else is asked', async () => {
    const went = await run({ targets: 'initial' });
    expect(taught(went)).toEqual(inPairs(ids.map(written)));
    expect([askedOf(went).length, kinds(went), ranked(went)]).toEqual([0, 0, 1]);
    expectMeasured(went);
  });

  it('gold: the references, and nothing is sampled for it', async () => {
    const went = await run({ targets: 'gold' });
    expect(taught(went)).toEqual(inPairs(ids.map((id) => `${id} gold - 0 0.5`)));
    expect(went.asked.samplings.flatMap(({ prompts }) => prompts).join()).not.toContain('story c');
    expect(kinds(went)).toBe(0);
    expectMeasured(went);
  });

  /** Which candidates were learned, where all are called `name` and a number. */
  function picks(went: Finished, name: string): number[] {
    const texts = taught(went)[0]!.flat();
    const chosen = texts.map(({ completion }) => Number(new RegExp(`${name}(\\d) `).exec(completion)?.[1]));
    expect(texts).toEqual(ids.map((id, i) => example(`${id} ${name}${chosen[i]} - 0 0.5`)));
    return chosen;
  }

  it.each([
    ['no-feedback', 'untold'],
    ['shuffled-feedback', 'other'],
  ] as const)('%s: a random refinement, other ones for another seed', async (targets, name) => {
    const [went, other] = [await run({ targets }), await run({ targets, seed: 8 })];
    const [chosen, others] = [picks(went, name), picks(other, name)];
    expect(new Set(chosen).size).toBeGreaterThan(1);
    expect(chosen).not.toEqual(others);
    const asked = askedOf(went);
    expect(asked.map(({ n }) => n)).toEqual([3]);
    expect(asked[0]!.prompts).toEqual(
      targets === 'no-feedback'
        ? ids.map((id) => improve(id, written(id)))
        : ids.map((id, i) => refine(id, written(id), feedback(ids[(i + 1) % 4]!))),
    );
    expect([kinds(went), ranked(went)]).toEqual([targets === 'no-feedback' ? 0 : 4, 1]);
    expectMeasured(went);
  });

  it('feedback-refinement: both, on one line; and the output is what follows', async () => {
    const went = await run({ targets: 'feedback-refinement', rounds: 2 });
    const lesson = (id: string, model: string, pick: string) =>
      example(`${id} wants more than ${model} New summary: ${id} ${pick}`);
    expect(taught(went)).toEqual([
      [
        [lesson('c0', 'base', 'told0 - 0 0.75 so'), lesson('c1', 'base', 'told1 - 0 1 so')],
        [lesson('c2', 'base', 'told2 - 0 0.75'), lesson('c3', 'base', 'told1 - 0 0.75 so so')],
      ],
      [
        [lesson('c4', 'base>1', 'told2 - 0 0.75 so so'), lesson('c5', 'base>1', 'told0 - 0 1 so so')],
        [lesson('c6', 'base>1', 'told0 - 0 0.5'), lesson('c7', 'base>1', 'told1 - 0 1 so so so')],
      ],
    ]);
    // 20 for an output, 64 more for feedback; one limit for both models whose distributions are compared.
    const rooms = went.asked.samplings
      .filter(({ model }) => model !== 'instruct')
      .map(({ model, temperature, maxNewTokens, prompts }) => [
        ...[model, temperature, maxNewTokens],
        prompts[0] === summary('h1') ? 'heldout' : 'ilf',
      ]);
    expect(rooms).toEqual([
      ['base', 0.5, 20, 'heldout'],
      ['base', 0.5, 20, 'heldout'],
      ['base', 0.5, 20, 'ilf'],
      ['base>1', 0.5, 84, 'heldout'],
      ['base>1', 1, 84, 'heldout'],
      ['base', 1, 84, 'heldout'],
      ['base>1', 0.5, 84, 'ilf'],
      ['base>1>2', 0.5, 84, 'heldout'],
      ['base>1>2', 1, 84, 'heldout'],
      ['base', 1, 84, 'heldout'],
    ]);
    expect(went.table('round-1/outputs').map(({ text }) => text)).toEqual([
      'h1 base>1 - 0.5 0.75',
      'h2 base>1 - 0.375 0.25',
      'h3 base>1 - 1 0.5',
    ]);
    expect(went.table('round-2/initial').map(({ text }) => text)).toEqual(
      ['c4', 'c5', 'c6', 'c7'].map((id) => `${id} base>1 - 0 0.5`),
    );
    // Of all that it wrote: "c4 lacks much New summary: c4 base>1 - 0 0.5", 4 bits a token.
    expect(went.table('round-2/initial')[0]!.logprob).toBeCloseTo(-11 * 4 * Math.LN2, 5);
    expectEstimates({ score: (went.result.score as { tuned: object }).tuned }, { score: 1.8125 / 3 });
  });

  it('posterior: all refinements, ω ∝ 16^R 2^−tokens, a context’s in one step; none that weigh next to nothing', async () => {
    const went = await run({ targets: 'posterior', epochs: 2, batch: 3 });
    const lessons = [
      // 4 R − words of padding: 2, 2, 1.
      [
        ['c0 told0 - 0 0.75 so', 2 / 5],
        ['c0 told1 - 0 0.5', 2 / 5],
        ['c0 told2 - 0 0.25', 1 / 5],
      ],
      // 1, 3, 2.
      [
        ['c1 told0 - 0 0.25', 1 / 7],
        ['c1 told1 - 0 1 so', 4 / 7],
        ['c1 told2 - 0 0.5', 2 / 7],
      ],
      // 2, −11, 3.
      [
        ['c2 told0 - 0 0.5', 1 / 3],
        ['c2 told2 - 0 0.75', 2 / 3],
      ],
      // 2, 1, 2.
      [
        ['c3 told0 - 0 0.5', 2 / 5],
        ['c3 told1 - 0 0.75 so so', 1 / 5],
        ['c3 told2 - 0 0.75 so', 2 / 5],
      ],
    ] as [string, number][][];
    const close = ([text, weight]: [string, number]) => ({
      ...example(text),
      weight: expect.closeTo(weight, 6),
      promptWeight: expect.closeTo(weight / 8, 6),
    });
    const steps = [lessons.slice(0, 3), lessons.slice(3)].map((step) => step.flat().map(close));
    expect(taught(went)).toEqual([[...steps, ...steps]]);
    const { options } = went.asked.trainings[0]!;
    expect(options).toMatchObject({ epochs: 2, stepSize: { sequences: 3 }, lr: 0.0625, warmup: 1 });
    expectMeasured(went, 'posterior');
    // The same weights, before those of next to nothing are left out; R = 0.25 weighs 2^−13 at its 12 words of padding.
    const tiny = 2 ** -11;
    const found = estimatesIn(went.result.posterior);
    expect(found.ess!.value).toBeCloseTo(
      (25 / 9 + 49 / 21 + (4 + tiny + 8) ** 2 / (16 + tiny ** 2 + 64) + 25 / 9) / 4,
      6,
    );
    expect(found.ess!.n).toBe(4);
  });
}
