import { expect, it } from 'vitest';
import { fitting, inTables, type Need } from '../../src/pipeline/too-long.js';

const model = (dir: string, window: number) => ({ dir, window });
const [wide, narrow] = [model('wide', 10), model('narrow', 4)];
type Item = { name: string; needs: Need[] };
const lines = (...tokens: number[]): Item[] =>
  tokens.map((n, i) => ({ name: `my posts.jsonl:${i + 1}`, needs: [{ model: narrow, tokens: n }] }));
const choose = (items: readonly Item[], skip = false) => {
  const told: string[] = [];
  const how = { skip, tell: (line: string) => told.push(line) };
  const kept = fitting(
    items,
    'contexts',
    ({ name }) => name,
    ({ needs }) => needs,
    how,
  );
  return { kept, told };
};

it('keeps what fits, up to the last token, and says nothing', () => {
  expect(choose(lines(4, 1))).toEqual({ kept: lines(4, 1), told: [] });
});

it('names all that do not fit at once, by their lines, with what they take and the window', () => {
  expect(() => choose(lines(5, 4, 700))).toThrow(
    '2 of 3 contexts are too long with what is written about them: my posts.jsonl: lines 1 (5 tokens), 3 (700 tokens); the window of narrow is 4 tokens; shorten them, lower --max-tokens, or leave them out by --skip-too-long',
  );
  expect(() => choose(lines(5, 4))).toThrow(
    /^1 of 2 contexts is too long .*: my posts\.jsonl: line 1 \(5 tokens\);/,
  );
});

it('names ten, and counts the others', () => {
  const many = lines(...Array.from({ length: 23 }, () => 5));
  expect(() => choose([...many, ...lines(1)])).toThrow(
    /^23 of 24 .*, 10 \(5 tokens\) and 13 more; the window/,
  );
});

it('names lines in their order, whatever that of the items is', () => {
  const many = lines(...Array.from({ length: 12 }, () => 5)).reverse();
  expect(() => choose(many)).toThrow(/lines 1 \(5 tokens\), 2 .*, 10 \(5 tokens\) and 2 more;/);
});

it('leaves them out where that is asked for, and says which', () => {
  const { kept, told } = choose(lines(5, 4, 9), true);
  expect(kept).toEqual([lines(5, 4)[1]]);
  expect(told).toEqual([
    'left out as too long, 2 of 3 contexts: my posts.jsonl: lines 1 (5 tokens), 3 (9 tokens); the window of narrow is 4 tokens',
  ]);
  expect(() => choose(lines(5, 6), true)).toThrow(/^all 2 contexts are too long/);
});

it('names others by their names, and the model that each fits least', () => {
  const items = [
    {
      name: 'context x-7',
      needs: [
        { model: wide, tokens: 11 },
        { model: narrow, tokens: 8 },
      ],
    },
    {
      name: 'a.jsonl:3',
      needs: [
        { model: wide, tokens: 30 },
        { model: narrow, tokens: 8 },
      ],
    },
  ];
  expect(() => choose(items)).toThrow(
    /: context x-7 \(8 tokens\), a\.jsonl:3 \(30 tokens\); the window of narrow is 4 tokens, of wide is 10 tokens;/,
  );
});

it('passes over contexts that an earlier step left out, where that is asked for', () => {
  const contexts = [{ id: 'a' }, { id: 'b' }];
  const how = (skip: boolean) => ({ skip, tell: () => {} });
  const [rows, none] = [[{ context: 'b' }], [{ context: 'a' }]];
  expect(inTables(contexts, how(false), rows)).toEqual(contexts);
  expect(inTables(contexts, how(true), rows)).toEqual([{ id: 'b' }]);
  expect(inTables(contexts, how(true), rows, none)).toEqual([]);
});
