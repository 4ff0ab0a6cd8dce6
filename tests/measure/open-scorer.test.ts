import { expect, it } from 'vitest';
import { isOracle, openScorer, openScorerOfSome } from '../../src/measure/open-scorer.js';
import { briefs } from '../../src/tasks/briefs/task.js';

const [post] = briefs.contexts('heldout', 0, 1);

it('the embedded world has an oracle, other data have none', async () => {
  const oracle = await openScorer({ task: 'briefs' }, [post!]);
  if (!isOracle(oracle)) throw new Error('it knows of feedback');
  expect(await oracle.score([{ context: post!, text: post!.gold! }])).toEqual([1]);
  const { text, points } = briefs.annotate!(post!, 'Someone did something.', 'key');
  expect(text).not.toBe('');
  const checked = [post!.gold!, 'Someone did something.'].map((said) => ({
    context: post!,
    text: said,
    points,
  }));
  expect(await oracle.feedback.incorporated(checked)).toEqual([1, 0]);
  const kinds = await oracle.feedback.byKind(checked);
  expect(kinds.map((of) => of.map(({ settled }) => settled))).toEqual(
    [true, false].map((settled) => (points as unknown[]).map(() => settled)),
  );
  const bare = { id: '1', text: 'a file that is called briefs' };
  expect(await openScorer({ task: 'briefs' }, [post!, bare])).toBeNull();
  expect(await openScorerOfSome({ task: 'briefs' }, [bare])).toBeNull();
  await expect(openScorer({ task: 'own' }, [post!])).rejects.toThrow(/^there is no task "own"/);
});

it("a person's own data have a score by their references, which is no oracle", async () => {
  const context = { id: '1', text: 'p', gold: 'Dana left today.' };
  const scorer = (await openScorer({ task: 'file' }, [context]))!;
  expect(scorer.unit).toMatch(/ROUGE-L/);
  expect(await scorer.score([{ context, text: 'Dana left today.' }])).toEqual([1]);
  expect(scorer.feedback).toBeUndefined();
  const bare = { id: '2', text: 'q' };
  expect(isOracle(scorer)).toBe(false);
  expect(await openScorer({ task: 'file' }, [context, bare])).toBeNull();
  expect(await openScorerOfSome({ task: 'file' }, [bare, context])).toEqual({ scorer, contexts: [context] });
  expect(await openScorerOfSome({ task: 'file' }, [bare])).toBeNull();
});
