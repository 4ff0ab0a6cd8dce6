import { mkdtempSync, rmSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { hashText } from '../../src/store/hash.js';
import { temporaryName } from '../../src/store/leftovers.js';

/** A folder for this test file's files, removed after its last test. */
export function scratchFolder(): string {
  const dir = mkdtempSync(join(tmpdir(), 'ilf-test-'));
  afterAll(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

/** The name of what a process that is no more left where `path` was to be. */
export const ofDead = (path: string, ending: 'tmp' | 'new' | 'old' = 'tmp'): string =>
  temporaryName(path, ending).replace(`.${process.pid}-`, '.999999999-');

/** The same of a process of another host. */
export const ofHost = (host: string, path: string): string =>
  ofDead(path).replace(hashText(hostname()).slice(0, 8), hashText(host).slice(0, 8));
