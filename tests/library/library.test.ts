// ILF from a program of somebody else's: what is exported, what it gives, and how it ends.
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as ilf from '../../src/index.js';

const root = join(import.meta.dirname, '..', '..');
const scratch = mkdtempSync(join(tmpdir(), 'ilf-test-'));
let model: ilf.Model;
beforeAll(async () => {
  model = await ilf.loadModel(ilf.embeddedModel('base'));
});
afterAll(() => {
  model.dispose();
  rmSync(scratch, { recursive: true, force: true });
});

const prompts = ['Post: Dana stopped paying rent.\nSummary:', 'Post: James told the secret.\nSummary:'];
const sum = (of: ArrayLike<number>) => Array.from(of).reduce((a, b) => a + b, 0);

it('every function that is exported is in docs/library.md', () => {
  const page = readFileSync(join(root, 'docs', 'library.md'), 'utf8');
  const named = [...page.matchAll(/`(\w+)/g)].map(([, name]) => name);
  for (const name of Object.keys(ilf)) expect(named, name).toContain(name);
});

describe('sample and score', () => {
  it('gives the same texts for the same seed, others for another', async () => {
    const of = (seed: number) => ilf.sample(model, prompts, { n: 2, maxTokens: 12, seed });
    const [one, again, other] = [await of(1), await of(1), await of(2)];
    expect(one.map((texts) => texts.length)).toEqual([2, 2]);
    expect(again).toEqual(one);
    expect(other).not.toEqual(one);
  });

  it('at temperature 0 takes the likeliest token: no token scores higher', async () => {
    const [texts] = await ilf.sample(model, prompts.slice(0, 1), { temperature: 0, maxTokens: 4 });
    const { ids, logprobs, text } = texts![0]!;
    expect(model.decode(ids)).toBe(text);
    const promptIds = model.encode(prompts[0]!);
    const every = Array.from({ length: 400 }, (_, id) => ({ promptIds, completionIds: [id] }));
    const [own, ...others] = await ilf.score(model, [{ promptIds, completionIds: ids }, ...every]);
    for (const [i, logprob] of own!.entries()) expect(logprobs[i]).toBeCloseTo(logprob, 4);
    expect(Math.max(...others.map((of) => of[0]!))).toBeLessThanOrEqual(own![0]!);
  });

  it('ends a text before `stop`', async () => {
    const [texts] = await ilf.sample(model, prompts.slice(0, 1), { n: 8, stop: ' ', maxTokens: 6, seed: 3 });
    for (const { text } of texts!) expect(text).not.toContain(' ');
  });

  it('scores texts and their ids alike', async () => {
    const [prompt, completion] = [prompts[0]!, ' Dana owes rent.'];
    const ids = { promptIds: model.encode(prompt), completionIds: model.encode(completion) };
    const [byText, byIds] = await ilf.score(model, [{ prompt, completion }, ids]);
    expect(byIds).toEqual(byText);
    expect(byText!.length).toBe(ids.completionIds.length);
  });

  it('says what is wrong as a UserError', async () => {
    await expect(ilf.sample(model, [''])).rejects.toThrow(ilf.UserError);
    const long = 'Post: '.repeat(model.window);
    await expect(ilf.score(model, [{ prompt: long, completion: ' a' }])).rejects.toThrow(/too long|longer/);
    await expect(ilf.loadModel(join(scratch, 'nowhere'))).rejects.toThrow(ilf.UserError);
    await expect(ilf.finetune(model, [])).rejects.toThrow(ilf.UserError);
  });
});

describe('what means nothing', () => {
  const any = ilf as unknown as Record<string, (...of: unknown[]) => Promise<unknown>>;
  const example = { prompt: 'a', completion: 'b' };
  const wrong: [string, () => unknown, RegExp][] = [
    ['a number of texts', () => any.sample!(model, prompts, { n: 1e9 }), /^sample: n: /],
    [
      'a temperature',
      () => any.sample!(model, prompts, { temperature: Number.POSITIVE_INFINITY }),
      /temperature/,
    ],
    ['a misspelt option', () => any.sample!(model, prompts, { temprature: 1 }), /temprature/],
    ['a seed', () => any.sample!(model, prompts, { seed: 1.5 }), /seed/],
    ['a text where a list should be', () => any.sample!(model, 'abc'), /^sample: prompts: /],
    ['no prompts', () => any.sample!(model), /^sample: prompts: /],
    ['a stop of no letters', () => any.sample!(model, prompts, { stop: '' }), /stop/],
    ['no model', () => any.sample!({}, prompts), /no model/],
    [
      'ids that are none',
      () => any.score!(model, [{ promptIds: [1.5], completionIds: [3] }]),
      /^score: items: 0/,
    ],
    [
      'ids beyond the vocabulary',
      () => any.score!(model, [{ promptIds: [1], completionIds: [99999] }]),
      /99999/,
    ],
    [
      'an item of both kinds',
      () => any.score!(model, [{ prompt: 'a', completionIds: [1] }]),
      /^score: items: 0/,
    ],
    ['a signal', () => any.score!(model, [], { signal: {} }), /AbortSignal/],
    ['a negative rate', () => any.finetune!(model, [example], { lr: -1 }), /^finetune: lr: /],
    ['half an epoch', () => any.finetune!(model, [example], { epochs: 1.5 }), /epochs/],
    ['no batch', () => any.finetune!(model, [example], { batch: 0 }), /batch/],
    [
      'a weight that is no number',
      () => any.finetune!(model, [{ ...example, weight: Number.NaN }]),
      /0\.weight/,
    ],
    ['no prompts for KL', () => any.kl!(model, model, []), /no prompts/],
    ['a misspelt setting', () => any.runLoop!({ sample: 3 }), /sample/],
    ['a number as text', () => any.runLoop!({ contexts: '8' }), /contexts/],
    ['a mode', () => any.runLoop!({ roundMode: 'nope' }), /roundMode/],
    ['nothing', () => any.runLoop!(null), /^runLoop: /],
    ['an engine', () => any.startEngine!({ engine: 'bogus' }), /^startEngine: engine: /],
    ['a folder', () => any.loadModel!(new URL('file:///')), /^loadModel: /],
    ['an embedded model', () => any.embeddedModel!('nope'), /nope/],
    ['no text', () => (model.encode as (of?: unknown) => unknown)(5), /^encode: /],
    ['no ids', () => (model.decode as (of?: unknown) => unknown)('abc'), /^decode: /],
  ];
  it.each(wrong)('%s is one line', async (_, call, says) => {
    const error = await Promise.resolve()
      .then(call)
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ilf.UserError);
    expect((error as Error).message).toMatch(says);
    expect((error as Error).message).not.toContain('\n');
  });

  it('a model that was disposed of says so', async () => {
    const gone = await ilf.loadModel(model.dir);
    gone.dispose();
    gone.dispose();
    for (const call of [
      () => ilf.sample(gone, prompts),
      () => ilf.score(gone, [{ prompt: 'a', completion: 'b' }]),
      () => ilf.finetune(gone, [example]),
      () => ilf.kl(gone, model, prompts),
      () => gone.save(join(scratch, 'gone')),
    ])
      await expect(call()).rejects.toThrow(/disposed of/);
  });

  it('a promise of onProgress that is rejected is nobody’s end', async () => {
    const texts = await ilf.sample(model, prompts, {
      maxTokens: 2,
      onProgress: () => Promise.reject(new Error('mine')),
    });
    expect(texts).toHaveLength(2);
  });
});

describe('finetune and kl', () => {
  it('makes the examples likelier, moves away from the base, and is kept by save', async () => {
    const tuned = await ilf.loadModel(model.dir);
    expect((await ilf.kl(tuned, model, prompts, { maxTokens: 8 })).tunedFromBase.raoBlackwell!.value).toBe(0);

    const examples = prompts.map((prompt) => ({ prompt, completion: 'Somebody owes rent.' }));
    const items = examples.map(({ prompt, completion }) => ({ prompt, completion: ` ${completion}` }));
    const before = (await ilf.score(tuned, items)).map(sum);
    const losses: number[] = [];
    await ilf.finetune(tuned, examples, { epochs: 8, lr: 1e-3, onLoss: (_, loss) => losses.push(loss) });
    const after = (await ilf.score(tuned, items)).map(sum);
    expect(losses).toHaveLength(8);
    expect(losses.at(-1)).toBeLessThan(losses[0]!);
    for (const [i, logprob] of after.entries()) expect(logprob).toBeGreaterThan(before[i]!);
    expect(
      (await ilf.kl(tuned, model, prompts, { maxTokens: 8 })).tunedFromBase.raoBlackwell!.value,
    ).toBeGreaterThan(0.01);

    const folder = join(scratch, 'tuned');
    await tuned.save(folder);
    const read = await ilf.loadModel(folder);
    expect(await ilf.score(read, items)).toEqual(await ilf.score(tuned, items));
    for (const of of [tuned, read]) of.dispose();
  });

  it('an example of weight 0 teaches nothing', async () => {
    const learned = async (examples: ilf.Example[]) => {
      const tuned = await ilf.loadModel(model.dir);
      await ilf.finetune(tuned, examples, { promptWeight: 0 });
      const [logprobs] = await ilf.score(tuned, [{ prompt: prompts[0]!, completion: ' Dana owes rent.' }]);
      tuned.dispose();
      return sum(logprobs!);
    };
    const example = { prompt: prompts[0]!, completion: 'Dana owes rent.' };
    const noise = { prompt: prompts[0]!, completion: 'rent rent rent rent', weight: 0 };
    expect(await learned([example, noise])).toBeCloseTo(await learned([example]), 5);
  });

  it('save refuses a folder that somebody else filled', async () => {
    const folder = mkdtempSync(join(scratch, 'own-'));
    writeFileSync(join(folder, 'thesis.txt'), 'mine');
    await expect(model.save(folder)).rejects.toThrow(/thesis\.txt/);
    expect(readdirSync(folder)).toEqual(['thesis.txt']);
  });
});

describe('signals', () => {
  const reason = new Error('enough');
  const work: [string, (watch: ilf.Watch) => Promise<unknown>][] = [
    ['sample', (watch) => ilf.sample(model, prompts, watch)],
    ['score', (watch) => ilf.score(model, [{ prompt: prompts[0]!, completion: ' a' }], watch)],
    ['kl', (watch) => ilf.kl(model, model, prompts, watch)],
  ];
  it.each(work)('%s ends with the reason of a signal', async (_, run) => {
    await expect(run({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });

  it('ends sampling between two tokens', async () => {
    const controller = new AbortController();
    let tokens = 0;
    const onProgress = () => {
      if (++tokens === 3) controller.abort(reason);
    };
    const sampling = ilf.sample(model, prompts, { maxTokens: 40, signal: controller.signal, onProgress });
    await expect(sampling).rejects.toBe(reason);
    expect(tokens).toBe(3);
  });

  it('runLoop goes on where a signal ended it, to the same result; says its steps, losses and notices', async () => {
    const data = join(scratch, 'posts.jsonl');
    const people = ['Dana', 'James', 'Nick', 'Carl', 'Louis', 'Maria', 'Rachel', 'Ines'];
    const line = (name: string) => JSON.stringify({ context: `My friend ${name} owes rent.`, votes: 3 });
    writeFileSync(data, people.map(line).join('\n'));
    const settings = { data, contexts: 4, heldout: 4, samples: 2, host: 'engine' as const };
    const whole = await ilf.runLoop({ ...settings, run: join(scratch, 'whole') });

    const controller = new AbortController();
    const run = join(scratch, 'ended');
    const first: string[] = [];
    const onStep = (step: string) => {
      first.push(step);
      if (step === 'round-1/refinements') controller.abort(reason);
    };
    const ended = ilf.runLoop({ ...settings, run }, { signal: controller.signal, onStep });
    await expect(ended).rejects.toBe(reason);
    expect(existsSync(join(run, 'result.json'))).toBe(false);

    const steps = new Map<string, boolean>();
    const [tags, notices] = [new Set<string>(), [] as string[]];
    const again = await ilf.runLoop(
      { ...settings, run },
      {
        onStep: (step, ran) => steps.set(step, ran),
        onScalar: (tag) => tags.add(tag),
        onNotice: (line) => notices.push(line),
      },
    );
    for (const step of first) expect(steps.get(step), step).toBe(false);
    expect(steps.get('round-1/finetuned')).toBe(true);
    expect([...tags]).toContain('round-1/loss');
    expect(notices.join()).toMatch(/votes/);
    expect(notices.join()).not.toMatch(/other options/);
    expect(again.result.rankerScore).toEqual(whole.result.rankerScore);
    expect(again.result.rankerScore).toBeDefined();
    expect(JSON.parse(readFileSync(join(again.dir, 'result.json'), 'utf8'))).toEqual(
      JSON.parse(JSON.stringify(again.result)),
    );

    // The report alone depends on β: what is there is kept, and said to be of other options.
    const said: string[] = [];
    const ran: string[] = [];
    const onNotice = (line: string) => said.push(line);
    await ilf.runLoop(
      { ...settings, run, beta: 5 },
      { onNotice, onStep: (step, of) => of && ran.push(step) },
    );
    expect(said.join()).toMatch(/beta 10, now 5/);
    expect(ran).toEqual([]);
  });

  it('two loops at once come to what each comes to alone', async () => {
    const data = join(scratch, 'letters.jsonl');
    const line = (name: string) => JSON.stringify({ context: `${name} owes rent.` });
    writeFileSync(data, ['Dana', 'James', 'Nick', 'Carl'].map(line).join('\n'));
    const loop = (run: string, seed: number) =>
      ilf.runLoop({
        data,
        contexts: 2,
        heldout: 2,
        samples: 2,
        host: 'engine',
        seed,
        run: join(scratch, run),
      });
    const alone = [await loop('alone-1', 1), await loop('alone-2', 2)];
    const both = await Promise.all([loop('both-1', 1), loop('both-2', 2)]);
    for (const table of ['refinements', 'targets', 'outputs', 'measures', 'kl'])
      for (const [i, { dir }] of both.entries()) {
        const file = join('round-1', `${table}.arrow`);
        expect(readFileSync(join(dir, file)).equals(readFileSync(join(alone[i]!.dir, file))), file).toBe(
          true,
        );
      }
  });
});
