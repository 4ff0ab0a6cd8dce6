// The engines against tfjs' JavaScript backend, by the checks that `bench parity` runs on a GPU.
import { afterAll, describe, expect, test } from 'vitest';
import type { Precision } from '../../src/engine/index.js';
import { settings, use } from './harness.js';
import { parityChecks } from './parity.js';

describe.each(settings.filter((s) => s !== 'js'))('parity of %s', (setting) => {
  afterAll(() => use('js'));
  const precision = (setting.split(' ')[1] ?? 'float32') as Precision;
  // The operations have their own, stricter tests (fused.test.ts, bfloat16.test.ts).
  const checks = parityChecks({ precision, use: () => use(setting) }).filter((check) => check.of === 'model');

  test.each(checks)('$name', async ({ run, tolerance }) => {
    expect(await run()).toBeLessThanOrEqual(tolerance);
  });
});
