import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { mayEmulate } from '../helpers/emulated-cuda.js';

const here = fileURLToPath(new URL('.', import.meta.url));
const kernels = fileURLToPath(new URL('../../kernels', import.meta.url));

for (const name of ['cuda-mma.cc', 'cuda-wgmma.cc'])
  it.runIf(mayEmulate)(`emulates the tensor cores' instructions as PTX documents them: ${name}`, () => {
    const folder = mkdtempSync(join(tmpdir(), 'ilf-mma-'));
    try {
      const program = join(folder, 'test');
      const flags = [
        '-std=c++17',
        '-O1',
        '-DILF_EMULATED',
        `-I${kernels}/emulator`,
        '-o',
        program,
        '-x',
        'c++',
      ];
      const sources = ['cuda/device.cc', 'emulator/threads.cc', 'emulator/runtime.cc'].map((file) =>
        join(kernels, file),
      );
      execFileSync(process.env.CXX ?? 'g++', [...flags, join(here, name), ...sources]);
      expect(execFileSync(program, { encoding: 'utf8' })).toBe('');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
