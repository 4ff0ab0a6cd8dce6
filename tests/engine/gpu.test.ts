import { afterAll, expect, test } from 'vitest';
import { type EngineKind, GPU_ORDER } from '../../src/engine/engines/kind.js';
import { GPU_KINDS, startGpuEngine } from '../../src/engine/gpu.js';
import { KINDS } from '../../src/engine/index.js';
import { use } from './harness.js';

afterAll(() => use('js'));

const need = (what: string, found: string | null) => ({ what, found, advice: found ? '' : `get a ${what}` });

/** wasm, made to look like an engine with a GPU. */
const seeing = (found: string | null): EngineKind => ({
  ...KINDS.wasm,
  gpu: async () => need('GPU', found),
});
const lacking: EngineKind = { ...KINDS.webgpu, needs: async () => [need('driver', null)] };
const throwing: EngineKind = {
  ...KINDS.cpu,
  needs: async () => {
    throw new Error('broken\nat length');
  },
};

test('engines that may have a GPU are tried in their order', () => {
  const names = GPU_KINDS.map((kind) => kind.name);
  expect(names).toEqual(GPU_ORDER.filter((name) => name in KINDS));
});

test('the first that has what it needs and sees a GPU starts', async () => {
  const engine = await startGpuEngine(undefined, {}, [lacking, throwing, seeing('a card')]);
  expect(engine.name).toBe('wasm');
  expect((await startGpuEngine('wasm', {}, [lacking, seeing('a card')])).name).toBe('wasm');
});

test('where none does, one line tells what each lacks', async () => {
  const tried = startGpuEngine(undefined, {}, [lacking, throwing, seeing(null)]);
  await expect(tried).rejects.toThrow(
    '--gpu: no engine computes on a GPU here (webgpu: no driver: get a driver; cpu: broken; wasm: no GPU: get a GPU)',
  );
  await expect(startGpuEngine('webgpu', {}, [lacking, seeing('a card')])).rejects.toThrow(
    '(webgpu: no driver: get a driver)',
  );
  const options = { precision: 'bfloat16' } as const;
  await expect(startGpuEngine(undefined, options, [seeing('a card')])).rejects.toThrow(
    '(wasm: precision bfloat16: the engine wasm has float32 only)',
  );
});

test('an engine without a GPU contradicts --gpu', async () => {
  await expect(startGpuEngine('cpu')).rejects.toThrow('--gpu and --engine cpu contradict each other');
});
