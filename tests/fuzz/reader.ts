/** A worker as its parent sees it: asked for batches, watched, and ended where it hangs or takes too much memory. */
import { type ChildProcess, fork } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Batch, NOTE, type Told } from './protocol.js';

/** What no input may take. */
export const MOST_SECONDS = 20;
export const MOST_BYTES = 2 ** 30;
/** After so many inputs a process is replaced: what was accepted may be kept, and no memory but one input's is to be measured. */
const MOST_INPUTS = 4000;

/** Most memory that a process ever had, in bytes; undefined where the system does not say. */
export function peakOf(pid: number): number | undefined {
  try {
    const [, kilobytes] = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'latin1')) ?? [];
    return kilobytes === undefined ? undefined : Number(kilobytes) * 1024;
  } catch {
    return undefined;
  }
}

type Message = 'ready' | { stray: string } | Told;

export interface Reader {
  /** Reads all of a batch, however many processes that takes. */
  read(batch: Batch): Promise<Told>;
  stop(): void;
}

export function openReader(scratch: string): Reader {
  let child: ChildProcess | undefined;
  let inputs = 0;
  const note = join(scratch, 'note');

  const start = (): Promise<ChildProcess> => {
    writeFileSync(note, '[-1,0,0]'.padEnd(NOTE));
    const fresh = fork(join(import.meta.dirname, 'worker.js'), [join(scratch, 'inputs'), note], {
      execArgv: ['--max-old-space-size=700'],
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      env: { ...process.env, ILF_THREADS: '1' },
    });
    inputs = 0;
    child = fresh;
    return new Promise((resolve, reject) => {
      let words = '';
      fresh.stderr!.setEncoding('utf8').on('data', (text: string) => {
        words = (words + text).slice(-2000);
      });
      fresh.once('message', () => resolve(fresh));
      fresh.once('exit', (code) => reject(new Error(`a worker does not start (${code}): ${words}`)));
    });
  };

  /** A batch, up to its end or the first input that its process does not survive. */
  const attempt = async (batch: Batch): Promise<Told & { next: number }> => {
    if (!child || child.exitCode !== null || child.signalCode !== null || inputs > MOST_INPUTS) {
      child?.kill('SIGKILL');
      await start();
    }
    const worker = child!;
    inputs += batch.count;
    const noted = () => JSON.parse(readFileSync(note, 'utf8')) as [number, number, number];
    let [last, since] = ['', performance.now()];
    let why = '';
    const end = (reason: string) => {
      why ||= reason;
      worker.kill('SIGKILL');
    };
    const watch = setInterval(() => {
      const now = readFileSync(note, 'utf8');
      if (now !== last) [last, since] = [now, performance.now()];
      else if (performance.now() - since > MOST_SECONDS * 1000) end(`not done after ${MOST_SECONDS} s`);
      const peak = peakOf(worker.pid!) ?? 0;
      if (peak > MOST_BYTES) end(`${(peak / 2 ** 20).toFixed(0)} MB of memory`);
    }, 100);
    try {
      return await new Promise((resolve) => {
        const onMessage = (message: Message) => {
          if (message === 'ready') return;
          if ('stray' in message) why ||= message.stray;
          else {
            worker.off('exit', onExit);
            worker.off('message', onMessage);
            resolve({ ...message, next: batch.from + batch.count });
          }
        };
        const onExit = (code: number | null, signal: string | null) => {
          worker.off('message', onMessage);
          const [index, accepted, refused] = noted();
          const what = why || `the process ended by ${signal ?? `status ${code}`}`;
          const at = Math.max(index, batch.from);
          resolve({ accepted, refused, findings: [{ index: at, what }], next: at + 1 });
        };
        worker.on('message', onMessage);
        worker.once('exit', onExit);
        worker.send(batch);
      });
    } finally {
      clearInterval(watch);
    }
  };

  return {
    async read(batch) {
      const all: Told = { accepted: 0, refused: 0, findings: [] };
      for (let from = batch.from; from < batch.from + batch.count; ) {
        const { next, ...told } = await attempt({ ...batch, from, count: batch.from + batch.count - from });
        all.accepted += told.accepted;
        all.refused += told.refused;
        all.findings.push(...told.findings);
        from = next;
      }
      return all;
    },
    stop: () => {
      child?.kill('SIGKILL');
    },
  };
}
