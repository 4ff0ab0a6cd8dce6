// npm run sanitize -- [TEST FILES…]: the kernels' tests on an addon that is compiled with -fsanitize=address,undefined, so that whatever
// reads or writes where it must not, or does what C++ does not define, ends the tests with a report. Linux, g++.
//
// The addon is built in a copy of the tree, build/sanitized, which is kept: what is unchanged is not compiled again. Leaks are not looked
// for: Node never frees what lives as long as the process. The emulated CUDA kernels are left out: they change stacks by themselves, which
// AddressSanitizer takes for overflows.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const tree = join(root, 'build', 'sanitized');
const COPIED = [
  'src',
  'tests',
  'kernels',
  'package.json',
  'tsconfig.json',
  'tsconfig.build.json',
  'vitest.config.ts',
];
const CXX = 'g++ -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer -g1';

/** Runs a program in the tree; ends with its status where that is not 0. */
function run(words, env = {}) {
  const { status, signal } = spawnSync(process.execPath, words, {
    cwd: tree,
    stdio: 'inherit',
    env: { ...process.env, ...env },
  });
  if (status !== 0) {
    console.error(`sanitize: ${words.slice(0, 2).join(' ')} ended by ${signal ?? `status ${status}`}`);
    process.exit(1);
  }
}

const library = spawnSync('g++', ['-print-file-name=libasan.so'], { encoding: 'utf8' }).stdout?.trim();
if (!library?.startsWith('/')) {
  console.error('sanitize: g++ with its sanitizers is needed (libasan), and not here');
  process.exit(2);
}

mkdirSync(tree, { recursive: true });
for (const name of COPIED) {
  rmSync(join(tree, name), { recursive: true, force: true });
  cpSync(join(root, name), join(tree, name), { recursive: true, preserveTimestamps: true });
}
for (const name of ['node_modules', 'models', 'bench'])
  if (!existsSync(join(tree, name))) symlinkSync(join(root, name), join(tree, name));

run(['kernels/build/cpu.mjs'], { CXX, ILF_REQUIRE_NATIVE: '1' });

const given = process.argv.slice(2);
const tests = given.length > 0 ? given : ['tests/kernels'];
const sanitized = {
  // Node itself was compiled without: the library must come first.
  LD_PRELOAD: library,
  ASAN_OPTIONS: 'detect_leaks=0:abort_on_error=1',
  UBSAN_OPTIONS: 'print_stacktrace=1',
  ILF_TESTS_WITHOUT: 'cuda-emulated',
};
run([join('node_modules', 'vitest', 'vitest.mjs'), 'run', '--maxWorkers=1', ...tests], sanitized);
if (given.length === 0) {
  run([join('node_modules', 'typescript', 'bin', 'tsc'), '-p', 'tsconfig.build.json', '--noCheck']);
  run([join('dist', 'tests', 'conformance', 'run.js')], sanitized);
}
console.log(`no finding in ${tests.join(', ')}${given.length === 0 ? ' and the conformance tests' : ''}`);
