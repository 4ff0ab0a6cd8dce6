// Numbers that are no numbers are found where they come in, or where they are made: one line, and nothing is written.
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { readContexts, targetsTable } from '../../src/pipeline/tables.js';
import { readSafetensors, writeSafetensors } from '../../src/store/safetensors.js';
import { writeTable } from '../../src/store/tables.js';
import { filesBelow } from '../helpers/cli.js';
import { inProcess } from '../helpers/in-process.js';
import writeTinyModels from '../helpers/tiny-models.js';
import { scratchFolder } from '../store/folder.js';

const dir = scratchFolder();
const at = (name: string) => join(dir, name);

// A busy machine needs its time.
vi.setConfig({ testTimeout: 120_000 });

/** A copy of a tiny model with other weights. */
async function spoiled(name: string, spoil: (tensors: Map<string, Float32Array>) => void, of = 'base') {
  cpSync(at(of), at(name), { recursive: true });
  const path = join(at(name), 'model.safetensors');
  const tensors = await readSafetensors(path);
  spoil(new Map([...tensors].map(([tensor, { data }]) => [tensor, data])));
  await writeSafetensors(path, tensors.values());
}

const run = (words: string[]) => inProcess([...words, '--quiet'], { cwd: dir });

async function refused(words: string[], line: RegExp): Promise<void> {
  const before = filesBelow(dir);
  const { code, stdout, stderr } = await run(words);
  expect(stderr).toMatch(/^error: .*\n$/);
  expect(stderr).toMatch(line);
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(filesBelow(dir)).toEqual(before);
}

beforeAll(async () => {
  await writeTinyModels(dir);
  await spoiled('nan', (tensors) => tensors.get('h.1.mlp.c_fc.weight')!.fill(Number.NaN, 17, 18));
  await spoiled('inf', (tensors) => tensors.get('ln_f.bias')!.fill(Number.NEGATIVE_INFINITY, 3));
  await spoiled('huge', (tensors) => {
    for (const data of tensors.values()) data.fill(3e38);
  });
  await spoiled('nan-judge', (tensors) => tensors.get('wte.weight')!.fill(Number.NaN), 'instruct');
  writeFileSync(at('texts.jsonl'), '{"prompt_ids":[1,2],"completion_ids":[3,4,5]}\n');
  writeFileSync(at('empty.jsonl'), '{"prompt_ids":[1,2],"completion_ids":[]}\n');
  expect((await inProcess(['contexts', '--count', '4', '--out', 'contexts.arrow'], { cwd: dir })).code).toBe(
    0,
  );
  const rows = (await readContexts(at('contexts.arrow'))).map(({ id }) => ({
    context: id,
    text: 'A short text.',
    ids: [],
    tokenizer: '',
    weight: 1,
  }));
  await writeTable(at('targets.arrow'), targetsTable, rows);
}, 180_000);

const contexts = ['--contexts', 'contexts.arrow'];

describe('a model with a weight that is', () => {
  it.each([
    ['score', ['--model', 'nan', '--data', 'texts.jsonl', '--json']],
    ['generate', [...contexts, '--model', 'nan', '--out', 'o.arrow']],
    ['kl', ['--model', 'nan', '--base', 'base', '--data', 'texts.jsonl', '--out', 'kl']],
    ['kl', ['--model', 'base', '--base', 'nan', '--data', 'texts.jsonl', '--out', 'kl']],
    ['finetune', [...contexts, '--targets', 'targets.arrow', '--model', 'nan', '--out', 'tuned']],
  ])('NaN: %s names the tensor and the number', (command, words) =>
    refused(
      [command, ...words],
      /nan.model\.safetensors: h\.1\.mlp\.c_fc\.weight holds NaN as number 18 of 4096: .*another model/,
    ),
  );

  it('infinite: the same', () =>
    refused(
      ['score', '--model', 'inf', '--data', 'texts.jsonl'],
      /inf.model\.safetensors: ln_f\.bias holds -Infinity as number 4 of 32/,
    ));

  it.each([
    ['score', ['--model', 'huge', '--data', 'texts.jsonl', '--json'], /huge gives log-probabilities that/],
    [
      'generate',
      [...contexts, '--model', 'huge', '--out', 'o.arrow'],
      /huge gives logits that are not finite/,
    ],
    [
      'kl',
      ['--model', 'base', '--base', 'huge', '--data', 'texts.jsonl', '--out', 'kl'],
      /huge gives log-probabilities that are not finite/,
    ],
  ])('too large: %s names the model', (command, words, line) => refused([command, ...words], line));

  it('NaN in the loop: nothing begins', async () => {
    const small = ['--contexts', '4', '--heldout', '3', '--samples', '2', '--run', 'run'];
    await refused(
      ['--base', 'base', '--instruct', 'nan-judge', ...small],
      /nan-judge.model\.safetensors: wte\.weight holds NaN as number 1 of/,
    );
  });
});

describe('a training that diverges', () => {
  const tune = (lr: string, ...more: string[]) =>
    ['finetune', ...contexts, '--targets', 'targets.arrow', '--model', 'base', '--lr', lr].concat(more);

  it.each([
    [
      'its weights in the last step',
      '1e39',
      [],
      /step 1: the weights after it are too large, or no numbers; .*--lr/,
    ],
    ['its loss after the last step', '1e30', [], /step 1: the loss after it is NaN; .*--lr/],
    ['its loss in a step between', '1e30', ['--epochs', '3'], /step 2: the loss is .*--lr/],
  ])('%s: is told, not saved', (_what, lr, more, line) =>
    refused([...tune(lr, ...more), '--out', 'tuned'], new RegExp(`training diverged at ${line.source}`)),
  );

  it('leaves the model that was there', async () => {
    expect(await run([...tune('1e-4'), '--out', 'tuned'])).toMatchObject({ code: 0 });
    const before = readFileSync(at('tuned/model.safetensors'));
    await refused([...tune('1e30'), '--out', 'tuned'], /training diverged/);
    expect(readFileSync(at('tuned/model.safetensors')).equals(before)).toBe(true);
  });

  it('by RL leaves nothing', () =>
    refused(
      ['rl', ...contexts, '--base', 'base', '--model', 'base', '--reward-model', 'instruct']
        .concat(['--steps', '3', '--prompts', '2', '-n', '2', '--max-tokens', '4', '--lr', '1e30'])
        .concat(['--out', 'rl']),
      /(training diverged at step|gives logits that are not finite).*--lr/,
    ));
});

it('a ranker of a person’s own that gives no number is named', async () => {
  const ranker = `export default { name: 'none', label: 'none of mine', help: '', probability: false, madeFrom: () => ({ models: [] }),
    open: async () => ({ score: async (groups) => groups.map((of) => of.map(() => ({ score: NaN, perPrompt: [] }))) }) };`;
  writeFileSync(at('none.js'), ranker);
  const small = ['--base', 'base', '--instruct', 'instruct', '--contexts', '4', '--heldout', '3'];
  const { code, stderr } = await run([
    ...small,
    '--max-tokens',
    '4',
    '--ranker',
    './none.js',
    '--run',
    'run',
  ]);
  expect(stderr).toMatch(
    /^error: the ranker none of mine gives context .* a score that is no finite number.*\n$/,
  );
  expect(code).toBe(2);
});

it('an empty completion has no mean', async () => {
  const { code, stdout } = await run(['score', '--model', 'base', '--data', 'empty.jsonl']);
  expect({ code, stdout }).toEqual({ code: 0, stdout: '0 tokens, log p 0.0000\n' });
});
