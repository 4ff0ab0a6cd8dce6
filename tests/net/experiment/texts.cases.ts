// What texts are worth: the studies of refinements and rankers, every value by hand.
import { describe, expect, it } from 'vitest';
import { script, seen } from './fake-lm.js';
import { expectValues, valuesOf } from './harness.js';

/** Scores of the held-out contexts' texts, in the contexts' order. */
const scores: Record<string, readonly number[]> = {
  before: [0.5, 0.5, 0.5],
  given: [0.4, 0.6, 0.5],
  gold: [1, 0.9, 0.8],
  'own 0': [0.3, 0.7, 0.5],
  'own 1': [0.4, 0.2, 0.9],
  'own 2': [0.8, 0.6, 0.1],
  'none 0': [0.1, 0.6, 0.5],
  'none 1': [0.5, 0.5, 0.7],
  'other 0': [0.4, 0.1, 0.2],
  'other 1': [0.2, 0.3, 0.6],
};
const score = (text: string, i: number) => {
  if (text.startsWith('written for ')) return [0.95, 0.55, 0.5][i]!;
  return scores[text]![i]!;
};
/** Wholly settled is 1; a part is not incorporated. */
const whole: Record<string, readonly number[]> = {
  given: [0, 0.5, 1],
  'own 0': [1, 0, 1],
  'own 1': [0.5, 1, 1],
  'own 2': [1, 0.9, 0],
  'none 0': [0, 0.5, 1],
  'none 1': [0.5, 0, 0],
  'other 0': [0, 0, 0],
  'other 1': [0, 1, 0.5],
};
const settles = (text: string, i: number) =>
  text.startsWith('written for ') ? [1, 1, 0.5][i]! : whole[text]![i]!;

// "heldout-0: own 0" has 16 characters, "heldout-0: given" too, "heldout-0: none 0" 17, "heldout-0: other 0" 18.
const third = 1 / 3;

describe('refinements', () => {
  // written for ["heldout-0: given","heldout-0: feedback",["points of heldout-0"]]
  const written = 'heldout-0: written for ["heldout-0: given","heldout-0: feedback",["points of heldout-0"]]'
    .length;
  const known = {
    'initial outputs': {
      winVsInitial: [0.5, 0.5, 0.5],
      incorporated: [0, 0, 1],
      score: [0.4, 0.6, 0.5],
      length: [16, 16, 16],
    },
    'without feedback': {
      // .1 and .5 against .4; .6 and .5 against .6; .5 and .7 against .5
      winVsInitial: [0.5, 0.25, 0.75],
      incorporated: [0, 0, 0.5],
      score: [0.3, 0.55, 0.6],
      length: [17, 17, 17],
    },
    'with shuffled feedback': {
      winVsInitial: [0.25, 0, 0.5],
      incorporated: [0, 0.5, 0],
      score: [0.3, 0.2, 0.4],
      length: [18, 18, 18],
    },
    'with feedback, random pick': {
      // .3, .4, .8 against .4; .7, .2, .6 against .6; .5, .9, .1 against .5
      winVsInitial: [0.5, 0.5, 0.5],
      incorporated: [2 / 3, third, 2 / 3],
      score: [0.5, 0.5, 0.5],
      length: [16, 16, 16],
    },
    'with feedback, InstructRM’s pick': {
      winVsInitial: [1, 1, 1],
      incorporated: [1, 0, 1],
      score: [0.8, 0.7, 0.9],
      length: [16, 16, 16],
    },
  };

  it('are each kind against the initial outputs', async () => {
    const { values } = await valuesOf('refinements', { score, settles });
    expectValues(values, {
      ...known,
      written: {
        winVsInitial: [1, 0, 0.5],
        incorporated: [1, 1, 0],
        score: [0.95, 0.55, 0.5],
        length: [written, written, written],
      },
    });
  });

  it('say nothing of what nobody knows', async () => {
    const { values } = await valuesOf('refinements', { score, settles: null, withoutWriters: true });
    expectValues(
      values,
      Object.fromEntries(Object.entries(known).map(([arm, { incorporated: _, ...of }]) => [arm, of])),
    );
  });
});

describe('rankers', () => {
  /** What each ranker picks of the three refinements of each context. */
  const picks: Record<string, readonly number[]> = {
    'instruct-rm-1': [0, 0, 0],
    'instruct-rm-2': [1, 1, 1],
    'instruct-rm-3': [2, 2, 2],
    'instruct-rm-4': [0, 1, 2],
    'instruct-rm-5': [2, 1, 0],
    'reward-model of reward-models/quality-bradley-terry-3': [1, 2, 0],
    'reward-model of reward-models/quality-yes-no-3': [0, 2, 1],
    'human-likeness of reward-models/human-yes-no-3': [1, 0, 2],
    embedding: [0, 2, 0],
    longest: [2, 1, 1],
    random: [1, 1, 0],
  };
  // Win shares against the context's three, its own half a win: [context][refinement].
  const won = [
    [0.5 * third, 1.5 * third, 2.5 * third],
    [2.5 * third, 0.5 * third, 1.5 * third],
    [1.5 * third, 2.5 * third, 0.5 * third],
  ];
  const of = (at: readonly number[]) => ({
    winVsRandom: at.map((pick, i) => won[i]![pick]!),
    incorporated: at.map((pick, i) => (whole[`own ${pick}`]![i] === 1 ? 1 : 0)),
    score: at.map((pick, i) => scores[`own ${pick}`]![i]!),
    length: at.map(() => 16),
  });

  it('pick each its own, with its own model', async () => {
    script.rank = (
      name,
      { rewardModel, humanLikeness, judge, ...others },
      { initial, feedback, refinement },
    ) => {
      expect(judge).toBe('instruct');
      expect(others).toEqual({});
      const [id, text] = refinement.split(': ') as [string, string];
      expect(initial).toBe(`${id}: given`);
      expect(feedback).toBe(`${id}: feedback`);
      const model = rewardModel ?? humanLikeness;
      const pick = picks[model === undefined ? name : `${name} of ${model}`]![Number(id.slice(-1))];
      return text === `own ${pick}` ? 2 : 1;
    };
    script.writes = (_, prompt, j) => `${/(ilf|heldout)-\d+/.exec(prompt)![0]}: sample ${j}`;
    const { values } = await valuesOf('rankers', { score, settles, seed: 5 });
    const arms = {
      InstructRM: of([2, 0, 1]),
      'InstructRM, prompt 1': of([0, 0, 0]),
      'InstructRM, prompt 2': of([1, 1, 1]),
      'InstructRM, prompt 3': of([2, 2, 2]),
      'InstructRM, prompt 4': of([0, 1, 2]),
      'InstructRM, prompt 5': of([2, 1, 0]),
      'single prompts, mean': {
        // 0, 1, 2, 0, 2; 0, 1, 2, 1, 1; 0, 1, 2, 2, 0
        winVsRandom: [
          (0.5 + 1.5 + 2.5 + 0.5 + 2.5) / 15,
          (2.5 + 0.5 + 1.5 + 0.5 + 0.5) / 15,
          7.5 / 15 - 1 / 15,
        ],
        incorporated: [4 / 5, 3 / 5, 3 / 5],
        score: [
          (0.3 + 0.4 + 0.8 + 0.3 + 0.8) / 5,
          (0.7 + 0.2 + 0.6 + 0.2 + 0.2) / 5,
          (0.5 + 0.9 + 0.1 + 0.1 + 0.5) / 5,
        ],
        length: [16, 16, 16],
      },
      'reward model, Bradley–Terry': of([1, 2, 0]),
      'reward model, Yes/No': of([0, 2, 1]),
      'embedding similarity': of([0, 2, 0]),
      'human-likeness': of([1, 0, 2]),
      longest: of([2, 1, 1]),
      random: of([1, 1, 0]),
      oracle: of([2, 0, 1]),
    };
    expectValues(values, arms);
    // Checked apart from `of`: the numbers of one whole arm.
    expect(arms['reward model, Yes/No']).toEqual({
      winVsRandom: [0.5 / 3, 0.5, 2.5 / 3].map((value) => expect.closeTo(value)),
      incorporated: [1, 0, 1],
      score: [0.3, 0.6, 0.9],
      length: [16, 16, 16],
    });
    for (const { opened } of seen.rankers) expect(opened).toMatchObject({ seed: 5, host: 'engine' });
    // What the judge of human-likeness learned: a person's against π_0's, and its own question.
    const asked = (text: string) =>
      `Post: post of ${text.split(':')[0]}\nSummary: ${text}\nDid a person write this summary?\nAnswer:`;
    expect(seen.trained.get('reward-models/human-yes-no-3')).toMatchObject({
      start: 'instruct',
      objective: 'yes-no:  Yes or  No',
      lr: 3e-4,
      epochs: 1,
      pairs: [100, 101, 102].map((i) => ({
        chosen: asked(`ilf-${i}: by a person`),
        rejected: asked(`ilf-${i}: sample 0`),
      })),
    });
  });
});

describe('the ladder', () => {
  it('is what each rung incorporates, told the feedback, nothing, or another context’s', async () => {
    // By rung and what it is told: whether the first and the second text settle all, by context.
    const settled: Record<string, Record<string, readonly (readonly [number, number])[]>> = {
      '2x32': {
        own: [
          [1, 0.5],
          [1, 1],
          [0, 0],
        ],
        none: [
          [0, 0],
          [1, 0],
          [0, 0.9],
        ],
        other: [
          [0, 1],
          [0, 0],
          [0, 0],
        ],
      },
      '4x96': {
        own: [
          [1, 1],
          [1, 1],
          [1, 0],
        ],
        none: [
          [1, 1],
          [0, 0],
          [0, 0],
        ],
        other: [
          [0, 0],
          [1, 0],
          [1, 1],
        ],
      },
    };
    script.writes = ({ role }, prompt, j) => {
      const i = Number(/^Post: post of heldout-(\d)\nSummary: heldout-\d: given\n/.exec(prompt)![1]);
      const feedback = /\nFeedback: (.*)\nNew summary:$/.exec(prompt)?.[1];
      // Another's is the next one's.
      const told =
        feedback === undefined
          ? 'none'
          : { [`heldout-${i}: feedback`]: 'own', [`heldout-${(i + 1) % 3}: feedback`]: 'other' }[feedback]!;
      return `heldout-${i}: ${role.split('/')[1]} ${told} ${j}`;
    };
    const { values } = await valuesOf('ladder', {
      score,
      settles: (text, i) => {
        const [rung, told, j] = text.split(' ') as [string, string, string];
        return settled[rung]![told]![i]![Number(j)]!;
      },
    });
    expectValues(values, {
      '2 × 32': {
        incorporated: [0.5, 1, 0],
        incorporatedWithout: [0, 0.5, 0],
        incorporatedShuffled: [0.5, 0, 0],
        gain: [0, 1, 0],
      },
      '4 × 96': {
        incorporated: [1, 1, 0.5],
        incorporatedWithout: [1, 0, 0],
        incorporatedShuffled: [0, 0.5, 1],
        gain: [1, 0.5, -0.5],
      },
    });
    const [small, large] = ['ladder/2x32', 'ladder/4x96'].map((role) => seen.trained.get(role)!);
    expect(small!.start).toBe('new 2 layers, 2 heads, width 32, seed 1');
    expect(large!.start).toBe('new 4 layers, 4 heads, width 96, seed 1');
    expect([small!.steps, small!.seed, large!.steps, large!.seed]).toEqual([7, 1, 7, 1]);
    // 3e-3 · √(128/32), and narrower takes more.
    expect(small!.lr).toBeCloseTo(6e-3, 9);
    expect(large!.lr).toBeCloseTo(3e-3 * Math.sqrt(4 / 3), 9);
    // The same 48 examples, each another one.
    expect(small!.lessons.length).toBe(48);
    expect(small!.lessons).toEqual(large!.lessons);
    expect(new Set(small!.lessons.map(({ prompt }) => prompt)).size).toBe(48);
    for (const { role, n, settings } of seen.sampled) {
      expect(role).toMatch(/^ladder\//);
      expect(n).toBe(2);
      expect(settings).toMatchObject({ temperature: 0.7, topP: 0.9, maxNewTokens: 40 });
    }
    expect(new Set(seen.sampled.map(({ settings }) => settings.seed)).size).toBe(6);
  });
});
