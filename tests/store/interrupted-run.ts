import { writeFile } from 'node:fs/promises';
import { writeFileAtomic, writeStreamAtomic } from '../../src/store/atomic.js';
import { openRun } from '../../src/store/run.js';

/** A run whose second step never comes to an end; says "half" when it is in the middle of it. */
export default async function interruptedRun(dir: string): Promise<void> {
  const run = await openRun(dir, { version: '1', options: {}, seeds: {} });
  await run.step('one', { values: 1 }, ['one.txt'], () => writeFileAtomic(run.path('one.txt'), 'one'));
  await run.step('two', { values: 2, files: ['one.txt'] }, ['two.txt'], async () => {
    await writeFile(run.path('other.txt'), 'written in place');
    await writeStreamAtomic(run.path('two.txt'), async (file) => {
      await file.write('half');
      process.stdout.write('half');
      await new Promise((resolve) => setTimeout(resolve, 600_000));
    });
  });
}
