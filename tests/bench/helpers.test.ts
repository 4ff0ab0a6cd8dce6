// The benches' pure parts: medians and ratios, tables, the products of a step, and the alternation of rounds.
import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Budget, budgetOf, TimeUp } from '../../bench/budget.js';
import type { Contender } from '../../bench/child.js';
import { compareJournals } from '../../bench/compare.js';
import { journalAt } from '../../bench/journal.js';
import { asOptions, modes } from '../../bench/peers.js';
import { shapeKey } from '../../bench/report.js';
import { alternate, compare } from '../../bench/rounds.js';
import { products } from '../../bench/shapes.js';
import { median, ratios, spread } from '../../bench/stats.js';
import { number, rate, renderTable, times } from '../../bench/table.js';
import { UserError } from '../../src/store/errors.js';

describe('statistics', () => {
  it('median', () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 3, 2])).toBe(2.5);
    expect(median([10, 9, 100])).toBe(10);
    expect(() => median([])).toThrow(RangeError);
  });

  it('spread', () => {
    expect(spread([5, 1, 2])).toEqual({ median: 2, min: 1, max: 5 });
  });

  it('ratios are taken within rounds', () => {
    // The second round was half as fast for both: the ratios do not see it.
    expect(ratios([10, 5], [5, 2.5])).toEqual({ median: 2, min: 2, max: 2 });
    expect(ratios([2, 3, 8], [1, 3, 2])).toEqual({ median: 2, min: 1, max: 4 });
    expect(() => ratios([1], [1, 2])).toThrow(RangeError);
  });
});

describe('tables', () => {
  const table = { title: 'T', head: ['what', 'a', 'b'], rows: [['x|y', '1', '20']] };

  it('for a terminal', () => {
    const lines = renderTable(table, false).split('\n');
    expect(lines.map((line) => line.split(/ {2,}/))).toEqual([['T'], ['what', 'a', 'b'], ['x|y', '1', '20']]);
    expect(lines[1]!.length).toBe(lines[2]!.length);
  });

  it('in Markdown', () => {
    expect(renderTable(table, true)).toBe('T\n\n| what | a | b |\n|---|---:|---:|\n| x\\|y | 1 | 20 |');
  });

  it('numbers', () => {
    expect([1234.5, 123.4, 12.34, 1.234, 0.01234].map(number)).toEqual([
      '1,235',
      '123',
      '12.3',
      '1.23',
      '0.0123',
    ]);
    expect(rate({ median: 2000, min: 1000, max: 3000 })).toBe('2,000 (1,000 to 3,000)');
    expect(times({ median: 1.5, min: 1.5, max: 1.5 })).toBe('1.50×');
  });
});

it('a step has three products a layer, which fit together', () => {
  const all = products({ n_layer: 1, n_head: 1, n_embd: 8, n_positions: 4, vocab_size: 20 }, 6);
  expect(all).toHaveLength(15);
  expect(new Set(all.map(shapeKey)).size).toBe(15);
  for (const layer of ['qkv', 'proj', 'fc', 'out', 'head']) {
    const [forward, dx, dw] = all.filter(({ name }) => name.startsWith(`${layer} `));
    expect([dx!.M, dx!.N, dx!.K]).toEqual([forward!.M, forward!.K, forward!.N]);
    // dw has the size of what forward multiplies by.
    expect(dw!.M * dw!.N).toBe(forward!.K * forward!.N);
    expect(dw!.K).toBe(forward!.M);
  }
});

it('names amounts and modes as the peers do', () => {
  expect(asOptions({ promptLength: 3, topP: 0.5 })).toEqual(['--prompt-length', '3', '--top-p', '0.5']);
  const peer = {
    name: 'P',
    python: 'p',
    compiles: true,
    fused: true,
    openblas: false,
    transformers: null,
    cuda: null,
  };
  expect(modes(peer, true).map(({ label }) => label)).toEqual([
    'eager, plain attention',
    'eager, fused attention',
    'compiled, plain attention',
    'compiled, fused attention',
  ]);
  expect(modes({ ...peer, fused: false }, false)).toEqual([
    { label: 'eager, plain attention', args: ['--attention', 'plain'] },
  ]);
});

describe('rounds', () => {
  /** A contender that prints a report with these rates, after a line that is not one. */
  const says = (name: string, ...work: number[]): Contender => ({
    name,
    command: process.execPath,
    args: ['-e', `console.log('hello\\n' + ${JSON.stringify(JSON.stringify(reportOf(name, work)))})`],
  });
  const reportOf = (subject: string, work: number[]) => ({ subject, rates: { work }, peakRssMiB: 1 });
  const fails = (name: string, code: number): Contender => ({
    name,
    command: process.execPath,
    args: ['-e', `console.error('a trace\\nerror: no luck'); process.exit(${code})`],
  });

  const unlimited = budgetOf(undefined);
  /** Time for so many children, then none. */
  const timeFor = (children: number): Budget => ({ left: () => (children-- > 0 ? 60 : 0) });

  it('compares medians, and leaves out a peer that fails', async () => {
    const field = [says('ours', 30, 10, 20), says('peer', 5), fails('other', 1)];
    const { reports, skipped } = await alternate('title', field, 2, unlimited);
    expect([...reports.keys()]).toEqual(['ours', 'peer']);
    expect(skipped).toEqual(['title: other left out: no luck']);
    expect(compare(reports, 'work')).toEqual([
      { contender: 'ours', what: 'work', rate: { median: 20, min: 20, max: 20 }, ratio: null },
      {
        contender: 'peer',
        what: 'work',
        rate: { median: 5, min: 5, max: 5 },
        ratio: { median: 4, min: 4, max: 4 },
      },
    ]);
  });

  it('keeps the whole rounds when the time is up', async () => {
    const field = [says('ours', 30), says('peer', 5)];
    const cut = await alternate('title', field, 3, timeFor(5));
    expect([...cut.reports.values()].map((reports) => reports.length)).toEqual([2, 2]);
    expect(cut.cut).toBe(true);
    expect((await alternate('title', field, 3, timeFor(6))).cut).toBe(false);
  });

  it('keeps who ended in the first round', async () => {
    const field = [says('ours', 30), says('peer', 5), says('other', 5)];
    const { reports, skipped, cut } = await alternate('title', field, 2, timeFor(2));
    expect([...reports.keys()]).toEqual(['ours', 'peer']);
    expect(skipped).toEqual(['title: other left out: the time was up']);
    expect(cut).toBe(true);
    await expect(alternate('title', field, 2, timeFor(0))).rejects.toBeInstanceOf(TimeUp);
  });

  it('each report is kept as it comes, and compared with those of other commands', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'bench-journal-'));
    const [first, second] = [join(dir, 'a.reports.jsonl'), join(dir, 'b.reports.jsonl')];
    await alternate('train', [says('ours', 30), fails('other', 1)], 3, unlimited, journalAt(first));
    const [peer, late] = [says('peer', 5), timeFor(2)];
    const cut = alternate('train, beside peers', [peer, says('last', 3)], 9, late, journalAt(second));
    expect((await cut).cut).toBe(true);
    const [table, ...others] = compareJournals([second, first]);
    expect(others).toEqual([]);
    expect(table!.title).toBe('train');
    expect(table!.rows.map((row) => row.slice(0, 3))).toEqual([
      ['ours: ours', '30', ''],
      ['peer', '5', '6.00×'],
      ['last', '3', '10.00×'],
    ]);
    // The same file twice is once; what one of them does not measure is no column; two machines are not one.
    expect(compareJournals([second, first, second])).toEqual([table]);
    const [third, fourth] = [join(dir, 'c.reports.jsonl'), join(dir, 'd.reports.jsonl')];
    const entry = (contender: string, subject: string, rates: object) =>
      `${JSON.stringify({ part: 'kl', contender, report: { subject, rates, peakRssMiB: 1 } })}\n`;
    appendFileSync(third, entry('ours', 'cpu', { kl: [2], score: [3] }) + entry('peer', 'peer', { kl: [1] }));
    expect(compareJournals([third])[0]!.head).toEqual([
      '',
      'kl, tokens/s',
      'ours ÷ this',
      'in kernels',
      'peak RSS, MiB',
    ]);
    appendFileSync(fourth, entry('ours', 'cuda', { kl: [9] }));
    expect(() => compareJournals([third, fourth])).toThrow(/kl: ours is cpu and cuda; compare what one/);
    // Cut where a process was killed, and what is none.
    appendFileSync(second, '{"part": "tra');
    expect(compareJournals([second, first])).toEqual([table]);
    appendFileSync(second, 'in"}\n');
    expect(() => compareJournals([second])).toThrow(/b\.reports\.jsonl, line 3: this is no report/);
    expect(() => compareJournals([join(dir, 'none')])).toThrow(UserError);
    rmSync(dir, { recursive: true });
  });

  it('does not go on without ours', async () => {
    await expect(alternate('title', [fails('ours', 2)], 1, unlimited)).rejects.toMatchObject({
      name: 'UserError',
    });
    await expect(alternate('title', [fails('ours', 1)], 1, unlimited)).rejects.toMatchObject({
      name: 'ChildError',
    });
  });
});
