/**
 * The one door to tfjs: tfjs-core with its gradients and the chained operations (x.mul(y)).
 *
 * tfjs-core registers neither in Node: its lists are ES modules that Node does not load. The gradients are
 * also in tfjs-layers' bundle and reach tfjs through its global registry, so there is still one engine and
 * one set of tensors.
 */
import '@tensorflow/tfjs-layers';
import { registerChainedOps } from './chained.js';

registerChainedOps();

export * from '@tensorflow/tfjs-core';
