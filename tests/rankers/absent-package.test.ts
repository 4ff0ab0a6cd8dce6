// The judge's ONNX host is a package that npm may have left out: what is said then.
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { UserError } from '../../src/store/errors.js';

vi.mock('@xenova/transformers', () => {
  throw new Error("Cannot find package '@xenova/transformers'");
});

it('without the package one line says what to do', async () => {
  const { loadTransformers } = await import('../../src/rankers/answer-model/transformers.js');
  const error = await loadTransformers(join(import.meta.dirname, '../../models/instruct'), 1).catch(
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(UserError);
  expect((error as Error).message).toMatch(/is not installed.*--host engine/);
  expect((error as Error).message).not.toContain('\n');
});
