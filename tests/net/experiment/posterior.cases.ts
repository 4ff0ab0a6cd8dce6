// The Bayesian view: calibration, weights, evidence, and KL from and to the targets, every value by hand.
import { describe, expect, it } from 'vitest';
import { contextIn, type FakeLM, script, seen } from './fake-lm.js';
import { expectValues, type Scripted, valuesOf, word } from './harness.js';

const log = Math.log;
const third = 1 / 3;

/**
 * Four proposals of each of two contexts, two of π_0's and two refinements: π_0 and π_ψ of them, the judge's score, the reward
 * as m = exp(r / β) with β = 1/2, and whether the oracle says that they settle all.
 */
const proposals = [
  [
    { prior: 3 / 8, refiner: 1 / 8, score: 0.2, m: 2, settled: 0.5 },
    { prior: 1 / 8, refiner: 3 / 8, score: 0.8, m: 6, settled: 1 },
    { prior: 1 / 16, refiner: 3 / 16, score: 0.8, m: 4, settled: 1 },
    { prior: 1 / 4, refiner: 1 / 4, score: 0.2, m: 1, settled: 0 },
  ],
  [
    { prior: 3 / 8, refiner: 1 / 8, score: 0.8, m: 1, settled: 1 },
    { prior: 3 / 8, refiner: 1 / 8, score: 0.8, m: 1, settled: 0 },
    { prior: 1 / 4, refiner: 1 / 4, score: 0.2, m: 2, settled: 1 },
    { prior: 1 / 8, refiner: 3 / 8, score: 0.8, m: 4, settled: 0.9 },
  ],
] as const;
// π_0 / q: 3/2, 1/2, 1/2, 1 and 3/2, 3/2, 1, 1/2.

/** Of each model: by how much more, in nats, it gives the k-th proposal, times k; its own texts than π_0; and r/β of these. */
const models: Record<string, { ofProposals: number; ofOwn: number; reward: number }> = {
  base: { ofProposals: 0, ofOwn: 0, reward: 1 },
  'arms/ilf-4': { ofProposals: 0.1, ofOwn: 3, reward: 2 },
  'arms/posterior-4': { ofProposals: 0.2, ofOwn: 4, reward: 3 },
  'arms/gold-4': { ofProposals: 0.3, ofOwn: 5, reward: 4 },
  'rl/beta-2': { ofProposals: -0.1, ofOwn: 6, reward: 5 },
  'rl/beta-0.5': { ofProposals: -0.2, ofOwn: 7, reward: 6 },
  'rl/beta-0.25': { ofProposals: -0.3, ofOwn: 8, reward: 7 },
};
/** Of each step of ILF's training the same of the proposals. */
const perStep = 0.01;

/** "heldout-0: base bb", "heldout-0: refined a"; π_0's first two texts and both refinements are the proposals. */
function placeOf(text: string): { i: number; by: string; j: number; k: number | null } {
  const [, i, by, letters] = /^heldout-(\d): (\S+) (\w+)$/.exec(text)!;
  const j = letters!.length - 1;
  return { i: Number(i), by: by!, j, k: j < 2 && by === 'base' ? j : by === 'refined' ? 2 + j : null };
}

const summaryOf = (id: string) => `Post: post of ${id}\nSummary:`;
/** Given and its feedback: heldout contexts have these in tables; the calibration's come from π_0 and the annotator. */
const refineOf = (id: string) => `${summaryOf(id)} ${id}: given\nFeedback: ${id}: feedback\nNew summary:`;

function logprob(lm: FakeLM, prompt: string, text: string): number {
  if (text.startsWith('ilf-')) return -3;
  const { i, by, j, k } = placeOf(text);
  const id = `heldout-${i}`;
  if (prompt === refineOf(id)) {
    expect(lm.role).toBe('instruct');
    return log(proposals[i]![k!]!.refiner);
  }
  expect(prompt).toBe(summaryOf(id));
  const more = lm.step === null ? models[lm.role]! : { ofProposals: perStep * lm.step, ofOwn: Number.NaN };
  if (k !== null) return log(proposals[i]![k]!.prior) + more.ofProposals * k;
  // A model's own.
  return -9 - j / 8 + (lm.role === by ? more.ofOwn : 0);
}

function writes(lm: FakeLM, prompt: string, j: number): string {
  const id = contextIn(prompt)!;
  if (lm.step !== null) return `${id}: trained ${word(j)}`;
  if (lm.role !== 'instruct') return `${id}: ${lm.role} ${word(j)}`;
  if (id.startsWith('heldout')) expect(prompt).toBe(refineOf(id));
  return `${id}: refined ${word(j)}`;
}

/** Of the calibration's texts, 0.8 of refinements and 0.2 of outputs; of models' own by turns. */
function judged(text: string): number {
  if (text.startsWith('ilf-')) return text.includes('refined') ? 0.8 : 0.2;
  const { i, j, k } = placeOf(text);
  return k === null ? (j % 2 === 0 ? 0.2 : 0.8) : proposals[i]![k]!.score;
}

const study = (of: Scripted = {}) => {
  Object.assign(script, { writes, logprob, steps: 12 });
  script.reward = (role, _, text) => {
    expect(role).toBe('reward-models/quality-bradley-terry-3');
    if (text.startsWith('ilf-')) return 0;
    const { i, by, k } = placeOf(text);
    return 0.5 * (k === null ? models[by]!.reward : log(proposals[i]![k]!.m));
  };
  script.rank = (name, _, { context, initial, feedback, refinement }) => {
    expect(name).toBe('instruct-rm');
    const id = contextIn(context)!;
    const given = id.startsWith('ilf-')
      ? [`${id}: base a`, `${id}: feedback on [${id}: base a]`]
      : [`${id}: given`, `${id}: feedback`];
    expect([initial, feedback]).toEqual(given);
    return judged(refinement);
  };
  return valuesOf('posterior', {
    score: () => Number.NaN,
    settles: (text, i) => proposals[i]![placeOf(`heldout-${i}: ${text}`).k!]!.settled,
    ...of,
    scale: { bestOf: 2, ...of.scale },
  });
};

/**
 * With the likelihoods of a score of 0.2 and of 0.8.
 */
function expectedWith(low: number, high: number, withOracle = true) {
  // π_0 L / q, a likelihood of each score; their mean is Z, their shares are the posterior's weights.
  const terms = [
    [1.5 * low, 0.5 * high, 0.5 * high, low],
    [1.5 * high, 1.5 * high, low, 0.5 * high],
  ];
  const likelihoods = [
    [low, high, high, low],
    [high, high, low, high],
  ];
  const sum = (of: readonly number[]) => of[0]! + of[1]! + of[2]! + of[3]!;
  const z = terms.map((of) => sum(of) / 4);
  const weights = terms.map((of) => of.map((term) => term / sum(of)));
  // 1.5 · 2, 0.5 · 6, 0.5 · 4, 1 and 1.5, 1.5, 2, 0.5 · 4.
  const zReward = [9 / 4, 7 / 4];
  const rewardWeights = [
    [3 / 9, 3 / 9, 2 / 9, 1 / 9],
    [1.5 / 7, 1.5 / 7, 2 / 7, 2 / 7],
  ];
  const m = [
    [2, 6, 4, 1],
    [1, 1, 2, 4],
  ];
  const ess = (of: readonly number[]) => 1 / sum(of.map((weight) => weight * weight));
  const sumOver = (of: readonly number[], values: readonly number[]) => sum(of.map((w, k) => w * values[k]!));
  const places = [0, 1, 2, 3];
  // Best of two of two refinements: the better one with 3/4 of the pairs, and the expected pick is the better one.
  const best = 0.25 * log(0.5) + 0.75 * log(1.5);
  /** KL from the picks: of the first context the first refinement is the better, ψ/π_0 = 3; of the second the second, 3. */
  const picks = (d: number) => [best + log(3) - 2 * d, best + log(3) - 3 * d];
  const named = (of: readonly number[]) => ({ 'heldout-0': of[0]!, 'heldout-1': of[1]! });
  const fromPosterior = (d: number) =>
    [0, 1].map(
      (i) => sumOver(weights[i]!, likelihoods[i]!.map(log)) - log(z[i]!) - d * sumOver(weights[i]!, places),
    );
  const fromReward = (d: number) =>
    [0, 1].map(
      (i) =>
        sumOver(rewardWeights[i]!, m[i]!.map(log)) -
        log(zReward[i]!) -
        d * sumOver(rewardWeights[i]!, places),
    );
  const targets = (role: string) => {
    const { ofProposals: d, ofOwn, reward } = models[role]!;
    // π_0's own begin with its two proposals, of which the judge and the reward say what they say.
    const own = [0, 1].map((i) => {
      const first = role === 'base' ? [likelihoods[i]![0]!, likelihoods[i]![1]!] : [low, high];
      return (log(first[0]!) + log(first[1]!) + 7 * (log(low) + log(high))) / 16;
    });
    const ownReward = [0, 1].map((i) =>
      role === 'base' ? (log(m[i]![0]!) + log(m[i]![1]!) + 14 * reward) / 16 : reward,
    );
    return {
      klFromPosterior: named(fromPosterior(d)),
      klFromRewardTarget: named(fromReward(d)),
      klFromPicks: named(picks(d)),
      essPosterior: named(weights.map(ess)),
      essRewardTarget: named(rewardWeights.map(ess)),
      klToPosterior: named([0, 1].map((i) => ofOwn - own[i]! + log(z[i]!))),
      klToRewardTarget: named([0, 1].map((i) => ofOwn - ownReward[i]! + log(zReward[i]!))),
    };
  };
  const change = (from: (d: number) => number[]) =>
    Object.fromEntries(
      [0, 3, 6, 9, 12].map((step) => [
        `step ${step}`,
        { 'heldout-0': from(perStep * step)[0]! - from(0)[0]! },
      ]),
    );
  const forecasts = (of: (score: number) => number) => ({
    predicted: Object.fromEntries(
      proposals.flatMap((four, i) => four.map(({ score }, k) => [`heldout-${i}#${k}`, of(score)])),
    ),
    happened: Object.fromEntries(
      proposals.flatMap((four, i) =>
        four.map(({ settled }, k) => [`heldout-${i}#${k}`, settled === 1 ? 1 : 0]),
      ),
    ),
  });
  // R is ln 4, ln 2, 0; π_0 1, 1, 1/2 and 1/q 1, 2, 1 but for a factor.
  const ofWeights = (...[a, b, c]: [number, number, number]) => {
    const value = (a + b + c) ** 2 / (a * a + b * b + c * c);
    return { ess: { 'ilf-0': value, 'ilf-1': value, 'ilf-2': value, 'ilf-3': value } };
  };
  return {
    ...(withOracle && {
      'InstructRM’s score': forecasts((score) => score),
      calibrated: forecasts((score) => (score === 0.2 ? low : high)),
    }),
    'exp(βR), β = 1': ofWeights(4, 2, 1),
    'exp(βR), β = 3': ofWeights(64, 8, 1),
    'exp(βR) π₀, β = 3': ofWeights(64, 8, 0.5),
    'exp(βR) π₀/q, β = 3': ofWeights(64, 16, 0.5),
    'base model': {
      evidence: named(z),
      logEvidence: named(z.map(log)),
      // Those that settle all: 1/2 + 1/2, and 3/2 + 1, of four.
      ...(withOracle && { evidenceOracle: named([1 / 4, 2.5 / 4]) }),
      ...targets('base'),
    },
    ILF: targets('arms/ilf-4'),
    'posterior-weighted refinements': targets('arms/posterior-4'),
    'gold summaries': targets('arms/gold-4'),
    'RL, β = 2': targets('rl/beta-2'),
    'RL, β = 0.5': targets('rl/beta-0.5'),
    'RL, β = 0.25': targets('rl/beta-0.25'),
    'klFromPosterior, change': change(fromPosterior),
    'klFromRewardTarget, change': change(fromReward),
    'klFromPicks, change': change(picks),
  };
}

describe('the posterior', () => {
  it('has the score for its likelihood where nobody can say what came true', async () => {
    const { values } = await study({ settles: null, options: { beta: 3 } });
    expectValues(values, expectedWith(0.2, 0.8, false));

    // Texts at temperature 1, a half of the proposals the refiner’s.
    const refined = seen.sampled.filter(({ role }) => role === 'instruct');
    expect(
      refined.map(({ n, prompts, settings }) => [n, prompts, settings.temperature, settings.topP]),
    ).toEqual([[2, [refineOf('heldout-0'), refineOf('heldout-1')], 1, 1]]);
    const own = seen.sampled.filter(({ n }) => n === 16);
    expect(own.map(({ role, prompts }) => [role, prompts.length])).toEqual(
      Object.keys(models).map((role) => [role, 2]),
    );
    for (const { settings } of own)
      expect(settings).toMatchObject({ temperature: 1, topP: 1, maxNewTokens: 40 });
    expect(new Set(seen.sampled.map(({ settings }) => settings.seed)).size).toBe(seen.sampled.length);
  });

  it('has a calibrated likelihood where the annotator can say it', async () => {
    const { values } = await study({
      options: { beta: 3 },
      scale: { places: { compared: ['ilf', 100], comparedHeldOut: ['ilf', 400], calibrated: ['ilf', 300] } },
      // Three of four refinements and one of four outputs do what was asked.
      follows: (text, context) =>
        ['refined a', context === 'ilf-300' ? 'refined bb' : 'base bb'].includes(text),
    });
    // Platt's targets are 5/6 and 1/6; the mean of those of 0.8 is (3 · 5 + 1) / 24.
    expectValues(values, expectedWith(third, 2 * third));
    expect((3 * 5 + 1) / 24).toBeCloseTo(2 * third);

    // The very training that made the arm's model, and no other.
    const ilf = seen.trained.get('arms/ilf-4')!;
    const [along] = seen.trainings.slice(-1);
    expect(along).toEqual(ilf);
    expect(along).not.toBe(ilf);
    expect(along!.lessons.map(({ text }) => text)).toEqual(
      [1, 2, 0, 1].map((pick, i) => `ilf-${i}: own ${pick}`),
    );
  });
});
