import { describe, expect, it } from 'vitest';
import { describeInterval } from '../../src/bayes/index.js';
import { STUDIES, type StudyName } from '../../src/experiment/names.js';
import { claimRules } from '../../src/experiment/page/claims.js';
import { documentOf, estimateRows, experimentReport, type Made } from '../../src/experiment/page/report.js';
import { Values } from '../../src/experiment/values.js';
import type { Figure } from '../../src/report/charts/figures.js';
import { renderExperiment, renderExperimentTerminal } from '../../src/report/index.js';
import { drawn, madeUp } from './made-up.js';

const rows = madeUp(drawn);
const values = new Values(rows);
const madeOf = (studies: readonly StudyName[], task: string | null): Made => ({
  studies,
  seeds: [0, 1],
  contexts: 60,
  task,
  judge: task === null ? 'oracle: F1 of the six facts' : 'F1 of ROUGE-L against the reference',
  caveats: [],
  quick: true,
  command: 'node train.js experiment --quick',
  version: '0.1.0',
  options: { base: 'models/base', lr: 3e-4, data: null },
  seconds: 125,
});
const reportOf = (studies: readonly StudyName[], of = values, task: string | null = null) =>
  experimentReport(of, madeOf(studies, task));
const report = reportOf(STUDIES);
const figures = report.sections.flatMap((section) => section.figures);

/** What a number that is none looks like in a text. */
const noNumber = /NaN|undefined|Infinity|\[object/;

const pointsOf = (figure: Figure): unknown[][] =>
  figure.kind === 'lines'
    ? figure.series.map(({ points }) => points)
    : figure.kind === 'reliability'
      ? figure.series.map(({ bins }) => bins)
      : [figure.points];

describe('the report', () => {
  it('has the frontier, then a section of every study, each with something to show', () => {
    expect(report.sections.map(({ id }) => id)).toEqual(['frontier', ...STUDIES]);
    for (const { title, text, tables, figures } of report.sections) {
      expect(title).not.toBe('');
      expect(text.join('')).not.toBe('');
      expect(tables.length + figures.length).toBeGreaterThan(0);
    }
  });

  it('has no frontier where a study that it is made of was not run', () => {
    expect(reportOf(['targets', 'best-of-n', 'rl', 'posterior']).sections[0]!.id).toBe('frontier');
    for (const missing of ['targets', 'best-of-n', 'rl', 'posterior'])
      expect(reportOf(STUDIES.filter((study) => study !== missing)).sections.map(({ id }) => id)).toEqual(
        STUDIES.filter((study) => study !== missing),
      );
  });

  it('has every claim once, in the section that it belongs to', () => {
    const placed = report.sections.flatMap(({ id, claims }) => claims.map((claim) => `${id}: ${claim.id}`));
    expect(placed.sort()).toEqual(claimRules.map(({ section, id }) => `${section}: ${id}`).sort());
  });

  it('has no empty figure, table row or cell', () => {
    expect(new Set(figures.map(({ id }) => id)).size).toBe(figures.length);
    for (const figure of figures) {
      expect(pointsOf(figure).length, figure.id).toBeGreaterThan(0);
      for (const points of pointsOf(figure)) expect(points.length, figure.id).toBeGreaterThan(0);
    }
    for (const { tables } of report.sections)
      for (const { title, columns, rows: tableRows } of tables) {
        expect(tableRows.length, title).toBeGreaterThan(0);
        for (const { label, cells } of tableRows) {
          expect(cells.length).toBe(columns.length);
          expect(cells, `${title}: ${label}`).not.toContain(null);
        }
      }
  });

  it('shows every method of the frontier’s studies on the frontier', () => {
    const [main] = figures;
    if (main?.kind !== 'frontier') throw new Error('the main figure is no frontier');
    const methods = (study: StudyName) => values.armsOf(study).length;
    // All but the base model, where everything starts, and "feedback, then refinement".
    expect(main.points.length).toBe(methods('targets') - 2 + methods('best-of-n') + methods('rl'));
  });

  it('names the interval that the estimates have', () => {
    expect(report.interval).toContain(describeInterval({}, 'seeds and contexts'));
  });

  it('is a page with all of it and without a number that is none', async () => {
    const html = await renderExperiment(report);
    expect(html.match(noNumber)).toBeNull();
    for (const { id, title } of report.sections) {
      expect(html).toContain(`id="section-${id}"`);
      expect(html).toContain(title);
    }
    for (const { claim } of claimRules) expect(html).toContain(claim);
    expect(html.match(/<svg/g)!.length).toBeGreaterThanOrEqual(figures.length);
  });

  it('says first what must be known, on the page, in the terminal and in the document, and decides nothing', async () => {
    const says = 'The models <do> not know such text.';
    const made = { ...madeOf(STUDIES, 'letters'), caveats: [{ kind: 'unknown text', says } as const] };
    const of = experimentReport(values, made);
    expect(await renderExperiment(of)).toContain(
      'id="verdict">The models &lt;do&gt; not know such text. Of ',
    );
    const terminal = renderExperimentTerminal(of, { width: 100, color: false });
    expect(terminal.replace(/\s+/g, ' ')).toMatch(
      /^The models <do> not know such text\. Of 39 claims, 0 held here, 0 failed and 39 are undecided\. /,
    );
    expect(Object.entries(documentOf(of, []))[0]).toEqual(['caveats', [{ kind: 'unknown text', says }]]);
  });

  it('is a page, too, where nothing differs and where one study was run', async () => {
    const same = reportOf(STUDIES, new Values(madeUp(() => 0.5)));
    const alone = STUDIES.map((study) =>
      reportOf([study], new Values(rows.filter((row) => row.study === study))),
    );
    for (const of of [same, ...alone]) {
      expect((await renderExperiment(of)).match(noNumber)).toBeNull();
      expect(renderExperimentTerminal(of, { width: 100, color: false }).match(noNumber)).toBeNull();
    }
  });
});

describe('the estimates', () => {
  const estimates = estimateRows(values);

  it('have a whole row for every arm’s every measure', () => {
    // The course of a training and forecasts are no means over contexts.
    const places = rows
      .filter(({ measure }) => !/^(training|predicted|happened)/.test(measure))
      .map(({ study, arm, measure }) => `${study}, ${arm}, ${measure}`);
    expect(estimates.map(({ study, arm, measure }) => `${study}, ${arm}, ${measure}`).sort()).toEqual(
      [...new Set(places)].sort(),
    );
    for (const { value, lo, hi, n, per_seed } of estimates) {
      expect(lo).toBeLessThanOrEqual(value);
      expect(hi).toBeGreaterThanOrEqual(value);
      expect(n).toBe(12);
      expect(per_seed.length).toBe(2);
      expect(value).toBeCloseTo((per_seed[0]! + per_seed[1]!) / 2);
    }
  });

  it('stand in the document with the claims, and nothing is lost as JSON', () => {
    const document = documentOf(report, estimates);
    expect(JSON.parse(JSON.stringify(document))).toEqual(document);
    expect(document.claims.map(({ id }) => id).sort()).toEqual(claimRules.map(({ id }) => id).sort());
    expect(document.estimates).toBe(estimates);
    expect(document).toMatchObject({ quick: true, seeds: [0, 1], contexts: 60, seconds: 125 });
  });

  it('of a person’s own contexts says what is not known of them, and shows the rest', async () => {
    const studies = STUDIES.filter((study) => study !== 'ladder');
    const unknown = /^(incorporated|evidenceOracle|predicted|happened)/;
    const known = rows.filter(
      ({ study, arm, measure }) => study !== 'ladder' && arm !== 'written' && !unknown.test(measure),
    );
    const own = reportOf(studies, new Values(known), 'letters');
    expect(own.title).toContain('letters');
    expect(own.judge).toMatch(/ROUGE-L/);
    const ids = own.sections.flatMap(({ figures: of }) => of.map(({ id }) => id));
    const all = report.sections.filter(({ id }) => id !== 'ladder').flatMap(({ figures: of }) => of);
    expect(ids).toEqual(
      all.map(({ id }) => id).filter((id) => id !== 'reliability' && id !== 'refinements-incorporated'),
    );
    const missing = own.sections.flatMap(({ claims }) => claims).filter(({ difference }) => !difference);
    expect(missing.map(({ id }) => id)).toEqual(
      expect.arrayContaining(['feedback-incorporated', 'human-incorporated']),
    );
    for (const { verdict } of missing) expect(verdict).toBe('not measured');
    const page = await renderExperiment(own);
    expect(page).not.toMatch(noNumber);
    expect(page).not.toMatch(
      /six facts|simulated annotator|writers of the instruction corpus, a program that follows/,
    );
  });
});
