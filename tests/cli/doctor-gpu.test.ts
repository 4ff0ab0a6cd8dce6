// `doctor --gpu` on the emulated CUDA kernels, whole, and with what may be wrong with a GPU, its driver or its library.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import type { GpuExamination } from '../../src/doctor/gpu/types.js';
import { buildOnce, cli } from '../helpers/cli.js';
import { buildEmulated } from '../helpers/emulated-cuda.js';
import { scratchFolder } from '../store/folder.js';

const missing = buildEmulated();
if (missing) console.warn(`doctor --gpu is not tested: ${missing}`);

// A busy machine needs its time.
vi.setConfig({ testTimeout: 300_000 });
const dir = scratchFolder();

describe.skipIf(missing)('doctor --gpu, emulated', () => {
  beforeAll(buildOnce, 180_000);
  const doctor = (variables: Record<string, string>, ...words: string[]) =>
    cli(['doctor', '--gpu', ...words], { cwd: dir, env: { ILF_CUDA_EMULATED: '1', ...variables } });
  const examined = async (variables: Record<string, string>) => {
    const { code, stdout, stderr } = await doctor(variables, '--json');
    const found = JSON.parse(stdout) as GpuExamination;
    return { code, stderr, found, failed: found.checks.filter(({ ok }) => !ok) };
  };

  it('checks every family of kernels in both precisions, and the sampler in four combinations', async () => {
    const { code, stdout, stderr } = await doctor({ ILF_CUDA_GRAPHS: '0' });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    for (const of of [
      'product',
      'attention, heads of 64',
      'rotary positions',
      'gated activation',
      'layer norm',
      'RMS norm',
      'cross-entropy',
      'KL',
      'a step of AdamW',
    ])
      for (const precision of ['bfloat16', 'float32'])
        expect(stdout).toMatch(new RegExp(`^  ${of}, ${precision} +holds`, 'm'));
    for (const overlap of [0, 1])
      for (const graphs of [0, 1])
        expect(stdout).toMatch(
          new RegExp(
            `^  sampler, float32, ILF_CUDA_OVERLAP=${overlap} ILF_CUDA_GRAPHS=${graphs} +holds`,
            'm',
          ),
        );
    expect(stdout).toMatch(/^ {2}environment +.*ILF_CUDA_EMULATED=1, ILF_CUDA_GRAPHS=0$/m);
    expect(stdout).toMatch(
      /^ {2}products made +\d+ by the library, [1-9]\d* finished [^,]*, [1-9]\d*\s+by\s+ours\s+alone$/m,
    );
    expect(stdout).toMatch(/^All 37 checks hold\.\n$/m);
  });

  it('names the kernel whose error ends the context, and makes the other checks', async () => {
    const { code, stderr, found, failed } = await examined({ ILF_EMULATED_FAULT: 'klForward' });
    expect({ code, stderr }).toEqual({ code: 1, stderr: 'error: 2 of 37 checks of the GPU fail\n' });
    expect(failed.map(({ name }) => name)).toEqual(['KL, bfloat16', 'KL, float32']);
    for (const { error, advice } of failed) {
      // Whichever of its parts is told first: a launch, or the library's product.
      expect(error).toMatch(
        /^klForward: CUDA: (launching a kernel: an illegal|cuBLASLt: a matrix product failed)/,
      );
      expect(advice).toMatch(/report it with the file of "doctor --gpu --report FILE"/);
    }
    expect(found).toMatchObject({ ok: false, problem: null });
  });

  it('outlives a process that ends', async () => {
    const { code, found, failed } = await examined({ ILF_EMULATED_CRASH: 'klForward' });
    expect(code).toBe(1);
    expect(failed.map(({ name }) => name)).toEqual(['KL, bfloat16', 'KL, float32']);
    expect(failed[0]!.error).toMatch(/its process ended by SIGABRT/);
    expect(found.checks).toHaveLength(37);
  });

  it.each(['ILF_EMULATED_FAULT', 'ILF_EMULATED_CRASH'])(
    'finds out that Hopper’s own products are at fault: %s',
    async (kind) => {
      const { code, found, failed } = await examined({ ILF_CUDA_HOPPER: '1', [kind]: 'hopperState' });
      expect(code).toBe(1);
      expect(failed.map(({ name, advice }) => [name, advice])).toEqual([
        [
          'attention by Hopper’s own products',
          'it holds without Hopper’s own products: set ILF_CUDA_HOPPER=0, and report it',
        ],
      ]);
      expect(found.checks).toHaveLength(37);
    },
  );

  it('finds out that cuBLASLt is at fault', async () => {
    const { code, failed } = await examined({ ILF_EMULATED_BLAS: 'wrong' });
    expect(code).toBe(1);
    expect(failed.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['product, float32', 'product with bias and GELU, bfloat16']),
    );
    for (const { name, advice } of failed)
      if (!name.startsWith('sampler'))
        expect(advice).toBe('it holds without cuBLASLt: set ILF_CUDA_BLAS=plain, and report it');
  });

  it('finds out that graphs are at fault', async () => {
    const { code, failed } = await examined({ ILF_EMULATED_GPU: 'no-graphs' });
    expect(code).toBe(1);
    const named = failed.map(({ name, advice }) => [name.replace(/^sampler, \w+, /, ''), advice]);
    expect(named).toHaveLength(4);
    expect(Object.fromEntries(named)).toEqual({
      'ILF_CUDA_OVERLAP=0 ILF_CUDA_GRAPHS=1': 'set ILF_CUDA_GRAPHS=0, and report it',
      'ILF_CUDA_OVERLAP=1 ILF_CUDA_GRAPHS=1': 'set ILF_CUDA_OVERLAP=0 and ILF_CUDA_GRAPHS=0, and report it',
    });
  });

  it('does without cuBLASLt, and says so in one line', async () => {
    const { code, stderr, found } = await examined({ ILF_EMULATED_BLAS: 'absent' });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const by = found.needs.find(({ what }) => what === 'matrix products')!.found;
    expect(by).toMatch(/^kernels of ours, which are much slower: .*cuBLASLt does not open.*ILF_CUBLASLT$/);
    expect(found.products).toMatchObject({ library: 0, finished: 0, plain: expect.any(Number) });
    const words = [
      'generate',
      '--contexts',
      'c.arrow',
      '--out',
      'o.arrow',
      '--engine',
      'cuda',
      '--max-tokens',
      '2',
    ];
    const env = { ILF_CUDA_EMULATED: '1', ILF_EMULATED_BLAS: 'absent' };
    await cli(['contexts', '--count', '1', '--out', 'c.arrow'], { cwd: dir });
    const generated = await cli([...words, '--quiet'], { cwd: dir, env });
    expect(generated).toMatchObject({ code: 0, stdout: '' });
    expect(generated.stderr).toMatch(
      /^engine cuda: matrix products by kernels of ours, which are much slower.*\n$/,
    );
  });

  it.each([
    [
      'no-driver',
      /^error: --gpu: no GPU: there is no NVIDIA driver; .* install a driver for CUDA 13\.0 or newer\n$/,
    ],
    [
      'none',
      /^error: --gpu: no GPU: the NVIDIA driver sees no GPU; look at nvidia-smi and CUDA_VISIBLE_DEVICES\n$/,
    ],
    [
      'old-driver',
      /^error: --gpu: no GPU: the NVIDIA driver is too old, for CUDA 11\.8; install .* 13\.0 or newer\n$/,
    ],
  ])('says in one line that there is no GPU: %s', async (gpu, message) => {
    const { code, stdout, stderr } = await doctor({ ILF_EMULATED_GPU: gpu });
    expect(stderr).toMatch(message);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  });

  it('writes what a failure report needs into one file', async () => {
    const file = join(dir, 'report.txt');
    const { code } = await doctor({ ILF_EMULATED_GPU: 'no-driver' }, '--report', file);
    expect(code).toBe(2);
    const text = readFileSync(file, 'utf8');
    for (const part of ['doctor --gpu', 'doctor --json', 'environment', 'nvidia-smi'])
      expect(text).toContain(`\n== ${part}\n`);
    expect(text).toMatch(/^ILF_EMULATED_GPU=no-driver$/m);
    expect(text).toContain('there is no NVIDIA driver');
    expect(await cli(['doctor', '--report', file], { cwd: dir })).toMatchObject({ code: 2, stdout: '' });
  });
});
