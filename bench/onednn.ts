/** oneDNN itself, as a peer of our products: compiles bench/peers/gemm_onednn.cc where dnnl.hpp is found. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ChildError, output } from './child.js';
import { benchDir } from './models.js';

export type OneDnn = { program: string; remove: () => void } | { program: null; reason: string };

/**
 * The program, in a temporary folder. $CXX, g++, clang++ or c++ compiles it; CPLUS_INCLUDE_PATH, LIBRARY_PATH and
 * LD_LIBRARY_PATH find an oneDNN that is not among the system's.
 */
export async function compileOneDnn(): Promise<OneDnn> {
  const folder = mkdtempSync(join(tmpdir(), 'bench-onednn-'));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  const program = join(folder, 'gemm_onednn');
  const source = join(benchDir, 'peers', 'gemm_onednn.cc');
  let reason = 'no C++ compiler';
  for (const name of [process.env.CXX, 'g++', 'clang++', 'c++']) {
    if (!name) continue;
    const [command, ...args] = name.split(' ');
    try {
      await output({ command: command!, args: [...args, '--version'] });
    } catch {
      continue;
    }
    try {
      await output({
        command: command!,
        args: [...args, '-std=c++17', '-O2', source, '-o', program, '-ldnnl'],
      });
      return { program, remove };
    } catch (error) {
      remove();
      if (!(error instanceof ChildError)) throw error;
      reason = `${name} does not compile it (is oneDNN with its headers installed?)`;
      break;
    }
  }
  remove();
  return { program: null, reason };
}
