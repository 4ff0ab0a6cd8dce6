// The estimates of bench/ROOFLINE.md: the table is what bench/training-cost.ts computes, which agrees with what is counted elsewhere.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { sizesOf } from '../../bench/models.js';
import { parameters, trainingFlops } from '../../bench/roofline.js';
import { renderTable } from '../../bench/table.js';
import { busyShare, chunkRows, costTable, trainingCosts } from '../../bench/training-cost.js';

const root = join(import.meta.dirname, '..', '..');
const read = (path: string) => readFileSync(join(root, path), 'utf8');

describe('the cost of a training step', () => {
  const sizes = sizesOf('124M');
  const M = 64 * 1024;

  it('is the table of the page', () => {
    expect(read('bench/ROOFLINE.md')).toContain(renderTable(costTable(sizes, [64, 1024]), true));
  });

  it('has the arithmetic of a training but for attention, biases and norms', () => {
    const { n_layer: L, n_embd: D } = sizes;
    const attention = 12 * L * D * 1024;
    const elementwise = 6 * (13 * D * L + 2 * D);
    const flops = trainingCosts(sizes, M, false).reduce((sum, cost) => sum + cost.flops, 0);
    expect(flops).toBe(M * (trainingFlops(sizes, 1024) - attention - elementwise));
  });

  it('updates every parameter', () => {
    const adam = trainingCosts(sizes, M, false).at(-1)!;
    expect(adam.bytes).toBe(32 * (parameters(sizes) + sizes.n_positions * sizes.n_embd));
  });

  it('has the chunks of logits that the kernels make', () => {
    expect(chunkRows(M, 50_257, 512 * 2 ** 20)).toBe(2560);
    expect(chunkRows(M, 50_257, 2.25 * 2 ** 30)).toBe(11_008);
    expect(chunkRows(100, 50_257, 2 ** 20)).toBe(100);
    // The largest, in floats.
    expect(read('kernels/cuda/vocabulary.h')).toContain('9 << 26');
    expect(9 * 2 ** 26 * 4).toBe(2.25 * 2 ** 30);
  });

  it('counts tiles in waves', () => {
    expect(busyShare(2560, 768)).toBeCloseTo(60 / 132, 12);
    expect(busyShare(11_008, 768)).toBeCloseTo(258 / 264, 12);
  });
});
