import { describe, expect, it } from 'vitest';
import { manyLines, oneLine } from '../../src/tasks/text-format.js';

type Case = [name: string, text: string, finished: boolean, tidied: string];

describe('one line', () => {
  const cases: Case[] = [
    ['a finished text stays', ' Dana left.', true, 'Dana left.'],
    ['a finished text needs no full stop', ' Dana left', true, 'Dana left'],
    ['what follows a line break goes', ' Dana left.\nPost: more', true, 'Dana left.'],
    ['line breaks in front do not count', '\n\n Dana left.', true, 'Dana left.'],
    ['a last sentence that was cut off goes', ' Dana left. And then sh', false, 'Dana left.'],
    ['questions and cries are sentences', ' Dana left? No! And then', false, 'Dana left? No!'],
    ['all one unfinished sentence stays', ' Dana left and then sh', false, 'Dana left and then sh'],
    ['a line break finishes a sentence', ' Dana left\nmore. And', false, 'Dana left'],
    ['nothing stays nothing', '  ', true, ''],
  ];
  it.each(cases)('%s', (_name, text, finished, tidied) => {
    expect(oneLine.tidy(text, finished)).toBe(tidied);
  });
});

describe('many lines', () => {
  const cases: Case[] = [
    ['a finished text stays', 'def f(x):\n    return x\n', true, 'def f(x):\n    return x'],
    ['empty lines within it stay', '\n a\n\nb ', true, 'a\n\nb'],
    ['a last line that was cut off goes', 'def f(x):\n    y = x\n    retu', false, 'def f(x):\n    y = x'],
    ['a last line that a line break ends stays', 'a = 1\nb = 2\n', false, 'a = 1\nb = 2'],
    ['a line that has only begun does not count', 'a = 1\nb = 2\n    ', false, 'a = 1\nb = 2'],
    ['all one unfinished line stays', ' a = 1 +', false, 'a = 1 +'],
    ['line breaks in front do not count', '\n\na = 1 +', false, 'a = 1 +'],
    ['nothing stays nothing', ' \n ', false, ''],
  ];
  it.each(cases)('%s', (_name, text, finished, tidied) => {
    expect(manyLines.tidy(text, finished)).toBe(tidied);
  });

  it('end with the end of text alone, one line with its line break too', () => {
    expect([manyLines.stop, oneLine.stop]).toEqual([null, '\n']);
  });
});
