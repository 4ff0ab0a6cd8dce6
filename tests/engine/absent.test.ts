// The engines that are not here, each as a test that was skipped and says why: suites that take engines as parameters know nothing of them.
import { expect, it } from 'vitest';
import { absences, backends } from './harness.js';

it.for(absences)('$name: tested, or there is a reason why not', ({ name, reason }, context) => {
  context.skip(reason !== null, reason ?? '');
  expect(backends).toContain(name);
});
