// The page of `experiment`: one self-contained file without scripts, as report.html. Labels may come from data and are
// hostile input: every text is escaped.
import { figureChart } from '../charts/figure-charts.js';
import type { Claim, ExperimentReport, Figure, FigureTable, Verdict } from '../charts/figures.js';
import { formatInterval, formatNumber, formatSeconds } from '../format.js';
import { render } from '../page/render.js';
import { settingsView } from '../page/settings.js';
import { style } from '../page/template.js';
import { allClaims, byVerdict, differenceInterval, differenceText, lead, verdictSigns } from './claims.js';
import { claimsTable, experimentPage, experimentStyle } from './template.js';

/** The report as an HTML document. @throws what figureChart throws */
export async function renderExperiment(report: ExperimentReport): Promise<string> {
  const main = report.sections[0]?.figures[0];
  const sections = await Promise.all(
    report.sections.map(async ({ id, title, text, claims, tables, figures }) => ({
      id,
      title,
      text,
      claims: claimsView(claims, `Claims: ${title}`),
      tables: tables.map(tableView),
      figures: await Promise.all(figures.filter((figure) => figure !== main).map(figureView)),
    })),
  );
  return render(experimentPage, {
    report,
    style: style + experimentStyle,
    lead: lead(report),
    doubted: report.caveats.length > 0,
    verdicts: byVerdict(report).map(([verdict, claims]) => ({
      ...verdictView(verdict),
      claims,
    })),
    size: `${report.contexts} held-out contexts, ${report.seeds.length} ${report.seeds.length === 1 ? 'seed' : 'seeds'}.`,
    nav: [
      ['claims', 'Claims'],
      ...report.sections.map(({ id, title }) => [`section-${id}`, title]),
      ['made', 'How it was made'],
    ],
    main: main && (await figureView(main)),
    claims: claimsView(allClaims(report), 'All claims'),
    sections,
    time: formatSeconds(report.seconds),
    settings: [
      ['Options', settingsView(report.options)],
      ['Versions', settingsView(report.versions)],
    ],
  });
}

async function figureView(figure: Figure) {
  return { ...(await figureChart(figure)), wide: figure.kind === 'frontier' };
}

function verdictView(verdict: Verdict) {
  return { verdict, sign: verdictSigns[verdict], style: verdict === 'not measured' ? 'absent' : verdict };
}

/** The claims' table as HTML, empty for none. */
function claimsView(claims: readonly Claim[], label: string): string {
  if (claims.length === 0) return '';
  return render(claimsTable, {
    label,
    claims: claims.map((claim) => ({
      ...claim,
      difference: differenceText(claim),
      interval: differenceInterval(claim),
      ...verdictView(claim.verdict),
    })),
  });
}

function tableView({ title, caption, columns, rows }: FigureTable) {
  return {
    title,
    caption,
    columns: columns.map(({ name }) => name),
    rows: rows.map(({ label, cells }) => ({
      label,
      cells: cells.map((cell, i) => {
        if (cell === null) return { value: '–', interval: '' };
        if (typeof cell === 'string') return { value: cell, interval: '' };
        const unit = columns[i]?.unit ?? 'number';
        return { value: formatNumber(cell.value, unit), interval: formatInterval(cell, unit) };
      }),
    })),
  };
}
