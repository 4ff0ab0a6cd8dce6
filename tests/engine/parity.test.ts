// The engines against tfjs' JavaScript backend, by the checks that `bench parity` runs on a GPU.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { activeTensorflow } from '../../src/engine/engines/tensorflow/node-backend.js';
import type { Precision } from '../../src/engine/index.js';
import * as tf from '../../src/engine/tf.js';
import { settings, use } from './harness.js';
import { parityChecks, trajectory } from './parity.js';

describe.each(settings.filter((s) => s !== 'js'))('parity of %s', (setting) => {
  beforeAll(() => use(setting));
  afterAll(() => use('js'));
  const precision = (setting.split(' ')[1] ?? 'float32') as Precision;
  // The operations in float32 have their own test, which also looks at finite differences (fused.test.ts).
  const checks = parityChecks({ precision, use: () => use(setting) }).filter(
    (check) => check.of === 'model' || precision === 'bfloat16',
  );

  test.each(checks)('$name', async ({ run, tolerance }) => {
    expect(await run()).toBeLessThanOrEqual(tolerance);
  });

  test('no step keeps a tensor', async () => {
    await use(setting);
    const counts: unknown[] = [];
    await trajectory(() => {
      // TensorFlow's own count too: tfjs does not see a handle that its backend forgets.
      const own = activeTensorflow()?.binding.getNumOfTensors();
      counts.push([tf.memory().numTensors, tf.memory().numBytes, own]);
    });
    // Parameters are made before the first step; some reach TensorFlow in it.
    expect(new Set(counts.slice(1).map((count) => JSON.stringify(count))).size).toBe(1);
  });
});
