/** `webgpu`: tfjs-backend-webgpu on Dawn for Node, for GPUs that are not NVIDIA's; fused operations are compositions. */
import { UserError } from '../../../store/errors.js';
import { versionOf } from '../../installed.js';
import * as tf from '../../tf.js';
import { type EngineKind, missingOf, type Need } from '../kind.js';
import { BACKEND_NAME, createBackend } from './backend.js';
import { Dawn } from './dawn.js';
import { probe } from './probe.js';

const PACKAGES = ['webgpu', '@tensorflow/tfjs-backend-webgpu'];
const INSTALL = 'run "npm install --no-save webgpu@0.6.2 @tensorflow/tfjs-backend-webgpu@4.22.0"';
const DRIVER =
  process.platform === 'linux'
    ? "install the GPU's Vulkan driver and its loader (libvulkan1, mesa-vulkan-drivers)"
    : "install the GPU's driver";

let dawn: Dawn | undefined;

async function needs(): Promise<Need[]> {
  const missing = PACKAGES.filter((name) => versionOf(name) === null);
  const packages: Need = {
    what: 'npm packages',
    found: missing.length === 0 ? PACKAGES.map((name) => `${name} ${versionOf(name)}`).join(', ') : null,
    advice: missing.length === 0 ? '' : `${missing.join(', ')} not installed; ${INSTALL}`,
  };
  if (packages.found === null) return [packages];
  const seen = await probe();
  const adapter: Need = seen.adapter
    ? { what: 'WebGPU adapter', found: `${seen.adapter.device}, ${seen.adapter.description}`, advice: '' }
    : { what: 'WebGPU adapter', found: null, advice: `Dawn found no adapter (${seen.reason}); ${DRIVER}` };
  return [packages, adapter];
}

export const webgpu: EngineKind = {
  name: 'webgpu',
  precisions: ['float32'],
  needs,

  async gpu() {
    const seen = versionOf('webgpu') === null ? null : await probe();
    const found = seen?.adapter && !seen.adapter.isSoftware ? seen.adapter.device : null;
    const advice = seen?.adapter ? `${seen.adapter.device} computes on the CPU; ${DRIVER}` : DRIVER;
    return { what: 'GPU', found, advice: found ? '' : advice };
  },

  async start(precision) {
    const missing = missingOf(await needs());
    if (missing) throw new UserError(`engine webgpu: ${missing.advice}`);
    if (!dawn) {
      const opened = await Dawn.open();
      if (tf.findBackendFactory(BACKEND_NAME)) tf.removeBackend(BACKEND_NAME);
      tf.registerBackend(BACKEND_NAME, () => createBackend(opened));
      dawn = opened;
    }
    const { device } = dawn.info;
    if (!(await tf.setBackend(BACKEND_NAME))) throw new UserError(`engine webgpu: ${device} did not start`);
    return { name: 'webgpu', precision, native: null, describe: () => `webgpu (${device})` };
  },
};
