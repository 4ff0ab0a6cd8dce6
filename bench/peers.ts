/**
 * PyTorch beside ours, in Pythons that the user names. Each runs in several modes (eager or compiled, attention plain or
 * fused, OpenBLAS told of another CPU or not); which is fastest differs by version, model and machine, so a short trial
 * chooses before the rounds.
 */
import { join } from 'node:path';
import { UserError } from '../src/store/errors.js';
import { type Budget, half, TimeUp } from './budget.js';
import { ChildError, type Contender, output, runChild } from './child.js';
import { benchDir } from './models.js';
import type { Report } from './report.js';
import { median } from './stats.js';
import { number } from './table.js';

export interface Peer {
  name: string;
  python: string;
  /** It has torch.compile. */
  compiles: boolean;
  /** It has scaled_dot_product_attention. */
  fused: boolean;
  openblas: boolean;
  /** Version of Hugging Face's transformers; null where it is not installed. */
  transformers: string | null;
  /** The GPU that it sees; null for none. */
  cuda: string | null;
}

export interface Mode {
  label: string;
  args: string[];
}

const quiet = { PYTHONDONTWRITEBYTECODE: '1' };

/** What each Python says about its PyTorch. @throws UserError for one that has none, or that does not see the GPU */
export async function findPeers(
  pythons: readonly string[],
  device: 'cpu' | 'cuda',
  budget: Budget,
): Promise<Peer[]> {
  const peers: Peer[] = [];
  for (const python of pythons) {
    try {
      const args = [join(benchDir, 'peers', 'about.py')];
      const about = await output({ command: python, args, env: quiet }, budget);
      const { version, ...has } = JSON.parse(about) as Omit<Peer, 'name' | 'python'> & { version: string };
      const name = `PyTorch ${version}`;
      const again = peers.filter((peer) => peer.name === name || peer.name.startsWith(`${name} (`)).length;
      if (device === 'cuda' && has.cuda === null)
        throw new UserError(`--peer-python ${python}: its ${name} sees no GPU`);
      peers.push({ name: again ? `${name} (${again + 1})` : name, python, ...has });
    } catch (error) {
      if (!(error instanceof ChildError || error instanceof SyntaxError)) throw error;
      throw new UserError(`--peer-python ${python}: no PyTorch there (${error.message})`);
    }
  }
  return peers;
}

/** What any library that counts its own threads is told. */
export const threadVariables = (threads: number): Record<string, string> =>
  Object.fromEntries(
    [
      'OMP_NUM_THREADS',
      'MKL_NUM_THREADS',
      'OPENBLAS_NUM_THREADS',
      'TF_NUM_INTRAOP_THREADS',
      'TF_NUM_INTEROP_THREADS',
    ].map((name) => [name, String(threads)]),
  );

/** Attention plain, and fused where the peer has it; each eager, and compiled where it may be. */
export function modes(peer: Peer, mayCompile: boolean): Mode[] {
  const attention = ['plain', ...(peer.fused ? ['fused'] : [])];
  const runs = ['eager', ...(mayCompile && peer.compiles ? ['compiled'] : [])];
  return runs.flatMap((run) =>
    attention.map((kind) => ({
      label: `${run}, ${kind} attention`,
      args: ['--attention', kind, ...(run === 'compiled' ? ['--compile'] : [])],
    })),
  );
}

/**
 * On a GPU attention is always fused. Training: the vocabulary as it is, or with rows that nothing uses up to a multiple of
 * 64, as nanoGPT trains GPT-2; and half the sequences at once, which compiled code often prefers.
 */
export function gpuTrainingModes(peer: Peer, micro: number): Mode[] {
  const padded = ['--pad-vocab', '64'];
  const all = [
    { label: 'eager, padded vocabulary', args: padded },
    ...(peer.compiles
      ? [
          { label: 'compiled', args: ['--compile'] },
          { label: 'compiled, padded vocabulary', args: ['--compile', ...padded] },
          {
            label: `compiled, padded vocabulary, ${Math.ceil(micro / 2)} sequences at once`,
            args: ['--compile', ...padded, '--micro', String(Math.ceil(micro / 2))],
          },
        ]
      : []),
  ];
  return all.map(({ label, args }) => ({ label, args: ['--attention', 'fused', ...args] }));
}

/** Eager, and compiled into CUDA graphs with a cache of fixed size. */
export const gpuDecodingModes = (peer: Peer): Mode[] =>
  [[], ...(peer.compiles ? [['--compile']] : [])].map((args) => ({
    label: args.length ? 'compiled, CUDA graphs, static cache' : 'eager',
    args: ['--attention', 'fused', ...args],
  }));

/** Each mode as it comes and, with OpenBLAS on x64, as if the CPU were a Skylake-X (it does not know every AVX-512 CPU). */
function withCoreTypes(peer: Peer, all: readonly Mode[]): (Mode & { coreType?: string })[] {
  if (!peer.openblas || process.arch !== 'x64') return [...all];
  return all.flatMap((mode) => [
    mode,
    {
      ...mode,
      label: [mode.label, 'OPENBLAS_CORETYPE=SkylakeX'].filter(Boolean).join(', '),
      coreType: 'SkylakeX',
    },
  ]);
}

export interface PeerWork {
  /** The contender's name; the peer's, if not given. */
  name?: string;
  /** The file in bench/peers. */
  script: string;
  /** In all modes. */
  args: readonly string[];
  threads: number;
  modes: readonly Mode[];
  /** Added for the trial: less of it. */
  trialArgs: readonly string[];
  /** What must be fast; all that the report holds, if not given. */
  what?: readonly string[];
  /** Take the first mode without a trial. */
  quick: boolean;
}

/** Mean of ln rate: no kind of work counts for more because its numbers are larger. */
function speed({ rates }: Report, what: readonly string[] = Object.keys(rates)): number {
  return what.reduce((sum, name) => sum + Math.log(median(rates[name]!)), 0) / what.length;
}

/**
 * The peer in its fastest mode, with a line that says so; no contender where every mode failed. Of what is left of the time the
 * trial takes half at most.
 */
export async function fastest(
  peer: Peer,
  work: PeerWork,
  budget: Budget,
): Promise<{ contender: Contender | null; note: string }> {
  const candidates = withCoreTypes(peer, work.modes).map(({ label, args, coreType }) => ({
    label: label || 'as it comes',
    contender: {
      name: work.name ?? peer.name,
      command: peer.python,
      args: [join(benchDir, 'peers', work.script), ...work.args, '--threads', String(work.threads), ...args],
      env: { ...quiet, ...threadVariables(work.threads), OPENBLAS_CORETYPE: coreType },
    } satisfies Contender,
  }));
  const first = candidates[0]!;
  if (work.quick || candidates.length === 1)
    return {
      contender: first.contender,
      note: `${first.contender.name}: ${first.label} (${work.quick ? 'no trial' : 'its only mode'})`,
    };
  const tried: { candidate: (typeof candidates)[number]; speed: number }[] = [];
  const without: string[] = [];
  const trial = half(budget);
  for (const candidate of candidates) {
    const { contender, label } = candidate;
    console.error(`trial: ${contender.name}, ${label}`);
    try {
      const report = await runChild({ ...contender, args: [...contender.args, ...work.trialArgs] }, trial);
      tried.push({ candidate, speed: speed(report, work.what) });
    } catch (error) {
      if (error instanceof TimeUp) without.push(`${label} not tried to its end: too little time`);
      else if (error instanceof ChildError) without.push(`${label} failed: ${error.message}`);
      else throw error;
    }
  }
  const order = tried.sort((a, b) => b.speed - a.speed);
  const list = [
    ...order.map(({ candidate, speed }) => `${candidate.label} ${number(Math.exp(speed))}`),
    ...without,
  ];
  return {
    contender: order[0]?.candidate.contender ?? null,
    note: `${first.contender.name}: in a trial, fastest first: ${list.join('; ')}`,
  };
}

/** All peers at one piece of work. */
export async function fastestOfEach(
  peers: readonly Peer[],
  workOf: (peer: Peer) => PeerWork,
  budget: Budget,
): Promise<{ contenders: Contender[]; notes: string[] }> {
  const contenders: Contender[] = [];
  const notes: string[] = [];
  for (const peer of peers) {
    const { contender, note } = await fastest(peer, workOf(peer), budget);
    if (contender) contenders.push(contender);
    notes.push(note);
  }
  return { contenders, notes };
}

/** An amount's numbers as options: promptLength → --prompt-length. */
export const asOptions = (amount: object): string[] =>
  Object.entries(amount).flatMap(([name, value]) => [
    `--${name.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`)}`,
    String(value),
  ]);
