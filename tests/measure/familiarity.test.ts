// The embedded models on their own world, and on texts of another: the criterion tells them apart, by outputs and by contexts.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { startEngine } from '../../src/engine/index.js';
import { familiarityOf, familiarityRows } from '../../src/measure/familiarity.js';
import { briefs } from '../../src/tasks/briefs/task.js';
import type { Context } from '../../src/tasks/task.js';
import { openModel, type TextModel } from '../../src/writers/text-model.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const posts = readFileSync(join(root, 'tests', 'cli', 'sixty-posts.jsonl'), 'utf8')
  .trim()
  .split('\n')
  .slice(0, 12)
  .map((line, i): Context => {
    const { context, output } = JSON.parse(line) as { context: string; output: string };
    return { id: String(i), text: context, output };
  });
const world = briefs
  .contexts('heldout', 0, 12)
  .map(({ id, text, gold }): Context => ({ id, text, output: gold! }));
const bare = (contexts: readonly Context[]) => contexts.map(({ output: _, ...rest }): Context => rest);

describe.each(['base', 'instruct'])('the embedded model %s', (name) => {
  let model: TextModel;
  beforeAll(async () => {
    await startEngine(undefined, {});
    model = await openModel(join(root, 'models', name));
    return () => model.lm.dispose();
  });

  it.each([
    ['outputs of its own world', world, true],
    ['contexts of its own world', bare(world), true],
    ['outputs of another', posts, false],
    ['contexts of another', bare(posts), false],
  ])('%s', async (_name, contexts, known) => {
    const how = { maxTokens: 48, seed: 1 };
    const rows = await familiarityRows(model, briefs, contexts, how, () => {});
    const found = familiarityOf(rows)!;
    expect(found.known).toBe(known);
    // Far from the criterion, a nat: what is known costs as much as its own, what is not several times as much.
    expect(Math.abs(found.given.value - found.own.value - 1)).toBeGreaterThan(0.4);
    // The context's words alone, not those of the prompt around it.
    const [first] = contexts;
    const text = first!.output ?? first!.text;
    expect(Math.abs(rows[0]!.given_tokens - model.tokenizer.encode(text).length)).toBeLessThanOrEqual(2);
  });
});

describe('the criterion', () => {
  const row = (given_nats: number, own_nats: number) => ({
    context: `${given_nats}`,
    given_nats,
    given_tokens: 10,
    own_nats,
    own_tokens: 5,
    vocabulary: 1000,
  });
  it('a nat a token above its own, over tokens', () => {
    expect(familiarityOf([row(20, 5), row(29.9, 10)])).toMatchObject({
      known: true,
      given: { value: expect.closeTo(49.9 / 20, 12) },
      own: { value: 1.5 },
      difference: { value: expect.closeTo((1 + 0.99) / 2, 12) },
    });
    expect(familiarityOf([row(20, 5), row(30.1, 10)])!.known).toBe(false);
  });
  it('no model knows what it only guesses at, ln 1000 = 6.9', () => {
    expect(familiarityOf([row(68, 34)])!.known).toBe(true);
    expect(familiarityOf([row(70, 34.9)])!.known).toBe(false);
  });
  it('of no tokens, nothing', () => {
    expect(familiarityOf([{ ...row(0, 0), given_tokens: 0 }])).toBeNull();
  });
});
