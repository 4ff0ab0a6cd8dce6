/**
 * TensorFlow by way of tfjs-node, as a peer of our products, where it is installed and loads. Leaves out training with it:
 * our fused operations would run as compositions, which says little about TensorFlow.
 */
import { createRequire } from 'node:module';
import type { Budget } from './budget.js';
import { ChildError, output } from './child.js';

const NAMES = ['@tensorflow/tfjs-node', '@tensorflow/tfjs-node-gpu'];

/** The package's name, or why there is none. */
export type TfjsNode = { name: string } | { name: null; reason: string };

/** Loads it in a child: it takes memory, and may crash. */
export async function findTfjsNode(budget: Budget): Promise<TfjsNode> {
  const { resolve } = createRequire(import.meta.url);
  let reason = 'it is not installed';
  for (const name of NAMES) {
    let path: string;
    try {
      path = resolve(name);
    } catch {
      continue;
    }
    try {
      const args = ['-e', `require(${JSON.stringify(path)})`];
      await output({ command: process.execPath, args }, budget);
      return { name };
    } catch (error) {
      if (!(error instanceof ChildError)) throw error;
      reason = `${name} does not load: ${error.message}`;
    }
  }
  return { name: null, reason };
}
