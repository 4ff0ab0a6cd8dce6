import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';

/** A folder for this test file's files, removed after its last test. */
export function scratchFolder(): string {
  const dir = mkdtempSync(join(tmpdir(), 'ilf-test-'));
  afterAll(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}
