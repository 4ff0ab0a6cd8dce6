import { describe, expect, it } from 'vitest';
import type { Claim, ExperimentReport } from '../../src/report/charts/figures.js';
import { lead } from '../../src/report/experiment/claims.js';
import { renderExperiment } from '../../src/report/experiment/html.js';
import { renderExperimentTerminal } from '../../src/report/experiment/terminal.js';
import { textWidth } from '../../src/report/terminal.js';
import { sampleExperiment } from './sample-experiment.js';

const report = sampleExperiment();
const claims = report.sections.flatMap((section) => section.claims);
const figures = report.sections.flatMap((section) => section.figures);

/** `text` as an escaped page has it. */
const escaped = (text: string) =>
  text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');

/** The rows of the table of all claims, their cells' texts. */
function claimRows(html: string): string[][] {
  const table = html.slice(html.indexOf('id="claims"')).split('</table>')[0]!;
  return [...table.matchAll(/<tr><th scope="row">(.*?)<\/tr>/gs)].map(([, row]) =>
    row!.split(/<\/t[hd]>/).map((cell) => cell.replace(/<[^>]*>/g, '').trim()),
  );
}

function withClaims(...made: Claim[]): ExperimentReport {
  return { ...report, sections: [{ ...report.sections[0]!, claims: made }] };
}

const claim = claims[0]!;

describe('lead', () => {
  it('counts the verdicts', () => {
    expect(lead(report)).toBe(
      'Of 25 claims, 16 held here, 3 failed, 4 are undecided and 2 were not measured.',
    );
    expect(lead(withClaims(claim))).toBe('Of 1 claim, 1 held here, 0 failed and 0 are undecided.');
    expect(lead(withClaims())).toBe('No claim was tested.');
  });
});

describe('the experiment’s page', () => {
  it('shows every claim with its numbers and verdict', async () => {
    const html = await renderExperiment(report);
    const rows = claimRows(html);
    expect(rows).toHaveLength(25);
    for (const [i, { claim, theirs, ours, verdict, note, difference }] of claims.entries()) {
      const row = rows[i]!;
      expect(row[0]).toBe(escaped(claim));
      expect(row.slice(1, 3)).toEqual([escaped(theirs), escaped(ours)]);
      if (difference === null) expect(row[3]).toBe('–');
      else expect(row[3]).toMatch(/^[+−]\d+\.\d points −?\d+\.\d to −?\d+\.\d points$/);
      const sign = { held: '✓', failed: '✗', undecided: '?', 'not measured': '–' }[verdict];
      expect(row[4]).toBe(`${sign}${verdict}`);
      expect(row[5]).toBe(escaped(note));
    }
  });

  it('shows sections, tables, figures once each, and how it was made', async () => {
    const html = await renderExperiment(report);
    expect(html.match(/<svg /g)).toHaveLength(figures.length);
    for (const { id, title, caption } of figures) {
      expect(html.match(new RegExp(`id="figure-${id}"`, 'g'))).toHaveLength(1);
      expect(html).toContain(escaped(title));
      expect(html).toContain(escaped(caption));
    }
    // The main figure comes before the claims.
    expect(html.indexOf('id="figure-frontier"')).toBeLessThan(html.indexOf('id="claims"'));
    for (const { id, title, text, tables } of report.sections) {
      expect(html).toContain(`href="#section-${id}"`);
      expect(html).toContain(`id="section-${id}"`);
      expect(html).toContain(`<h2>${escaped(title)}</h2>`);
      for (const paragraph of text) expect(html).toContain(escaped(paragraph));
      for (const table of tables)
        for (const { label } of table.rows) expect(html).toContain(`<th scope="row">${escaped(label)}</th>`);
    }
    expect(html).toContain('<td>0.731 <span class="soft">0.712 to 0.750</span></td>');
    expect(html).toContain('<td>1.52 <span class="soft">1.41 to 1.63</span></td>');
    expect(html).toContain('<td>–</td>');
    expect(html).toContain('<td>≤ 3.175</td>');
    for (const text of [report.command, report.interval, '1, 2, 3', '2 h 45 min', 'cpu (AVX2)', 'none'])
      expect(html).toContain(text);
    expect(html).not.toContain('A quick run');
    expect(await renderExperiment({ ...report, quick: true })).toContain('A quick run');
  });

  it('is self-contained', async () => {
    const html = await renderExperiment(report);
    expect(html).not.toMatch(/<script/i);
    expect(html).not.toMatch(/(?:src|href)="(?!#|data:)/);
    expect(html.replaceAll('http://www.w3.org/', '')).not.toMatch(/https?:\/\//);
    expect(html).not.toMatch(/url\(|@import/);
    expect(html).toContain(`default-src 'none'`);
    expect(html).not.toMatch(/undefined(?!<|\b.*decided)|NaN|\[object/);
  });

  it('escapes every text it is given', async () => {
    const evil = `"><script>alert(1)</script><img src=x onerror=alert(1)>'`;
    // What the program itself chooses from a fixed set stays; all other texts are poisoned.
    const fixed = new Set(['kind', 'unit', 'verdict']);
    const poison = (value: unknown, key = ''): unknown =>
      typeof value === 'string'
        ? fixed.has(key)
          ? value
          : evil
        : Array.isArray(value)
          ? value.map((v) => poison(v))
          : value !== null && typeof value === 'object'
            ? Object.fromEntries(Object.entries(value).map(([k, v]) => [k, poison(v, k)]))
            : value;
    const html = await renderExperiment({
      ...(poison(report) as ExperimentReport),
      options: { [evil]: evil },
      versions: { [evil]: evil },
    });
    expect(html).not.toMatch(/<script|<img/i);
    expect(html.match(/&lt;script/g)!.length).toBeGreaterThan(200);
    expect(html).not.toMatch(/<[^>]*"><script/);
  });

  it('copes with nothing, and with numbers that have no interval', async () => {
    const bare = { ...report, sections: [], seeds: [1], options: {}, versions: {} };
    const html = await renderExperiment(bare);
    expect(html).toContain('No claim was tested.');
    expect(html).toContain('1 seed.');
    expect(html).not.toContain('<svg');
    const one = { value: Infinity, lo: -Infinity, hi: Infinity, n: 1 };
    const odd = withClaims({ ...claim, difference: one });
    odd.sections[0]!.tables = [
      { title: 't', caption: '', columns: [{ name: 'c' }], rows: [{ label: 'r', cells: [one] }] },
    ];
    const shown = await renderExperiment(odd);
    expect(shown).toContain('∞ <span class="soft">none (one context)</span>');
    expect(shown).not.toMatch(/NaN|\[object|>undefined</);
  });
});

describe('the experiment on a terminal', () => {
  it.each([40, 60, 80, 120])('fits %i columns, and loses no word', (width) => {
    const text = renderExperimentTerminal(report, { width, color: false });
    for (const line of text.split('\n')) expect(textWidth(line), line).toBeLessThanOrEqual(width);
    expect(text).not.toContain('…');
    expect(text).not.toContain('\u001b');
    const counted = text.match(/[✓✗?–] (?:held|failed|undecided|not measured)$/gm);
    expect(counted).toHaveLength(25);
  });

  it('says the verdicts first, then claim by claim', () => {
    const lines = renderExperimentTerminal(report, { width: 100, color: false }).split('\n');
    expect(lines[0]).toBe(lead(report));
    expect(lines[2]).toMatch(/^claim +difference +verdict$/);
    expect(lines.find((line) => line.includes('ILF beats finetuning on initial outputs.'))).toMatch(
      /^ {2}ILF beats .* \+24\.0 points +✓ held$/,
    );
    expect(lines).toContain('Rankers');
    expect(lines.at(-1)).toContain('2 h 45 min in all.');
  });

  it('colours only where it may, and lets no text steer the terminal', () => {
    const hostile = withClaims({ ...claim, claim: 'a\u001b[2Jb' });
    expect(renderExperimentTerminal(hostile, { width: 80, color: false })).not.toContain('\u001b');
    expect(renderExperimentTerminal(hostile, { width: 80, color: true })).toContain('\u001b[1m');
    expect(renderExperimentTerminal(hostile, { width: 80, color: true })).not.toContain('\u001b[2J');
  });
});
