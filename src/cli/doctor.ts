import type { CommandModule, InferredOptionTypes } from 'yargs';
import { UserError } from '../store/errors.js';
import { packageVersion } from '../store/package.js';
import { print, printJson } from './streams.js';

const options = {
  json: { type: 'boolean' as const, description: 'one JSON document on standard output' },
};

export const doctorCommand: CommandModule<object, InferredOptionTypes<typeof options>> = {
  command: 'doctor',
  describe: 'what is installed, which engines work here, and what to do about those that do not',
  builder: options,
  handler: async ({ json }) => {
    const { examine } = await import('../doctor/examine.js');
    const examination = await examine(packageVersion());
    if (json) await printJson(examination);
    else {
      const { renderExamination } = await import('../doctor/render.js');
      const { terminalOf } = await import('../report/terminal.js');
      await print(renderExamination(examination, terminalOf(process.stdout)));
    }
    if (examination.ok) return;
    const { problem } = examination.engines.find(({ name }) => name === examination.byDefault)!;
    throw new UserError(`the engine ${examination.byDefault}, which a run takes, does not work: ${problem}`);
  },
};
