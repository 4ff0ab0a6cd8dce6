/** What a finished run has to say: the report's content and the JSON document, both made from the run's tables alone. */
import { describeInterval } from '../bayes/estimate.js';
import { measurePosterior } from '../measure/posterior.js';
import type { Quality } from '../measure/quality.js';
import { type HeldOut, ranksOf, textsOf } from '../pipeline/held-out.js';
import type { RunContext } from '../pipeline/run-context.js';
import { rowOf } from '../pipeline/tables.js';
import { findRanker } from '../rankers/registry.js';
import { finalDocument, type Report, type RoundMeasures, type Sample } from '../report/run/types.js';
import { writeFileAtomic } from '../store/atomic.js';
import { type Before, caveatsAfter } from './caveats.js';
import type { Round } from './round.js';

/** Held-out contexts that are shown in full. */
const SHOWN = 3;

export interface Outcome {
  report: Report;
  /** result.json, and what --json prints. */
  document: Record<string, unknown>;
}

/** A finished run. */
export interface Finished {
  /** Contexts of each round. */
  n: number;
  before: Before;
  heldOut: HeldOut;
  quality: Quality | null;
  rounds: readonly Round[];
}

export async function outcomeOf(run: RunContext, finished: Finished): Promise<Outcome> {
  const { options, folder, task } = run;
  const { n, before, heldOut, quality, rounds } = finished;
  const last = rounds.at(-1)!;
  const { measures } = last;
  const ranker = await findRanker(options.ranker);
  // Targets that need no ranking leave nothing to weigh.
  const posterior =
    last.ranks.length > 0
      ? measurePosterior(last.refinements, last.ranks, options.beta, ranker.probability)
      : undefined;
  const perRound = rounds.map((round, i) =>
    roundMeasures(round, i + 1, options.roundMode === 'retrain' ? n * (i + 1) : n),
  );
  const baseScore = measures.score?.base ?? measures.rankerScore?.base;

  const report: Report = {
    title: `ILF on ${task.name}`,
    task: task.about,
    words: task.words,
    annotator: heldOut.feedback[0]!.source,
    judge: judgeOf(finished, options),
    ...(quality && !quality.decides && { scorer: quality.unit }),
    caveats: caveatsAfter(before, measures.winRate?.tunedVsBase),
    ...(before.familiarity && { familiarity: before.familiarity }),
    ranker: ranker.label,
    measures,
    absent: {
      ...(!quality && {
        score: 'Nothing here knows what an output is worth: no oracle, and no references.',
        ranking: 'Nothing to hold the ranker against.',
      }),
      ...(!quality?.refining && {
        incorporated:
          'Nobody here knows what the feedback asks for; below is what the judge takes for likely.',
      }),
    },
    rounds: [...(baseScore ? [{ round: 0, score: baseScore }] : []), ...perRound],
    samples: samplesOf(heldOut, last, quality),
    kl: rounds.flatMap(({ measures: { kl } }, i) =>
      [kl?.tunedFromBase, kl?.baseFromTuned].flatMap((of) =>
        of ? [{ ...of, ...(rounds.length > 1 && { round: i + 1 }) }] : [],
      ),
    ),
    ...(posterior && { posterior }),
    ...(last.scores && { scores: last.scores }),
    ...(quality?.refining && { ranked: quality.refining.ranked }),
    interval: describeInterval(),
    options: { ...options },
    seeds: { seed: options.seed },
    versions: { ilf: folder.manifest.version, node: process.version },
    seconds: folder.seconds(),
    run: folder.dir,
  };
  const document = {
    ...finalDocument(report),
    judge: report.judge,
    ...(report.scorer !== undefined && { scorer: report.scorer }),
    annotator: report.annotator,
    ranker: report.ranker,
    ...(measures.incorporated && {
      incorporated: { ...measures.incorporated, ...(last.byKind && { byKind: last.byKind }) },
    }),
    ...(measures.ranking && {
      ranking: {
        ...measures.ranking,
        ...(last.rankingIncorporated && { incorporated: last.rankingIncorporated }),
      },
    }),
    ...(posterior && { posterior: { ...posterior, weights: undefined } }),
    rounds: perRound,
    options,
  };
  return { report, document };
}

/** Who decides wins. */
function judgeOf({ quality, before: { caveats } }: Finished, { ranker }: RunContext['options']): string {
  if (quality?.decides) return `oracle: ${quality.unit}`;
  const pupil = caveats.some(({ kind }) => kind === 'no independent judge');
  return `InstructRM${ranker === 'instruct-rm' ? ', the ranker itself' : ''}${pupil ? ' (no independent judge)' : ''}`;
}

function roundMeasures({ measures }: Round, round: number, contexts: number): RoundMeasures {
  const { winRate, kl } = measures;
  const score = measures.score?.tuned ?? measures.rankerScore?.tuned;
  return {
    round,
    contexts,
    ...(winRate?.tunedVsBase && { winRate: winRate.tunedVsBase }),
    ...(score && { score }),
    ...(kl && { kl }),
  };
}

/** Some held-out contexts with everything that ILF made of them. */
function samplesOf(heldOut: HeldOut, last: Round, quality: Quality | null): Sample[] {
  const { contexts } = heldOut;
  const initial = rowOf(heldOut.initial, 'the table of initial outputs');
  const base = rowOf(heldOut.base, 'the table of outputs');
  const feedback = rowOf(heldOut.feedback, 'the table of feedback');
  const tuned = rowOf(last.outputs, 'the table of outputs');
  const refinements = textsOf(contexts, heldOut.refinements);
  const ranks = ranksOf(contexts, heldOut.scores);
  return contexts.slice(0, SHOWN).map((context, i) => {
    const scores = quality?.ofSamples.get(context.id);
    return {
      context: context.text,
      initial: initial(context).text,
      given: context.output !== undefined,
      base: base(context).text,
      feedback: feedback(context).text,
      refinement: refinements[i]![ranks[i]!.selected]!,
      tuned: tuned(context).text,
      ...(context.gold !== undefined && { gold: context.gold }),
      ...(scores && { scores: { ...scores, tuned: last.scores!.tuned[last.ids!.indexOf(context.id)]! } }),
    };
  });
}

/** result.json and report.html, in the run's folder. */
export async function writeOutcome(
  { report, document }: Outcome,
  html: (report: Report) => Promise<string>,
  path: (file: string) => string,
): Promise<void> {
  await writeFileAtomic(path('report.html'), await html(report));
  await writeFileAtomic(path('result.json'), `${JSON.stringify(document, null, 2)}\n`);
}
