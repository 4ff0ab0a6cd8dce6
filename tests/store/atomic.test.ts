import { execFileSync, spawnSync } from 'node:child_process';
import { mkdir, readdir, readFile, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { writeFileAtomic, writeStreamAtomic } from '../../src/store/atomic.js';
import { makeFolder } from '../../src/store/destination.js';
import { UserError } from '../../src/store/errors.js';
import { temporaryName } from '../../src/store/leftovers.js';
import { ofDead, ofHost, scratchFolder } from './folder.js';

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

  it('never names the temporary, whatever the system says', async () => {
    const path = join(scratch, 'odd.bin');
    const odd = Object.assign(new Error(`ETXTBSY: text file is busy, open '${temporaryName(path)}'`), {
      code: 'ETXTBSY',
      errno: -26,
      syscall: 'open',
    });
    const write = writeStreamAtomic(path, () => Promise.reject(odd));
    await expect(write).rejects.toThrow(/^cannot write [^ ]*\/odd\.bin: text file is busy$/);
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

  it('writes through a symbolic link, also to what is not there yet', async () => {
    const real = join(scratch, 'real.txt');
    const link = join(scratch, 'link.txt');
    await symlink('real.txt', link);
    await writeFileAtomic(link, 'first');
    await writeFileAtomic(link, 'second');
    expect(await readFile(real, 'utf8')).toBe('second');
    expect(await readFile(link, 'utf8')).toBe('second');
  });

  it('names the path when the folder is a file, and when it is a folder', async () => {
    await writeFile(join(scratch, 'plain'), '');
    await expect(writeFileAtomic(join(scratch, 'plain', 'x.txt'), 'x')).rejects.toThrow(
      /^cannot write .*plain.x\.txt: /,
    );
    await mkdir(join(scratch, 'dir'));
    await expect(writeFileAtomic(join(scratch, 'dir'), 'x')).rejects.toThrow(
      /^cannot write .*dir: it is a folder, a file was expected$/,
    );
  });
});

describe.skipIf(process.platform === 'win32')('what is no file', () => {
  const isFile = async (path: string) => (await stat(path)).isFile();

  it('is written to: a FIFO, and a device', async () => {
    const fifo = join(scratch, 'fifo');
    execFileSync('mkfifo', [fifo]);
    const [text] = await Promise.all([readFile(fifo, 'utf8'), writeFileAtomic(fifo, 'through')]);
    expect(text).toBe('through');
    await writeFileAtomic('/dev/null', 'nowhere');
    expect(await isFile(fifo)).toBe(false);
    expect(await isFile('/dev/null')).toBe(false);
  });

  it.runIf(process.platform === 'linux')('and fails by the name that was given', async () => {
    await expect(writeFileAtomic('/dev/full', 'x')).rejects.toThrow(
      /^cannot write \/dev\/full: no space left/,
    );
  });

  it('is refused where it takes no bytes: a socket', async () => {
    const path = join(scratch, 'socket');
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(path, resolve));
    await expect(writeFileAtomic(path, 'x')).rejects.toThrow(
      /socket is a socket, which nothing is written to/,
    );
    server.close();
  });
});

it.runIf(process.platform === 'linux')('ends where no folder can be made', async () => {
  await expect(makeFolder('/proc/x/y')).rejects.toThrow(
    /^cannot make the folder \/proc\/x: \/proc takes none$/,
  );
  await expect(writeFileAtomic('/proc/x/y.txt', '')).rejects.toThrow(UserError);
});

it('removes what dead processes left when it next writes there, and that only', async () => {
  const dir = join(scratch, 'leftovers');
  const day = 24 * 3600;
  const living = temporaryName(join(dir, 'mine'));
  const elsewhere = ofHost('elsewhere', join(dir, 'far'));
  const long = ofHost('elsewhere', join(dir, 'long'));
  await mkdir(join(ofDead(join(dir, 'model')), 'onnx'), { recursive: true });
  await writeFile(ofDead(join(dir, 'x.json')), '');
  for (const path of [living, elsewhere, long, join(dir, 'data.tmp'), join(dir, '.data.2024-1.tmp')])
    await writeFile(path, '');
  // Its id belongs to a process that began later.
  await writeFile(living.replace(/[0-9a-f]{8}(?=\.tmp$)/, 'deadbeef').replace('mine', 'reused'), '');
  await utimes(long, Date.now() / 1000 - 2 * day, Date.now() / 1000 - 2 * day);
  await writeFileAtomic(join(dir, 'new.txt'), '');
  const kept = [living, elsewhere].map((path) => path.slice(dir.length + 1));
  expect((await readdir(dir)).sort()).toEqual([...kept, '.data.2024-1.tmp', 'data.tmp', 'new.txt'].sort());
});
