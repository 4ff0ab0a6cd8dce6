// The page of `kl`: one self-contained file without scripts, as report.html. Prompts, texts and tokens are hostile input: every
// text is escaped.
import type { Estimate } from '../../bayes/index.js';
import { figureChart } from '../charts/figure-charts.js';
import { formatInterval, formatNumber, formatSeconds } from '../format.js';
import { klView } from '../page/kl-block.js';
import { render } from '../page/render.js';
import { settingsView } from '../page/settings.js';
import { style } from '../page/template.js';
import { legend, levelOf, thresholds } from './shade.js';
import { klPage, klStyle } from './template.js';
import type { KlReport } from './types.js';
import { givenView } from './view.js';

/** The report as an HTML document. @throws what figureChart throws */
export async function renderKl(report: KlReport): Promise<string> {
  const from = thresholds(report.samples);
  return render(klPage, {
    report,
    style: style + klStyle,
    given: report.given !== undefined,
    lead: lead(report),
    sections: [
      ['kl', 'KL'],
      ['charts', 'Charts'],
      ['samples', 'Token by token'],
      ['made', 'How it was made'],
    ],
    kl: report.given ? [givenView(report.given)] : report.results.map(klView),
    charts: await Promise.all(report.figures.map(figureChart)),
    legend: legend(from),
    samples: report.samples.map(({ title, prompt, tokens }) => ({
      title,
      prompt,
      tokens: tokens.map(({ text, kl }) => ({
        text,
        level: levelOf(kl, from),
        kl: formatNumber(kl, 'nats'),
      })),
    })),
    time: formatSeconds(report.seconds),
    settings: [
      ['Options', settingsView(report.options)],
      ['Versions', settingsView(report.versions)],
    ],
  });
}

/** "KL(tuned ‖ base) = 0.412 nats per sequence (0.380 to 0.444), KL(base ‖ tuned) = …": the first estimator of each. */
function lead({ results, given }: KlReport): string {
  const said = (title: string, estimate: Estimate, unit: string) =>
    `${title} = ${formatNumber(estimate.value, 'nats')} ${unit} (${formatInterval(estimate, 'nats')})`;
  const parts = given
    ? [
        said(
          'Exact KL(tuned ‖ base) at the prefixes of the given texts',
          given.tunedFromBase,
          'nats per text',
        ),
        said('KL(base ‖ tuned) there', given.baseFromTuned, 'nats per text'),
      ]
    : results.map(({ direction, raoBlackwell, k1 }) =>
        said(direction, raoBlackwell ?? k1, 'nats per sequence'),
      );
  return `${parts.join(', ')}.`;
}
