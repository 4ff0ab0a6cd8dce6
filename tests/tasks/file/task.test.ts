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

  const raw = (...of: string[]) => {
    const path = join(dir, 'raw.jsonl');
    writeFileSync(path, of.map((line) => `${line}\n`).join(''));
    return path;
  };
  const contextsIn = async (...of: string[]) => {
    const task = await openFileTask(raw(...of));
    const all = [...task.contexts('heldout', 0, 99), ...task.contexts('ilf', 0, 99)];
    return { task, of: (text: string) => all.find((context) => context.text === text)! };
  };
  const b = '{"context": "b"}';

  it('takes null for absent, as pandas writes it', async () => {
    const line = '{"id": null, "context": "a", "output": null, "feedback": null, "gold": null}';
    const { of } = await contextsIn(line, b);
    expect(of('a')).toEqual({ id: '1', text: 'a', where: expect.stringMatching(/raw\.jsonl:1$/) });
    expect((await contextsIn('{"context": "a", "feedback": [null]}', b)).of('a').feedback).toBeUndefined();
  });

  it('calls contexts by their ids, else by the numbers of their lines', async () => {
    const { of } = await contextsIn('{"context": "a", "id": "x-7"}', '', '{"context": "b", "id": 12}');
    expect([of('a').id, of('b').id]).toEqual(['x-7', '12']);
    const { of: unnamed } = await contextsIn('', '{"context": "a"}', '', b);
    expect([unnamed('a').id, unnamed('b').id]).toEqual(['2', '4']);
    expect(unnamed('b').where).toMatch(/raw\.jsonl:4$/);
  });

  it('passes over other columns, and names them once', async () => {
    const { task, of } = await contextsIn(
      '{"context": "a", "author": "me", "ouput": "x"}',
      '{"context": "b", "author": "you"}',
    );
    expect(task.notices).toEqual([
      expect.stringMatching(
        /raw\.jsonl: ignored the columns author, ouput; read are id, context, output, feedback, gold$/,
      ),
    ]);
    expect(Object.keys(of('a'))).not.toContain('author');
    expect((await contextsIn('{"context": "a"}', b)).task.notices).toEqual([]);
  });

  it('keeps what JSON keeps: separators of lines, marks, the words of prompts, whole characters', async () => {
    const text = 'a\u2028b\u2029c\u0085d 🙂\nFeedback: e\n\nSummary: f';
    const { of } = await contextsIn(JSON.stringify({ context: text, feedback: [] }), b);
    expect(of(text)).toMatchObject({ text, id: '1' });
    expect(of(text).feedback).toBeUndefined();
  });

  it('joins several texts of feedback on one output: of a list, and of lines', async () => {
    const { of } = await contextsIn('{"context": "a", "feedback": ["one. ", null, "two."]}', b);
    expect(of('a').feedback).toBe('one. two.');
    const { of: lines } = await contextsIn(
      '{"context": "a", "output": "x", "feedback": "one."}',
      b,
      '{"context": " a", "output": "x ", "feedback": ["two.", "three."], "gold": null}',
    );
    expect(lines('a')).toMatchObject({ id: '1', output: 'x', feedback: 'one. two. three.' });
    const { of: several } = await contextsIn('{"context": "a", "feedback": ["one\\nand", "two"]}', b);
    expect(several('a').feedback).toBe('one\nand\ntwo');
  });

  it.each([
    [
      'an id twice',
      ['{"context": "a", "id": 3}', '{"context": "b", "id": "3"}'],
      /raw\.jsonl:2: the id "3" is that of .*raw\.jsonl:1, too/,
    ],
    [
      'an id that is a line of another',
      ['{"context": "a", "id": "2"}', b],
      /raw\.jsonl:2: without an "id" it would be called 2, by its line, as .*raw\.jsonl:1 is/,
    ],
    [
      'a context twice',
      [b, b],
      /raw\.jsonl:2: this context was given before, .*raw\.jsonl:1; give each context once/,
    ],
    [
      'a context with two outputs',
      [
        '{"context": "b", "output": "x", "feedback": "f"}',
        '{"context": "b", "output": "y", "feedback": "g"}',
      ],
      /raw\.jsonl:2: .*given before, .*:1, with another output/,
    ],
    [
      'one with two references',
      ['{"context": "b", "gold": "x", "feedback": "f"}', '{"context": "b", "gold": "y", "feedback": "g"}'],
      /with another gold/,
    ],
    [
      'one with two ids',
      ['{"context": "b", "id": 1, "feedback": "f"}', '{"context": "b", "id": 2, "feedback": "g"}'],
      /with another id/,
    ],
    [
      'the same feedback again',
      ['{"context": "b", "feedback": "f"}', '{"context": "b", "feedback": "f"}'],
      /or lines that differ in their feedback/,
    ],
    [
      'an id that is the line of one without',
      ['{"context": "a", "id": null}', '{"context": "b", "id": 1}'],
      /raw\.jsonl:1: without an "id" it would be called 1, by its line, as .*raw\.jsonl:2 is/,
    ],
    [
      'an id of more digits than are kept',
      ['{"context": "a", "id": 12345678901234567890}', b],
      /raw\.jsonl:1: "id": .*at most 15 digits/,
    ],
    ['an empty id', ['{"context": "a", "id": " "}', b], /raw\.jsonl:1: "id": it is empty; write null/],
    ['half a character', ['{"context": "a", "id": "\\ud83d"}', b], /raw\.jsonl:1: "id": .* surrogate pair/],
    [
      'half a character in feedback',
      ['{"context": "a", "feedback": ["\\udc00 x"]}', b],
      /"feedback\.0": .* pair/,
    ],
    [
      'a context that is a file',
      [JSON.stringify({ context: 'x '.repeat(1 << 20) }), b],
      /raw\.jsonl:1: "context": it has more than 1048576 characters/,
    ],
    [
      'a context of white space',
      ['{"context": " \\u3000\\n\\u00a0"}', b],
      /raw\.jsonl:1: "context": it is empty/,
    ],
    [
      'feedback of nothing',
      ['{"context": "a", "feedback": [""]}', b],
      /raw\.jsonl:1: "feedback\.0": it is empty/,
    ],
    ['another column for it', ['{"Context": "a"}', b], /raw\.jsonl:1: "context": it is missing/],
    ['no context', ['{"context": null}', b], /raw\.jsonl:1: "context": it must be a text/],
    [
      'feedback that is no text',
      ['{"context": "a", "feedback": ["x", 5]}', b],
      /raw\.jsonl:1: "feedback\.1": it must be a text, or a list of texts/,
    ],
    ['an empty output', ['{"context": "a", "output": " "}', b], /raw\.jsonl:1: "output": it is empty/],
    [
      'an id that is none',
      ['{"context": "a", "id": [1]}', b],
      /raw\.jsonl:1: "id": it must be a text or a number/,
    ],
    [
      'NaN',
      ['{"context": "a", "output": NaN}', b],
      /raw\.jsonl:1: it holds NaN, which is not JSON; write null/,
    ],
    [
      'an infinity beside a text that names it',
      ['{"context": "NaN", "id": -Infinity}', b],
      /raw\.jsonl:1: it holds -Infinity/,
    ],
  ])('refuses %s', async (_name, of, message) => {
    await expect(openFileTask(raw(...of))).rejects.toThrow(message);
  });
});
