// What a step of training does beside following its gradient: by hand.
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { disposeAdamState } from '../../src/engine/fused.js';
import { startEngine } from '../../src/engine/index.js';
import { loadLM, saveLM } from '../../src/lm/files.js';
import { learningRate } from '../../src/lm/schedule.js';
import { saveTrainState, type TrainOptions, train } from '../../src/lm/train.js';
import { readSafetensors, writeSafetensors } from '../../src/store/safetensors.js';
import { texts, tinyLM } from '../lm/helpers.js';
import { scratchFolder } from '../store/folder.js';

const dir = scratchFolder();
beforeAll(async () => {
  await startEngine();
});

/** One step from the same model on the same texts: its parameters, moments, and the gradient's norm. */
async function step(other: Partial<TrainOptions>) {
  const lm = tinyLM(1);
  let gradNorm = 0;
  const options = { steps: 1, lr: 1e-2, warmup: 0, decay: 'constant', stepSize: { sequences: 8 } } as const;
  const state = await train(lm, texts(8), { ...options, ...other }, (info) => {
    gradNorm = info.gradNorm;
  });
  await saveTrainState(lm, state, join(dir, 'state.safetensors'));
  const params = new Map([...lm.params].map(([name, v]) => [name, Float32Array.from(v.dataSync())]));
  disposeAdamState(state);
  lm.dispose();
  return { params, gradNorm, state: await readSafetensors(join(dir, 'state.safetensors')) };
}

describe('the gradient of all parameters together', () => {
  const [beta1, beta2] = [0.9, 0.98] as const;
  /** Of the first moments m = (1 − β1) g. */
  const followed = ({ state }: Awaited<ReturnType<typeof step>>) => {
    const m = [...state].filter(([name]) => name.startsWith('m.')).flatMap(([, { data }]) => [...data]);
    return Math.sqrt(m.reduce((sum, v) => sum + v * v, 0)) / (1 - beta1);
  };

  it.each([
    ['is cut down to the limit where it is longer', 0.5],
    ['is left alone where it is shorter', 2],
    ['is left alone where there is no limit', 0],
  ])('%s', async (_name, part) => {
    const { gradNorm } = await step({ clip: 0, betas: [beta1, beta2] });
    const limited = await step({ clip: part * gradNorm, betas: [beta1, beta2] });
    // What is told is the norm before.
    expect(limited.gradNorm).toBeCloseTo(gradNorm, 5);
    expect(followed(limited) / gradNorm).toBeCloseTo(part === 0.5 ? 0.5 : 1, 4);
  });
});

it('weights decay by lr · decay, biases and norms do not', async () => {
  const lr = 1e-2;
  const [none, some] = [await step({ weightDecay: 0, lr }), await step({ weightDecay: 0.5, lr })];
  const before = new Map([...tinyLM(1).params].map(([name, v]) => [name, v.dataSync()]));
  for (const [name, values] of some.params) {
    const matrix = /^w[tp]e\.|(c_attn|c_proj|c_fc)\.weight$/.test(name);
    values.forEach((value, i) => {
      const decayed = none.params.get(name)![i]! - (matrix ? lr * 0.5 * before.get(name)![i]! : 0);
      expect(value).toBeCloseTo(decayed, 6);
    });
  }
});

it('the learning rate rises, then falls as a cosine from its peak to its floor', () => {
  const schedule = { lr: 2, warmup: 4, decay: 'cosine', floor: 0.1 } as const;
  const rates = Array.from({ length: 13 }, (_, i) => learningRate(schedule, i, 13));
  expect(rates.slice(0, 4)).toEqual([0.5, 1, 1.5, 2]);
  // Eight steps from the peak, 2, to 0.2: half way at the mean of both.
  expect(rates[4]).toBeCloseTo(2, 12);
  expect(rates[8]).toBeCloseTo(1.1, 12);
  expect(rates[6]).toBeCloseTo(0.2 + 1.8 * ((1 + Math.SQRT1_2) / 2), 12);
  expect(rates[12]).toBeCloseTo(0.2, 12);
});

it('an output layer that differs from the embeddings in one number is not taken for tied', async () => {
  const lm = tinyLM(2);
  const path = join(dir, 'untied');
  await saveLM(lm, path);
  const file = join(path, 'model.safetensors');
  const tensors = [...(await readSafetensors(file)).values()];
  const head = Float32Array.from(lm.wte.dataSync());
  head[7]! += 1e-3;
  await writeSafetensors(file, [...tensors, { name: 'lm_head.weight', shape: lm.wte.shape, data: head }]);
  await expect(loadLM(path)).rejects.toThrow(/tied/);
});
