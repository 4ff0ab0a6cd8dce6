/** oneDNN itself, as a peer of our products: compiles bench/peers/gemm_onednn.cc where dnnl.hpp is found. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Budget } from './budget.js';
import { ChildError, output } from './child.js';
import { benchDir } from './models.js';

/** The program's path, or why there is none. */
export type OneDnn = { program: string } | { program: null; reason: string };

/**
 * The program, in a temporary folder until this process ends. $CXX, g++, clang++ or c++ compiles it; CPLUS_INCLUDE_PATH, LIBRARY_PATH and
 * LD_LIBRARY_PATH find an oneDNN that is not among the system's.
 */
export async function compileOneDnn(budget: Budget): Promise<OneDnn> {
  const folder = mkdtempSync(join(tmpdir(), 'bench-onednn-'));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  const program = join(folder, 'gemm_onednn');
  const source = join(benchDir, 'peers', 'gemm_onednn.cc');
  let reason = 'no C++ compiler';
  for (const name of [process.env.CXX, 'g++', 'clang++', 'c++']) {
    if (!name) continue;
    const [command, ...args] = name.split(' ');
    try {
      await output({ command: command!, args: [...args, '--version'] }, budget);
    } catch {
      continue;
    }
    try {
      const flags = ['-std=c++17', '-O2', source, '-o', program, '-ldnnl'];
      await output({ command: command!, args: [...args, ...flags] }, budget);
      process.once('exit', remove);
      return { program };
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
