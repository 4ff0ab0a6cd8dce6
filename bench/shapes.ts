/**
 * The matrix products of one optimizer step, by layer: forward x·w, backward dx = dy·wᵀ and dw = xᵀ·dy. w is stored
 * [in, out], but the head's is the token embedding, [V, D]. Leaves out attention's small products.
 */
import type { Gpt2Sizes } from '../src/lm/architectures/gpt2.js';
import type { Shape } from './report.js';

export interface Product extends Shape {
  /** "fc forward", "head dw". */
  name: string;
}

/** rows: tokens of a step. */
export function products({ n_embd: D, vocab_size: V }: Gpt2Sizes, rows: number): Product[] {
  const linear = (layer: string, K: number, N: number): Product[] => [
    { name: `${layer} forward`, M: rows, N, K, transA: false, transB: false },
    { name: `${layer} dx`, M: rows, N: K, K: N, transA: false, transB: true },
    { name: `${layer} dw`, M: K, N, K: rows, transA: true, transB: false },
  ];
  return [
    ...linear('qkv', D, 3 * D),
    ...linear('proj', D, D),
    ...linear('fc', D, 4 * D),
    ...linear('out', 4 * D, D),
    { name: 'head forward', M: rows, N: V, K: D, transA: false, transB: true },
    { name: 'head dx', M: rows, N: D, K: V, transA: false, transB: false },
    { name: 'head dw', M: V, N: D, K: rows, transA: true, transB: false },
  ];
}
