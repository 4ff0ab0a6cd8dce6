// Every estimator against the enumerated truth, 200 times. Each repetition takes one of four worlds that are small enough to
// enumerate, and draws fresh samples of several contexts in it. The estimate over the contexts must lie within 3 standard
// errors of the truth in at least 95% of the repetitions; the standard error comes from the spread of the repetition's own
// contexts. That 1 standard error holds no more than a good two thirds shows that the standard errors are not just large,
// and estimators that are wrong on purpose show that the criterion tells them.
import { describe, expect, it } from 'vitest';
import { bestOfNKl, bestOfNKlBound, bestOfNKlToBase, expectedBestOfN } from '../../src/bayes/best-of-n.js';
import { calibrate, reliability } from '../../src/bayes/calibration.js';
import { klByPosition, klByToken } from '../../src/bayes/decompose.js';
import { winRate } from '../../src/bayes/estimate.js';
import { estimateKl, type KlSubject, k2 } from '../../src/bayes/kl.js';
import { passAtK } from '../../src/bayes/pass-at-k.js';
import { logEvidence, posteriorWeights } from '../../src/bayes/posterior.js';
import { evidenceEstimate, klFromTarget, klToTarget } from '../../src/bayes/target.js';
import {
  exactKl,
  expectation,
  klSample,
  logProb,
  sequences,
  type TinyContext,
  type TinyModel,
  tinyContext,
  tokenLogProbs,
  uniform,
} from './tiny-model.js';

const worlds = [1, 2, 3, 4].map((seed) => tinyContext(seed, 0.4));
const once = { resamples: 1, method: 'percentile' } as const; // only the values count here

type Named = Record<string, number>;

/** Estimators that share their samples: of what is drawn for a context, from many contexts or one, and its truth. */
interface Family<Drawn> {
  /** Contexts in each repetition; 20 unless told. */
  contexts?: number;
  draw: (context: TinyContext, random: () => number) => Drawn;
  estimate: (contexts: Drawn[]) => Named;
  truth: (context: TinyContext) => Named;
}

/** Share of repetitions whose error is within 1 and within 3 standard errors, by estimator. */
function shares<Drawn>({ contexts = 20, draw, estimate, truth }: Family<Drawn>, repetitions: number) {
  const random = uniform(1);
  const truths = worlds.map(truth);
  const within = Object.fromEntries(Object.keys(truths[0]!).map((name) => [name, { one: 0, three: 0 }]));
  for (let r = 0; r < repetitions; r++) {
    const world = r % worlds.length;
    const drawn = Array.from({ length: contexts }, () => draw(worlds[world]!, random));
    const together = estimate(drawn);
    const alone = drawn.map((context) => estimate([context]));
    for (const [name, count] of Object.entries(within)) {
      const values = alone.map((of) => of[name]!);
      const mean = average(values);
      const variance = values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / (contexts - 1);
      const error = Math.abs(together[name]! - truths[world]![name]!);
      const standardErrors = error / Math.sqrt(variance / contexts);
      if (standardErrors <= 1) count.one += 1 / repetitions;
      if (standardErrors <= 3) count.three += 1 / repetitions;
    }
  }
  return within;
}

function meetsCriterion<Drawn>(family: Family<Drawn>): void {
  for (const [name, { one, three }] of Object.entries(shares(family, 200))) {
    expect(three, `${name}: within 3 standard errors`).toBeGreaterThanOrEqual(0.95);
    expect(one, `${name}: within 1 standard error`).toBeGreaterThan(0.5);
    expect(one, `${name}: within 1 standard error`).toBeLessThan(0.82); // 0.68 ± 4 · 0.033
  }
}

const average = (values: number[]) => values.reduce((sum, v) => sum + v, 0) / values.length;
const all = sequences();

/** Samples, each one of the arrays in `all`, so that what is known of a sequence can be looked up by it. */
function many(n: number, model: TinyModel, random: () => number): number[][] {
  const chances = logs(model, all).map(Math.exp);
  return Array.from({ length: n }, () => {
    let u = random();
    let i = 0;
    while (i < all.length - 1 && u >= chances[i]!) u -= chances[i++]!;
    return all[i]!;
  });
}

const known = new WeakMap<TinyModel, Map<number[], number>>();
function logs(model: TinyModel, x: number[][]): number[] {
  let table = known.get(model);
  if (!table) {
    table = new Map(all.map((ids) => [ids, logProb(model, ids)]));
    known.set(model, table);
  }
  return x.map((ids) => table.get(ids)!);
}

/** log L of the two targets: a calibrated ranker's probability, and r/β. */
const calibration = { slope: 0.8, intercept: -0.3 };
const likelihoods = {
  posterior: ({ score }: TinyContext, ids: number[]) => Math.log(calibrate(calibration, score(ids))),
  'KL-penalised RL': ({ score }: TinyContext, ids: number[]) => score(ids) / 0.5,
};
type Target = keyof typeof likelihoods;
const targets = Object.keys(likelihoods) as Target[];

const exactLogZ = (context: TinyContext, target: Target) =>
  Math.log(expectation(context.prior, (x) => Math.exp(likelihoods[target](context, x))));
const logTarget = (context: TinyContext, target: Target, x: number[]) =>
  logProb(context.prior, x) + likelihoods[target](context, x) - exactLogZ(context, target);
const underTarget = (context: TinyContext, target: Target, of: (x: number[]) => number) =>
  all.reduce((sum, x) => sum + Math.exp(logTarget(context, target, x)) * of(x), 0);
const exactKlFromTarget = (context: TinyContext, target: Target) =>
  underTarget(context, target, (x) => logTarget(context, target, x) - logProb(context.policy, x));
const exactKlToTarget = (context: TinyContext, target: Target) =>
  expectation(context.policy, (x) => logProb(context.policy, x) - logTarget(context, target, x));

/** KL(policy ‖ prior) from 4 texts of the policy per context; k2 and k3 are skewed, and need more contexts. */
const sampling = { temperature: 1, topP: 1, topK: 0, maxNewTokens: 3, seed: 1 };
const subject: KlSubject = { q: 'policy', p: 'prior', conditional: true, sampling };
const kl: Family<ReturnType<typeof klTexts>> = {
  contexts: 50,
  draw: ({ policy, prior }, random) => klTexts(policy, prior, policy, random),
  estimate: (contexts) => {
    const result = estimateKl(contexts, subject, once);
    const withoutExact = contexts.map((texts) => texts.map(({ logQ, logP }) => ({ logQ, logP })));
    const at = (texts: typeof withoutExact, position: number) =>
      klByPosition(texts, once).positions[position]?.kl.value ?? 0; // where all texts have ended
    return {
      raoBlackwell: result.raoBlackwell!.value,
      k1: result.k1.value,
      k2: result.k2.value,
      k3: result.k3.value,
      k3TokenSum: result.k3TokenSum.value,
      'klByPosition, Rao–Blackwellised': at(contexts, 1),
      'klByPosition, k1': at(withoutExact, 2),
      klByToken: klByToken(contexts, Infinity, once).find(({ id }) => id === 1)?.kl.value ?? 0,
    };
  },
  truth: ({ policy: q, prior: p }) => {
    const logRatios = (x: number[]) => tokenLogProbs(q, x).map((log, t) => log - tokenLogProbs(p, x)[t]!);
    const whole = exactKl(q, p);
    const position = (t: number) => expectation(q, (x) => logRatios(x)[t] ?? 0);
    return {
      raoBlackwell: whole,
      k1: whole,
      k2: expectation(q, (x) => k2(logProb(p, x) - logProb(q, x))), // its own expectation: it is biased
      k3: whole,
      k3TokenSum: whole,
      'klByPosition, Rao–Blackwellised': position(1),
      'klByPosition, k1': position(2),
      klByToken: expectation(q, (x) =>
        logRatios(x).reduce((sum, ratio, t) => (x[t] === 1 ? sum + ratio : sum), 0),
      ),
    };
  },
};
/** What estimateKl sees of 4 texts, which are q's own where `from` is q. */
function klTexts(q: TinyModel, p: TinyModel, from: TinyModel, random: () => number) {
  return many(4, from, random).map((ids) => ({ ...klSample(q, p, ids), ids }));
}

/**
 * From 200 samples of the proposal per context. Logs of evidence and self-normalised estimates have a bias of about χ²/200
 * or half that, against a standard error of about √(χ²/200/20): with χ² below 1 a third of it or less.
 */
const fromProposal: Family<ReturnType<typeof proposed>> = {
  draw: (context, random) => proposed(context, 200, random),
  estimate: (contexts) => ({
    'log evidence': evidenceEstimate(
      contexts.map((of) => ({ ...of, logLikelihood: of.posterior })),
      once,
    ).mean.value,
    'log evidence, self-normalised': evidenceEstimate(
      contexts.map((of) => ({ ...of, logLikelihood: of.posterior, selfNormalised: true })),
      once,
    ).mean.value,
    ...klsFromTarget(contexts),
    'posterior expectation': average(
      contexts.map((of) => {
        const { weights } = posteriorWeights({ ...of, rewards: of.posterior, beta: 1 });
        return of.x.reduce((sum, ids, i) => sum + weights[i]! * ids.length, 0);
      }),
    ),
  }),
  truth: (context) => ({
    'log evidence': exactLogZ(context, 'posterior'),
    'log evidence, self-normalised': exactLogZ(context, 'posterior'),
    ...byTarget('klFromTarget', (target) => exactKlFromTarget(context, target)),
    'posterior expectation': underTarget(context, 'posterior', (x) => x.length),
  }),
};
function proposed(context: TinyContext, n: number, random: () => number) {
  const x = many(n, context.proposal, random);
  return {
    x,
    logPrior: logs(context.prior, x),
    logProposal: logs(context.proposal, x),
    logPolicy: logs(context.policy, x),
    posterior: x.map((ids) => likelihoods.posterior(context, ids)),
    'KL-penalised RL': x.map((ids) => likelihoods['KL-penalised RL'](context, ids)),
  };
}
function klsFromTarget(contexts: ReturnType<typeof proposed>[]): Named {
  return byTarget('klFromTarget', (target) =>
    average(contexts.map((of) => klFromTarget({ ...of, logLikelihood: of[target] }).kl)),
  );
}
function byTarget(name: string, of: (target: Target) => number): Named {
  return Object.fromEntries(targets.map((target) => [`${name}, ${target}`, of(target)]));
}

/** The evidence itself, not its log, is unbiased at any number of samples: 3 per context (skewed, so more contexts). */
const evidence: Family<ReturnType<typeof proposed>> = {
  contexts: 100,
  draw: (context, random) => proposed(context, 3, random),
  estimate: (contexts) => ({
    evidence: average(
      contexts.map((of) => Math.exp(logEvidence({ ...of, logLikelihood: of.posterior }).logEvidence)),
    ),
  }),
  truth: (context) => ({ evidence: Math.exp(exactLogZ(context, 'posterior')) }),
};

/** KL(π_θ ‖ p*) from 8 samples of the policy, with log Z enumerated, or estimated from 300 samples of the prior. */
const toTarget: Family<{ exact: Record<Target, number>; estimated: number }> = {
  draw: (context, random) => {
    const x = many(8, context.policy, random);
    const of = (target: Target, logZ: number) =>
      klToTarget({
        logLikelihood: x.map((ids) => likelihoods[target](context, ids)),
        logPrior: logs(context.prior, x),
        logPolicy: logs(context.policy, x),
        logZ,
      }).kl;
    const priors = many(300, context.prior, random);
    const { logEvidence: logZ } = logEvidence({
      logLikelihood: priors.map((ids) => likelihoods.posterior(context, ids)),
    });
    return {
      exact: {
        posterior: of('posterior', exactLogZ(context, 'posterior')),
        'KL-penalised RL': of('KL-penalised RL', exactLogZ(context, 'KL-penalised RL')),
      },
      estimated: of('posterior', logZ),
    };
  },
  estimate: (contexts) => ({
    ...byTarget('klToTarget', (target) => average(contexts.map((of) => of.exact[target]))),
    'klToTarget, log Z estimated': average(contexts.map((of) => of.estimated)),
  }),
  truth: (context) => ({
    ...byTarget('klToTarget', (target) => exactKlToTarget(context, target)),
    'klToTarget, log Z estimated': exactKlToTarget(context, 'posterior'),
  }),
};

/** Best of 3 from 6 samples of the policy (unbiased); its KL from 300 (plug-in, a bias of O(1/300)). */
const picked = 3;
const bestOfN: Family<{ lengths: number[]; scores: number[]; logPolicy: number[]; logPrior: number[] }> = {
  draw: ({ policy, prior, score }, random) => {
    const x = many(300, policy, random);
    return {
      lengths: x.map((ids) => ids.length),
      scores: x.map(score),
      logPolicy: logs(policy, x),
      logPrior: logs(prior, x),
    };
  },
  estimate: (contexts) => ({
    expectedBestOfN: average(
      contexts.map(({ scores, lengths }) => expectedBestOfN(scores.slice(0, 6), lengths.slice(0, 6), picked)),
    ),
    bestOfNKl: average(contexts.map(({ scores }) => bestOfNKl(scores, picked))),
    bestOfNKlToBase: average(
      contexts.map((of) => bestOfNKlToBase(of.scores, of.logPolicy, of.logPrior, picked)),
    ),
  }),
  truth: (context) => {
    const { policy, prior } = context;
    const chance = (x: number[]) => bestOfNChance(context, x);
    const sum = (of: (x: number[]) => number) =>
      sequences().reduce((total, x) => total + chance(x) * of(x), 0);
    return {
      expectedBestOfN: sum((x) => x.length),
      bestOfNKl: sum((x) => Math.log(chance(x)) - logProb(policy, x)),
      bestOfNKlToBase: sum((x) => Math.log(chance(x)) - logProb(prior, x)),
    };
  },
};
/** P(best-of-n is x): the n draws' maximum has x's score, and among the draws that have it x is as likely as ever. */
function bestOfNChance({ policy, score }: TinyContext, x: number[]): number {
  const below = expectation(policy, (y) => (score(y) < score(x) ? 1 : 0));
  const tied = expectation(policy, (y) => (score(y) === score(x) ? 1 : 0));
  return (((below + tied) ** picked - below ** picked) * Math.exp(logProb(policy, x))) / tied;
}

/** Shares that take few values: their means need more contexts to look normal. */
const rates: Family<{ a: number[]; b: number[]; happened: number[]; passed: number }> = {
  contexts: 60,
  draw: ({ policy, prior, score }, random) => {
    const a = many(5, policy, random).map(score);
    return {
      a,
      b: many(4, prior, random).map(score),
      happened: a.map((p) => (random() < p ? 1 : 0)),
      passed: a.filter((p) => random() < p / 2).length,
    };
  },
  estimate: (contexts) => ({
    winRate: winRate(
      contexts.map(({ a }) => a),
      contexts.map(({ b }) => b),
      once,
    ).value,
    passAtK: average(contexts.map(({ passed }) => passAtK(5, passed, 2))),
    'Brier score': reliability(
      contexts.map(({ a, happened }) => ({ predicted: a, happened })),
      1,
      once,
    ).brier.value,
    'observed rate': reliability(
      contexts.map(({ a, happened }) => ({ predicted: a, happened })),
      1,
      once,
    ).bins[0]!.observed.value,
  }),
  truth: ({ policy, prior, score }) => ({
    winRate: expectation(policy, (x) => expectation(prior, (y) => (1 + Math.sign(score(x) - score(y))) / 2)),
    passAtK: 1 - expectation(policy, (x) => 1 - score(x) / 2) ** 2,
    'Brier score': expectation(policy, (x) => score(x) * (1 - score(x))),
    'observed rate': expectation(policy, score),
  }),
};

describe('within 3 standard errors of the enumerated truth in 95% of 200 repetitions', () => {
  it('KL by every estimator, by position and by token', () => meetsCriterion(kl));
  it('log evidence, KL(p* ‖ π_θ) for both targets, posterior expectation', () =>
    meetsCriterion(fromProposal));
  it('evidence from 3 samples', () => meetsCriterion(evidence));
  it('KL(π_θ ‖ p*) for both targets', () => meetsCriterion(toTarget));
  it('best of n: its expected pick, its KL, its KL to the base', () => meetsCriterion(bestOfN));
  it('win rate, pass@k, Brier score and observed rate', () => meetsCriterion(rates));
});

describe('the criterion tells wrong estimators', () => {
  const fails = <Drawn>(family: Family<Drawn>) => {
    for (const [name, { three }] of Object.entries(shares(family, 60)))
      expect(three, name).toBeLessThan(0.75);
  };
  const only = (names: string[], of: Named): Named =>
    Object.fromEntries(names.map((name) => [name, of[name]!]));

  it('texts from the wrong model', () => {
    fails({
      ...kl,
      draw: ({ policy, prior }, random) => klTexts(policy, prior, prior, random),
      truth: (context) => only(['k1', 'k3', 'k3TokenSum'], kl.truth(context)),
    });
  });

  it('the two directions of the KL to the target mixed up', () => {
    fails({
      draw: fromProposal.draw,
      estimate: klsFromTarget,
      truth: (context) => byTarget('klFromTarget', (target) => exactKlToTarget(context, target)),
    });
  });

  it('no correction for the proposal', () => {
    const wrong = ['log evidence', 'klFromTarget, posterior', 'posterior expectation'];
    fails({
      ...fromProposal,
      draw: (context, random) => {
        const of = fromProposal.draw(context, random);
        return { ...of, logProposal: of.logPrior };
      },
      truth: (context) => only(wrong, fromProposal.truth(context)),
    });
  });

  it('the bound in place of the measured KL of best-of-n', () => {
    fails({
      ...bestOfN,
      // A tenth of the measured one, or there would be no spread.
      estimate: (contexts) => ({
        bestOfNKl: bestOfN.estimate(contexts).bestOfNKl! * 0.1 + 0.9 * bestOfNKlBound(3),
      }),
      truth: (context) => only(['bestOfNKl'], bestOfN.truth(context)),
    });
  });
});
