/** What `doctor --gpu` finds. This is also the shape of its JSON document. */
import type { Need } from '../../engine/engines/kind.js';

/** One family of kernels, in one precision, held against another way to the same numbers. */
export interface GpuCheck {
  name: string;
  /** The largest relative difference; null where there are no numbers. */
  difference: number | null;
  tolerance: number;
  ok: boolean;
  /** What went wrong, where that is no difference. */
  error?: string;
  /** What to do where it does not hold. */
  advice?: string;
}

/** Matrix products: by cuBLASLt, by it and a kernel of ours, by ours alone. */
export interface ProductCounts {
  library: number;
  finished: number;
  plain: number;
}

export interface GpuExamination {
  version: string;
  /** What the engine `cuda` needs, GPU and driver among it. */
  needs: Need[];
  /** Variables of ours that are set in the environment. */
  environment: string[];
  checks: GpuCheck[];
  /** What computed the products of the checks; null where they did not come to their end. */
  products: ProductCounts | null;
  /** Whether attention takes Hopper's own products, and why; null where that could not be told. */
  hopper: string | null;
  /** Why nothing could be checked; null where something was. */
  problem: string | null;
  ok: boolean;
}

/** What a process that makes checks tells, as it gets along; lost: nothing more can be computed in it. */
export type GpuNews =
  | { needs: Need[] }
  | { begins: Pick<GpuCheck, 'name' | 'tolerance'> }
  | { checked: GpuCheck; drawn?: string; hopper?: string }
  | { products: ProductCounts }
  | { lost: true };
