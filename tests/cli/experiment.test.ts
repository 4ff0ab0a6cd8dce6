// The command experiment in a process of its own, with tiny models.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { STUDIES } from '../../src/experiment/names.js';
import { claimRules } from '../../src/experiment/page/claims.js';
import { estimatesTable } from '../../src/experiment/page/report.js';
import { valuesTable } from '../../src/experiment/value.js';
import { readTable } from '../../src/store/tables.js';
import { drawn, madeUp } from '../experiment/made-up.js';
import { buildOnce, cli, filesBelow, killed } from '../helpers/cli.js';
import { inProcess } from '../helpers/in-process.js';
import writeTinyModels from '../helpers/tiny-models.js';
import { scratchFolder } from '../store/folder.js';

const dir = scratchFolder();
const at = (...path: string[]) => join(dir, ...path);
const run = (studies: readonly string[], out: string, env: Record<string, string> = {}) => {
  const models = ['--base', at('base'), '--instruct', at('instruct')];
  const words = ['--studies', ...studies, ...models, '--max-tokens', '6', '--quiet', '--json'];
  return cli(['experiment', '--quick', ...words, '--out', at(out)], {
    cwd: dir,
    env,
  });
};
const some = ['refinements', 'sizes'];

// A busy machine needs its time.
vi.setConfig({ testTimeout: 240_000 });

beforeAll(async () => {
  buildOnce();
  await writeTinyModels(dir);
}, 180_000);

describe('experiment', () => {
  it('writes tables, a document and a page of the studies that were asked for', async () => {
    const finished = await run(some, 'whole');
    expect(finished).toMatchObject({ code: 0, stderr: '' });
    const document = JSON.parse(finished.stdout);
    expect(document).toEqual(JSON.parse(readFileSync(at('whole', 'result.json'), 'utf8')));
    expect(document).toMatchObject({
      command: expect.stringMatching(/^node train\.js experiment --quick /),
      quick: true,
      seeds: [0],
      contexts: 60,
      options: {
        base: 'base',
        refiner: 'instruct',
        critic: 'instruct',
        judge: 'instruct',
        maxTokens: 6,
        seed: '0',
      },
      seconds: expect.any(Number),
    });
    expect(document.claims.map(({ id }: { id: string }) => id)).toEqual(
      claimRules.filter(({ section }) => some.includes(section)).map(({ id }) => id),
    );
    for (const { verdict, difference } of document.claims) {
      expect(['held', 'failed', 'undecided']).toContain(verdict);
      expect(difference).toMatchObject({ value: expect.any(Number), lo: expect.any(Number), n: 60 });
    }

    const values = await readTable(at('whole', 'values.arrow'), valuesTable);
    const estimates = await readTable(at('whole', 'estimates.arrow'), estimatesTable);
    // Six models by six measures, six kinds of refinements by four.
    expect(estimates.length).toBe(6 * 6 + 6 * 4);
    expect(values.length).toBe(60 * estimates.length);
    expect(document.estimates.length).toBe(estimates.length);
    for (const [i, { per_seed, ...row }] of estimates.entries()) {
      expect(document.estimates[i]).toMatchObject(row);
      expect([...per_seed]).toEqual([expect.closeTo(row.value, 4)]);
    }

    const files = filesBelow(at('whole'));
    expect(files).toEqual(
      expect.arrayContaining(['report.html', expect.stringMatching(/^tensorboard\/seed-0\/events\.out\./)]),
    );
    expect(files.filter((file) => /tmp|\.old|lock/.test(file))).toEqual([]);
    expect(readFileSync(at('whole', 'report.html'), 'utf8')).toMatch(
      /section-refinements[\s\S]*section-sizes/,
    );
  });

  it('goes on where it was killed, to the same results', async () => {
    const half = { KILL_AFTER: '/killed/seed-0/arms/ilf-25/finetuned$' };
    expect(await run(some, 'killed', half)).toEqual(killed);
    expect(existsSync(at('killed', 'result.json'))).toBe(false);
    expect(await run(some, 'killed')).toMatchObject({ code: 0, stderr: '' });
    const result = (out: string) => {
      const { seconds, command, ...numbers } = JSON.parse(readFileSync(at(out, 'result.json'), 'utf8'));
      expect(seconds).toBeGreaterThan(0);
      expect(command).toContain(at(out));
      return numbers;
    };
    expect(result('killed')).toEqual(result('whole'));
    const tables = filesBelow(at('whole')).filter((file) => /\.(arrow|safetensors)$/.test(file));
    const bytes = (out: string, file: string) => readFileSync(at(out, file));
    for (const file of tables) expect(bytes('killed', file).equals(bytes('whole', file)), file).toBe(true);
  });

  it('measures every claim, by models that are good at nothing, too', async () => {
    // The ladder trains models of its own, which takes as long as all else.
    const studies = STUDIES.filter((study) => study !== 'ladder');
    const finished = await run(studies, 'all');
    expect(finished).toMatchObject({ code: 0, stderr: '' });
    const { claims } = JSON.parse(finished.stdout);
    const expected = claimRules.filter(({ section }) => section !== 'ladder');
    expect(claims.map(({ id }: { id: string }) => id).sort()).toEqual(expected.map(({ id }) => id).sort());
    for (const { id, verdict } of claims) expect(verdict, id).not.toBe('not measured');
    expect(readFileSync(at('all', 'frontier.svg'), 'utf8')).toMatch(/^<svg [\s\S]*<\/svg>\s*$/);
    // Other tests rely on made-up values of the same arms and measures, whatever their numbers.
    const places = (rows: readonly { study: string; arm: string; measure: string }[]) =>
      [
        ...new Set(
          rows.map(({ study, arm, measure }) =>
            `${study}, ${arm}, ${measure}`.replace(/token .*/, 'token #').replace(/\d+(\.\d+)?/g, '#'),
          ),
        ),
      ].sort();
    const values = await readTable(at('all', 'values.arrow'), valuesTable);
    expect(places(values)).toEqual(places(madeUp(drawn).filter(({ study }) => study !== 'ladder')));
  });

  it('takes a person’s own contexts, scored against their references', async () => {
    const line = (i: number) => ({
      context: `Letter ${i}: the rent of ${i} is due in week ${i}.`,
      gold: `The rent of ${i} is due.`,
      sender: 'me',
      ...(i % 2 === 0 && { feedback: `Say when ${i} is due.`, output: `Rent ${i}.` }),
    });
    const lines = Array.from({ length: 15 }, (_, i) => JSON.stringify(line(i)));
    writeFileSync(at('letters.jsonl'), lines.join('\n'));
    const own = (file: string, words: string[], out: string, start = cli) =>
      start(
        [
          'experiment',
          '--quick',
          '--data',
          at(file),
          '--base',
          at('base'),
          '--instruct',
          at('instruct'),
        ].concat(['--max-tokens', '6', '--quiet', '--json', '--out', at(out), ...words]),
        { cwd: dir },
      );
    const finished = await own('letters.jsonl', [], 'own');
    expect(finished.code).toBe(0);
    const document = JSON.parse(finished.stdout);
    // What must be known first: at the start, in the document, on the page; nothing is concluded.
    const [unknown, few, ...others] = finished.stderr.split('\n');
    expect(unknown).toMatch(/^The models do not know such text: a token of the contexts costs base .* nats/);
    expect([few, ...others]).toEqual([
      'Too few held-out contexts: 3, and of fewer than 30 nothing is concluded.',
      expect.stringMatching(/letters\.jsonl: ignored the column sender; read are /),
      '',
    ]);
    expect(Object.keys(document).slice(0, 2)).toEqual(['caveats', 'familiarity']);
    expect(document.caveats).toEqual([
      { kind: 'unknown text', says: unknown },
      { kind: 'few contexts', says: few },
    ]);
    expect(document.familiarity).toMatchObject([{ roles: ['base'] }, { roles: ['refiner', 'judge'] }]);
    for (const { id, verdict, note } of document.claims) {
      expect(['undecided', 'not measured'], id).toContain(verdict);
      if (verdict === 'undecided')
        expect(note, id).toMatch(/^Undecided: the models do not know such text; too few held-out contexts\./);
    }
    const page = readFileSync(at('own', 'report.html'), 'utf8');
    expect(page).toContain(`id="verdict">${unknown} ${few} Of `);
    expect(document).toMatchObject({ contexts: 3, judge: 'F1 of ROUGE-L against the reference' });
    const studied = new Set(document.estimates.map(({ study }: { study: string }) => study));
    expect([...studied].sort()).toEqual(STUDIES.filter((study) => study !== 'ladder').sort());
    const measured = document.claims.filter(({ verdict }: { verdict: string }) => verdict !== 'not measured');
    expect(measured.length).toBeGreaterThan(20);
    expect(page).toMatch(/<h1>ILF on letters/);

    writeFileSync(at('few.jsonl'), lines.slice(0, 4).join('\n'));
    writeFileSync(at('without.jsonl'), [...lines, '{"context": "Another."}'].join('\n'));
    for (const [file, words, message] of [
      ['few.jsonl', [], /few\.jsonl: 4 contexts, .* too few/],
      ['without.jsonl', [], /without\.jsonl: context 16 has no "gold"/],
      ['letters.jsonl', ['--studies', 'ladder'], /embedded world alone/],
    ] as const) {
      const { code, stdout, stderr } = await own(file, [...words], 'refused', inProcess);
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
      expect(stderr).toMatch(/^error: .*\n$/);
      expect(stderr).toMatch(message);
      expect(existsSync(at('refused'))).toBe(false);
    }
  });

  it.each([
    [['--studies', 'targets', 'nothing'], /"nothing"/],
    [['--seeds', '0'], /--seeds/],
    [['--base', 'nowhere'], /nowhere/],
  ])('%s is one line on standard error and status 2', async (words, message) => {
    const { code, stdout, stderr } = await inProcess(
      ['experiment', '--quick', ...words, '--out', at('none')],
      {
        cwd: dir,
      },
    );
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/^error: .*\n$/);
    expect(stderr).toMatch(message);
    expect(existsSync(at('none'))).toBe(false);
  });
});
