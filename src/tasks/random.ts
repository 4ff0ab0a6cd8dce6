import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';

/** A seeded stream of choices. */
export interface Random {
  /** In [0, 1). */
  float(): number;
  /** An integer in [0, n). */
  int(n: number): number;
  chance(p: number): boolean;
  pick<T>(items: readonly T[]): T;
  /** A new array in random order. */
  shuffle<T>(items: readonly T[]): T[];
}

/** FNV-1a of a string to 32 bits: turns names into seeds, and posts into splits. */
export function hash32(text: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  h ^= h >>> 16;
  h = Math.imul(h, 0x85ebca6b);
  return (h ^ (h >>> 13)) >>> 0;
}

/** A stream of its own for each list of keys, so that item i's choices do not depend on how many came before it. */
export function random(...keys: (string | number)[]): Random {
  const generator = xoroshiro128plus(hash32(keys.join('/')) | 0);
  const int = (n: number) => uniformInt(generator, 0, n - 1);
  return {
    float: () => uniformFloat64(generator),
    int,
    chance: (p) => uniformFloat64(generator) < p,
    pick: (items) => items[int(items.length)]!,
    shuffle: (items) => {
      const out = [...items];
      for (let i = out.length - 1; i > 0; i--) {
        const j = int(i + 1);
        [out[i], out[j]] = [out[j]!, out[i]!];
      }
      return out;
    },
  };
}
