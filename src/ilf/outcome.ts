/** What a finished run has to say: the report's content and the JSON document, both made from the run's tables alone. */
import { describeInterval } from '../bayes/estimate.js';
import { measurePosterior } from '../measure/posterior.js';
import { oracleOf } from '../measure/scorer.js';
import type { RunContext } from '../pipeline/run-context.js';
import type { RankerName } from '../rankers/names.js';
import { finalDocument, type Report, type RoundMeasures, type SamplePost } from '../report/run/types.js';
import { writeFileAtomic } from '../store/atomic.js';
import { secondsOf } from '../store/run.js';
import type { HeldOut } from './heldout.js';
import { refinedPosts } from './measure.js';
import type { Round } from './round.js';

/** Held-out posts that are shown in full. */
const SHOWN = 3;

export interface Outcome {
  report: Report;
  /** result.json, and what --json prints. */
  document: Record<string, unknown>;
}

export function outcomeOf(run: RunContext, n: number, heldOut: HeldOut, rounds: readonly Round[]): Outcome {
  const last = rounds.at(-1)!;
  const { options, folder, task } = run;
  const { contexts } = heldOut;
  const oracle = oracleOf(task.name, contexts);
  const posts = refinedPosts(heldOut);
  const ranker = options.ranker === 'instruct-rm' ? 'InstructRM' : options.ranker;
  // Targets that need no ranking leave nothing to weigh.
  const posterior =
    last.ranks.length > 0
      ? measurePosterior(last.refinements, last.ranks, options.beta, isProbability(options.ranker))
      : undefined;

  const samples = contexts.slice(0, SHOWN).map((context, i): SamplePost => {
    const [initial, tuned] = [heldOut.initial[i]!.text, last.outputs[i]!.text];
    const refinement = posts[i]!.feedback[posts[i]!.selected]!;
    return {
      post: context.text,
      initial,
      feedback: heldOut.feedback[i]!.text,
      refinement,
      tuned,
      ...(oracle && {
        ...(context.gold !== undefined && { gold: context.gold }),
        scores: {
          initial: oracle.score(context, initial),
          refinement: oracle.score(context, refinement),
          tuned: oracle.score(context, tuned),
        },
      }),
    };
  });
  const ranked =
    oracle &&
    posts.flatMap(({ context, points, feedback, scores }) =>
      feedback.map((text, j) => ({
        context: context.id,
        ranker: scores[j]!,
        oracle: oracle.incorporated(context, points, text),
      })),
    );
  const perRound = rounds.map(({ measures }, i): RoundMeasures => {
    const score = measures.score?.tuned ?? measures.rankerScore?.tuned;
    return {
      round: i + 1,
      contexts: options.roundMode === 'retrain' ? n * (i + 1) : n,
      ...(measures.winRate?.tunedVsBase && { winRate: measures.winRate.tunedVsBase }),
      ...(score && { score }),
      ...(measures.kl && { kl: measures.kl }),
    };
  });
  const baseScore = last.measures.score?.base ?? last.measures.rankerScore?.base;
  const seconds = secondsOf(folder.manifest);

  const report: Report = {
    title: `ILF on ${task.name}`,
    task: `one-line summaries of ${task.name}`,
    annotator: heldOut.feedback[0]!.source,
    judge: oracle
      ? `oracle: ${oracle.unit}`
      : `InstructRM${ranker === 'InstructRM' ? ', the ranker itself' : ''} (no independent judge)`,
    ranker,
    measures: last.measures,
    ...(!oracle && {
      absent: {
        score: 'Your own data have no oracle.',
        ranking: 'Your own data have no oracle to hold the ranker against.',
      },
    }),
    rounds: [...(baseScore ? [{ round: 0, score: baseScore }] : []), ...perRound],
    samples,
    kl: rounds.flatMap(({ measures }) =>
      measures.kl ? [measures.kl.tunedFromBase, measures.kl.baseFromTuned].filter((of) => !!of) : [],
    ),
    ...(posterior && { posterior }),
    ...(last.scores && { scores: last.scores }),
    ...(ranked && { ranked }),
    interval: describeInterval(),
    options: { ...options },
    seeds: { seed: options.seed },
    versions: { ilf: folder.manifest.version, node: process.version },
    seconds,
    run: folder.dir,
  };
  const { measures } = last;
  const document = {
    ...finalDocument(report),
    judge: report.judge,
    annotator: report.annotator,
    ranker,
    ...(measures.incorporated && {
      incorporated: { ...measures.incorporated, ...(last.byKind && { byKind: last.byKind }) },
    }),
    ...(measures.ranking && {
      ranking: { ...measures.ranking, incorporated: last.rankingIncorporated },
    }),
    ...(posterior && { posterior: { ...posterior, weights: undefined } }),
    rounds: perRound,
    options,
  };
  return { report, document };
}

/** Whether a ranker's scores estimate P(I=1). */
const isProbability = (ranker: RankerName) => /^(instruct-rm|human-likeness)/.test(ranker);

/** result.json and report.html, in the run's folder. */
export async function writeOutcome(
  { report, document }: Outcome,
  html: (report: Report) => Promise<string>,
  path: (file: string) => string,
): Promise<void> {
  await writeFileAtomic(path('report.html'), await html(report));
  await writeFileAtomic(path('result.json'), `${JSON.stringify(document, null, 2)}\n`);
}
