import { spawnSync } from 'node:child_process';
import { cp, mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { UserError } from '../../src/store/errors.js';
import { removeFolder, writeFolderAtomic } from '../../src/store/folder.js';
import { hashPath, MARK } from '../../src/store/hash.js';
import { recover } from '../../src/store/leftovers.js';
import { markFolder } from '../../src/store/mark.js';
import { requirePlaceForFile, requirePlaceForFolder } from '../../src/store/place.js';
import { buildOnce } from '../helpers/cli.js';
import { ofDead, scratchFolder } from './folder.js';

const scratch = scratchFolder();
let number = 0;
/** A folder for one test. */
let dir: string;
beforeEach(async () => {
  dir = join(scratch, String(++number));
  await mkdir(dir);
});

const write = (to: string, text: string) =>
  writeFolderAtomic(to, (temporary) => writeFile(join(temporary, 'weights'), text));
const weights = (of: string) => readFile(join(of, 'weights'), 'utf8');
/** A whole folder of ours, as a process that was killed there would have left it. */
async function left(path: string, text: string): Promise<void> {
  await mkdir(path);
  await writeFile(join(path, 'weights'), text);
  await markFolder(path);
}

describe('a folder', () => {
  it('replaces the old content as a whole', async () => {
    const model = join(dir, 'model');
    await writeFolderAtomic(model, async (temporary) => {
      await mkdir(join(temporary, 'onnx'));
      await writeFile(join(temporary, 'onnx', 'model.onnx'), 'x');
    });
    await writeFolderAtomic(model, (temporary) => writeFile(join(temporary, 'config.json'), '{}'));
    expect((await readdir(model)).sort()).toEqual([MARK, 'config.json']);
    expect(await readdir(dir)).toEqual(['model']);
  });

  it('stays as it was when building fails', async () => {
    const model = join(dir, 'model');
    await write(model, 'old');
    const failing = writeFolderAtomic(model, async (temporary) => {
      await writeFile(join(temporary, 'weights'), 'half');
      throw new UserError(`cannot write ${join(temporary, 'weights')}: no space left`);
    });
    // By the name that was asked for.
    await expect(failing).rejects.toThrow(`cannot write ${join(model, 'weights')}: no space left`);
    expect(await weights(model)).toBe('old');
    expect(await readdir(dir)).toEqual(['model']);
  });

  it('may be where a link says, there or not there yet', async () => {
    await symlink('real', join(dir, 'link'));
    await write(join(dir, 'link'), 'one');
    await write(join(dir, 'link'), 'two');
    expect(await weights(join(dir, 'real'))).toBe('two');
    expect(await weights(join(dir, 'link'))).toBe('two');
    expect((await readdir(dir)).sort()).toEqual(['link', 'real']);
  });

  it('hashes as what it holds, marked or not', async () => {
    await write(join(dir, 'model'), 'x');
    const marked = await hashPath(join(dir, 'model'));
    await rm(join(dir, 'model', MARK));
    expect(await hashPath(join(dir, 'model'))).toBe(marked);
  });
});

describe('only what is ours is replaced', () => {
  const foreign: [what: string, make: (out: string) => Promise<unknown>, named: string][] = [
    ["a folder of somebody's", (out) => writeFile(join(out, 'thesis.tex'), 'mine'), 'thesis.tex'],
    ['a folder of folders', (out) => mkdir(join(out, 'photos', '2024'), { recursive: true }), 'photos'],
    ['a model without our mark', (out) => writeFile(join(out, 'config.json'), '{}'), 'config.json'],
    ['a hidden file', (out) => writeFile(join(out, '.env'), ''), '.env'],
    ["another program's mark", (out) => writeFile(join(out, MARK), '{"writtenBy":"other","holds":[]}'), MARK],
    ['a damaged mark', (out) => writeFile(join(out, MARK), '{"writtenBy":'), MARK],
    [
      'what was added to ours',
      async (out) => {
        await write(out, 'x');
        await writeFile(join(out, 'notes.md'), 'mine');
      },
      'notes.md',
    ],
    [
      'a link that was added to ours',
      async (out) => {
        await write(out, 'x');
        await symlink('/etc/hostname', join(out, 'host'));
      },
      'host',
    ],
  ];
  it.each(foreign)('not %s', async (_what, make, named) => {
    const out = join(dir, 'out');
    await mkdir(out);
    await make(out);
    const before = await hashPath(out);
    const refusal = `${out} would be replaced, and holds ${named}, which this program did not mark as its own`;
    await expect(requirePlaceForFolder(out, [])).rejects.toThrow(refusal);
    await expect(write(out, 'new')).rejects.toThrow(refusal);
    await expect(removeFolder(out)).rejects.toThrow(refusal);
    expect(await hashPath(out)).toBe(before);
    expect(await readdir(dir)).toEqual(['out']);
  });

  it('and an empty folder, one of ours, also copied, and what is not there', async () => {
    await mkdir(join(dir, 'empty'));
    await write(join(dir, 'ours'), 'x');
    await cp(join(dir, 'ours'), join(dir, 'copy'), { recursive: true });
    for (const name of ['empty', 'ours', 'copy', 'none', 'a/b']) {
      await requirePlaceForFolder(join(dir, name), []);
      await write(join(dir, name), 'new');
      expect(await weights(join(dir, name))).toBe('new');
    }
    await removeFolder(join(dir, 'ours'));
    await removeFolder(join(dir, 'never there'));
    expect((await readdir(dir)).sort()).toEqual(['a', 'copy', 'empty', 'none']);
  });

  it('not a file, a device, or a folder that another file stands in the way of', async () => {
    await writeFile(join(dir, 'file'), 'mine');
    for (const path of ['file', 'file/out']) {
      await expect(requirePlaceForFolder(join(dir, path), [])).rejects.toThrow(/is no folder|is a file/);
      await expect(write(join(dir, path), 'x')).rejects.toThrow(UserError);
    }
    await expect(requirePlaceForFolder('/dev/null', [])).rejects.toThrow('/dev/null is no folder');
    await expect(write('/dev/null', 'x')).rejects.toThrow('/dev/null is no folder');
    expect(await readFile(join(dir, 'file'), 'utf8')).toBe('mine');
  });
});

describe('what is read is not replaced', () => {
  it('by a folder: an input is it, or within it, also through a link', async () => {
    const out = join(dir, 'out');
    await write(out, 'x');
    await symlink('out', join(dir, 'link'));
    for (const input of [out, join(out, 'weights'), join(dir, 'link', 'weights')]) {
      const refused = requirePlaceForFolder(out, [undefined, input]);
      await expect(refused).rejects.toThrow(`${out} would be replaced, and holds ${input}, which is read`);
      await expect(requirePlaceForFolder(join(dir, 'link'), [input])).rejects.toThrow('which is read');
    }
    await requirePlaceForFolder(join(out, 'below'), [out]);
    await requirePlaceForFolder(out, [join(dir, 'out-2'), dir]);
  });

  it('by a file: an input is it, or a folder that has it', async () => {
    const model = join(dir, 'model');
    await write(model, 'x');
    await symlink('model/weights', join(dir, 'link'));
    for (const [path, input] of [
      [join(model, 'weights'), join(model, 'weights')],
      [join(model, 'weights'), model],
      [join(dir, 'link'), model],
    ] as const)
      await expect(requirePlaceForFile(path, [input])).rejects.toThrow(
        `${path} would be replaced, and is read`,
      );
    await requirePlaceForFile(join(model, 'new.arrow'), [model]);
    await requirePlaceForFile('/dev/null', ['/dev/null']);
    await expect(requirePlaceForFile(model, [])).rejects.toThrow(`${model} is a folder`);
  });

  it.runIf(process.platform === 'linux')('and where nothing can be written is found out', async () => {
    await expect(requirePlaceForFile('/proc/x/y.arrow', [])).rejects.toThrow(
      'nothing can be written to /proc',
    );
    await expect(requirePlaceForFolder('/proc/x', [])).rejects.toThrow('nothing can be written to /proc');
    const long = join(dir, 'x'.repeat(250));
    await expect(requirePlaceForFile(long, [])).rejects.toThrow(`cannot write ${long}: the name is too long`);
  });
});

describe('what a kill leaves', () => {
  const out = () => join(dir, 'out');
  const states: [
    what: string,
    left: Partial<Record<'out' | 'tmp' | 'new' | 'old', string>>,
    found: string,
  ][] = [
    ['while building, the first time', { tmp: 'half' }, 'nothing'],
    ['while building', { out: 'before', tmp: 'half' }, 'before'],
    ['when the new one was whole, the first time', { new: 'after' }, 'after'],
    ['when the new one was whole', { out: 'before', new: 'after' }, 'before'],
    ['between the two renames', { new: 'after', old: 'before' }, 'after'],
    ['between the two renames, and while building again', { new: 'after', old: 'x', tmp: 'half' }, 'after'],
    ['with the new one in place', { out: 'after', old: 'before' }, 'after'],
    ['where only the old one is left', { old: 'before' }, 'before'],
  ];
  it.each(states)('%s', async (_what, { out: there, ...others }, found) => {
    if (there !== undefined) await left(out(), there);
    for (const [ending, text] of Object.entries(others))
      await left(ofDead(out(), ending as 'tmp' | 'new' | 'old'), text);
    await recover(dir);
    expect(await readdir(dir)).toEqual(found === 'nothing' ? [] : ['out']);
    if (found !== 'nothing') expect(await weights(out())).toBe(found);
    await write(out(), 'next');
    expect(await readdir(dir)).toEqual(['out']);
  });

  it('of a living process is left alone', async () => {
    await left(ofDead(out(), 'new').replace('.999999999-', `.${process.pid}-`), 'after');
    await recover(dir);
    expect(await readdir(dir)).toEqual([expect.stringMatching(/^\.out\..*\.new$/)]);
  });

  it('is whole, whichever rename a SIGKILL comes before', async () => {
    buildOnce();
    const built = new URL('../../dist/src/store/folder.js', import.meta.url).href;
    const seen: string[] = [];
    // The mark's own; .tmp to .new; out to .old; .new to out; .old to .tmp, which is removed then.
    for (let renames = 0; renames <= 5; renames++) {
      const at = join(dir, String(renames));
      await mkdir(at);
      await left(join(at, 'out'), 'before');
      const program = `
        import fs from 'node:fs';
        import { syncBuiltinESMExports } from 'node:module';
        const { rename, rm } = fs.promises;
        let left = ${renames};
        const die = () => new Promise(() => process.kill(process.pid, 'SIGKILL'));
        fs.promises.rename = (...of) => (left-- > 0 ? rename(...of) : die());
        fs.promises.rm = (...of) => (left < 0 ? rm(...of) : die());
        syncBuiltinESMExports();
        const { writeFolderAtomic } = await import(${JSON.stringify(built)});
        await writeFolderAtomic(process.argv[1], async (to) => fs.writeFileSync(to + '/weights', 'after'));`;
      const words = ['--input-type=module', '-e', program, join(at, 'out')];
      const { signal, stderr } = spawnSync(process.execPath, words, { encoding: 'utf8' });
      expect({ signal, stderr }).toEqual({ signal: 'SIGKILL', stderr: '' });
      await recover(at);
      expect(await readdir(at)).toEqual(['out']);
      expect((await readdir(join(at, 'out'))).sort()).toEqual([MARK, 'weights']);
      seen.push(await weights(join(at, 'out')));
    }
    expect(seen).toEqual(['before', 'before', 'before', 'after', 'after', 'after']);
  });
});
