/** Makes checks, in the process that ../trial.ts is. */
import type { NativeBackend } from '../../engine/backend.js';
import type { CudaNative } from '../../engine/engines/cuda/memory.js';
import { missingOf } from '../../engine/engines/kind.js';
import { KINDS, startEngine } from '../../engine/index.js';
import * as tf from '../../engine/tf.js';
import { checksOf, type KindOfChecks } from './checks.js';
import type { GpuNews } from './types.js';

/** The addon, waiting for what it was told to do. @throws Error where an earlier error has ended the GPU's context */
async function synchronized(): Promise<CudaNative> {
  await startEngine('cuda');
  const native = (tf.backend() as NativeBackend).native as CudaNative;
  native.synchronize();
  return native;
}

/** args: which checks, and how many of them to leave out. */
export async function tryGpu(
  [kind, from]: readonly string[],
  tell: (news: GpuNews) => Promise<void>,
): Promise<void> {
  const needs = await KINDS.cuda.needs();
  await tell({ needs });
  if (missingOf(needs)) return;
  for (const { name, tolerance, run } of checksOf(kind as KindOfChecks).slice(Number(from))) {
    await tell({ begins: { name, tolerance } });
    try {
      const { difference, drawn, hopper } = await run();
      const isNumber = Number.isFinite(difference);
      const checked = {
        name,
        tolerance,
        difference: isNumber ? difference : null,
        ok: difference <= tolerance,
      };
      await tell({
        checked: { ...checked, ...(!isNumber && { error: 'its numbers are not finite' }) },
        ...(drawn !== undefined && { drawn }),
        ...(hopper !== undefined && { hopper }),
      });
    } catch (reason) {
      const error = String(reason instanceof Error ? reason.message : reason).split('\n')[0]!;
      await tell({ checked: { name, tolerance, difference: null, ok: false, error } });
      const isLost = await synchronized().then(
        () => false,
        () => true,
      );
      if (isLost) return tell({ lost: true });
    }
  }
  await tell({ products: (await synchronized()).products() });
}
