// The fuzzer finds what it should: an input is made again from its seed and number, and what is no one line is a finding.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { UserError } from '../../src/store/errors.js';
import { scratchFolder } from '../store/folder.js';
import { folderOf, inputOf, outcomeOf } from './input.js';
import type { Example } from './kind.js';
import { mutatedJson } from './mutate-json.js';

const dir = scratchFolder();

const example = (read: Example['read']): Example => ({
  name: 'an example',
  files: { 'a/b.json': Buffer.from('{"a": 1, "b": ["c", {"d": null}]}'), 'other.txt': Buffer.from('x') },
  wrong: { 'a/b.json': mutatedJson },
  read,
});

describe('an input', () => {
  const fine = example(async () => {});
  const of = (seed: number, index: number) =>
    Buffer.from(inputOf('kind', [fine], seed, index).bytes).toString('latin1');

  it('is a function of the seed and its number', () => {
    expect(of(1, 7)).toBe(of(1, 7));
    const some = Array.from({ length: 50 }, (_, index) => of(1, index));
    expect(new Set(some).size).toBeGreaterThan(35);
    expect(of(2, 7)).not.toBe(of(1, 7));
  });

  it('is one file of a folder that is whole again behind it', () => {
    const folder = folderOf(fine, join(dir, 'folder'));
    const { file, bytes } = inputOf('kind', [fine], 1, 3);
    folder.put(file, bytes);
    expect(readFileSync(join(dir, 'folder', file)).equals(bytes)).toBe(true);
    folder.restore(file);
    expect(readFileSync(join(dir, 'folder', 'a/b.json')).equals(fine.files['a/b.json']!)).toBe(true);
  });
});

describe('what comes of an input', () => {
  const outcome = (read: Example['read']) => outcomeOf(example(read), dir);

  it('is that it was accepted, refused, or a finding', async () => {
    expect(await outcome(async () => {})).toEqual({ is: 'accepted' });
    expect(await outcome(() => Promise.reject(new UserError('it is damaged')))).toEqual({ is: 'refused' });
    expect(await outcome(() => Promise.reject(new TypeError('x is undefined')))).toMatchObject({
      is: 'finding',
      what: expect.stringMatching(/^no UserError: TypeError: x is undefined/),
    });
    expect(await outcome(() => Promise.reject('a text'))).toMatchObject({ is: 'finding' });
    expect(await outcome(() => Promise.reject(new UserError('')))).toMatchObject({ is: 'finding' });
  });
});
