/**
 * `doctor --gpu --report FILE`: all that is needed to find a fault from afar, in one text. Each part has its time; one that fails, or
 * whose program is not there, says so. Of the environment only what names a GPU's libraries.
 */
import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeFileAtomic } from '../../store/atomic.js';
import { packageDir } from '../../store/package.js';
import { requirePlaceForFile } from '../../store/place.js';
import { examine } from '../examine.js';
import { examineGpu } from './examine.js';
import { renderGpu } from './render.js';
import type { GpuExamination } from './types.js';

const WIDTH = 110;
/** Characters of a part at most: a log may be long, and its end says most. */
const LONGEST = 200_000;

/** What a program prints, and how it ended. */
function outputOf(
  [program, ...args]: readonly [string, ...string[]],
  seconds: number,
  env: NodeJS.ProcessEnv = {},
): Promise<string> {
  const options = { env: { ...process.env, ...env }, timeout: seconds * 1000, maxBuffer: 1 << 26 };
  return new Promise((resolve) => {
    execFile(program, args, { ...options, killSignal: 'SIGKILL' }, (error, stdout, stderr) => {
      if (error?.code === 'ENOENT') return resolve(`there is no ${program}`);
      const ended = error?.killed
        ? `ended after ${seconds} s`
        : `status ${error?.code ?? error?.signal ?? 0}`;
      resolve(`${stdout}${stderr}\n${ended}`);
    });
  });
}

const NAMED = /^(?:ILF_|CUDA|CUBLAS|NVIDIA_|NV[A-Z]*$|LD_LIBRARY_PATH$|LD_PRELOAD$)/;
/** NVIDIA_API_KEY, for one. */
const SECRET = /KEY|TOKEN|SECRET|PASS|CREDENTIAL|AUTH/i;
const environment = () =>
  Object.entries(process.env)
    .filter(([name]) => NAMED.test(name))
    .map(([name, value]) => `${name}=${SECRET.test(name) ? '(not shown)' : value}`)
    .sort()
    .join('\n') || 'nothing of these is set';

/** The files that the library wrote, one for each process. */
const logsOf = (folder: string): string =>
  readdirSync(folder)
    .map((name) => `-- ${name}\n${readFileSync(join(folder, name), 'utf8')}`)
    .join('\n') || 'it wrote nothing';

const bench = join(packageDir, 'dist', 'bench', 'main.js');
const worker = join(packageDir, 'dist', 'bench', 'worker', 'main.js');

/** Writes the file, and gives back what was found. @throws UserError where it cannot be written, or a variable means nothing */
export async function reportGpu(file: string, version: string): Promise<GpuExamination> {
  await requirePlaceForFile(file, []);
  const scratch = mkdtempSync(join(tmpdir(), 'ilf-gpu-'));
  const logs = mkdtempSync(join(scratch, 'log-'));
  // The library's own variables; it writes %i as the process's number. Level 2: errors, and each call that starts a kernel.
  const logging = { CUBLASLT_LOG_LEVEL: '2', CUBLASLT_LOG_FILE: join(logs, 'cublaslt-%i.log') };
  try {
    const examination = await examineGpu(version, logging);
    const job = { work: 'parity', engine: 'cuda', threads: 1, precision: 'bfloat16' };
    const checks: [name: string, run: () => string | Promise<string>][] = [
      ['doctor --gpu', () => renderGpu(examination, { width: WIDTH, color: false })],
      ['doctor --json', async () => JSON.stringify(await examine(version), null, 1)],
      ['environment', environment],
      ['nvidia-smi', () => outputOf(['nvidia-smi'], 20)],
      ['nvidia-smi -q', () => outputOf(['nvidia-smi', '-q'], 20)],
    ];
    if (examination.problem === null)
      checks.push(
        ...(['float32', 'bfloat16'] as const).map((precision): [string, () => Promise<string>] => [
          `bench parity, ${precision}`,
          () => {
            const words = [
              'parity',
              '--engine',
              'cuda',
              '--precision',
              precision,
              '--seconds',
              '180',
              '--out',
              scratch,
            ];
            // It ends by itself, and says where it was.
            return outputOf([process.execPath, bench, ...words], 200, logging);
          },
        ]),
        ['cuBLASLt', () => logsOf(logs)],
        [
          'compute-sanitizer',
          () => {
            const tool = ['compute-sanitizer', '--target-processes', 'all', '--print-limit', '20'] as const;
            return outputOf([...tool, process.execPath, worker, JSON.stringify(job)], 300);
          },
        ],
      );
    let text = `A failure report of ilf ${version}, ${new Date().toISOString()}\n`;
    for (const [name, run] of checks) {
      const said = await run();
      text += `\n== ${name}\n${said.length > LONGEST ? `…${said.slice(-LONGEST)}` : said}\n`;
    }
    await writeFileAtomic(file, text);
    return examination;
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}
