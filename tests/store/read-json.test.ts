import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { UserError } from '../../src/store/errors.js';
import { isDeeper } from '../../src/store/json.js';
import { readJson } from '../../src/store/read-json.js';
import { scratchFolder } from './folder.js';

const path = join(scratchFolder(), 'a.json');
const read = async (text: string) => {
  await writeFile(path, text);
  return readJson(path, z.json());
};

it('counts brackets and braces that are open, not those in texts', () => {
  expect(isDeeper('[{"a":[1]}]', 3)).toBe(false);
  expect(isDeeper('[{"a":[1]}]', 2)).toBe(true);
  expect(isDeeper('[[],[],{},[]]', 2)).toBe(false);
  expect(isDeeper('["[[[[", "\\"[[[[", "\\\\", []]', 2)).toBe(false);
  expect(isDeeper('["\\\\", [[]]]', 2)).toBe(true);
});

it.each(['[', '{"a":'])('reads 100 levels of %s, and refuses 101', async (open) => {
  const nested = (levels: number) => {
    const inner = open === '[' ? '[]' : '{}';
    return open.repeat(levels - 1) + inner + (open === '[' ? ']' : '}').repeat(levels - 1);
  };
  expect(JSON.stringify(await read(nested(100)))).toBe(nested(100));
  for (const levels of [101, 5000, 1_000_000]) {
    const error = await read(nested(levels)).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(UserError);
    expect((error as Error).message).toBe(`cannot read ${path}: it is nested more than 100 levels deep`);
  }
});
