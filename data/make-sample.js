// node data/make-sample.js: writes data/briefs-sample.jsonl anew (after npm ci, or npm run build).
import { fileURLToPath } from 'node:url';
import { writeFileAtomic } from '../dist/src/store/atomic.js';
import { sampleLines } from '../dist/src/tasks/briefs/sample.js';

const lines = sampleLines(20).map((line) => `${JSON.stringify(line)}\n`);
await writeFileAtomic(fileURLToPath(new URL('briefs-sample.jsonl', import.meta.url)), lines.join(''));
