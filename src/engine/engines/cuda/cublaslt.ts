/** Where cuBLASLt lies: its name is searched for where CUDA toolkits and Python packages put it. */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

const NAMES = ['libcublasLt.so.13', 'libcublasLt.so.12'];

/** Whether this is the library, or a folder that has it. */
export const isCublasLt = (path: string): boolean =>
  existsSync(path) && (statSync(path).isFile() || NAMES.some((name) => existsSync(join(path, name))));

/** Folders of a parent whose names match; none where it cannot be read. */
function folders(parent: string, pattern: RegExp): string[] {
  try {
    return readdirSync(parent)
      .filter((name) => pattern.test(name))
      .sort()
      .reverse()
      .map((name) => join(parent, name));
  } catch {
    return [];
  }
}

/** Where pip puts NVIDIA's packages, below a Python's prefix. */
const pipFolders = (prefix: string): string[] =>
  folders(join(prefix, 'lib'), /^python3/).flatMap((python) =>
    ['site-packages', 'dist-packages'].flatMap((packages) => {
      const nvidia = join(python, packages, 'nvidia');
      return [...folders(nvidia, /^cu\d+$/), join(nvidia, 'cublas')].map((folder) => join(folder, 'lib'));
    }),
  );

/**
 * Paths to try, best first: ILF_CUBLASLT (the file or its folder), the toolkit of CUDA_HOME, the active Python's and the
 * user's packages, /usr/local/cuda*. What the system's loader finds by name comes after these.
 */
export function findCublasLt(env: NodeJS.ProcessEnv = process.env): string[] {
  const named = env.ILF_CUBLASLT;
  if (named && existsSync(named) && statSync(named).isFile()) return [named];
  const toolkits = [env.CUDA_HOME, env.CUDA_PATH, ...folders('/usr/local', /^cuda/)].filter(
    (p): p is string => !!p,
  );
  const prefixes = [env.VIRTUAL_ENV, env.CONDA_PREFIX, join(homedir(), '.local'), '/usr/local', '/usr'];
  const all = [
    ...(named ? [named] : []),
    ...(env.CUDA_HOME ? [join(env.CUDA_HOME, 'lib64')] : []),
    ...prefixes.filter((p): p is string => !!p).flatMap(pipFolders),
    ...toolkits.flatMap((toolkit) => [join(toolkit, 'lib64'), join(toolkit, 'lib')]),
  ];
  return [...new Set(all)]
    .flatMap((folder) => NAMES.map((name) => join(folder, name)))
    .filter((p) => existsSync(p));
}
