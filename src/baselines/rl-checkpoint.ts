/**
 * The folder of a training by RL, finished or under way: the model, its tokenizer, the optimizer's state, what it was made
 * from (training.json), and its log so far (log.arrow).
 */
import { join } from 'node:path';
import { z } from 'zod';
import type { AdamState } from '../engine/fused.js';
import type { CausalLM } from '../lm/model.js';
import { loadTrainState, saveTrainState } from '../lm/train.js';
import { type RlRow, rlTable } from '../pipeline/tables.js';
import { writeFileAtomic } from '../store/atomic.js';
import { writeFolderAtomic } from '../store/folder.js';
import { canonicalJson, type Json } from '../store/hash.js';
import { readJsonIfThere } from '../store/read-json.js';
import { readTable, writeTable } from '../store/tables.js';
import { saveModel } from '../writers/text-model.js';

const file = (dir: string, name: 'optimizer.safetensors' | 'training.json' | 'log.arrow') => join(dir, name);

/** A training's state. */
export interface RlState {
  lm: CausalLM;
  /** The folder that has the tokenizer. */
  tokenizer: string;
  optimizer: AdamState;
  madeFrom: Json;
  log: readonly RlRow[];
}

export function saveRl(dir: string, { lm, tokenizer, optimizer, madeFrom, log }: RlState): Promise<void> {
  return writeFolderAtomic(dir, async (temporary) => {
    await saveModel(lm, tokenizer, temporary);
    await saveTrainState(lm, optimizer, file(temporary, 'optimizer.safetensors'));
    await writeFileAtomic(file(temporary, 'training.json'), `${JSON.stringify(madeFrom, null, 2)}\n`);
    await writeTable(file(temporary, 'log.arrow'), rlTable, log);
  });
}

/** Whether `dir` is there and made from the same. */
export async function isMadeFrom(dir: string, inputs: Json): Promise<boolean> {
  const before = await readJsonIfThere(file(dir, 'training.json'), z.json());
  return before !== undefined && canonicalJson(before) === canonicalJson(inputs);
}

export const readRlLog = (dir: string): Promise<RlRow[]> => readTable(file(dir, 'log.arrow'), rlTable);
export const readRlState = (lm: CausalLM, dir: string): Promise<AdamState> =>
  loadTrainState(lm, file(dir, 'optimizer.safetensors'));
