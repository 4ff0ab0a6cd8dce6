/**
 * The loop with scripted models, two rounds, an oracle: every number of result.json, of the page and of the terminal, worked
 * out by hand from the texts of script.ts.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import {
  estimatesIn,
  expectEstimates,
  expectInterval,
  expectNumber,
  factsIn,
  figure,
  section,
  tablesIn,
  terminalParts,
  terminalRows,
  textOf,
} from './read.js';
import { type Finished, options, run } from './stage.js';

export function loop(): void {
  let went: Finished;
  let again: Finished;
  beforeAll(async () => {
    went = await run({ rounds: 2 }, { page: true });
    again = await run({ rounds: 2, roundMode: 'retrain' });
  });

  /** k3 of a log-ratio log p − log q of −x. */
  const k3 = (x: number) => Math.exp(-x) - 1 + x;

  /**
   * KL of three texts. Each token but the first adds ln q − ln p = d and the exact KL e, the first one twice that: a text of
   * T tokens has d (T + 1).
   */
  function kl(path: string, [a, b, c]: [number, number, number], d: number, e: number) {
    const tokens = a + b + c;
    const ratios = [d * (a + 1), d * (b + 1), d * (c + 1)] as const;
    const sums = {
      raoBlackwell: e * (tokens + 3),
      k1: d * (tokens + 3),
      k2: (ratios[0] ** 2 + ratios[1] ** 2 + ratios[2] ** 2) / 2,
      k3: k3(ratios[0]) + k3(ratios[1]) + k3(ratios[2]),
      k3TokenSum: 3 * k3(2 * d) + (tokens - 3) * k3(d),
    };
    return Object.fromEntries(
      Object.entries(sums).flatMap(([name, of]) => [
        [`${path}.${name}`, of / 3],
        [`${path}.perToken.${name}`, of / tokens],
      ]),
    );
  }

  /** base>1: 0.5, 0.375, 1; base: 0.5, 0.25, 0.75: drawn, won, won. */
  const afterFirst = {
    'rounds.0.score': (0.5 + 0.375 + 1) / 3,
    'rounds.0.winRate': 2.5 / 3,
    // Texts of 4, 5, 8 tokens by base>1, of 4, 5, 6 by base.
    ...kl('rounds.0.kl.tunedFromBase', [4, 5, 8], 0.25, 0.5),
    ...kl('rounds.0.kl.baseFromTuned', [4, 5, 6], 0.125, 0.375),
  };

  /** What the refiner and the ranker did on held-out posts, whatever was tuned. */
  const refining = {
    // All points settled: h1 by 1 of 3, h2 by 2, h3 by 2.
    'incorporated.feedback': (1 / 3 + 2 / 3 + 2 / 3) / 3,
    'incorporated.noFeedback': (1 / 3 + 0 + 0) / 3,
    'incorporated.shuffledFeedback': (0 + 1 / 3 + 2 / 3) / 3,
    'incorporated.byKind.fact': (1 + 2 / 3 + 2 / 3) / 3,
    // h2's feedback has no such point.
    'incorporated.byKind.length': [(1 / 3 + 1) / 2, 2] as [number, number],
    // told2 of h1, told0 of h2, told1 of h3.
    'ranking.picked': (0.25 + 1 + 0.875) / 3,
    'ranking.random': (0.5 + 0.75 + 2 / 3) / 3,
    // told1, told1, told0.
    'ranking.longest': (0.75 + 0.5 + 0.5) / 3,
    'ranking.pickedMinusRandom': (0.25 + 1 + 0.875 - 0.5 - 0.75 - 2 / 3) / 3,
    'ranking.incorporated.picked': (0 + 1 + 1) / 3,
    'ranking.incorporated.random': (1 / 3 + 2 / 3 + 2 / 3) / 3,
    'ranking.incorporated.longest': (1 + 0 + 0) / 3,
    'ranking.incorporated.pickedMinusRandom': (0 + 1 + 1 - 1 / 3 - 2 / 3 - 2 / 3) / 3,
    // Pairs that differ in points settled, and are ranked so: h1 1 of 2, h2 2 of 2, h3 1 of 2.
    'ranking.pairAccuracy': 4 / 6,
    // Settled wholly (R 0.5, 0.75, 0.5, 1, 0.25), half (0.25, 0.75, 0.5), not (0.25): ties as half.
    'ranking.pooledAuc': (4.5 + 1.5 + 3 + 4.5 + 2.5) / (15 + 5 + 3),
  };

  /** Of c4 to c7: ω ∝ 16^R 2^−tokens, of which only the words of padding differ within a context. */
  const posterior = {
    // 1/Σω² of (2, 4, 2), (4, 4, 2), (4, 2, 2), (4, 2, 1).
    'posterior.ess': [(64 / 24 + 100 / 36 + 64 / 24 + 49 / 21) / 4, 4] as [number, number],
    // Means of R weighted by 2^−padding.
    'posterior.logEvidence': [
      (Math.log((0.25 + 0.5 + 0.75 / 4) / 2.25) +
        Math.log((1 / 4 + 0.75 / 2 + 0.25) / 1.75) +
        Math.log((0.5 + 0.5 / 2 + 0.25) / 2.5) +
        Math.log((0.5 + 1 / 8 + 0.75 / 8) / 1.25)) /
        4,
      4,
    ] as [number, number],
  };

  describe('result.json', () => {
    it('has these numbers, and no others', () => {
      expectEstimates(went.result, {
        // base>1>2: 0.6875, 0.125, 1; gold: 0.875, 0.25, 0.9375.
        'score.base': 0.5,
        'score.tuned': 1.8125 / 3,
        'score.gold': 2.0625 / 3,
        'score.tunedMinusBase': (0.1875 - 0.125 + 0.25) / 3,
        'winRate.tunedVsBase': 2 / 3,
        'winRate.tunedVsGold': 1 / 3,
        'winRate.baseVsGold': 0.5 / 3,
        ...kl('kl.tunedFromBase', [5, 5, 8], 0.5, 0.75),
        ...kl('kl.baseFromTuned', [4, 5, 6], 0.375, 1),
        ...refining,
        ...posterior,
        ...afterFirst,
        'rounds.1.score': 1.8125 / 3,
        'rounds.1.winRate': 2 / 3,
        ...kl('rounds.1.kl.tunedFromBase', [5, 5, 8], 0.5, 0.75),
        ...kl('rounds.1.kl.baseFromTuned', [4, 5, 6], 0.375, 1),
      });
    });

    it('says what they are of', () => {
      expect(went.result).toMatchObject({
        judge: 'oracle: what stands in the text',
        annotator: 'simulated annotator',
        ranker: 'InstructRM',
        run: went.dir,
        options: { ...options, rounds: 2 },
        posterior: { beta: 4 * Math.LN2, priorWeight: 1, proposalWeight: 1, samplesPerContext: 3 },
        rounds: [
          { round: 1, contexts: 4 },
          { round: 2, contexts: 4 },
        ],
      });
      expect(Object.keys(went.result).sort()).toEqual(
        [
          ...['caveats', 'winRate', 'score', 'incorporated', 'ranking', 'kl', 'posterior', 'rounds'],
          ...['judge', 'annotator', 'ranker', 'options', 'seconds', 'run'],
        ].sort(),
      );
      const { seconds } = went.result as { seconds: number };
      expect(seconds).toBeGreaterThan(0);
      const { kl: of } = went.result as { kl: Record<string, Record<string, unknown>> };
      const sampling = { temperature: 1, topP: 1, topK: 0, maxNewTokens: 20 };
      expect(of.tunedFromBase).toMatchObject({
        ...{ direction: 'KL(tuned ‖ base)', sampledFrom: 'tuned', conditional: true },
        ...{ contexts: 3, samples: 3, tokens: 18, sampling },
      });
      expect(of.baseFromTuned).toMatchObject({
        ...{ direction: 'KL(base ‖ tuned)', sampledFrom: 'base', conditional: true },
        ...{ contexts: 3, samples: 3, tokens: 15, sampling },
      });
    });

    it('of a run that retrains: all rounds’ contexts, and the model of base alone', () => {
      expect(again.result).toMatchObject({
        rounds: [
          { round: 1, contexts: 4 },
          { round: 2, contexts: 8 },
        ],
      });
      expectEstimates(again.result, {
        // base>2: 0.25, 0.5, 0.5.
        'score.base': 0.5,
        'score.tuned': 1.25 / 3,
        'score.gold': 2.0625 / 3,
        'score.tunedMinusBase': (-0.25 + 0.25 - 0.25) / 3,
        'winRate.tunedVsBase': 1 / 3,
        'winRate.tunedVsGold': 1 / 3,
        'winRate.baseVsGold': 0.5 / 3,
        ...kl('kl.tunedFromBase', [4, 4, 6], 0.0625, 0.25),
        ...kl('kl.baseFromTuned', [4, 5, 6], 0.1875, 0.625),
        ...refining,
        ...posterior,
        ...afterFirst,
        'rounds.1.score': 1.25 / 3,
        'rounds.1.winRate': 1 / 3,
        ...kl('rounds.1.kl.tunedFromBase', [4, 4, 6], 0.0625, 0.25),
        ...kl('rounds.1.kl.baseFromTuned', [4, 5, 6], 0.1875, 0.625),
      });
    });

    it('holds what the tables of measures do', () => {
      const found = estimatesIn(went.result);
      for (const [round, prefix] of [
        [2, ''],
        [1, 'rounds.0.'],
      ] as const) {
        const rows = went.table(`round-${round}/measures`) as { measure: string; value: number; n: number }[];
        const at = (measure: string) => rows.find((row) => row.measure === measure)!;
        for (const direction of ['tunedFromBase', 'baseFromTuned'])
          for (const estimator of ['raoBlackwell', 'k1', 'perToken.k3TokenSum'])
            expect(at(`kl.${direction}.${estimator}`)).toMatchObject(
              found[`${prefix}kl.${direction}.${estimator}`]!,
            );
        expect(at('score.tuned')).toMatchObject(found[prefix ? 'rounds.0.score' : 'score.tuned']!);
        expect(at('winRate.tunedVsBase')).toMatchObject(
          found[prefix ? 'rounds.0.winRate' : 'winRate.tunedVsBase']!,
        );
        for (const measure of Object.keys(refining)) expect(at(measure)).toMatchObject(found[measure]!);
      }
    });
  });

  describe('reports', () => {
    /** Label, before, after, the paths whose estimates the interval and n are of. */
    const cells: [string, string, string, string][] = [
      ['Mean score', '0.500', '0.604', 'score.tunedMinusBase'],
      ['Mean score of gold summaries', '', '0.688', 'score.gold'],
      ['Tuned against base', '', '66.7%', 'winRate.tunedVsBase'],
      ['Against gold summaries', '16.7%', '33.3%', 'winRate.tunedVsGold'],
      ['Refined with the feedback', '', '55.6%', 'incorporated.feedback'],
      ['Refined without feedback', '', '11.1%', 'incorporated.noFeedback'],
      ['Refined with shuffled feedback', '', '33.3%', 'incorporated.shuffledFeedback'],
      ['Picked by InstructRM', '', '0.708', 'ranking.picked'],
      ['Picked at random', '', '0.639', 'ranking.random'],
      ['The longest', '', '0.583', 'ranking.longest'],
      ['InstructRM minus random', '', '+0.069', 'ranking.pickedMinusRandom'],
      ['Pairs of one context in order', '', '66.7%', 'ranking.pairAccuracy'],
      ['Pairs of all contexts in order', '', '69.6%', 'ranking.pooledAuc'],
      ['KL(tuned ‖ base)', '', '5.25', 'kl.tunedFromBase.raoBlackwell'],
      ['KL(base ‖ tuned)', '', '6.00', 'kl.baseFromTuned.raoBlackwell'],
    ];
    const verdict =
      /^Too few held-out contexts: 3, and of fewer than 30 nothing is concluded\. The tuned model cannot be told from the base model: it wins 66\.7% of comparisons \((.*), n = 3\), 5\.25 nats per sequence from the base model \((.*)\)\.$/;

    function expectCells(rows: Record<string, string>[], withN: boolean) {
      const found = estimatesIn(went.result);
      expect(rows.map(({ row, before, after }) => [row, before, after])).toEqual(
        cells.map((of) => of.slice(0, 3)),
      );
      rows.forEach(({ row, interval, n }, i) => {
        const estimate = found[cells[i]![3]]!;
        expectInterval(interval!, estimate);
        if (withN) expect(n, row).toBe('3');
      });
      expect(rows[0]!.interval).toMatch(/^\+0\.104: /);
    }
    function expectVerdict(text: string) {
      const [, won, distance] = verdict.exec(text) ?? [];
      const found = estimatesIn(went.result);
      expectInterval(won!, found['winRate.tunedVsBase']!);
      expectInterval(distance!, found['kl.tunedFromBase.raoBlackwell']!);
    }

    it('the page’s measures', () => {
      expectVerdict(textOf(/<p class="verdict"[^>]*>(.*?)<\/p>/s.exec(went.html)![1]!));
      expectCells(tablesIn(section(went.html, 'All measures'))[0]!, true);
      const lead = textOf(/<h1>.*?<\/h1>(.*?)<p class="verdict"/s.exec(went.html)![1]!);
      expect(lead).toContain('Feedback: simulated annotator. Judge: oracle: what stands in the text.');
    });

    it('the terminal’s measures', () => {
      expectVerdict(went.final.split('\n')[0]!);
      expectCells(terminalRows(went.final), false);
    });

    const parts = (one: readonly string[]) => one;
    /** Post, x0, f, x1, tuned, gold; and the scores of x0, x1 and tuned. */
    const shown = [
      parts([
        'The story h1',
        'h1 base - 0.5 0.25',
        'h1 wants more than base',
        'h1 told2 fact 0.25 0.75 a b c d',
        'h1 base>1>2 - 0.6875 0.5',
        'h1 gold - 0.875 0.5',
        ...['0.50', '0.25', '0.69'],
      ]),
      parts([
        'The story h2',
        'h2 base - 0.25 0.5',
        'h2 wants more than base',
        'h2 told0 fact 1 0.75 a b',
        'h2 base>1>2 - 0.125 0.75',
        'h2 gold - 0.25 0.5',
        ...['0.25', '1.00', '0.13'],
      ]),
      parts([
        'The story h3',
        'h3 base - 0.75 0.25',
        'h3 wants more than base',
        'h3 told1 fact,length 0.875 1 a',
        'h3 base>1>2 - 1 0.125',
        'h3 gold - 0.9375 0.5',
        ...['0.75', '0.88', '1.00'],
      ]),
    ];

    it('the page’s samples', () => {
      const articles = section(went.html, 'Sample posts').split('<article').slice(1);
      expect(articles.map(factsIn)).toEqual(
        shown.map(([post, initial, feedback, refinement, tuned, gold, before, refined, after]) => [
          ['Post', post],
          [`Base model, the output that the feedback is on score ${before}`, initial],
          ['Feedback', feedback],
          [`Refinement score ${refined}`, refinement],
          // To a scripted model one text occurs.
          [`Base model, the output that is compared score ${before}`, initial],
          [`Tuned model score ${after}`, tuned],
          ['Gold', gold],
        ]),
      );
    });

    it('the terminal’s samples', () => {
      expect(went.samples.map(terminalParts)).toEqual(
        shown.map(([post, initial, feedback, refinement, tuned, gold, before, refined, after]) => [
          ['Post', post],
          [`Base model, the output that the feedback is on (score ${before})`, initial],
          ['Feedback', feedback],
          [`Refinement (score ${refined})`, refinement],
          [`Base model, the output that is compared (score ${before})`, initial],
          [`Tuned model (score ${after})`, tuned],
          ['Gold', gold],
        ]),
      );
    });

    it('the page’s KL of both rounds, both ways, with every estimator', () => {
      const part = section(went.html, 'How far the models are apart');
      const blocks = part.split('<div class="kl">').slice(1);
      const found = estimatesIn(went.result);
      const of = [
        ['rounds.0.kl.tunedFromBase', 'KL(tuned ‖ base)', 'tuned', 17],
        ['rounds.0.kl.baseFromTuned', 'KL(base ‖ tuned)', 'base', 15],
        ['rounds.1.kl.tunedFromBase', 'KL(tuned ‖ base)', 'tuned', 18],
        ['rounds.1.kl.baseFromTuned', 'KL(base ‖ tuned)', 'base', 15],
      ] as const;
      const estimators = [
        ['exact per prefix (Rao–Blackwellised)', 'raoBlackwell'],
        ['k1 = −log r', 'k1'],
        ['k2 = ½ (log r)², biased', 'k2'],
        ['k3, summed over tokens', 'k3TokenSum'],
        ['k3 of the whole sequence', 'k3'],
      ] as const;
      expect(blocks.length).toBe(4);
      of.forEach(([path, direction, model, tokens], i) => {
        const facts = Object.fromEntries(factsIn(blocks[i]!));
        expect(blocks[i]).toContain(`<h3>${direction}, round ${i < 2 ? 1 : 2}</h3>`);
        expect(facts).toMatchObject({
          Direction: `${direction}, from samples of the ${model} model`,
          Conditional: 'yes: a mean over prompts',
          'Sample size': `3 texts of 3 contexts, ${tokens} tokens`,
        });
        expect(facts.Sampling).toMatch(/^temperature 1, top-p 1, top-k off, at most 20 tokens, seed \d+$/);
        const rows = tablesIn(blocks[i]!)[0]!;
        expect(rows.map(({ row }) => row)).toEqual(estimators.map(([name]) => name));
        estimators.forEach(([, key], j) => {
          const row = rows[j]!;
          const [sequence, token] = [found[`${path}.${key}`]!, found[`${path}.perToken.${key}`]!];
          expectNumber(row['nats per sequence']!, sequence.value);
          expectInterval(row.interval!, sequence);
          expectNumber(row['nats per token']!, token.value);
          expectInterval(row['interval 2']!, token);
        });
      });
      // By hand once more, as printed.
      const exact = blocks.map((block) => tablesIn(block)[0]![0]!);
      expect(exact.map((row) => [row['nats per sequence'], row['nats per token']])).toEqual([
        ['3.33', '0.588'],
        ['2.25', '0.450'],
        ['5.25', '0.875'],
        ['6.00', '1.20'],
      ]);
    });

    it('the page’s posterior', () => {
      const facts = Object.fromEntries(factsIn(section(went.html, 'The Bayesian view')));
      const found = estimatesIn(went.result);
      expect(facts).toMatchObject({
        Weights: 'ω ∝ exp(β R) · π₀ · (1/q)',
        Target: '∝ exp(β R) · π₀',
        β: String(4 * Math.LN2),
        'Refinements per context': '3',
      });
      const [, ess, sizes] = /^(\S+) of 3 \((.*), n = 4\): /.exec(facts['Effective sample size']!) ?? [];
      expect(ess).toBe('2.61');
      expectInterval(sizes!, found['posterior.ess']!);
      const [, mean, evidence] =
        /^mean log p\(good \| c\) = (\S+) nats \((.*), n = 4\)$/.exec(facts.Evidence!) ?? [];
      expect(mean).toBe('−0.760');
      expectInterval(evidence!, found['posterior.logEvidence']!);
      // ln 3 − 2/3
      expect(facts['Best of 3']).toContain('= 0.432 nats');
    });

    it('the page’s figures', () => {
      const rates = (title: string) => {
        const { labels, numbers, dots } = figure(went.html, title);
        const at = dots.flat().map(({ x }) => x);
        for (const [i, number] of numbers.entries()) expectNumber(number, at[i]!);
        return Object.fromEntries(labels.map((label, i) => [label, numbers[i]]));
      };
      expect(rates('Feedback incorporated by refinements')).toEqual({
        'with the feedback': '55.6%',
        'without feedback': '11.1%',
        'shuffled feedback': '33.3%',
      });
      expect(rates('Win rates')).toEqual({
        'tuned against base': '66.7%',
        'tuned against gold': '33.3%',
        'base against gold': '16.7%',
      });
      expect(rates('What each ranker picks')).toEqual({
        InstructRM: '0.708',
        random: '0.639',
        longest: '0.583',
      });
      expect(figure(went.html, 'What each ranker picks').caption).toContain(
        'InstructRM minus random, paired: +0.069 (',
      );

      const heights = (title: string) => figure(went.html, title).dots[0]!.map(({ y }) => y);
      const close = (found: number[], expected: number[]) => {
        expect(found.length).toBe(expected.length);
        for (const [i, value] of found.entries()) expect(value).toBeCloseTo(expected[i]!, 2);
      };
      close(heights('Score by round'), [0.5, 1.875 / 3, 1.8125 / 3]);
      close(heights('Win rate by round'), [2.5 / 3, 2 / 3]);
      const directions = { 'KL(tuned ‖ base)': 'tunedFromBase', 'KL(base ‖ tuned)': 'baseFromTuned' };
      const found = estimatesIn(went.result);
      for (const [name, direction] of Object.entries(directions))
        close(
          heights(`${name} by round`),
          [0, 1].flatMap((round) =>
            ['raoBlackwell', 'k1', 'k3TokenSum', 'k3'].map(
              (key) => found[`rounds.${round}.kl.${direction}.${key}`]!.value,
            ),
          ),
        );
      expect(figure(went.html, 'Scores before and after').caption).toContain(
        'base 0.500, tuned 0.604, gold 0.688',
      );
      // Of c4 to c7, heaviest first.
      close(heights('Posterior weights'), [
        (0.5 + 0.4 + 0.5 + 4 / 7) / 4,
        (0.25 + 0.4 + 0.25 + 2 / 7) / 4,
        (0.25 + 0.2 + 0.25 + 1 / 7) / 4,
      ]);
      const ranked = figure(went.html, 'Ranker’s score against the judge’s');
      expect(ranked.caption).toContain('all 9 refinements of 3 contexts');
      expect(ranked.caption).toContain('it orders 66.7% of pairs right');
      const points = [
        ...[0.25, 0.5, 0.5, 1, 0.75, 0.5],
        ...[0.75, 1, 0.25, 0, 0.5, 1],
        ...[0.5, 0.5, 1, 1, 0.25, 1],
      ];
      close(
        ranked.dots[0]!.flatMap(({ x, y }) => [x, y]),
        points,
      );
    });
  });
}
