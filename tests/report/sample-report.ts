import {
  describeInterval,
  differenceEstimate,
  estimateKl,
  type KlSample,
  meanEstimate,
  pairAccuracy,
  pooledAuc,
  posteriorWeights,
  winRate,
} from '../../src/bayes/index.js';
import type { Report } from '../../src/report/run/types.js';
import { draw, klSample, tinyModel, uniform } from '../bayes/tiny-model.js';

/** A report of made-up numbers, of the size and shape of a real one. */
export function sampleReport(): Report {
  const random = uniform(1);
  const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  const clip = (v: number) => Math.min(1, Math.max(0, v));
  const f1 = (mean: number) => Math.round(clip(mean + 0.17 * normal()) * 22) / 22;
  const n = 200;
  const each = (f: (i: number) => number) => Array.from({ length: n }, (_, i) => f(i));
  const difficulty = each(() => 0.08 * normal());
  const base = each((i) => f1(0.55 + difficulty[i]!));
  const tuned = each((i) => f1(0.73 + difficulty[i]!));
  const gold = each((i) => f1(0.95 + difficulty[i]! / 3));
  const middle = each((i) => f1(0.67 + difficulty[i]!));
  const share = (p: number) =>
    meanEstimate(
      each(() => (random() < p ? 1 : 0)),
      { bounds: [0, 1] },
    );

  const kl = (q: string, p: string, [a, b]: [number, number], scale: number) => {
    const [mq, mp] = [tinyModel(a, scale), tinyModel(b, scale)];
    const texts: KlSample[][] = each(() => 0).map(() => [klSample(mq, mp, draw(mq, random))]);
    const sampling = { temperature: 1, topP: 1, topK: 0, maxNewTokens: 48, seed: 7 };
    return estimateKl(texts, { q, p, conditional: true, sampling });
  };
  const tunedFromBase = kl('tuned', 'base', [1, 2], 1);
  const baseFromTuned = kl('base', 'tuned', [2, 1], 1);

  const ranked = each((i) => i).flatMap((context) =>
    Array.from({ length: 5 }, () => {
      const oracle = f1(0.75 + difficulty[context]!);
      return { context, oracle, ranker: clip(0.25 + 0.5 * oracle + 0.15 * normal()) };
    }),
  );
  const byContext = each((i) => i).map((c) => {
    const own = ranked.filter((p) => p.context === c);
    return { ranker: own.map((p) => p.ranker), oracle: own.map((p) => p.oracle) };
  });
  const best = byContext.map(({ ranker, oracle }) => oracle[ranker.indexOf(Math.max(...ranker))]!);
  const any = byContext.map(({ oracle }) => oracle);
  const posteriors = byContext.map(({ ranker }) => posteriorWeights({ rewards: ranker, beta: 8 }));

  return {
    title: 'ILF: one-line summaries of briefs',
    task: 'One-line summaries of short briefs',
    words: { context: 'post', contexts: 'posts', output: 'summary', outputs: 'summaries' },
    annotator: 'simulated annotator, two points per summary',
    ranker: 'InstructRM',
    judge: 'oracle, F1 of the post’s six facts',
    measures: {
      winRate: {
        tunedVsBase: winRate(tuned, base),
        tunedVsGold: winRate(tuned, gold),
        baseVsGold: winRate(base, gold),
      },
      incorporated: { feedback: share(0.84), noFeedback: share(0.34), shuffledFeedback: share(0.25) },
      ranking: {
        picked: meanEstimate(best),
        random: meanEstimate(any),
        longest: meanEstimate(byContext.map(({ oracle }) => oracle[0]!)),
        pickedMinusRandom: differenceEstimate(best, any),
        pairAccuracy: pairAccuracy(byContext),
        pooledAuc: pooledAuc(byContext),
      },
      score: {
        base: meanEstimate(base),
        tuned: meanEstimate(tuned),
        gold: meanEstimate(gold),
        tunedMinusBase: differenceEstimate(tuned, base),
      },
      kl: { tunedFromBase, baseFromTuned },
    },
    rounds: [
      { round: 0, score: meanEstimate(base) },
      {
        round: 1,
        contexts: 300,
        score: meanEstimate(middle),
        winRate: winRate(middle, base),
        kl: {
          tunedFromBase: kl('tuned', 'base', [1, 2], 0.6),
          baseFromTuned: kl('base', 'tuned', [2, 1], 0.6),
        },
      },
      {
        round: 2,
        contexts: 300,
        score: meanEstimate(tuned),
        winRate: winRate(tuned, base),
        kl: { tunedFromBase, baseFromTuned },
      },
    ],
    samples: [
      {
        context:
          'Hi all, after a long week of emails I can finally say that Maria will host the spring concert on Friday in the old library. She asked for help with the chairs, and please bring a plate of something to share. Parking is difficult, so come by bus if you can. Thanks to everybody who wrote to me about it!',
        initial: 'Maria hosts a concert on Sunday.',
        feedback: 'The day is wrong: it is Friday. The summary should also say where the concert is.',
        refinement: 'Maria hosts the spring concert on Friday in the old library.',
        tuned: 'Maria hosts the spring concert on Friday in the old library; bring a plate.',
        gold: 'Maria hosts the spring concert on Friday in the old library; help with chairs, bring food.',
        scores: { initial: 0.33, refinement: 0.83, tuned: 0.91 },
      },
      {
        context: 'Tom is moving the chess evening. '.repeat(12).trim(),
        initial: 'Tom plays chess.',
        feedback: 'It should say that the evening is moved.',
        refinement: 'Tom is moving the chess evening.',
        tuned: 'Tom is moving the chess evening.',
        scores: { initial: 0.4, refinement: 0.8, tuned: 0.8 },
      },
      {
        context:
          'The swimming course for beginners starts on Monday at the lake. Ines leads it. It costs nothing.',
        initial: 'Ines leads the swimming course.',
        feedback: 'Say when it starts.',
        refinement: 'Ines leads the swimming course, which starts on Monday.',
        tuned: 'Ines leads the free swimming course at the lake from Monday.',
        scores: { initial: 0.55, refinement: 0.73, tuned: 1 },
      },
    ],
    kl: [tunedFromBase, baseFromTuned],
    posterior: {
      beta: 8,
      priorWeight: 0,
      proposalWeight: 0,
      samplesPerContext: 5,
      ess: meanEstimate(posteriors.map((p) => p.ess)),
      logEvidence: meanEstimate(each(() => -0.6 + 0.2 * normal())),
      weights: posteriors.map((p) => Array.from(p.weights)),
    },
    scores: { base, tuned, gold },
    ranked,
    interval: describeInterval(),
    options: {
      rounds: 2,
      contexts: 300,
      refinements: 5,
      temperature: 1,
      'top-p': 0.95,
      lr: 3e-4,
      gpu: false,
      data: null,
    },
    seeds: { run: 1, sampling: 7 },
    versions: { ilf: '0.1.0', node: 'v20.20.2', engine: 'cpu (AVX2)' },
    seconds: 512,
    run: 'checkpoints/briefs-1',
  };
}
