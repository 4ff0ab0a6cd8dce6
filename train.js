#!/usr/bin/env node
import { existsSync } from 'node:fs';

if (!existsSync(new URL('./dist/src/cli/main.js', import.meta.url))) {
  console.error(
    'error: the program is not compiled yet (was it installed with --ignore-scripts?); run "npm run build"',
  );
  process.exit(2);
}
const { guardStreams, main } = await import('./dist/src/cli/main.js');

guardStreams();
process.exitCode = await main(process.argv.slice(2));
