/**
 * Loads tfjs-node: TensorFlow's library, the binding to it, and the package's kernels.
 *
 * Not by the package's main file: that one looks for its binding with node-pre-gyp in its own folder only, makes itself
 * tfjs' current backend at once, and takes over model files of tfjs.io. Its parts are plain CommonJS modules which ask for
 * no more than `@tensorflow/tfjs`; two of them are all that a backend needs, and the binding is given to its constructor.
 */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type * as util from 'node:util';
import { UserError } from '../../../store/errors.js';
import * as tf from '../../tf.js';
import { findTensorflow } from './find.js';
import { BACKEND_NAME, type Binding, type NodeBackend } from './node-backend.js';

const require = createRequire(import.meta.url);
let loaded: { backend: NodeBackend; threads: number | undefined } | undefined;

/** What tfjs-node 4.22 takes from Node's util and Node 23 no longer has. */
function mendUtil(): void {
  const gone: Record<string, (x: unknown) => boolean> = {
    isNullOrUndefined: (x) => x === null || x === undefined,
    isArray: Array.isArray,
  };
  const module = require('node:util') as typeof util;
  for (const [name, value] of Object.entries(gone))
    if (!(name in module)) Object.defineProperty(module, name, { value, configurable: true });
}

/** TensorFlow reads these when it is loaded; what the user has set stays. */
function prepareEnvironment(threads: number | undefined): void {
  process.env.TF_CPP_MIN_LOG_LEVEL ??= '2';
  // Without it the first program takes all of a GPU's memory.
  process.env.TF_FORCE_GPU_ALLOW_GROWTH ??= 'true';
  if (threads !== undefined) process.env.TF_NUM_INTRAOP_THREADS = String(threads);
}

/**
 * Loads it once and registers the backend.
 * @throws UserError where something is missing, does not load, or where TensorFlow already runs with another number of
 * threads
 */
export function loadTensorflow(threads?: number): NodeBackend {
  if (loaded) {
    if (threads !== undefined && threads !== loaded.threads)
      throw new UserError(
        `--threads: TensorFlow already runs in this process with ${loaded.threads ?? 'all'} threads`,
      );
    return loaded.backend;
  }
  const { needs, found } = findTensorflow();
  if (!found) throw new UserError(`engine tensorflow: ${needs.find((need) => need.found === null)?.advice}`);
  const usersLog = process.env.TF_CPP_MIN_LOG_LEVEL !== undefined;
  prepareEnvironment(threads);
  mendUtil();
  const load = () => require(found.binding.path) as Binding;
  try {
    const quiet = found.binding.quiet === null || usersLog ? null : require(found.binding.quiet);
    const binding = quiet ? (quiet as { quietly(f: () => Binding): Binding }).quietly(load) : load();
    const part = (name: string) => require(join(found.package.folder, 'dist', name)) as object;
    const { NodeJSKernelBackend } = part('nodejs_kernel_backend.js') as {
      NodeJSKernelBackend: new (binding: Binding, name: string) => NodeBackend;
    };
    part('register_all_kernels.js');
    const backend = new NodeJSKernelBackend(binding, found.package.name);
    tf.registerBackend(BACKEND_NAME, () => backend, 0);
    loaded = { backend, threads };
    return backend;
  } catch (error) {
    const first = String(error instanceof Error ? error.message : error).split('\n')[0];
    throw new UserError(`engine tensorflow: ${found.binding.path} does not load (${first})`);
  }
}
