/** A copy of the tree to make mistakes in: src and tests are copied, all else is linked. The tree itself is never touched. */
import { cpSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** What tests read as files beside src, and may write next to; and the program, which runs the dist that lies beside it itself. */
const COPIED = ['src', 'tests', 'train.js'];
/** Made anew where a test needs it (dist), or none of a test's business. */
const LEFT_OUT = ['dist', 'checkpoints', '.git'];

export interface Scratch {
  dir: string;
  remove(): void;
}

export function scratchOf(root: string): Scratch {
  const dir = mkdtempSync(join(tmpdir(), 'ilf-mutants-'));
  for (const name of readdirSync(root)) {
    if (LEFT_OUT.includes(name)) continue;
    if (COPIED.includes(name)) cpSync(join(root, name), join(dir, name), { recursive: true });
    else symlinkSync(join(root, name), join(dir, name));
  }
  return { dir, remove: () => rmSync(dir, { recursive: true, force: true }) };
}
