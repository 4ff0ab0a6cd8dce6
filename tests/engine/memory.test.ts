/**
 * Training and generation hold no more memory after a thousand rounds than after a few: native scratch memory, tensors, the
 * pool's idle buffers, array buffers of the process.
 */

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { NativeBackend, Precision } from '../../src/engine/backend.js';
import type { HostMemory } from '../../src/engine/engines/cpu/memory.js';
import { disposeAdamState } from '../../src/engine/fused.js';
import { startEngine } from '../../src/engine/index.js';
import type { Native } from '../../src/engine/native.js';
import * as tf from '../../src/engine/tf.js';
import type { Example } from '../../src/lm/batch.js';
import { randomStream } from '../../src/lm/random.js';
import { sample } from '../../src/lm/sample.js';
import { train } from '../../src/lm/train.js';
import { tinyLM } from '../lm/helpers.js';
import { hasAddon, use } from './harness.js';

// Wide enough for activations of more than the least size that is pooled.
const SIZES = { n_layer: 2, n_head: 2, n_embd: 32, n_positions: 40, vocab_size: 50 };

const WARM_UP = 100;
const ROUNDS = 1000;
/** What array buffers may differ by: the last round's inputs, and what the test runner keeps. Far below a buffer a round. */
const SLACK = 1 << 18;

setFlagsFromString('--expose-gc');
const gc = runInNewContext('gc') as () => void;

/** A batch for a step: 1 to 8 texts of 2 to 40 tokens, and in every eighth step most of them without a loss. */
function batch(step: number): Example[] {
  const uniform = randomStream(7, step % WARM_UP);
  const below = (n: number) => Math.floor(uniform() * n);
  return Array.from({ length: 1 + below(8) }, () => {
    const ids = Array.from({ length: 2 + below(39) }, () => below(SIZES.vocab_size));
    return { ids, weights: ids.map((_, t) => (step % 8 === 0 && t + 2 < ids.length ? 0 : 1)) };
  });
}

/** Everything that must not grow. */
function held(native: Native) {
  // A collection waits for the last one's sweeping of array buffers in the background, not for its own.
  for (let i = 0; i < 3; i++) gc();
  const { numTensors, numDataBuffers, numBytes } = tf.memory();
  return {
    tensors: { numTensors, numDataBuffers, numBytes },
    idle: ((tf.backend() as NativeBackend).storage as HostMemory).pool.idleBytes,
    native: native.bytes(),
    arrayBuffers: process.memoryUsage().arrayBuffers,
  };
}
type Held = ReturnType<typeof held>;

describe.runIf(hasAddon).each([
  { precision: 'float32', threads: 1 },
  { precision: 'bfloat16', threads: 2 },
] as { precision: Precision; threads: number }[])(
  'memory, $precision, $threads thread(s)',
  ({ precision, threads }) => {
    let native: Native;
    let usual: number;
    beforeAll(async () => {
      native = (await startEngine('cpu', { precision })).native!;
      usual = native.threads();
      native.setThreads(threads);
    });
    afterAll(async () => {
      native.setThreads(usual);
      await use('js');
    });

    function expectNoGrowth(warm: Held, end: Held): void {
      expect(end.tensors).toEqual(warm.tensors);
      expect(end.idle).toBeLessThanOrEqual(warm.idle);
      // Which of several threads gets a task is not fixed: one may meet its largest only after the warm-up.
      expect(end.native).toBeLessThanOrEqual(warm.native * (threads === 1 ? 1 : 1.5));
      expect(end.arrayBuffers).toBeLessThan(warm.arrayBuffers + SLACK);
    }

    test('does not grow over 1,000 steps of training', async () => {
      const lm = tinyLM(1, SIZES);
      let warm: Held | undefined;
      const state = await train(lm, batch, { steps: ROUNDS, lr: 1e-3, maxTokens: 200 }, ({ step }) => {
        if (step === WARM_UP) warm = held(native);
      });
      const end = held(native);
      expect(warm!.native).toBeGreaterThan(0);
      expect(warm!.idle).toBeGreaterThan(0);
      expectNoGrowth(warm!, end);
      disposeAdamState(state);
      lm.dispose();
    });

    test('does not grow over 1,000 generations', async () => {
      const lm = tinyLM(2, SIZES);
      let warm: Held | undefined;
      for (let round = 1; round <= ROUNDS; round++) {
        const prompts = batch(round).map(({ ids }) => ids.slice(0, 20));
        const options = { maxNewTokens: 3, temperature: 1, topK: 0, topP: 0.9, seed: round, stopIds: [0] };
        await sample(lm, prompts, 1 + (round % 2), options);
        if (round === WARM_UP) warm = held(native);
      }
      expectNoGrowth(warm!, held(native));
      lm.dispose();
    });
  },
);
