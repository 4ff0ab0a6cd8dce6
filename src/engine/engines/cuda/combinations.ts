/** What the decoder's kernels may be run with and without: in every combination the sampler must draw the same. */

export const OVERLAP = 'ILF_CUDA_OVERLAP';
export const GRAPHS = 'ILF_CUDA_GRAPHS';

/** Environments, in the order of suspicion: with both off nothing but the kernels themselves can be wrong. */
export const COMBINATIONS = [
  { [OVERLAP]: '0', [GRAPHS]: '0' },
  { [OVERLAP]: '1', [GRAPHS]: '0' },
  { [OVERLAP]: '0', [GRAPHS]: '1' },
  { [OVERLAP]: '1', [GRAPHS]: '1' },
] as const;

/** Added to each of them: nothing would overlap where launches block. */
export const UNBLOCKED = { CUDA_LAUNCH_BLOCKING: undefined };
