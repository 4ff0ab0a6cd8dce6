// node --import this: SIGKILL at a named step of what the process does to files. A step is a rename, a removal, a link or a new folder.
//
// KILL_AT      just before the first rename of a path that matches this regular expression
// KILL_AFTER   just after the first rename to a path that matches it
// KILL_STEP    before the step of this number, from 1; with a "+" behind it, after the step
// STEPS_FILE   the number of steps is written here when the process ends
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

const { KILL_AT, KILL_AFTER, KILL_STEP, STEPS_FILE } = process.env;
const matches = (pattern, path) => pattern !== undefined && new RegExp(pattern).test(path);
const die = () => new Promise(() => process.kill(process.pid, 'SIGKILL'));

let step = 0;
for (const name of ['rename', 'rm', 'link', 'mkdir']) {
  const original = fs.promises[name];
  fs.promises[name] = async (...args) => {
    step += 1;
    const number = String(step);
    if (KILL_STEP === number || (name === 'rename' && matches(KILL_AT, args[0]))) await die();
    const result = await original(...args);
    if (KILL_STEP === `${number}+` || (name === 'rename' && matches(KILL_AFTER, args[1]))) await die();
    return result;
  };
}
syncBuiltinESMExports();
if (STEPS_FILE) process.on('exit', () => fs.writeFileSync(STEPS_FILE, String(step)));
