/** Runs trial.ts in a process of its own, which an addon or a driver may end. */
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const TRIAL = fileURLToPath(new URL('./trial.js', import.meta.url));
/** Loading TensorFlow or making a GPU's programs takes its time; longer is broken. */
const SECONDS = 120;

/**
 * `told` hears what the process tells until it says that it is done. `env` is added to the environment; undefined takes a variable out
 * of it.
 * @returns how it ended; null where it came to its end
 */
export function tryAside<News extends object>(
  args: readonly string[],
  told: (news: News) => void,
  env: NodeJS.ProcessEnv = {},
): Promise<string | null> {
  const options = { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] as const, env: { ...process.env, ...env } };
  const child = fork(TRIAL, [...args], { ...options, stdio: [...options.stdio] });
  let said = '';
  child.stderr!.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-4000);
  });
  return new Promise((resolve) => {
    const end = (broken: string | null) => {
      clearTimeout(timer);
      child.kill('SIGKILL');
      resolve(broken);
    };
    const timer = setTimeout(() => end(`it did not finish in ${SECONDS} s`), SECONDS * 1000);
    child.on('message', (news: News | { done: true }) => {
      if ('done' in news) end(null);
      else told(news);
    });
    child.on('error', (error) => end(error.message));
    child.on('close', (code, signal) => {
      const why = /^(?:\w*Error|error): .*/m.exec(said)?.[0];
      end(`its process ended by ${signal ?? `status ${code}`}${why ? ` (${why})` : ''}`);
    });
  });
}
