/** tfjs-backend-webgpu on Dawn for Node: with synchronous reading, which tfjs has in a browser only, by a canvas. */
import { createRequire } from 'node:module';
import * as tf from '../../tf.js';
import type { Dawn, GpuBuffer, GpuDevice } from './dawn.js';
import { mendKernels } from './kernels.js';

/** The name under which tfjs knows the backend and its kernels. */
export const BACKEND_NAME = 'webgpu';

interface Stored {
  values: tf.backend_util.BackendValues | null;
  dtype: tf.DataType;
  resource?: GpuBuffer | null;
}

/** The part of tfjs-backend-webgpu's WebGPUBackend that is used here. */
interface WebGPUBackend extends tf.KernelBackend {
  tensorMap: { get(dataId: object): Stored };
  bufferManager: {
    acquireBuffer(size: number, usage: number): GpuBuffer;
    releaseBuffer(buffer: GpuBuffer): void;
  };
  commandEncoder: {
    copyBufferToBuffer(from: GpuBuffer, fromAt: number, to: GpuBuffer, toAt: number, bytes: number): void;
  };
  ensureCommandEncoderReady(): void;
  endComputePassEncoder(): void;
  submitQueue(): void;
}
interface Package {
  WebGPUBackend: new (device: GpuDevice, info: object) => WebGPUBackend;
}

const COPY_DST_AND_MAP_READ = 8 | 1;

let mended = false;

/** Makes the backend on an open GPU; its kernels register themselves when it is first loaded. */
export function createBackend(dawn: Dawn): tf.KernelBackend {
  const { WebGPUBackend } = createRequire(import.meta.url)('@tensorflow/tfjs-backend-webgpu') as Package;
  if (!mended) mendKernels(BACKEND_NAME);
  mended = true;

  class DawnBackend extends WebGPUBackend {
    override readSync(dataId: object): tf.backend_util.BackendValues {
      const { values, dtype, resource } = this.tensorMap.get(dataId);
      if (values || !resource) return super.readSync(dataId);
      return tf.util.convertBackendValuesAndArrayBuffer(this.download(resource), dtype);
    }

    override async read(dataId: object): Promise<tf.backend_util.BackendValues> {
      return this.readSync(dataId);
    }

    private download(buffer: GpuBuffer): ArrayBuffer {
      const staging = this.bufferManager.acquireBuffer(buffer.size, COPY_DST_AND_MAP_READ);
      this.ensureCommandEncoderReady();
      this.endComputePassEncoder();
      this.commandEncoder.copyBufferToBuffer(buffer, 0, staging, 0, buffer.size);
      this.submitQueue();
      const data = dawn.read(staging);
      this.bufferManager.releaseBuffer(staging);
      return data;
    }
  }

  // Its constructor asks navigator.gpu whether there is WebGPU at all.
  const navigator = Object.getOwnPropertyDescriptor(globalThis, 'navigator');
  Object.defineProperty(globalThis, 'navigator', { value: { gpu: dawn.gpu }, configurable: true });
  try {
    return new DawnBackend(dawn.device, dawn.info);
  } finally {
    if (navigator) Object.defineProperty(globalThis, 'navigator', navigator);
    else Reflect.deleteProperty(globalThis, 'navigator');
  }
}
