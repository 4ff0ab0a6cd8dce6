// What the kernels need of a GPU once nvcc has compiled them: registers, shared memory, nothing kept in the memory of a thread
// that means; and Hopper's products where Hopper's code is, nowhere else. Needs nvcc, not a GPU.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';

const script = (name: string) => new URL(`../../kernels/build/${name}.mjs`, import.meta.url).href;
const { sources } = (await import(script('compile'))) as {
  sources(folder: string, ending: string): string[];
};
const { findNvcc, gencode, hostFlags, kernelFlags } = (await import(script('nvcc'))) as {
  findNvcc(): { command: string; args: string[] } | undefined;
  gencode(architectures: string[]): string[];
  hostFlags: string[];
  kernelFlags: string[];
};

interface Kernel {
  name: string; // mangled
  arch: string;
  registers: number;
  shared: number; // static, bytes
  spilled: number; // bytes
}

/** What ptxas -v says of each kernel and architecture. */
function kernelsIn(log: string): Kernel[] {
  const kernels: Kernel[] = [];
  for (const part of log.split("Compiling entry function '").slice(1)) {
    const number = (pattern: RegExp) => Number(pattern.exec(part)?.[1] ?? Number.NaN);
    kernels.push({
      name: part.slice(0, part.indexOf("'")),
      arch: /for '(sm_\w+)'/.exec(part)![1]!,
      registers: number(/Used (\d+) registers/),
      shared: / bytes smem/.test(part) ? number(/(\d+) bytes smem/) : 0,
      spilled: number(/(\d+) bytes spill stores/) + number(/(\d+) bytes spill loads/),
    });
  }
  return kernels;
}

/** Kernels that are meant to share a multiprocessor, with its 65,536 registers: threads of a block, and how many blocks. */
const TOGETHER: Record<string, [name: RegExp, threads: number, blocks: number][]> = {
  'attention_forward.cu': [[/13forwardKernelILi(32|64|128)E/, 128, 2]],
  'attention_backward.cu': [[/14backwardKernelILi(32|64|128)E/, 128, 2]],
  'attention_wgmma_forward.cu': [
    [/18wgmmaForwardKernelILi64E/, 256, 2],
    [/18wgmmaForwardKernelILi128E/, 256, 1],
  ],
  'attention_wgmma_backward.cu': [[/19wgmmaBackwardKernelILi(64|128)E/, 256, 1]],
};

/** Bytes, stored and loaded, that some kernels keep outside their registers: a number that a loop needs once. */
const SPILLED: [name: RegExp, arch: RegExp, bytes: number][] = [
  [/14backwardKernelILi64E/, /sm_80/, 8],
  [/13forwardKernelILi128E/, /sm_90a/, 8],
  [/11multiplyFewI13__nv_bfloat16Li[12]ELi1E/, /sm_90a/, 64],
];

const nvcc = process.platform === 'linux' ? findNvcc() : undefined;
const folder = mkdtempSync(join(tmpdir(), 'ilf-limits-'));
afterAll(() => rmSync(folder, { recursive: true }));

function compile(args: string[]): string {
  const all = [...nvcc!.args, ...hostFlags, ...kernelFlags, ...args];
  const { status, stdout, stderr } = spawnSync(nvcc!.command, all, { encoding: 'utf8' });
  expect(status, stderr).toBe(0);
  return stdout + stderr;
}

if (!nvcc) it.skip('kernels within the limits of GPUs: no nvcc');
else
  describe('kernels within the limits of GPUs', () => {
    for (const source of sources('cuda', '.cu'))
      it(basename(source), { timeout: 600_000 }, () => {
        const object = join(folder, 'object.o');
        const log = compile([...gencode(['80', '90']), '-Xptxas', '-v', '-c', source, '-o', object]);
        // Products that the compiler waits for one by one ("C7510: … wgmma.mma_async instructions are serialized").
        expect(log).not.toMatch(/serialized|warning/i);
        const kernels = kernelsIn(log);
        for (const { name, arch, shared, spilled } of kernels) {
          const what = `${name} for ${arch}`;
          // What allowShared counts with (kernels/cuda/device.cc).
          expect(shared, what).toBeLessThanOrEqual(32 << 10);
          const allowed = SPILLED.find(([kernel, on]) => kernel.test(name) && on.test(arch))?.[2] ?? 0;
          expect(spilled, what).toBeLessThanOrEqual(allowed);
        }
        for (const [name, threads, blocks] of TOGETHER[basename(source)] ?? []) {
          const registers = kernels
            .filter((kernel) => name.test(kernel.name))
            .map((kernel) => kernel.registers);
          expect(Math.max(...registers) * threads * blocks, String(name)).toBeLessThanOrEqual(65_536);
          expect(registers.length, String(name)).toBeGreaterThanOrEqual(2); // for each architecture
        }
      });

    for (const name of ['attention_wgmma_forward.cu', 'attention_wgmma_backward.cu'])
      it(`${name} multiplies by wgmma for sm_90a, and has none of it in the PTX for later GPUs`, {
        timeout: 600_000,
      }, () => {
        const source = sources('cuda', '.cu').find((path) => basename(path) === name)!;
        const products = (arch: string) => {
          const ptx = join(folder, `${arch}.ptx`);
          compile([`-arch=${arch}`, '-ptx', source, '-o', ptx]);
          return readFileSync(ptx, 'utf8').match(/wgmma\.mma_async/g)?.length ?? 0;
        };
        expect(products('compute_90a')).toBeGreaterThan(30);
        expect(products('compute_90')).toBe(0);
        expect(gencode(['80', '90'])).toEqual([
          '-gencode=arch=compute_80,code=sm_80',
          '-gencode=arch=compute_90a,code=sm_90a',
          '-gencode=arch=compute_90,code=compute_90',
        ]);
      });
  });
