import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import type { KlSample } from '../../src/bayes/kl.js';

/** An autoregressive categorical model, small enough to enumerate: next-token probabilities by prefix. */
export type TinyModel = (prefix: readonly number[]) => number[];

export const eos = 0;
export const vocabSize = 3;
export const maxLength = 3;

/** Random conditionals at every prefix; `scale` is the spread of the logits. */
export function tinyModel(seed: number, scale = 1): TinyModel {
  const table = new Map<string, number[]>();
  const random = xoroshiro128plus(seed);
  const visit = (prefix: number[]): void => {
    if (prefix.length === maxLength || prefix.at(-1) === eos) return;
    const weights = Array.from({ length: vocabSize }, () =>
      Math.exp(scale * (4 * uniformFloat64(random) - 2)),
    );
    const sum = weights.reduce((a, b) => a + b, 0);
    table.set(
      prefix.join(),
      weights.map((w) => w / sum),
    );
    for (let v = 0; v < vocabSize; v++) visit([...prefix, v]);
  };
  visit([]);
  return (prefix) => table.get(prefix.join())!;
}

/** All sequences: those that end with eos, and those cut at maxLength. */
export function sequences(prefix: number[] = []): number[][] {
  if (prefix.length === maxLength || prefix.at(-1) === eos) return [prefix];
  return Array.from({ length: vocabSize }, (_, v) => sequences([...prefix, v])).flat();
}

/** ln of each token's probability. */
export function tokenLogProbs(model: TinyModel, ids: readonly number[]): number[] {
  return ids.map((id, t) => Math.log(model(ids.slice(0, t))[id]!));
}

export function logProb(model: TinyModel, ids: readonly number[]): number {
  return tokenLogProbs(model, ids).reduce((a, b) => a + b, 0);
}

/** What KL estimation sees of one sequence x ~ q. */
export function klSample(q: TinyModel, p: TinyModel, ids: readonly number[]): KlSample {
  const exact = ids.map((_, t) => {
    const [qs, ps] = [q(ids.slice(0, t)), p(ids.slice(0, t))];
    return qs.reduce((sum, qv, v) => sum + qv * Math.log(qv / ps[v]!), 0);
  });
  return { logQ: tokenLogProbs(q, ids), logP: tokenLogProbs(p, ids), exact };
}

/** E over x ~ model of a function of the sequence, by enumeration. */
export function expectation(model: TinyModel, of: (ids: number[]) => number): number {
  return sequences().reduce((sum, x) => sum + Math.exp(logProb(model, x)) * of(x), 0);
}

/** KL(q ‖ p) over whole sequences, from the definition. */
export function exactKl(q: TinyModel, p: TinyModel): number {
  return expectation(q, (x) => logProb(q, x) - logProb(p, x));
}

/** One context of a world small enough to enumerate. */
export interface TinyContext {
  prior: TinyModel;
  proposal: TinyModel;
  policy: TinyModel;
  /** A ranker's score in (0, 1) of a whole sequence, from a table; few values, so that sequences tie. */
  score: (ids: readonly number[]) => number;
}

export function tinyContext(seed: number, scale: number): TinyContext {
  const random = uniform(1000 + seed);
  const levels = [0.1, 0.3, 0.6, 0.9];
  const table = new Map(sequences().map((x) => [x.join(), levels[Math.floor(4 * random())]!]));
  const [prior, proposal, policy] = [1, 2, 3].map((i) => tinyModel(10 * seed + i, scale));
  return { prior: prior!, proposal: proposal!, policy: policy!, score: (ids) => table.get(ids.join())! };
}

/** One sequence from the model. */
export function draw(model: TinyModel, random: () => number): number[] {
  const ids: number[] = [];
  while (ids.length < maxLength && ids.at(-1) !== eos) {
    let u = random();
    let v = 0;
    const probabilities = model(ids);
    while (v < vocabSize - 1 && u >= probabilities[v]!) u -= probabilities[v++]!;
    ids.push(v);
  }
  return ids;
}

/** Uniform numbers in [0, 1) from a seed. */
export function uniform(seed: number): () => number {
  const random = xoroshiro128plus(seed);
  return () => uniformFloat64(random);
}
