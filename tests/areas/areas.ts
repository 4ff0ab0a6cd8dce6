/**
 * Areas of tests, and how many of each must have run: a suite whose engine, instruction set or browser is not there would vanish without a
 * word. Machines differ, so an absence may be a fact of this one, or declared: ILF_TESTS_WITHOUT=tensorflow,browser.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Area {
  area: string;
  /** Regular expressions: of test files' paths from the root, and of tests' full names. */
  files: string;
  names: string;
  least: number;
  /** Of `npm run test:whole`; without, of `npm test`. */
  whole?: true;
}

export const areas: readonly Area[] = JSON.parse(
  readFileSync(join(import.meta.dirname, 'areas.json'), 'utf8'),
);

/** A test that ran, not one that was skipped. */
export interface Ran {
  file: string;
  name: string;
}

/** The instruction sets of this CPU, by Linux' names; undefined where nobody says. */
function cpuFlags(): Set<string> | undefined {
  try {
    return new Set(/^flags\s*:(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'latin1'))?.[1]?.trim().split(' '));
  } catch {
    return undefined;
  }
}

const isGpu = () => {
  try {
    return readFileSync('/proc/driver/nvidia/version', 'latin1') !== '';
  } catch {
    return false;
  }
};

/** The areas that no program can bring to this machine. Who looks is not what is tested. */
export function absentHere(): Set<string> {
  const absent = new Set<string>();
  const without = (names: readonly string[]) => {
    for (const name of names) absent.add(name);
  };
  if (!isGpu()) without(['cuda']);
  if (process.platform !== 'linux' || process.arch !== 'x64') without(['webgpu', 'cuda-emulated']);
  if (process.arch !== 'x64') without(['avx2', 'avx512', 'avx512bf16']);
  const flags = cpuFlags();
  if (flags && !flags.has('avx2')) without(['avx2']);
  if (flags && !flags.has('avx512f')) without(['avx512']);
  if (flags && !flags.has('avx512_bf16')) without(['avx512bf16']);
  return absent;
}

/** The names in ILF_TESTS_WITHOUT. @throws Error for one that no area has */
export function declaredAbsent(value: string | undefined, of: readonly Area[] = areas): Set<string> {
  const names = (value ?? '').split(',').filter((name) => name !== '');
  const unknown = names.find((name) => !of.some(({ area }) => area === name));
  if (unknown !== undefined)
    throw new Error(`ILF_TESTS_WITHOUT: there is no area "${unknown}"; tests/areas/areas.json has them`);
  return new Set(names);
}

/** The areas of one of the two scripts. */
export const areasOf = (whole: boolean): Area[] => areas.filter((area) => (area.whole ?? false) === whole);

/** The areas that ran too few tests, a line each. */
export function tooFew(
  ran: readonly Ran[],
  absent: ReadonlySet<string>,
  of: readonly Area[] = areas,
): string[] {
  return of.flatMap(({ area, files, names, least }) => {
    if (absent.has(area)) return [];
    const [inFile, named] = [new RegExp(files), new RegExp(names)];
    const count = ran.filter(({ file, name }) => inFile.test(file) && named.test(name)).length;
    return count >= least
      ? []
      : `${area}: ${count} tests ran in ${files}, at least ${least} should; where it cannot be had, say ILF_TESTS_WITHOUT=${area}`;
  });
}
