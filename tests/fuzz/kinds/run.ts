/** What a run's folder holds beside its tables: manifest.json, and the marks of folders. */
import { join } from 'node:path';
import { writeFileAtomic } from '../../../src/store/atomic.js';
import { removeFolder, writeFolderAtomic } from '../../../src/store/folder.js';
import { openRun, type Run } from '../../../src/store/run.js';
import type { Kind } from '../kind.js';
import { mutated } from '../mutate.js';
import { mutatedJson } from '../mutate-json.js';
import { filesOf } from './model.js';

const settings = { version: '1', options: { seed: 1, model: 'a' }, seeds: { sampling: 3 } };

async function step(run: Run): Promise<void> {
  try {
    await run.step('one', { values: 1 }, ['made'], () =>
      writeFolderAtomic(run.path('made'), (dir) => writeFileAtomic(join(dir, 'x.txt'), 'one')),
    );
  } finally {
    run.close();
  }
}

export const run: Kind = {
  name: 'manifest',
  share: 2,
  examples: async () => {
    const files = await filesOf(async (dir) => step(await openRun(dir, settings)));
    return [
      {
        name: 'a run',
        writes: true,
        files,
        wrong: { 'manifest.json': mutatedJson, 'made/.ilf.json': mutatedJson, 'made/x.txt': mutated },
        read: async (dir) => {
          await step(await openRun(dir, settings));
          await removeFolder(join(dir, 'made'));
        },
      },
    ];
  },
};
