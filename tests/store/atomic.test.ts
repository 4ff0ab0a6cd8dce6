import { spawnSync } from 'node:child_process';
import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  removeLeftovers,
  writeFileAtomic,
  writeFolderAtomic,
  writeStreamAtomic,
} from '../../src/store/atomic.js';
import { UserError } from '../../src/store/errors.js';
import { scratchFolder } from './folder.js';

const scratch = scratchFolder();

describe('files', () => {
  it('writes, replaces, makes the folder, and leaves nothing else', async () => {
    const path = join(scratch, 'a', 'b', 'file.txt');
    await writeFileAtomic(path, 'one');
    await writeFileAtomic(path, new Uint8Array([0x74, 0x77, 0x6f]));
    expect(await readFile(path, 'utf8')).toBe('two');
    expect(await readdir(join(scratch, 'a', 'b'))).toEqual(['file.txt']);
  });

  it('keeps the old file when the writer fails, and passes bugs through', async () => {
    const path = join(scratch, 'kept.txt');
    await writeFileAtomic(path, 'old');
    const bug = new TypeError('a bug');
    const write = writeStreamAtomic(path, async (file) => {
      await file.write('half of the new');
      throw bug;
    });
    await expect(write).rejects.toBe(bug);
    expect(await readFile(path, 'utf8')).toBe('old');
    expect((await readdir(scratch)).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });

  it('turns a full disk into a UserError that names the file, without leftovers', async () => {
    const path = join(scratch, 'full.bin');
    const full = Object.assign(new Error('ENOSPC: no space left on device, write'), {
      code: 'ENOSPC',
      syscall: 'write',
    });
    const failed = await writeStreamAtomic(path, async (file) => {
      await file.write('some');
      throw full;
    }).catch((error: unknown) => error);
    expect(failed).toBeInstanceOf(UserError);
    expect((failed as Error).message).toMatch(/full\.bin: no space left/);
    expect((await readdir(scratch)).filter((name) => name.includes('full.bin'))).toEqual([]);
  });

  // A disk cannot be filled here, but a file size limit fails in the middle of a write the same way.
  it.skipIf(spawnSync('prlimit', ['--version']).error)('meets a real limit the same way', async () => {
    const path = join(scratch, 'big.bin');
    const limit = (bytes: string) =>
      spawnSync('prlimit', ['--pid', `${process.pid}`, `--fsize=${bytes}:`], { encoding: 'utf8' }).stderr;
    const ignore = () => {};
    process.on('SIGXFSZ', ignore);
    try {
      expect(limit('1000000')).toBe('');
      await expect(writeFileAtomic(path, new Uint8Array(1 << 24))).rejects.toThrow(
        /^cannot write .*big\.bin: the file would be larger/,
      );
    } finally {
      limit('unlimited');
      process.off('SIGXFSZ', ignore);
    }
    expect((await readdir(scratch)).filter((name) => name.includes('big.bin'))).toEqual([]);
  });

  it('writes through a symbolic link', async () => {
    const real = join(scratch, 'real.txt');
    const link = join(scratch, 'link.txt');
    await writeFile(real, 'old');
    await symlink(real, link);
    await writeFileAtomic(link, 'new');
    expect(await readFile(real, 'utf8')).toBe('new');
  });

  it('names the path when the folder is a file', async () => {
    await writeFile(join(scratch, 'plain'), '');
    await expect(writeFileAtomic(join(scratch, 'plain', 'x.txt'), 'x')).rejects.toThrow(
      /^cannot write .*plain.x\.txt: /,
    );
  });
});

describe('folders', () => {
  it('replaces the old content as a whole', async () => {
    const dir = join(scratch, 'model');
    await writeFolderAtomic(dir, async (tmp) => {
      await mkdir(join(tmp, 'onnx'));
      await writeFile(join(tmp, 'onnx', 'model.onnx'), 'x');
    });
    await writeFolderAtomic(dir, (tmp) => writeFile(join(tmp, 'config.json'), '{}'));
    expect(await readdir(dir)).toEqual(['config.json']);
    expect((await readdir(scratch)).filter((name) => /\.(tmp|old)$/.test(name))).toEqual([]);
  });

  it('keeps the old folder when building fails', async () => {
    const dir = join(scratch, 'kept');
    await writeFolderAtomic(dir, (tmp) => writeFile(join(tmp, 'a'), 'a'));
    const failing = writeFolderAtomic(dir, async (tmp) => {
      await writeFile(join(tmp, 'b'), 'b');
      throw new UserError('no');
    });
    await expect(failing).rejects.toThrow('no');
    expect(await readdir(dir)).toEqual(['a']);
  });
});

it('removes the leftovers of dead processes only', async () => {
  const dir = join(scratch, 'leftovers');
  await mkdir(join(dir, '.model.999999999-1.tmp'), { recursive: true });
  await writeFile(join(dir, '.x.json.999999999-2.tmp'), '');
  await writeFile(join(dir, `.y.json.${process.ppid}-2.tmp`), '');
  await writeFile(join(dir, 'data.tmp'), '');
  await removeLeftovers(dir);
  expect((await readdir(dir)).sort()).toEqual([`.y.json.${process.ppid}-2.tmp`, 'data.tmp']);
});
