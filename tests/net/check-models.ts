/**
 * Log-probabilities of a run's tables, some of each, from the models that should have been asked: by a forward pass of our own
 * (own-model.ts), with the prompts written down here again. A wrong model, prompt, token or role shows.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { sum } from './definitions.js';
import { type OwnModel, openOwnModel } from './own-model.js';
import {
  type ContextRow,
  type FeedbackRow,
  grouped,
  type KlRow,
  type OutputRow,
  type RefinementRow,
  type Run,
  single,
  type WrittenRow,
} from './read-run.js';

/** What π_θ and π_0 read before a text, and what the refiner does. */
const prompts = {
  output: (context: string) => `Post: ${context}\nSummary:`,
  refinement: (context: string, initial: string, feedback: string | undefined) =>
    `Post: ${context}\nSummary: ${initial}${feedback === undefined ? '' : `\nFeedback: ${feedback}`}\nNew summary:`,
};

/** Contexts of each table that are looked at: the first and the last. */
const some = <T>(rows: readonly T[]): T[] => [...new Set([rows[0]!, rows.at(-1)!])];

/** Float32 over some dozens of tokens. */
const ROUNDING = 2e-3;
const PER_TOKEN = 2e-4;

export function checkModels(run: Run, problem: (line: string) => void): void {
  const { options, rounds, need, rows } = run;
  const { base, refiner } = options;
  const opened = new Map<string, OwnModel>();
  const model = (dir: string): OwnModel => {
    const found = opened.get(dir) ?? openOwnModel(dir);
    opened.set(dir, found);
    return found;
  };
  /** ln p(text and its end | prompt) of a text that the model in `writer` wrote: of its own tokens, where they are these. */
  const logProb = (dir: string, prompt: string, { text, ids }: WrittenRow, writer: string) => {
    const { encode, eos, logProbs, content } = model(dir);
    const own = ids.length > 0 && model(writer).content === content;
    const completion = own ? ids : [...encode(` ${text}`), eos];
    return sum(logProbs(encode(prompt), completion).map((of, t) => of[completion[t]!]!));
  };
  const compare = (where: string, found: number, wanted: number) => {
    if (!(Math.abs(found - wanted) < ROUNDING))
      problem(`${where} is ${found}, by a pass of our own ${wanted}`);
  };

  // The models that rounds begin with; those that have been moved since cannot be asked.
  const tuned = (round: string) => join(run.dir, round, 'finetuned');
  if (![base, refiner].every((dir) => existsSync(join(dir, 'tokenizer_config.json')))) return;
  // A model that writes feedback first scores that, too, which no table has.
  const plain = options.targets !== 'feedback-refinement';
  const checkOutputs = (place: string, name: string, dir: string) => {
    const posts = single(
      need<ContextRow>(`${place.startsWith('round') && name === 'initial' ? place : 'heldout'}/contexts`),
    );
    for (const row of some(rows<OutputRow>(`${place}/${name}`) ?? []).filter(Boolean))
      compare(
        `${place}/${name}: logprob of ${row.context}`,
        row.logprob,
        logProb(dir, prompts.output(posts.get(row.context)!.text), row, base),
      );
  };
  for (const name of ['outputs', 'initial']) checkOutputs('heldout', name, base);
  rounds.forEach((round, k) => {
    if (k === 0 || plain) checkOutputs(round, 'initial', k === 0 ? base : tuned(rounds[k - 1]!));
    if (plain) checkOutputs(round, 'outputs', tuned(round));
    checkRefinements(round);
    checkKl(round);
  });

  function checkRefinements(round: string): void {
    const contexts = need<ContextRow>(`${round}/contexts`);
    const initial = single(rows<OutputRow>(`${round}/initial`) ?? []);
    const feedback = single(rows<FeedbackRow>(`${round}/feedback`) ?? []);
    for (const table of ['refinements', 'no-feedback', 'shuffled-feedback']) {
      const found = grouped(rows<RefinementRow>(`${round}/${table}`) ?? []);
      for (const { context, text } of some(contexts)) {
        const row = found.get(context)?.at(-1);
        if (!row) continue;
        // The control is told the next context's.
        const next = contexts[(contexts.findIndex((of) => of.context === context) + 1) % contexts.length]!;
        const told = table === 'refinements' ? context : next.context;
        const prompt = prompts.refinement(
          text,
          initial.get(context)!.text,
          table === 'no-feedback' ? undefined : feedback.get(told)!.text,
        );
        const where = `${round}/${table}: of ${context}`;
        compare(
          `${where} logprob_refiner`,
          row.logprob_refiner ?? Number.NaN,
          logProb(refiner, prompt, row, refiner),
        );
        compare(`${where} logprob_base`, row.logprob_base, logProb(base, prompts.output(text), row, refiner));
      }
    }
  }

  function checkKl(round: string): void {
    const posts = single(need<ContextRow>('heldout/contexts'));
    const dirs = { tuned: tuned(round), base };
    for (const direction of ['tunedFromBase', 'baseFromTuned']) {
      const texts = need<KlRow>(`${round}/kl`).filter((row) => row.direction === direction);
      const [q, p] = (direction === 'tunedFromBase' ? [dirs.tuned, dirs.base] : [dirs.base, dirs.tuned]).map(
        model,
      ) as [OwnModel, OwnModel];
      for (const { context, ids, logprobs_q, logprobs_p, exact } of some(texts)) {
        const prompt = q.encode(prompts.output(posts.get(context)!.text));
        const [byQ, byP] = [q.logProbs(prompt, ids), p.logProbs(prompt, ids)];
        const wanted = ids.map((id, t) => {
          const kl = byQ[t]!.reduce((total, lq, v) => total + Math.exp(lq) * (lq - byP[t]![v]!), 0);
          return [byQ[t]![id]!, byP[t]![id]!, kl];
        });
        const wrong = wanted.some((of, t) =>
          [logprobs_q[t]!, logprobs_p[t]!, exact[t]!].some((v, i) => !(Math.abs(v - of[i]!) < PER_TOKEN)),
        );
        if (wrong) problem(`${round}/kl, ${direction}, ${context}: other numbers than by a pass of our own`);
      }
    }
  }
}
