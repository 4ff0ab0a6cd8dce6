/** A reporter of Vitest for runs of all tests: fails where an area ran too few, though every test that ran passed. */
import { relative } from 'node:path';
import type { Reporter, TestModule } from 'vitest/node';
import { absentHere, areasOf, declaredAbsent, type Ran, tooFew } from './areas.js';

/** The projects of a run by `npm test` or `npm run test:whole`: of fewer files nothing can be said. */
const words = process.argv.slice(2).filter((word) => !word.startsWith('--reporter='));
const isRun = (...projects: string[]) =>
  words.join() === ['run', ...projects.map((name) => `--project=${name}`)].join();
const isTest = isRun('alone', 'together');
const isWhole = isRun('whole', 'whole-alone');

export default class AreasReporter implements Reporter {
  readonly #absent = new Set([...absentHere(), ...declaredAbsent(process.env.ILF_TESTS_WITHOUT)]);

  onTestRunEnd(modules: readonly TestModule[]): void {
    if (!isTest && !isWhole) return;
    const ran: Ran[] = modules.flatMap((module) =>
      [...module.children.allTests()]
        .filter((test) => ['passed', 'failed'].includes(test.result().state))
        .map((test) => ({ file: relative(process.cwd(), module.moduleId), name: test.fullName })),
    );
    if (this.#absent.size > 0) console.log(`not tested here: ${[...this.#absent].sort().join(', ')}`);
    const faults = tooFew(ran, this.#absent, areasOf(isWhole));
    for (const fault of faults) console.error(`too few tests of ${fault}`);
    if (faults.length > 0) process.exitCode = 1;
  }
}
