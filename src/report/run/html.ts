// report.html: one self-contained file without scripts. Contexts and model outputs are hostile input: every text is
// escaped, and a content security policy forbids scripts and any request, should an escape ever be missed.
import { bestOfNKlBound } from '../../bayes/index.js';
import { capital, formatInterval, formatNumber, formatSeconds } from '../format.js';
import { klView } from '../page/kl-block.js';
import { render } from '../page/render.js';
import { settingsView } from '../page/settings.js';
import { style } from '../page/template.js';
import { reportCharts } from './charts.js';
import { rowGroups, textsBefore, verdict } from './rows.js';
import { page } from './template.js';
import type { PosteriorReport, Report, Sample, Words } from './types.js';

/** The report as an HTML document. */
export async function renderHtml(report: Report): Promise<string> {
  const charts = await reportCharts(report);
  return render(page, {
    report,
    style,
    charts,
    verdict: verdict(report),
    groups: rowGroups(report),
    sections: [
      ['measures', 'Measures'],
      ...(charts.length > 0 ? [['charts', 'Charts']] : []),
      ['samples', 'Samples'],
      ['kl', 'KL'],
      ['bayes', 'Bayesian view'],
      ['made', 'How it was made'],
    ],
    samples: report.samples.map((sample) => sampleParts(sample, report.words)),
    scored: report.samples.some((sample) => sample.scores !== undefined),
    kl: report.kl.map(klView),
    posterior: report.posterior && posteriorView(report.posterior),
    time: formatSeconds(report.seconds),
    settings: [
      ['Seeds', settingsView(report.seeds)],
      ['Options', settingsView(report.options)],
      ['Versions', settingsView(report.versions)],
    ],
  });
}

/** A sample's texts in the order that the algorithm makes them. */
function sampleParts(sample: Sample, words: Words) {
  const score = (value: number | undefined) => (value === undefined ? '' : `score ${value.toFixed(2)}`);
  const before = textsBefore(sample).map(([label, text, of]) => ({
    kind: 'initial',
    label,
    text,
    score: score(of),
  }));
  const parts = [
    { kind: 'context', label: capital(words.context), text: sample.context, score: '' },
    ...before.slice(0, 1),
    { kind: 'feedback', label: 'Feedback', text: sample.feedback, score: '' },
    {
      kind: 'refinement',
      label: 'Refinement',
      text: sample.refinement,
      score: score(sample.scores?.refinement),
    },
    ...before.slice(1),
    { kind: 'tuned', label: 'Tuned model', text: sample.tuned, score: score(sample.scores?.tuned) },
  ];
  return sample.gold === undefined
    ? parts
    : [...parts, { kind: 'gold', label: 'Gold', text: sample.gold, score: '' }];
}

function posteriorView(posterior: PosteriorReport): [name: string, value: string][] {
  const { beta, priorWeight, proposalWeight, samplesPerContext: n, ess, logEvidence } = posterior;
  const power = (base: string, weight: number) =>
    weight === 0 ? '' : ` · ${base}${weight === 1 ? '' : `^${weight}`}`;
  const rows: [string, string][] = [
    ['Weights', `ω ∝ exp(β R)${power('π₀', priorWeight)}${power('(1/q)', proposalWeight)}`],
    // What weighted samples of q stand for: the weights times q itself.
    [
      'Target',
      `∝ exp(β R)${power('π₀', priorWeight)}${power('q', 1 - proposalWeight)}${proposalWeight === 0 ? ': uncorrected for the proposal q, which thereby acts as the prior' : ''}`,
    ],
    [
      'β',
      beta === Number.POSITIVE_INFINITY ? '∞: the best-ranked refinement takes all (argmax)' : String(beta),
    ],
    ['Refinements per context', String(n)],
  ];
  if (ess)
    rows.push([
      'Effective sample size',
      `${formatNumber(ess.value, 'number')} of ${n} (${formatInterval(ess, 'number')}, n = ${ess.n}): 1 is a single refinement, ${n} is no preference`,
    ]);
  if (logEvidence)
    rows.push([
      'Evidence',
      `mean log p(good | c) = ${formatNumber(logEvidence.value, 'nats')} nats (${formatInterval(logEvidence, 'nats')}, n = ${logEvidence.n})`,
    ]);
  rows.push([
    `Best of ${n}`,
    `picking one of ${n} moves at most log n − (n − 1)/n = ${bestOfNKlBound(n).toFixed(3)} nats from where the ${n} came from`,
  ]);
  return rows;
}
