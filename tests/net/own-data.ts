/**
 * Data without an oracle: a critic gives feedback, and InstructRM judges, whatever ranks. And x0 and feedback that came with the
 * contexts. Numbers worked out by hand from the R of script.ts's texts.
 */
import { describe, expect, it } from 'vitest';
import { critique, example, refine, summary } from './prompts.js';
import {
  estimatesIn,
  expectEstimates,
  expectInterval,
  factsIn,
  section,
  tablesIn,
  terminalParts,
  terminalRows,
} from './read.js';
import { outputOf } from './script.js';
import { type Finished, run } from './stage.js';

const k3 = (x: number) => Math.exp(-x) - 1 + x;
/** After one round: base>1 and base, texts of 4, 5, 8 and of 4, 5, 6 tokens, as in loop.ts. */
const kl = {
  'tunedFromBase.raoBlackwell': 10 / 3,
  'tunedFromBase.k1': 5 / 3,
  'tunedFromBase.k2': (1.25 ** 2 + 1.5 ** 2 + 2.25 ** 2) / 6,
  'tunedFromBase.k3': (k3(1.25) + k3(1.5) + k3(2.25)) / 3,
  'tunedFromBase.k3TokenSum': k3(0.5) + (14 / 3) * k3(0.25),
  'baseFromTuned.raoBlackwell': 2.25,
  'baseFromTuned.k1': 0.75,
};

/** R of single outputs: base 0.25, 0.5, 0.25; base>1 0.75, 0.25, 0.5. */
const judged = {
  'rankerScore.base': 1 / 3,
  'rankerScore.tuned': 0.5,
  'rankerScore.tunedMinusBase': (0.5 - 0.25 + 0.25) / 3,
  'winRate.tunedVsBase': 2 / 3,
  // Gold: 0.5 each.
  'winRate.tunedVsGold': 1.5 / 3,
  'winRate.baseVsGold': 0.5 / 3,
  'judgeProbability.feedback': (0.5 + 0.5 + 1.75 / 3) / 3,
  'judgeProbability.noFeedback': 0.25,
  'judgeProbability.shuffledFeedback': (0.5 + 0.25 + 0.125) / 3,
};

function expectJudged({ result }: Finished) {
  const { rankerScore, winRate, judgeProbability, rounds } = result;
  expectEstimates({ rankerScore, winRate, judgeProbability }, judged);
  const [first] = rounds as { score: object; winRate: object }[];
  expectEstimates({ score: first!.score, winRate: first!.winRate }, { score: 0.5, winRate: 2 / 3 });
  const found = estimatesIn(result.kl);
  for (const [path, value] of Object.entries(kl)) expect(found[path]!.value, path).toBeCloseTo(value, 6);
  // 0.25 of every context: one of three differs with a probability of at most u = 1 − 0.05^⅓.
  const u = 1 - 0.05 ** (1 / 3);
  const { noFeedback } = judgeProbability as { noFeedback: { lo: number; hi: number } };
  expect(noFeedback.lo).toBeCloseTo(0.25 - 0.25 * u, 12);
  expect(noFeedback.hi).toBeCloseTo(0.25 + 0.75 * u, 12);
}

const ids = ['c0', 'c1', 'c2', 'c3'];

export function ownData(): void {
  describe('another ranker than InstructRM', () => {
    it('picks, and does not judge', async () => {
      const went = await run({ ranker: 'embedding' }, { oracle: false, page: true });
      expectJudged(went);
      expect(Object.keys(went.result).sort()).toEqual(
        [
          ...[
            'caveats',
            'familiarity',
            'rankerScore',
            'winRate',
            'judgeProbability',
            'kl',
            'posterior',
            'rounds',
          ],
          ...['judge', 'annotator', 'ranker', 'options', 'seconds', 'run'],
        ].sort(),
      );
      expect(went.result).toMatchObject({
        judge: 'InstructRM (no independent judge)',
        annotator: 'data set, else critic (instruct LM)',
        ranker: 'embedding',
      });
      // It prefers what InstructRM likes least.
      expect(went.asked.trainings[0]!.steps.flat()).toEqual(
        [
          'c0 told2 - 0 0.25',
          'c1 told0 - 0 0.25',
          `c2 told1 - 0 0.25${' so'.repeat(12)}`,
          'c3 told0 - 0 0.5',
        ].map((text) => example(text)),
      );
      // Its scores are no probabilities: no evidence. 4 (1 − R) − words of padding.
      const tiny = 2 ** -9;
      const ess =
        (13 ** 2 / (1 + 16 + 64) +
          12.5 ** 2 / (64 + 0.25 + 16) +
          (4 + tiny + 2) ** 2 / (16 + tiny ** 2 + 4) +
          5.5 ** 2 / (16 + 0.25 + 1)) /
        4;
      expectEstimates(went.result.posterior, { ess: [ess, 4] });

      const opened = went.asked.rankersOpened.map(({ name }) => name);
      expect(opened.sort()).toEqual(['embedding', 'instruct-rm']);
      const texts = (ranker: string) =>
        went.asked.ranked
          .filter((of) => of.ranker === ranker)
          .map(({ groups }) =>
            groups.flatMap((group) => group.map(({ refinement }) => refinement.split(' ')[1])),
          );
      const three = (name: string) => [0, 1, 2].flatMap(() => [0, 1, 2].map((i) => `${name}${i}`));
      expect(texts('embedding')).toEqual([three('told'), [...three('told'), 'told0', 'told1', 'told2']]);
      expect(texts('instruct-rm').sort()).toEqual(
        [
          Array(3).fill('base'),
          Array(3).fill('base>1'),
          Array(3).fill('gold'),
          three('told'),
          three('untold'),
          three('other'),
        ].sort(),
      );

      const found = estimatesIn(went.result);
      const rows = tablesIn(section(went.html, 'All measures'))[0]!;
      const cells = [
        ['Tuned against base', '', '66.7%', 'winRate.tunedVsBase'],
        ['Against gold summaries', '16.7%', '50.0%', 'winRate.tunedVsGold'],
        ['Mean InstructRM score', '0.333', '0.500', 'rankerScore.tunedMinusBase'],
        ['Refined with the feedback', '', '0.528', 'judgeProbability.feedback'],
        ['Refined without feedback', '', '0.250', 'judgeProbability.noFeedback'],
        ['Refined with shuffled feedback', '', '0.292', 'judgeProbability.shuffledFeedback'],
        ['KL(tuned ‖ base)', '', '3.33', 'kl.tunedFromBase.raoBlackwell'],
        ['KL(base ‖ tuned)', '', '2.25', 'kl.baseFromTuned.raoBlackwell'],
      ];
      for (const shown of [rows, terminalRows(went.final)]) {
        const numbers = shown.filter(({ interval }) => interval);
        expect(numbers.map(({ row, before, after }) => [row, before, after])).toEqual(
          cells.map((of) => of.slice(0, 3)),
        );
        for (const [i, { interval }] of numbers.entries()) expectInterval(interval!, found[cells[i]![3]!]!);
      }
      expect(rows.find(({ row }) => row === 'Mean InstructRM score')!.interval).toMatch(/^\+0\.167: /);
      const refined = [
        'h1 told0 fact 0.5 0.25',
        'h2 told1 - 0.5 0.25 longestofthese',
        'h3 told2 length,fact 0.625 0.25',
      ];
      const samples = section(went.html, 'Sample posts').split('<article').slice(1).map(factsIn);
      expect(samples.map((parts) => parts.map(([label]) => label))).toEqual(
        Array(3).fill([
          'Post',
          'Base model, the output that the feedback is on',
          ...['Feedback', 'Refinement'],
          'Base model, the output that is compared',
          ...['Tuned model', 'Gold'],
        ]),
      );
      expect(samples.map((parts) => parts[3]![1])).toEqual(refined);
      expect(went.samples.map((sample) => terminalParts(sample)[3])).toEqual(
        refined.map((text) => ['Refinement', text]),
      );
    });
  });

  describe('InstructRM', () => {
    it('judges by the scores that it picked by', async () => {
      const went = await run({}, { oracle: false });
      expectJudged(went);
      expect(went.result).toMatchObject({
        judge: 'InstructRM, the ranker itself (no independent judge)',
        ranker: 'InstructRM',
      });
      expect(went.asked.rankersOpened.map(({ name }) => name)).toEqual(['instruct-rm']);
      // Held-out and this round's refinements; base's and base>1's outputs, and gold; both controls.
      expect(went.asked.ranked.length).toBe(7);
      const { samplings } = went.asked;
      const critiques = samplings.filter(({ prompts }) => prompts[0]!.endsWith('\nFeedback:'));
      expect(
        critiques.map(({ model, n, maxNewTokens, temperature, topP }) => [
          model,
          n,
          maxNewTokens,
          temperature,
          topP,
        ]),
      ).toEqual([0, 1].map(() => ['instruct', 1, 64, 0.5, 0.75]));
      expect(critiques[1]!.prompts).toEqual(ids.map((id) => critique(id, `${id} base - 0 0.5`)));
      expect(new Set(samplings.map(({ seed }) => seed)).size).toBe(samplings.length);
      const refined = samplings.find(({ prompts }) => prompts[0]!.includes('c0 lacks'));
      expect(refined!.prompts).toEqual(
        ids.map((id) => refine(id, `${id} base - 0 0.5`, `${id} lacks more than base`)),
      );
    });
  });

  describe('what came with the contexts', () => {
    it('is what is criticised, refined and shown, and never what a model is measured by', async () => {
      const given = {
        h2: { output: 'h2 someone - 0.125 0.875', feedback: 'h2 wants brevity' },
        c1: { output: 'c1 someone - 0 0.5', feedback: 'c1 wants brevity' },
        c2: { output: 'c2 someone - 0 0.5' },
        c3: { feedback: 'c3 wants brevity' },
      };
      const went = await run({}, { oracle: false, given });
      // All as without: the base model's own outputs are judged.
      expectJudged(went);
      const { samplings } = went.asked;
      const by = (model: string, temperature: number) =>
        samplings
          .filter((of) => of.model === model && of.temperature === temperature)
          .map(({ prompts }) => prompts);
      const held = ['h1', 'h2', 'h3'].map(summary);
      // What is compared with, and x0 where none was given.
      expect(by('base', 0.5)).toEqual([held, [held[0], held[2]], [summary('c0'), summary('c3')]]);
      expect(by('base>1', 0.5)).toEqual([held]);
      expect([by('base>1', 1), by('base', 1)]).toEqual([[held], [held]]);

      const [h1, h2, h3] = ['h1 base - 0.5 0.25', given.h2.output, 'h3 base - 0.75 0.25'];
      const initial = ['c0 base - 0 0.5', given.c1.output, given.c2.output, 'c3 base - 0 0.5'];
      const said = [
        'c0 lacks more than base',
        'c1 wants brevity',
        'c2 lacks more than someone',
        'c3 wants brevity',
      ];
      expect(by('instruct', 0.5).filter((prompts) => !prompts[0]!.includes('base - 0.5 0.25\nNew'))).toEqual([
        [critique('h1', h1), critique('h3', h3)],
        [
          refine('h1', h1, 'h1 lacks more than base'),
          refine('h2', h2, 'h2 wants brevity'),
          refine('h3', h3, 'h3 lacks more than base'),
        ],
        [
          refine('h1', h1, 'h2 wants brevity'),
          refine('h2', h2, 'h3 lacks more than base'),
          refine('h3', h3, 'h1 lacks more than base'),
        ],
        [critique('c0', initial[0]!), critique('c2', initial[2]!)],
        ids.map((id, i) => refine(id, initial[i]!, said[i]!)),
        [refine('c3', initial[3]!, said[3]!)],
      ]);
      const madeFrom = went.asked.ranked.map(({ groups }) =>
        groups.map(([first]) => [first!.initial, first!.feedback]),
      );
      expect(madeFrom.slice(0, 2)).toEqual([
        [
          [h1, 'h1 lacks more than base'],
          [h2, 'h2 wants brevity'],
          [h3, 'h3 lacks more than base'],
        ],
        ids.map((_, i) => [initial[i], said[i]]),
      ]);

      const scored = went.asked.scored
        .filter(({ model, completion }) => model === 'base' && !completion.includes(' told'))
        .map(({ prompt, completion }) => prompt + completion);
      const texts = [...['h1', 'h2', 'h3'].map((id) => outputOf('base', id)), h1!, h2!, h3!, ...initial];
      expect(scored.sort()).toEqual(texts.map((text) => `${summary(text.slice(0, 2))} ${text}⟨end⟩`).sort());
      // Six tokens, 2 bits each under the base model, whoever wrote them.
      const logprob = expect.closeTo(-12 * Math.LN2, 5);
      expect(went.table('round-1/initial')).toEqual(
        initial.map((text, i) => ({ context: `c${i}`, text, logprob, sampled: i === 0 || i === 3 })),
      );
      expect(went.table('heldout/initial')).toEqual(
        [h1, h2, h3].map((text, i) => ({ context: `h${i + 1}`, text, logprob, sampled: i !== 1 })),
      );
      expect(terminalParts(went.samples[1]!)).toEqual([
        ['Post', 'The story h2'],
        ['The output that came with it', h2],
        ['Feedback', 'h2 wants brevity'],
        ['Refinement', 'h2 told0 fact 1 0.75 a b'],
        ['Base model, the output that is compared', outputOf('base', 'h2')],
        ['Tuned model', 'h2 base>1 - 0.375 0.25'],
        ['Gold', 'h2 gold - 0.25 0.5'],
      ]);
    });

    it('may be measured on as x0 beside the base model’s own output', async () => {
      // The oracle scores x0 where samples are shown, and π_0's own output in the means.
      const given = { h2: { output: 'h2 someone - 0.125 0.875' } };
      const went = await run({ targets: 'initial' }, { given });
      const { score, winRate } = went.result;
      expectEstimates(
        { score, winRate },
        {
          'score.base': 0.5,
          'score.tuned': 1.875 / 3,
          'score.gold': 2.0625 / 3,
          'score.tunedMinusBase': 0.375 / 3,
          'winRate.tunedVsBase': 2.5 / 3,
          'winRate.tunedVsGold': 2 / 3,
          'winRate.baseVsGold': 0.5 / 3,
        },
      );
      expect(terminalParts(went.samples[1]!)[1]).toEqual([
        'The output that came with it (score 0.13)',
        'h2 someone - 0.125 0.875',
      ]);
      expect(went.asked.annotated[1]).toMatchObject({ id: 'h2', output: 'h2 someone - 0.125 0.875' });
    });
  });
}
