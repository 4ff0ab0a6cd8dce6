/** The clock: wall time, and the kernels' part of it, of each repetition after warm-up. A GPU is waited for. */
import type { Repetitions, Report } from '../report.js';
import { median } from '../stats.js';
import type { Opened } from './engine.js';

export interface Lap {
  seconds: number;
  kernelSeconds: number;
}

/** A stopwatch: each call gives the time since the last, and the kernels' part of it. */
export function stopwatch({ native, gpu }: Opened): () => Lap {
  gpu?.native.synchronize();
  let from = performance.now();
  native?.resetKernelNanoseconds();
  return () => {
    gpu?.native.synchronize();
    const lap = {
      seconds: (performance.now() - from) / 1000,
      kernelSeconds: (native?.kernelNanoseconds() ?? 0) / 1e9,
    };
    native?.resetKernelNanoseconds();
    from = performance.now();
    return lap;
  };
}

export async function timeEach(
  engine: Opened,
  { warmUp, steps }: Repetitions,
  run: () => unknown,
): Promise<Lap[]> {
  const laps: Lap[] = [];
  const lap = stopwatch(engine);
  for (let i = 0; i < warmUp + steps; i++) {
    await run();
    laps.push(lap());
  }
  return laps.slice(warmUp);
}

/** A report on laps, with the tokens of one lap of each kind of work. */
export function report(
  engine: Opened,
  work: Record<string, { laps: readonly Lap[]; tokens: number }>,
  parameters?: number,
): Report {
  const each = <T>(of: (laps: readonly Lap[], tokens: number) => T) =>
    Object.fromEntries(Object.entries(work).map(([name, { laps, tokens }]) => [name, of(laps, tokens)]));
  return {
    subject: engine.describe(),
    rates: each((laps, tokens) => laps.map(({ seconds }) => tokens / seconds)),
    ...(engine.native && {
      kernelShare: each((laps) => median(laps.map((l) => l.kernelSeconds / l.seconds))),
    }),
    peakRssMiB: peakRssMiB(),
    ...onGpu(engine),
    ...(parameters !== undefined && { parameters }),
  };
}

/** What a report says of a GPU. */
export const onGpu = ({ gpu }: Opened): Pick<Report, 'gpu' | 'peakGpuMiB'> =>
  gpu ? { gpu: gpu.about, peakGpuMiB: gpu.native.peakBytes() / 2 ** 20 } : {};

/** libuv gives KiB on every system. */
export const peakRssMiB = (): number => process.resourceUsage().maxRSS / 1024;
