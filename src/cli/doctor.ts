import type { CommandModule, InferredOptionTypes } from 'yargs';
import type { GpuExamination } from '../doctor/gpu/types.js';
import { DoesNotHold, UserError } from '../store/errors.js';
import { packageVersion } from '../store/package.js';
import { path } from './options.js';
import { print, printJson } from './streams.js';

const options = {
  json: { type: 'boolean' as const, description: 'one JSON document on standard output' },
  gpu: {
    type: 'boolean' as const,
    description: "check the engine cuda's kernels on an NVIDIA GPU; status 1 where one fails",
  },
  report: path('report', 'with --gpu, a text file of all that a failure report needs; takes minutes'),
};

/** The examination of the GPU, also into a file where one is named. */
async function gpuExamination(report: string | undefined): Promise<GpuExamination> {
  if (report === undefined) return (await import('../doctor/gpu/examine.js')).examineGpu(packageVersion());
  return (await import('../doctor/gpu/report.js')).reportGpu(report, packageVersion());
}

async function checkGpu(json: boolean | undefined, report: string | undefined): Promise<void> {
  const examination = await gpuExamination(report);
  const { problem, checks, ok } = examination;
  if (json) await printJson(examination);
  else if (problem === null) {
    const { renderGpu } = await import('../doctor/gpu/render.js');
    const { terminalOf } = await import('../report/terminal.js');
    await print(renderGpu(examination, terminalOf(process.stdout)));
  }
  if (problem !== null) throw new UserError(`--gpu: ${problem}`);
  const failed = checks.filter((check) => !check.ok).length;
  if (!ok) throw new DoesNotHold(`${failed} of ${checks.length} checks of the GPU fail`);
}

export const doctorCommand: CommandModule<object, InferredOptionTypes<typeof options>> = {
  command: 'doctor',
  describe: 'what is installed, which engines work here, and what to do about those that do not',
  builder: options,
  handler: async ({ json, gpu, report }) => {
    if (gpu) return checkGpu(json, report);
    if (report !== undefined) throw new UserError('--report is of "doctor --gpu"; add --gpu');
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
