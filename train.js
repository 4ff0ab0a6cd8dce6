#!/usr/bin/env node
import { main } from './dist/src/cli/main.js';
import { guardStreams } from './dist/src/cli/streams.js';

guardStreams();
process.exitCode = await main(process.argv.slice(2));
