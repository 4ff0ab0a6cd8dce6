/** The computer, and what is installed on it that engines are built with or run on. Looks only; never throws. */
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { arch, availableParallelism, cpus, freemem, release, totalmem, type } from 'node:os';
import { join } from 'node:path';
import type { Need } from '../engine/engines/kind.js';
import { setVariables } from '../engine/environment.js';
import { versionOf } from '../engine/installed.js';

const OLDEST_NODE = [20, 12] as const;

/** What a program prints, or null where it does not run. */
function ask(program: string, args: readonly string[]): Promise<string | null> {
  return new Promise((resolve) => {
    execFile(program, args, { timeout: 10_000 }, (error, stdout) => resolve(error ? null : stdout.trim()));
  });
}

function read(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}

const need = (what: string, found: string | null, advice: string): Need => ({
  what,
  found,
  advice: found === null ? advice : '',
});

function node(): Need {
  const [major, minor] = process.versions.node.split('.').map(Number) as [number, number];
  const [oldest, oldestMinor] = OLDEST_NODE;
  const isOld = major < oldest || (major === oldest && minor < oldestMinor);
  const version = process.versions.node;
  return need(
    'Node.js',
    isOld ? null : version,
    `${version} is too old: install ${OLDEST_NODE.join('.')} or newer`,
  );
}

/** The vector extensions that kernels are written for. */
function vectors(): string {
  const flags = new Set(/^flags\s*:(.*)$/m.exec(read('/proc/cpuinfo') ?? '')?.[1]?.split(/\s+/));
  const names: [flag: string, name: string][] = [
    ['avx2', 'AVX2'],
    ['avx512f', 'AVX-512'],
    ['avx512_bf16', 'AVX512-BF16'],
  ];
  return names
    .filter(([flag]) => flags.has(flag))
    .map(([, name]) => name)
    .join(', ');
}

async function compiler(): Promise<Need> {
  for (const name of [process.env.CXX, 'g++', 'clang++', 'c++']) {
    const said = name ? await ask(name, ['--version']) : null;
    if (said) return need('C++ compiler', said.split('\n')[0]!, '');
  }
  return need('C++ compiler', null, 'install g++ or clang++ to build the engine cpu, or name one in CXX');
}

async function nvcc(): Promise<Need> {
  const homes = [process.env.CUDA_HOME, process.env.CUDA_PATH, '/usr/local/cuda'].filter((home) => !!home);
  for (const name of [process.env.NVCC, ...homes.map((home) => join(home!, 'bin', 'nvcc')), 'nvcc']) {
    const said = name ? await ask(name, ['--version']) : null;
    const version = /release ([\d.]+)/.exec(said ?? '')?.[1];
    if (version) return need('nvcc', `CUDA ${version} (${name})`, '');
  }
  return need(
    'nvcc',
    null,
    "install NVIDIA's CUDA toolkit to build kernels for its GPUs, or name nvcc in NVCC",
  );
}

async function nvidia(): Promise<{ driver: Need; gpus: string[] }> {
  const query = ['--query-gpu=driver_version,name,memory.total', '--format=csv,noheader'];
  const lines = (await ask('nvidia-smi', query))?.split('\n').filter((line) => line.includes(',')) ?? [];
  const cards = lines.map((line) => line.split(/,\s*/));
  const version =
    cards[0]?.[0] ?? /Module\s+([\d.]+)/.exec(read('/proc/driver/nvidia/version') ?? '')?.[1] ?? null;
  const driver = need('NVIDIA driver', version, "install NVIDIA's driver if there is a GPU of theirs");
  return { driver, gpus: cards.map(([, name, memory]) => `${name}, ${memory}`) };
}

/** Graphics cards by the makers' PCI numbers: Linux. */
function cards(): string[] {
  const makers: Record<string, string> = { '0x1002': 'AMD', '0x10de': 'NVIDIA', '0x8086': 'Intel' };
  try {
    return readdirSync('/sys/class/drm')
      .filter((name) => /^card\d+$/.test(name))
      .map((name) => read(join('/sys/class/drm', name, 'device', 'vendor'))?.trim())
      .filter((vendor) => vendor !== undefined)
      .map((vendor) => makers[vendor] ?? `PCI vendor ${vendor}`);
  } catch {
    return [];
  }
}

const gib = (bytes: number) => `${(bytes / 2 ** 30).toFixed(1)} GiB`;

export async function examineSystem(): Promise<Need[]> {
  const [first] = cpus();
  const { driver, gpus } = await nvidia();
  const others = cards().filter((maker) => maker !== 'NVIDIA' || gpus.length === 0);
  const found = [...gpus, ...others].join('; ') || null;
  const isMac = process.platform === 'darwin';
  const packages: [what: string, name: string][] = [
    ['tfjs', '@tensorflow/tfjs-core'],
    ['transformers', '@xenova/transformers'],
    ['onnxruntime', 'onnxruntime-node'],
  ];
  return [
    node(),
    need('operating system', `${type()} ${release()}, ${arch()}`, ''),
    need('CPU', [first?.model.trim() ?? arch(), vectors()].filter(Boolean).join('; '), ''),
    need('cores', String(availableParallelism()), ''),
    need('environment', setVariables().join(', ') || 'no variable of ours is set', ''),
    need('memory', `${gib(totalmem())}, ${gib(freemem())} of it free`, ''),
    await compiler(),
    await nvcc(),
    driver,
    need('GPU', found ?? (isMac ? 'not looked for' : null), 'no NVIDIA GPU, and no graphics card'),
    ...packages.map(([what, name]) => need(what, versionOf(name), `install again with "npm ci" (${name})`)),
  ];
}
