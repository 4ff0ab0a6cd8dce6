/** The architectures, by config.json's model_type; each is loaded when a model needs it. */
import type { Architecture } from '../architecture.js';

export const ARCHITECTURES: Record<string, () => Promise<Architecture>> = {
  gpt2: async () => (await import('./gpt2.js')).gpt2,
  llama: async () => (await import('./llama.js')).llama,
  mistral: async () => (await import('./llama.js')).mistral,
  qwen2: async () => (await import('./llama.js')).qwen2,
};
