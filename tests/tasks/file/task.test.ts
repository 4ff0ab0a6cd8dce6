import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openFileTask } from '../../../src/tasks/file/task.js';
import { manyLines, oneLine } from '../../../src/tasks/text-format.js';
import { scratchFolder } from '../../store/folder.js';

const dir = scratchFolder();
const write = (name: string, lines: unknown[]) => {
  const path = join(dir, name);
  writeFileSync(path, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  return path;
};

describe("a person's own data", () => {
  const lines = Array.from({ length: 23 }, (_, i) => ({ context: `post number ${i}` }));

  it('holds a fifth out, the same contexts in whatever order they come', async () => {
    const texts = async (path: string) => {
      const task = await openFileTask(path);
      const [held, learned] = [task.contexts('heldout', 0, 99), task.contexts('ilf', 0, 99)];
      expect([held.length, learned.length]).toEqual([5, 18]);
      expect([task.size('heldout'), task.size('ilf')]).toEqual([5, 18]);
      expect(new Set([...held, ...learned].map(({ text }) => text)).size).toBe(23);
      return held.map(({ text }) => text);
    };
    expect(await texts(write('a.jsonl', lines))).toEqual(await texts(write('b.jsonl', [...lines].reverse())));
  });

  it('holds out one of two', async () => {
    const task = await openFileTask(write('two.jsonl', lines.slice(0, 2)));
    expect([task.size('heldout'), task.size('ilf')]).toEqual([1, 1]);
  });

  it('has outputs of one line where all that were given are, and feedback likewise', async () => {
    const formats = async (...of: object[]) => {
      const given = of.map((line, i) => ({ context: `post ${i}`, ...line }));
      const { format } = await openFileTask(write('formats.jsonl', given));
      return [format.output, format.feedback];
    };
    expect(await formats({}, {})).toEqual([oneLine, oneLine]);
    expect(await formats({ output: 'a' }, { gold: ' b\n' })).toEqual([oneLine, oneLine]);
    expect(await formats({ output: 'a' }, { gold: 'a\r\nb' })).toEqual([manyLines, oneLine]);
    expect(await formats({ output: 'a\nb', feedback: 'c' }, {})).toEqual([manyLines, oneLine]);
    expect(await formats({ feedback: 'a\nb' }, { gold: 'c' })).toEqual([oneLine, manyLines]);
  });
});
