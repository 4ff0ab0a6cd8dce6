/** A reporter of Vitest for runs of all tests: fails where an area ran too few, though every test that ran passed. */
import { relative } from 'node:path';
import type { Reporter, TestModule } from 'vitest/node';
import { absentHere, declaredAbsent, type Ran, tooFew } from './areas.js';

/** Whether all tests were asked for: of some, nothing can be said. */
const isWhole = process.argv.slice(2).every((word) => word === 'run' || word.startsWith('--reporter='));

export default class AreasReporter implements Reporter {
  readonly #absent = new Set([...absentHere(), ...declaredAbsent(process.env.ILF_TESTS_WITHOUT)]);

  onTestRunEnd(modules: readonly TestModule[]): void {
    if (!isWhole) return;
    const ran: Ran[] = modules.flatMap((module) =>
      [...module.children.allTests()]
        .filter((test) => ['passed', 'failed'].includes(test.result().state))
        .map((test) => ({ file: relative(process.cwd(), module.moduleId), name: test.fullName })),
    );
    if (this.#absent.size > 0) console.log(`not tested here: ${[...this.#absent].sort().join(', ')}`);
    const faults = tooFew(ran, this.#absent);
    for (const fault of faults) console.error(`too few tests of ${fault}`);
    if (faults.length > 0) process.exitCode = 1;
  }
}
