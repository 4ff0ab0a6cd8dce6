/**
 * node dist/bench/worker/main.js JOB: measures ours in a process of its own, so that peak memory and caches are its own,
 * and prints a Report as JSON. Started by the benches, not by people.
 */
import { UserError } from '../../src/store/errors.js';
import type { Job, Report } from '../report.js';
import { openEngine } from './engine.js';
import { timeProducts } from './gemm.js';
import { timeGeneration } from './generate.js';
import { timeScoring } from './kl.js';
import { checkParity, draw } from './parity.js';
import { report } from './time.js';
import { timeTraining } from './train.js';

function measure(job: Job): Promise<Report> {
  switch (job.work) {
    case 'check':
      return openEngine(job).then((engine) => report(engine, {}));
    case 'parity':
      return checkParity(job);
    case 'draw':
      return draw(job);
    case 'gemm':
      return timeProducts(job);
    case 'train':
      return timeTraining(job);
    case 'generate':
      return timeGeneration(job);
    case 'kl':
      return timeScoring(job);
    default:
      job satisfies never;
      throw new Error('no such work');
  }
}

try {
  console.log(JSON.stringify(await measure(JSON.parse(process.argv[2]!) as Job)));
} catch (error) {
  if (!(error instanceof UserError)) throw error;
  console.error(`error: ${error.message}`);
  process.exitCode = 2;
}
