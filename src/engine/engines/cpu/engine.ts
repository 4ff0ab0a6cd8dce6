/** `cpu`: ours, native kernels on all cores; the default where the addon is built. */
import { UserError } from '../../../store/errors.js';
import { loadAddon } from '../../addon.js';
import { NativeBackend } from '../../backend.js';
import { registerKernels } from '../../kernels.js';
import * as tf from '../../tf.js';
import type { EngineKind } from '../kind.js';
import { HostMemory } from './memory.js';

const ADVICE = 'run "npm run build:native" (needs a C++ compiler)';
/** tfjs-backend-cpu owns the plain name. */
const BACKEND = 'ilf-cpu';
let registered = false;

export const cpu: EngineKind = {
  name: 'cpu',
  precisions: ['float32', 'bfloat16'],
  takesThreads: true,

  async needs() {
    const addon = loadAddon();
    const found = addon.native ? `build/ilf_cpu.node (${addon.native.isa()})` : null;
    return [{ what: 'native addon', found, advice: addon.native ? '' : `${addon.reason}; ${ADVICE}` }];
  },

  async start(precision, threads) {
    const addon = loadAddon();
    if (!addon.native) throw new UserError(`engine cpu: ${addon.reason}; ${ADVICE}, or use the engine wasm`);
    const { native } = addon;
    const isa = process.env.ILF_ISA;
    if (isa && !native.availableIsas().includes(isa))
      throw new UserError(
        `ILF_ISA=${isa} in the environment: this CPU and build have ${native.availableIsas().join(', ')}; or unset it`,
      );
    if (threads !== undefined) native.setThreads(threads);
    if (!registered) {
      registerKernels(BACKEND);
      tf.registerBackend(BACKEND, () => new NativeBackend(BACKEND, native, new HostMemory(native)));
      registered = true;
    }
    if (!(await tf.setBackend(BACKEND))) throw new Error('the cpu engine did not start');
    (tf.backend() as NativeBackend).precision = precision;
    return {
      name: 'cpu',
      precision,
      native,
      describe: () => {
        const threads = `${native.threads()} ${native.threads() === 1 ? 'thread' : 'threads'}`;
        return `cpu (native ${native.isa()}, ${threads}${precision === 'bfloat16' ? ', bfloat16' : ''})`;
      },
    };
  },
};
