/** A tf.layers program runs on our engines unchanged, and learns what it learns on tfjs' own backend. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hasAddon, use } from './harness.js';
import { type Outcome, trainAndReload } from './layers-program.js';

describe.runIf(hasAddon)('a tf.layers model on cpu', () => {
  let ours: Outcome;
  let stock: Outcome;

  beforeAll(async () => {
    await use('js');
    stock = await trainAndReload();
    await use('cpu');
    ours = await trainAndReload();
  });
  afterAll(() => use('js'));

  const close = (a: ArrayLike<number>, b: ArrayLike<number>) => {
    expect(a.length).toBe(b.length);
    for (let i = 0; i < a.length; i++) expect(Math.abs(a[i]! - b[i]!)).toBeLessThan(1e-3);
  };

  test('learns', () => {
    expect(ours.loss.at(-1)).toBeLessThan(0.7 * ours.loss[0]!);
    expect(ours.accuracy.at(-1)).toBeGreaterThan(ours.accuracy[0]!);
  });

  test('takes the same course as on tfjs-backend-cpu', () => {
    close(ours.loss, stock.loss);
    close(ours.validationLoss, stock.validationLoss);
    close(ours.predictions, stock.predictions);
  });

  test('predicts the same after saving and loading', () => {
    expect(ours.reloaded).toEqual(ours.predictions);
  });

  test('leaves no more tensors behind than there', () => {
    expect(ours.leaked).toBe(stock.leaked);
  });
});
