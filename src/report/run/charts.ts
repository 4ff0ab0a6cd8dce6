// The charts of a report, as SVG strings. Every chart has axis titles with units, shows intervals where its numbers have
// them, and says its n. What cannot be drawn from the numbers given is left out.
import type { Chart } from '../charts/chart-kit.js';
import { distributionChart } from './charts/distribution.js';
import { klChart } from './charts/kl.js';
import { rankedChart } from './charts/ranked.js';
import { rankingChart } from './charts/ranking.js';
import { ratesChart } from './charts/rates.js';
import { roundsChart } from './charts/rounds.js';
import { weightsChart } from './charts/weights.js';
import { opinionOf } from './rows.js';
import type { Report } from './types.js';

export type { Chart } from '../charts/chart-kit.js';

/** All charts that the report's numbers allow, in reading order. */
export async function reportCharts(report: Report): Promise<Chart[]> {
  const { measures, rounds, ranked } = report;
  const judged = measures.rankerScore !== undefined;
  const made = await Promise.all([
    ratesChart(
      'incorporated',
      'Feedback incorporated by refinements',
      'share of refinements that settle every point',
      [
        ['with the feedback', measures.incorporated?.feedback],
        ['without feedback', measures.incorporated?.noFeedback],
        ['shuffled feedback', measures.incorporated?.shuffledFeedback],
      ],
    ),
    ratesChart(
      'judge-probability',
      `Feedback followed: ${opinionOf(report)}`,
      'InstructRM’s mean probability',
      [
        ['with the feedback', measures.judgeProbability?.feedback],
        ['without feedback', measures.judgeProbability?.noFeedback],
        ['shuffled feedback', measures.judgeProbability?.shuffledFeedback],
      ],
      undefined,
      'probability',
    ),
    ratesChart(
      'win-rate',
      judged ? `Win rates: ${opinionOf(report)}` : 'Win rates',
      'share of comparisons won, ties as half',
      [
        ['tuned against base', measures.winRate?.tunedVsBase],
        ['tuned against gold', measures.winRate?.tunedVsGold],
        ['base against gold', measures.winRate?.baseVsGold],
      ],
      { value: 0.5, label: 'draw' },
    ),
    roundsChart(
      'score-rounds',
      judged && !measures.score ? `InstructRM’s score by round: ${opinionOf(report)}` : 'Score by round',
      'mean score',
      rounds.map((r) => [r.round, r.score]),
      measures.score?.gold && { value: measures.score.gold.value, label: `gold ${report.words.outputs}` },
    ),
    roundsChart(
      'win-rate-rounds',
      judged ? `Win rate by round: ${opinionOf(report)}` : 'Win rate by round',
      'share won against base',
      rounds.map((r) => [r.round, r.winRate]),
      { value: 0.5, label: 'draw' },
    ),
    klChart('kl-tuned-from-base', 'KL(tuned ‖ base)', rounds, (r) => r.kl?.tunedFromBase),
    klChart('kl-base-from-tuned', 'KL(base ‖ tuned)', rounds, (r) => r.kl?.baseFromTuned),
    rankingChart(report.ranker, measures.ranking),
    rankedChart(report.ranker, ranked, measures.ranking?.pairAccuracy),
    distributionChart(report),
    weightsChart(report.posterior?.weights),
  ]);
  return made.filter((chart) => chart !== undefined);
}
