import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { scratchFolder } from '../store/folder.js';
import { differences, leftIn } from './compare.js';

const scratch = scratchFolder();
let count = 0;
function left(files: Record<string, string>) {
  const dir = join(scratch, String(count++));
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(dirname(join(dir, file)), { recursive: true });
    writeFileSync(join(dir, file), text);
  }
  return leftIn(dir);
}

const whole = {
  'run/manifest.json': '{"steps": {"a": {"seconds": 1, "finishedAt": "then", "inputsHash": "x"}}}',
  'run/report.html': '<dd>9.3 s</dd><p>5 posts</p>',
  'run/a.arrow': 'bytes',
  'tb/events.out.tfevents.17.3.0': 'events',
};

it('times, and what TensorBoard calls its files, make no difference', () => {
  const other = {
    'run/manifest.json': '{"steps": {"a": {"seconds": 70, "finishedAt": "now", "inputsHash": "x"}}}',
    'run/report.html': '<dd>3 min 39 s</dd><p>5 posts</p>',
    'run/a.arrow': 'bytes',
    'tb/events.out.tfevents.18.4.0': 'other events',
  };
  expect(differences(left(other), left(whole))).toEqual([]);
});

it('bytes do, and what is left over or missing', () => {
  const other = {
    'run/manifest.json': '{"steps": {"a": {"seconds": 1, "finishedAt": "then", "inputsHash": "y"}}}',
    'run/report.html': '<dd>9.3 s</dd><p>6 posts</p>',
    'run/.a.arrow.1-2.tmp': 'byt',
    'tb/events.out.tfevents.17.3.0': 'events',
  };
  expect(differences(left(other), left(whole))).toEqual([
    'run/.a.arrow.1-2.tmp is left over',
    'run/a.arrow is missing',
    'run/manifest.json has other bytes',
    'run/report.html has other bytes',
  ]);
});
