/** Logits of tiny-architecture.ts' models by the book, in float64, one number after another. */
import type { CausalLM } from '../../src/lm/model.js';

type Vector = number[];
type Matrix = { rows: number; columns: number; data: Float32Array };

const times = ({ rows, columns, data }: Matrix, x: Vector): Vector =>
  Array.from({ length: rows }, (_, i) => x.reduce((sum, v, j) => sum + data[i * columns + j]! * v, 0));

/** [T][V], of one sequence. */
export function referenceLogits(lm: CausalLM, ids: readonly number[]): number[][] {
  const { layers, width: D, attention, norm, place } = lm.description;
  const { heads: H, kvHeads: KV, headDim: Dh } = attention;
  if (place === 'learned') throw new Error('these models turn');
  const of = (name: string): Matrix => {
    const v = lm.params.get(name)!;
    return { rows: v.shape[0]!, columns: v.shape[1] ?? 1, data: v.dataSync() as Float32Array };
  };
  const rms = (name: string, x: Vector): Vector => {
    const gain = of(name).data;
    const root = Math.sqrt(x.reduce((sum, v) => sum + v * v, 0) / D + norm.eps);
    return x.map((v, i) => (v / root) * gain[i]!);
  };
  const turn = (x: Vector, position: number): Vector => {
    const half = Dh / 2;
    return x.map((v, at) => {
      const i = at % Dh;
      const angle = position * 100 ** ((-2 * (i % half)) / Dh);
      const other = i < half ? -x[at + half]! : x[at - half]!;
      return v * Math.cos(angle) + other * Math.sin(angle);
    });
  };
  const add = (a: Vector, b: Vector) => a.map((v, i) => v + b[i]!);
  const table = of('tokens.weight').data;
  let x = ids.map((id) => [...table.subarray(id * D, (id + 1) * D)]);
  for (let l = 0; l < layers; l++) {
    const part = (name: string, v: Vector) => times(of(`blocks.${l}.${name}.weight`), v);
    const normed = x.map((v) => rms(`blocks.${l}.norm1.weight`, v));
    const q = normed.map((v, t) => turn(part('q', v), t));
    const k = normed.map((v, t) => turn(part('k', v), t));
    const values = normed.map((v) => part('v', v));
    x = x.map((before, t) => {
      const mixed: Vector = [];
      for (let h = 0; h < H; h++) {
        const key = Math.floor((h * KV) / H) * Dh;
        const mine = q[t]!.slice(h * Dh, (h + 1) * Dh);
        const e = k.slice(0, t + 1).map((of) => {
          const dot = mine.reduce((sum, v, d) => sum + v * of[key + d]!, 0);
          return Math.exp(dot / Math.sqrt(Dh));
        });
        const total = e.reduce((a, b) => a + b);
        for (let d = 0; d < Dh; d++)
          mixed.push(e.reduce((sum, weight, s) => sum + (weight / total) * values[s]![key + d]!, 0));
      }
      const after = add(before, part('o', mixed));
      const input = rms(`blocks.${l}.norm2.weight`, after);
      const up = part('up', input);
      const inner = part('gate', input).map((g, i) => (g / (1 + Math.exp(-g))) * up[i]!);
      return add(after, part('down', inner));
    });
  }
  return x.map((v) => times(of('head.weight'), rms('norm.weight', v)));
}
