// A folder that cannot be put in another's place, which takes a file system that fails in the middle.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { UserError } from '../../src/store/errors.js';
import { writeFolderAtomic } from '../../src/store/folder.js';
import { markFolder } from '../../src/store/mark.js';
import { scratchFolder } from '../store/folder.js';

vi.mock('node:fs/promises', async (original) => {
  const fs = await original<typeof import('node:fs/promises')>();
  const full = Object.assign(new Error('no space left'), {
    code: 'ENOSPC',
    errno: -28,
    syscall: 'rename',
  });
  return {
    ...fs,
    // Of the new folder; the old one can be put aside and back.
    rename: (from: string, to: string) =>
      String(from).endsWith('.new') ? Promise.reject(full) : fs.rename(from, to),
  };
});

const dir = scratchFolder();

it('leaves the old folder where it was', async () => {
  mkdirSync(join(dir, 'model'));
  writeFileSync(join(dir, 'model', 'weights'), 'old');
  await markFolder(join(dir, 'model'));
  const replace = writeFolderAtomic(join(dir, 'model'), (temporary) =>
    writeFile(join(temporary, 'weights'), 'new'),
  );
  await expect(replace).rejects.toThrow(UserError);
  expect(readdirSync(dir)).toEqual(['model']);
  expect(readFileSync(join(dir, 'model', 'weights'), 'utf8')).toBe('old');
});
