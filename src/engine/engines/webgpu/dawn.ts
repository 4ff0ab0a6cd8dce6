/**
 * Dawn for Node, the optional npm package `webgpu`: opens a GPU, and waits for it without returning to the event loop.
 *
 * Dawn finishes what it was asked for (a buffer to be mapped, say) in a callback that it hands to the global
 * setImmediate, and hands it over again each time it runs: the event loop then turns for as long as a device lives, the
 * process never ends by itself, and a result can only be awaited. Here every call that may hand it over runs while
 * setImmediate is a function of ours, which keeps the callback instead; waiting is to call what was kept. So buffers can
 * be read synchronously, which tfjs' dataSync() is to do, and between calls nothing runs.
 *
 * Types are ours and only as much as is used: the package may be missing when this is compiled.
 */
import { UserError } from '../../../store/errors.js';

export interface GpuBuffer {
  readonly size: number;
  readonly mapState: 'unmapped' | 'pending' | 'mapped';
  mapAsync(mode: number): Promise<void>;
  getMappedRange(): ArrayBuffer;
  unmap(): void;
}
interface GpuInfo {
  readonly device: string;
  readonly description: string;
  readonly isFallbackAdapter: boolean;
}
interface GpuAdapter {
  readonly info: GpuInfo;
  readonly limits: Record<string, number>;
  requestDevice(options: { requiredLimits: Record<string, number> }): Promise<GpuDevice>;
}
export interface GpuDevice {
  addEventListener(type: 'uncapturederror', listener: (event: UncapturedError) => void): void;
}
interface UncapturedError extends Event {
  readonly error: { readonly message: string };
}
interface Gpu {
  requestAdapter(options: { powerPreference: 'high-performance' }): Promise<GpuAdapter | null>;
}
interface Package {
  create(options: string[]): Gpu;
  globals: Record<string, unknown>;
}

/** What tfjs-backend-webgpu takes from the global scope while it computes. */
const GLOBALS = ['GPUBuffer', 'GPUBufferUsage', 'GPUMapMode', 'GPUTexture', 'GPUTextureUsage'];
/** Limits of the adapter that tfjs-backend-webgpu uses to the full. */
const LIMITS = [
  'maxBufferSize',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupSizeX',
  'maxComputeWorkgroupStorageSize',
  'maxComputeWorkgroupsPerDimension',
  'maxStorageBufferBindingSize',
];
const MAP_READ = 1;
/** Polls in a row before the waiting thread sleeps between them, and for how long (ms). */
const EAGER_POLLS = 200;
const NAP = 0.1;
const napping = new Int32Array(new SharedArrayBuffer(4));

/** Keeps the callbacks that Dawn schedules, and calls them when asked to. */
class Poller {
  private kept: (() => void)[] = [];

  /** Runs f, which calls into Dawn and nothing else: no other code must see this setImmediate. */
  call<T>(f: () => T): T {
    const { setImmediate } = globalThis;
    const keep = (callback: () => void) => this.kept.push(callback);
    globalThis.setImmediate = keep as unknown as typeof setImmediate;
    try {
      return f();
    } finally {
      globalThis.setImmediate = setImmediate;
    }
  }

  /** Lets Dawn see what is done by now; false where it waits for nothing. */
  poll(): boolean {
    const now = this.kept;
    this.kept = [];
    for (const callback of now) this.call(callback);
    return now.length > 0;
  }

  /** Awaits what Dawn is asked for, polling. */
  async settled<T>(ask: () => Promise<T>): Promise<T> {
    const answer = this.call(ask);
    let isSettled = false;
    const settle = () => {
      isSettled = true;
    };
    answer.then(settle, settle);
    while (!isSettled) {
      this.poll();
      await new Promise((resolve) => setImmediate(resolve));
    }
    return answer;
  }
}

/** An open GPU. */
export class Dawn {
  private fault: string | null = null;

  private constructor(
    readonly gpu: Gpu,
    readonly info: GpuInfo,
    readonly device: GpuDevice,
    private readonly poller: Poller,
  ) {
    device.addEventListener('uncapturederror', (event) => {
      event.preventDefault?.();
      this.fault ??= event.error.message.split('\n')[0]!;
    });
  }

  /**
   * Opens the system's first choice of a GPU.
   * @throws UserError where there is none
   */
  static async open(): Promise<Dawn> {
    // Not a literal: the compiler would want the package to be there.
    const name: string = 'webgpu';
    const { create, globals } = (await import(name)) as Package;
    for (const key of GLOBALS)
      if (!(key in globalThis))
        Object.defineProperty(globalThis, key, { value: globals[key], configurable: true, writable: true });
    const gpu = create([]);
    const poller = new Poller();
    const adapter = await poller.settled(() => gpu.requestAdapter({ powerPreference: 'high-performance' }));
    if (adapter === null) throw new UserError('engine webgpu: Dawn found no GPU');
    const requiredLimits = Object.fromEntries(LIMITS.map((limit) => [limit, adapter.limits[limit]!]));
    const device = await poller.settled(() => adapter.requestDevice({ requiredLimits }));
    return new Dawn(gpu, adapter.info, device, poller);
  }

  /**
   * A copy of what a buffer made for reading holds, once all work submitted before is done.
   * @throws UserError where the GPU reported a fault since the last time (out of memory, say)
   */
  read(buffer: GpuBuffer): ArrayBuffer {
    // The promise is not needed: mapState tells the same.
    this.poller.call(() => buffer.mapAsync(MAP_READ)).catch(() => {});
    for (let polls = 0; buffer.mapState === 'pending' && this.poller.poll(); polls++)
      if (polls > EAGER_POLLS) Atomics.wait(napping, 0, 0, NAP);
    const { fault } = this;
    this.fault = null;
    if (fault !== null || buffer.mapState !== 'mapped')
      throw new UserError(`engine webgpu: ${fault ?? 'the GPU does not answer; was it lost, or reset?'}`);
    const copy = buffer.getMappedRange().slice(0);
    buffer.unmap();
    return copy;
  }
}
