/** Weights, config.json, and the state of an optimizer: what a model folder and a checkpoint hold. */
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isMadeFrom, readRlLog, readRlState, saveRl } from '../../../src/baselines/rl-checkpoint.js';
import { disposeAdamState } from '../../../src/engine/fused.js';
import { gpt2Config } from '../../../src/lm/architectures/gpt2.js';
import { loadLM, saveLM } from '../../../src/lm/files.js';
import { CausalLM } from '../../../src/lm/model.js';
import { train } from '../../../src/lm/train.js';
import { readSafetensors } from '../../../src/store/safetensors.js';
import { scoreFile } from '../../../src/writers/score-file.js';
import type { Example, Kind } from '../kind.js';
import { mutated } from '../mutate.js';
import { mutatedJson, mutatedSafetensors } from '../mutate-json.js';
import { byteTokenizer } from './tokenizer.js';

const sizes = { n_layer: 1, n_head: 2, n_embd: 8, n_positions: 16, vocab_size: 270 };

/** What `write` leaves in a folder. */
export async function filesOf(write: (dir: string) => Promise<unknown>): Promise<Record<string, Uint8Array>> {
  const dir = await mkdtemp(join(tmpdir(), 'ilf-fuzz-made-'));
  try {
    await write(dir);
    const { filesBelow } = await import('../../helpers/cli.js');
    return Object.fromEntries(filesBelow(dir).map((file) => [file, readFileSync(join(dir, file))]));
  } finally {
    await rm(dir, { recursive: true });
  }
}

const texts = Buffer.from(
  '{"prompt_ids":[1,2],"completion_ids":[3,4]}\n{"prompt_ids":[5],"completion_ids":[]}\n',
);

/** A tiny model that is whole, with texts to score. */
export async function tinyModel(): Promise<Record<string, Uint8Array>> {
  const files = await filesOf(async (dir) => {
    const lm = CausalLM.init(gpt2Config(sizes), 1);
    await saveLM(lm, dir);
    lm.dispose();
  });
  return { ...files, ...byteTokenizer(), 'texts.jsonl': texts };
}

const scored: Pick<Example, 'read' | 'command'> = {
  read: (dir) =>
    scoreFile(
      dir,
      join(dir, 'texts.jsonl'),
      (items) => items,
      () => {},
    ),
  command: (dir) => ['score', '--model', dir, '--data', join(dir, 'texts.jsonl'), '--json', '--quiet'],
};

/** A file of tensors of these kinds, without any content that matters. */
function tensorsOf(dtypes: Record<string, number>, metadata?: Record<string, string>): Uint8Array {
  const header: Record<string, unknown> = metadata ? { __metadata__: metadata } : {};
  let begin = 0;
  for (const [dtype, bytes] of Object.entries(dtypes)) {
    header[dtype.toLowerCase()] = { dtype, shape: [2, 3], data_offsets: [begin, begin + 6 * bytes] };
    begin += 6 * bytes;
  }
  const json = Buffer.from(JSON.stringify(header));
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(json.length));
  return Buffer.concat([size, json, Buffer.alloc(begin, 0x3c)]);
}

export const safetensors: Kind = {
  name: 'safetensors',
  share: 24,
  examples: async () => [
    {
      name: 'all types',
      files: {
        'x.safetensors': tensorsOf(
          { F64: 8, F32: 4, F16: 2, BF16: 2, I64: 8, U8: 1, BOOL: 1 },
          { format: 'pt' },
        ),
      },
      wrong: { 'x.safetensors': mutatedSafetensors },
      read: (dir) => readSafetensors(join(dir, 'x.safetensors')),
    },
    {
      name: 'a model',
      files: await tinyModel(),
      wrong: { 'model.safetensors': mutatedSafetensors },
      ...scored,
    },
  ],
};

export const config: Kind = {
  name: 'config',
  share: 14,
  examples: async () => [
    { name: 'a model', files: await tinyModel(), wrong: { 'config.json': mutatedJson }, ...scored },
  ],
};

const madeFrom = { steps: 2, contexts: ['a'] };

export const checkpoint: Kind = {
  name: 'checkpoint',
  share: 12,
  examples: async () => {
    const files = await filesOf(async (dir) => {
      const lm = CausalLM.init(gpt2Config(sizes), 1);
      const example = { ids: [1, 2, 3], weights: [1, 1, 1] };
      const optimizer = await train(lm, [example], { steps: 2 });
      const log = [1, 2].map((step) => ({ step, reward: 1, kl: 0, loss: 1, grad_norm: 1, length: 3 }));
      const { mkdirSync, writeFileSync } = await import('node:fs');
      const tokenizer = join(dir, 'tokenizer');
      mkdirSync(tokenizer);
      for (const [name, bytes] of Object.entries(byteTokenizer()))
        writeFileSync(join(tokenizer, name), bytes);
      await saveRl(join(dir, 'checkpoint'), { lm, tokenizer, optimizer, madeFrom, log });
      disposeAdamState(optimizer);
      lm.dispose();
    });
    return [
      {
        name: 'of RL',
        files,
        wrong: {
          'checkpoint/optimizer.safetensors': mutatedSafetensors,
          'checkpoint/training.json': mutatedJson,
          'checkpoint/log.arrow': mutated,
        },
        read: async (dir) => {
          const folder = join(dir, 'checkpoint');
          await isMadeFrom(folder, madeFrom);
          await readRlLog(folder);
          const lm = await loadLM(folder);
          try {
            disposeAdamState(await readRlState(lm, folder));
          } finally {
            lm.dispose();
          }
        },
      },
    ];
  },
};
