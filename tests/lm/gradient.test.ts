/** The gradient of the training loss through the whole model, by finite differences, and what bfloat16 does to it. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { crossEntropyLoss } from '../../src/engine/fused.js';
import * as tf from '../../src/engine/tf.js';
import { toBatch } from '../../src/lm/batch.js';
import type { CausalLM } from '../../src/lm/model.js';
import { backends, hasAddon, noise, use } from '../engine/harness.js';
import { HALF_ULP } from '../kernels/bfloat16.js';
import { texts, tinyLM } from './helpers.js';

const batch = toBatch(texts(6, 3));
const scale = batch.weights.map((w) => w / batch.weights.reduce((a, b) => a + b, 0));

const lossOf = (lm: CausalLM) =>
  crossEntropyLoss(lm.hidden(batch.ids, batch.B, batch.T), lm.wte, batch.labels, scale);

const readLoss = (lm: CausalLM) => tf.tidy(() => lossOf(lm).dataSync()[0]!);

/** A model whose embeddings are large enough for every part of it to matter. */
function model(): CausalLM {
  const lm = tinyLM(5);
  for (const name of ['wte.weight', 'wpe.weight']) {
    const v = lm.params.get(name)!;
    tf.tidy(() => v.assign(v.mul(8)));
  }
  return lm;
}

/** Of the loss, by parameters' names. */
function gradients(lm: CausalLM): Map<string, Float32Array> {
  const { value, grads } = tf.variableGrads(() => lossOf(lm), [...lm.params.values()]);
  const read = [...lm.params].map(([name, v]) => [name, grads[v.name]!.dataSync() as Float32Array] as const);
  tf.dispose([value, grads]);
  return new Map(read);
}

const dot = (a: Float32Array, b: Float32Array) => a.reduce((sum, x, i) => sum + x * b[i]!, 0);
const norm = (a: Float32Array) => Math.sqrt(dot(a, a));

// Differences take some hundred passes: minutes on a software GPU.
describe.each(backends.filter((name) => name !== 'webgpu'))("the model's gradient on %s", (backend) => {
  beforeAll(() => use(backend));
  afterAll(() => use('js'));

  test('agrees with finite differences along the gradient and across it, parameter by parameter', () => {
    const lm = model();
    const grads = gradients(lm);
    for (const [name, v] of lm.params) {
      const grad = grads.get(name)!;
      const value = v.dataSync() as Float32Array;
      const lossAt = (direction: Float32Array, step: number) =>
        tf.tidy(() => {
          v.assign(
            tf.tensor(
              value.map((x, i) => x + step * direction[i]!),
              v.shape,
            ),
          );
          return readLoss(lm);
        });
      const random = noise(v.size, 7);
      for (const [direction, of] of [
        [grad, norm(grad)],
        [random, norm(random)],
      ] as const) {
        if (of < 1e-6) continue;
        const unit = direction.map((x) => x / of);
        // Float32 losses of about 3 are good to some 3e-7: with this step, slopes to 5e-5.
        const step = 5e-3;
        const slope = (lossAt(unit, step) - lossAt(unit, -step)) / (2 * step);
        const expected = dot(grad, unit);
        expect(Math.abs(slope - expected), name).toBeLessThan(3e-4 + 1e-3 * Math.abs(expected));
      }
      tf.tidy(() => v.assign(tf.tensor(value, v.shape)));
    }
    lm.dispose();
  });
});

test.runIf(hasAddon)(
  "in bfloat16 the model's gradient is that in float32, but for its rounding",
  async () => {
    await use('cpu');
    const lm = model();
    const [loss, floats] = [readLoss(lm), gradients(lm)];
    await use('cpu bfloat16');
    const [lossHalves, halves] = [readLoss(lm), gradients(lm)];
    expect(Math.abs(lossHalves / loss - 1)).toBeLessThan(HALF_ULP);
    // On its way to the first layer a gradient is rounded some 20 times, each time by HALF_ULP / √3 or less (root mean square)
    // and independently: 2.6 in all. Measured: 0.8 to 3.0, farthest from the loss the most.
    for (const [name, grad] of floats) {
      const off = halves.get(name)!.map((x, i) => x - grad[i]!);
      expect(norm(off) / norm(grad), name).toBeLessThan(5 * HALF_ULP);
      expect(norm(off), name).toBeGreaterThan(0);
    }
    lm.dispose();
    await use('js');
  },
);
