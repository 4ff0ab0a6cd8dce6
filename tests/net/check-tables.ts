/** What must hold between the tables of a run, whatever the numbers are. A problem is a line of words. */
import { mean, sum, weights } from './definitions.js';
import {
  type ContextRow,
  candidates,
  type FeedbackRow,
  grouped,
  type KlRow,
  type OutputRow,
  type RefinementRow,
  type Row,
  type Run,
  type ScoreRow,
  single,
  type TargetRow,
  type TextRow,
  type WrittenRow,
} from './read-run.js';

type Report = (problem: string) => void;

export function checkTables(run: Run, problem: Report): void {
  const { rounds, options } = run;
  const names = Array.from({ length: options.rounds }, (_, k) => `round-${k + 1}`);
  if (rounds.join() !== names.join())
    problem(`rounds: there are ${rounds.join()} for --rounds ${options.rounds}`);
  checkSplits(run, problem);
  checkHeldOut(run, problem);
  for (const round of rounds) {
    const ids = checkContexts(run, round, problem);
    checkOutputs(run, `${round}/initial`, ids, problem);
    checkFeedback(run, round, ids, problem);
    for (const table of ['refinements', 'no-feedback', 'shuffled-feedback'])
      checkRefinements(run, `${round}/${table}`, ids, problem);
    checkScores(run, round, problem);
    checkTargets(run, round, problem);
    const heldOut = run.need<ContextRow>('heldout/contexts').map(({ context }) => context);
    checkOutputs(run, `${round}/outputs`, heldOut, problem);
    checkKl(run, round, heldOut, problem);
  }
}

/** No post in two places: rounds learn from contexts of their own, and nothing that is measured on was learned from. */
function checkSplits({ need, rounds }: Run, problem: Report): void {
  const seen = new Map<string, string>();
  for (const place of ['heldout', ...rounds])
    for (const { context, text, facts } of need<ContextRow>(`${place}/contexts`))
      for (const [what, value] of Object.entries({ id: context, text, facts })) {
        if (value === '') continue;
        const key = `${what} ${value}`;
        const other = seen.get(key);
        if (other !== undefined && other !== place)
          problem(`${place}/contexts: ${context} is in ${other}/contexts too (its ${what})`);
        seen.set(key, place);
      }
}

/** Each value of a key once, and the keys those that are wanted. */
function checkKeys(table: string, keys: readonly string[], wanted: readonly string[], problem: Report): void {
  const found = new Set(keys);
  if (found.size < keys.length) problem(`${table}: ${keys.length - found.size} keys are there twice`);
  const missing = wanted.filter((key) => !found.has(key));
  if (missing.length > 0) problem(`${table}: no row for ${missing[0]} and ${missing.length - 1} others`);
  const extra = [...found].filter((key) => !wanted.includes(key));
  if (extra.length > 0)
    problem(`${table}: rows for ${extra[0]} and ${extra.length - 1} others, which is no context`);
}

const pairs = (ids: readonly string[], n: number) =>
  ids.flatMap((id) => Array.from({ length: n }, (_, candidate) => `${id} candidate ${candidate}`));
const pairOf = ({ context, candidate }: { context: string; candidate: number }) =>
  `${context} candidate ${candidate}`;

function checkContexts({ need, options }: Run, place: string, problem: Report): string[] {
  const ids = need<ContextRow>(`${place}/contexts`).map(({ context }) => context);
  checkKeys(`${place}/contexts`, ids, ids, problem);
  const most = place === 'heldout' ? options.heldout : options.contexts;
  if (ids.length === 0 || ids.length > most)
    problem(`${place}/contexts: ${ids.length} contexts, where ${most} were asked for`);
  return ids;
}

/** Float32 may leave what should be 0 this far on the wrong side of it. */
const ROUNDING = 1e-5;

function checkLogprobs(table: string, values: readonly number[], problem: Report): void {
  const wrong = values.filter((v) => !(Number.isFinite(v) && v <= ROUNDING));
  if (wrong.length > 0)
    problem(`${table}: ${wrong.length} log-probabilities are none, the first is ${wrong[0]}`);
}

function checkOutputs({ rows, need }: Run, table: string, ids: readonly string[], problem: Report): void {
  const found = rows<OutputRow>(table);
  if (!found) return;
  checkKeys(
    table,
    found.map(({ context }) => context),
    ids,
    problem,
  );
  checkLogprobs(
    table,
    found.map(({ logprob }) => logprob),
    problem,
  );
  // Outputs are what a model wrote; only x0 may have come with the contexts.
  const given = single(need<ContextRow>(`${table.split('/')[0]}/contexts`));
  for (const { context, sampled, text } of found) {
    const output = table.endsWith('/outputs') ? '' : (given.get(context)?.output ?? '');
    if (sampled !== (output === '')) problem(`${table}: ${context} has sampled = ${sampled}`);
    if (output !== '' && text !== output) problem(`${table}: ${context} came with another output`);
    if (text.includes('\n')) problem(`${table}: ${context} has a line break`);
  }
}

function checkFeedback({ rows }: Run, place: string, ids: readonly string[], problem: Report): void {
  const found = rows<FeedbackRow>(`${place}/feedback`);
  if (!found) return;
  checkKeys(
    `${place}/feedback`,
    found.map(({ context }) => context),
    ids,
    problem,
  );
  for (const { context, text, points } of found) {
    if (text === '' && points !== '') problem(`${place}/feedback: ${context} asks for something in no words`);
    if (points !== '' && (JSON.parse(points) as unknown[]).length === 0)
      problem(`${place}/feedback: ${context} asks for nothing at all`);
  }
}

function checkRefinements(
  { rows, options }: Run,
  table: string,
  ids: readonly string[],
  problem: Report,
): void {
  const found = rows<RefinementRow>(table);
  if (!found) return;
  checkKeys(table, found.map(pairOf), pairs(ids, options.samples), problem);
  if (table.startsWith('heldout/')) return;
  for (const column of ['logprob_refiner', 'logprob_base'] as const)
    checkLogprobs(
      `${table}, ${column}`,
      // A local refiner can tell; null is none of these.
      found.map((row) => row[column] ?? Number.NaN),
      problem,
    );
}

function checkHeldOut(run: Run, problem: Report): void {
  const ids = checkContexts(run, 'heldout', problem);
  for (const table of ['heldout/outputs', 'heldout/initial']) checkOutputs(run, table, ids, problem);
  checkFeedback(run, 'heldout', ids, problem);
  for (const table of ['refinements', 'no-feedback', 'shuffled-feedback'])
    checkRefinements(run, `heldout/${table}`, ids, problem);
  checkScores(run, 'heldout', problem);
  // What the tuned model is compared with was sampled independently of x0, which feedback is on.
  const outputs = single(run.need<OutputRow>('heldout/outputs'));
  const sampled = run.need<OutputRow>('heldout/initial').filter((row) => row.sampled);
  const same = sampled.filter(({ context, logprob }) => outputs.get(context)?.logprob === logprob);
  if (sampled.length >= 8 && same.length === sampled.length)
    problem('heldout/initial: x0 is what heldout/outputs has');
}

function checkScores({ rows, need }: Run, place: string, problem: Report): void {
  const found = rows<ScoreRow>(`${place}/scores`);
  if (!found) return;
  checkKeys(`${place}/scores`, found.map(pairOf), need<TextRow>(`${place}/refinements`).map(pairOf), problem);
  for (const [id, of] of candidates(found)) {
    const chosen = of.filter(({ selected }) => selected);
    // The first of the highest.
    const highest = of.find((row) => of.every((other) => row.mean >= other.mean));
    if (chosen.length !== 1) problem(`${place}/scores: ${chosen.length} refinements of ${id} are selected`);
    else if (chosen[0] !== highest)
      problem(`${place}/scores: of ${id} not the one with the highest score is selected`);
    for (const { per_prompt, mean: score } of of) {
      if (!Number.isFinite(score)) problem(`${place}/scores: ${id} has the score ${score}`);
      if (per_prompt.length > 0 && !(Math.abs(mean(per_prompt) - score) < 1e-6))
        problem(`${place}/scores: a score of ${id} is not the mean over its prompts`);
      if (per_prompt.some((p) => !(p >= 0 && p <= 1)))
        problem(`${place}/scores: a prompt's score of ${id} is no probability`);
    }
  }
}

/** What is learned of a text: its words, and the tokens that say them. */
const learnedAs = ({ text, ids }: Pick<WrittenRow, 'text' | 'ids'>) => JSON.stringify([text, ids]);
/** A text that nobody sampled. */
const given = (text: string) => ({ text, ids: [] });

/** The weights of a context's targets by --targets, from the round's tables; several possibilities where chance has a say in it. */
function expectedTargets({ rows, need, options }: Run, round: string, id: string): Map<string, number>[] {
  const of = <R extends Row & { context: string }>(table: string) =>
    grouped(rows<R>(`${round}/${table}`) ?? []).get(id) ?? [];
  const just = (written: Pick<WrittenRow, 'text' | 'ids'>) =>
    new Map(written.text === '' ? [] : [[learnedAs(written), 1]]);
  const picked = () => {
    const candidate = of<ScoreRow>('scores').find(({ selected }) => selected)?.candidate;
    return of<RefinementRow>('refinements').find((row) => row.candidate === candidate) ?? given('');
  };
  switch (options.targets) {
    case 'ilf':
      return [just(picked())];
    case 'initial':
      return [just(of<OutputRow>('initial')[0]!)];
    case 'gold':
      return [just(given(single(need<ContextRow>(`${round}/contexts`)).get(id)!.gold))];
    case 'no-feedback':
    case 'shuffled-feedback':
      return of<TextRow>(options.targets).map(just);
    case 'feedback-refinement': {
      const { text } = picked();
      return [just(given(text && `${of<FeedbackRow>('feedback')[0]!.text} New summary: ${text}`))];
    }
    case 'posterior': {
      const said = of<RefinementRow>('refinements').filter(({ text }) => text !== '');
      const scores = new Map(of<ScoreRow>('scores').map(({ candidate, mean }) => [candidate, mean]));
      const omega = weights(
        {
          rewards: said.map(({ candidate }) => scores.get(candidate)!),
          logPrior: said.map(({ logprob_base }) => logprob_base),
          logProposal: said.map(({ logprob_refiner }) => logprob_refiner!),
        },
        options.beta,
      );
      // Less than a thousandth of the heaviest is left out.
      const kept = omega.map((w) => (w >= Math.max(...omega) / 1000 ? w : 0));
      const total = new Map<string, number>();
      said.forEach((row, i) => {
        const key = learnedAs(row);
        if (kept[i]! > 0) total.set(key, (total.get(key) ?? 0) + kept[i]! / sum(kept));
      });
      return [total];
    }
    default:
      throw new Error(`the run has the unknown --targets ${options.targets}`);
  }
}

function checkTargets(run: Run, round: string, problem: Report): void {
  const found = grouped(run.need<TargetRow>(`${round}/targets`));
  const ids = run.need<ContextRow>(`${round}/contexts`).map(({ context }) => context);
  for (const id of found.keys())
    if (!ids.includes(id)) problem(`${round}/targets: ${id} is no context of this round`);
  for (const id of ids) {
    const learned = new Map<string, number>();
    for (const row of found.get(id) ?? [])
      learned.set(learnedAs(row), (learned.get(learnedAs(row)) ?? 0) + row.weight);
    const possible = expectedTargets(run, round, id);
    const agrees = possible.some(
      (expected) =>
        expected.size === learned.size &&
        [...expected].every(([key, weight]) => Math.abs(weight - (learned.get(key) ?? 0)) < 1e-9),
    );
    if (!agrees)
      problem(`${round}/targets: ${id} is not learned from what --targets ${run.options.targets} says`);
  }
}

/** Texts of the tokens that both models may write: a direction's rows for all held-out contexts, both directions. */
function checkKl({ need, options }: Run, round: string, ids: readonly string[], problem: Report): void {
  const rows = need<KlRow>(`${round}/kl`);
  const most = options.maxTokens + (options.targets === 'feedback-refinement' ? 64 : 0);
  const table = `${round}/kl`;
  for (const direction of ['tunedFromBase', 'baseFromTuned'])
    checkKeys(
      `${table}, ${direction}`,
      rows.filter((row) => row.direction === direction).map(({ context }) => context),
      ids,
      problem,
    );
  for (const { direction, context, ids: tokens, logprobs_q, logprobs_p, exact } of rows) {
    const where = `${table}, ${direction}, ${context}`;
    if (!['tunedFromBase', 'baseFromTuned'].includes(direction)) problem(`${where}: no such direction`);
    if (tokens.length === 0 || tokens.length > most) problem(`${where}: ${tokens.length} tokens`);
    for (const [name, list] of Object.entries({ logprobs_q, logprobs_p, exact }))
      if (list.length !== tokens.length) problem(`${where}: ${tokens.length} tokens, ${list.length} ${name}`);
    checkLogprobs(where, [...logprobs_q, ...logprobs_p], problem);
    if (exact.some((v) => !(Number.isFinite(v) && v >= -ROUNDING)))
      problem(`${where}: an exact KL is below 0`);
  }
}
