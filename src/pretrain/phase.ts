/** One training of the recipe, with checkpoints: killed anywhere, it goes on where its last checkpoint was. */
import { existsSync } from 'node:fs';
import { appendFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { disposeAdamState } from '../engine/fused.js';
import type { Example } from '../lm/batch.js';
import { loadLM, saveLM } from '../lm/files.js';
import type { CausalLM } from '../lm/model.js';
import { loadTrainState, saveTrainState, train } from '../lm/train.js';
import { writeFileAtomic } from '../store/atomic.js';
import { asUserError } from '../store/errors.js';
import { writeFolderAtomic } from '../store/folder.js';
import { recover } from '../store/leftovers.js';
import { readText } from '../store/read-json.js';
import { recipe } from './recipe.js';

export interface Phase {
  name: string;
  steps: number;
  lr: number;
  seed: number;
  /** The examples of an optimizer step, the same whenever it is asked. */
  source: (step: number) => readonly Example[];
}

const { checkpointEvery, logEvery } = recipe;

/**
 * Trains `start()` and returns it; `dir` holds the checkpoint, `log` gets a JSON line every so many steps. Lines of steps that a killed
 * process took after its last checkpoint are taken out of it, since these steps are taken again.
 */
export async function trainPhase(
  { name, steps, lr, seed, source }: Phase,
  start: () => Promise<CausalLM>,
  dir: string,
  log: string,
  onStep: (step: number, steps: number) => void,
): Promise<CausalLM> {
  await recover(dirname(dir));
  const resume = existsSync(join(dir, 'config.json'));
  const lm = resume ? await loadLM(dir) : await start();
  const state = resume ? await loadTrainState(lm, join(dir, 'optimizer.safetensors')) : undefined;
  await forgetSteps(log, name, state?.step ?? 0);
  let loss = 0;
  let tokens = 0;
  let seconds = 0;
  const last = await train(
    lm,
    source,
    { steps, lr, seed },
    async (info) => {
      loss += info.loss / logEvery;
      tokens += info.tokens;
      seconds += info.tokens / info.tokensPerSecond || 0;
      onStep(info.step, steps);
      if (info.step % logEvery === 0) {
        const line = {
          phase: name,
          step: info.step,
          loss: +loss.toFixed(4),
          lr: info.lr,
          tokensPerSecond: Math.round(tokens / seconds),
        };
        await appendFile(log, `${JSON.stringify(line)}\n`).catch((error: unknown) => {
          throw asUserError(error, 'write', log);
        });
        [loss, tokens, seconds] = [0, 0, 0];
      }
      if (info.step % checkpointEvery === 0 || info.step === steps) {
        await writeFolderAtomic(dir, async (temporary) => {
          await saveLM(lm, temporary);
          await saveTrainState(lm, info.state, join(temporary, 'optimizer.safetensors'));
        });
      }
    },
    state,
  );
  disposeAdamState(last);
  return lm;
}

/** Takes the lines of a training's steps after `step` out of the log, and a line that a kill cut off. */
async function forgetSteps(log: string, phase: string, step: number): Promise<void> {
  if (!existsSync(log)) return;
  const text = await readText(log);
  const kept = text.split('\n').filter((line) => {
    const of = parsedLine(line);
    return of && !(of.phase === phase && of.step > step);
  });
  const fresh = kept.map((line) => `${line}\n`).join('');
  if (fresh !== text) await writeFileAtomic(log, fresh);
}

function parsedLine(line: string): { phase: string; step: number } | undefined {
  try {
    return z.object({ phase: z.string(), step: z.number() }).safeParse(JSON.parse(line)).data;
  } catch {
    return undefined;
  }
}
