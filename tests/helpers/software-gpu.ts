// What tests need before they begin. The CUDA kernels, emulated. And a GPU for the tests of the engine webgpu, drawn by the CPU:
// SwiftShader, a Vulkan driver that Chromium brings, out of the npm package @sparticuz/chromium. Runs in the process whose environment
// theirs have: the dynamic loader looks at LD_LIBRARY_PATH only when a process starts. A driver that VK_ICD_FILENAMES names is left alone.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliDecompressSync } from 'node:zlib';
import { buildEmulated } from './emulated-cuda.js';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');

export default function setUp(): (() => void) | undefined {
  // Once, before test files ask for them side by side.
  buildEmulated();
  if (process.env.VK_ICD_FILENAMES || process.platform !== 'linux' || process.arch !== 'x64') return;
  const dir = mkdtempSync(join(tmpdir(), 'ilf-swiftshader-'));
  const remove = () => rmSync(dir, { recursive: true, force: true });
  try {
    const packed = readFileSync(
      join(root, 'node_modules', '@sparticuz', 'chromium', 'bin', 'swiftshader.tar.br'),
    );
    const files = ['libvk_swiftshader.so', 'libvulkan.so.1', 'vk_swiftshader_icd.json'];
    execFileSync('tar', ['-xf', '-', '-C', dir, ...files], { input: brotliDecompressSync(packed) });
  } catch (error) {
    console.warn(`the engine webgpu is not tested: SwiftShader does not unpack (${error})`);
    remove();
    return;
  }
  process.env.VK_ICD_FILENAMES = join(dir, 'vk_swiftshader_icd.json');
  process.env.LD_LIBRARY_PATH = [dir, process.env.LD_LIBRARY_PATH].filter(Boolean).join(':');
  return remove;
}
