/** Looks for a GPU that Dawn would take, in a process of its own: a broken graphics driver may end the process. */
import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

export interface Adapter {
  device: string;
  description: string;
  /** Computed on the CPU, by SwiftShader or llvmpipe. */
  isSoftware: boolean;
}

/** What was found, or in one line why nothing was. */
export type Probe = { adapter: Adapter } | { adapter: null; reason: string };

const SECONDS = 30;
const PROGRAM = `
  const { create } = await import(process.argv[1]);
  const gpu = create([]);
  const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
  const { device, description, isFallbackAdapter: isSoftware } = adapter?.info ?? {};
  process.stdout.write(JSON.stringify(adapter && { device, description, isSoftware }), () => process.exit(0));
`;

let probed: Promise<Probe> | undefined;

/** Asks once a process. The npm package webgpu must be there. */
export function probe(): Promise<Probe> {
  probed ??= new Promise((resolve) => {
    const dawn = pathToFileURL(createRequire(import.meta.url).resolve('webgpu')).href;
    const args = ['--input-type=module', '--eval', PROGRAM, dawn];
    execFile(process.execPath, args, { timeout: SECONDS * 1000 }, (error, stdout, stderr) => {
      const adapter = error ? null : (JSON.parse(stdout || 'null') as Adapter | null);
      if (adapter) return resolve({ adapter });
      const said = stderr.split('\n').find((line) => /\b(Warning|Error)\b/.test(line));
      const how = !error
        ? 'none'
        : error.killed
          ? `no answer in ${SECONDS} s`
          : `ended by ${error.signal ?? error.code}`;
      resolve({ adapter: null, reason: said?.replace(/^\w*(Warning|Error): /, '') ?? how });
    });
  });
  return probed;
}
