// node --import this: SIGKILL just before the first rename of a path that matches the regular expression KILL_AT.
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

const at = new RegExp(process.env.KILL_AT);
const { rename } = fs.promises;
fs.promises.rename = (from, to) =>
  at.test(from) ? new Promise(() => process.kill(process.pid, 'SIGKILL')) : rename(from, to);
syncBuiltinESMExports();
