/** Every number of result.json and of the rounds' tables of measures, from the run's tables and the definitions. */
import {
  average,
  type Expected,
  effectiveSamples,
  evidence,
  type Judged,
  klOfText,
  mean,
  pairAccuracy,
  pooledAuc,
  ratio,
  sum,
  won,
} from './definitions.js';
import {
  type ContextRow,
  candidates,
  type FeedbackRow,
  grouped,
  type Json,
  type KlRow,
  type MeasureRow,
  type OutputRow,
  type RefinementRow,
  type Run,
  type ScoreRow,
  single,
  type TextRow,
} from './read-run.js';
import { type Facts, f1, type Point, settles } from './world.js';

type Report = (problem: string) => void;
/** By their path: `winRate.tunedVsBase`. */
type Expectations = Map<string, Expected>;

/** An expectation for every measure of a round. */
export function measuresOf(run: Run, round: string): Expectations {
  const all: Expectations = new Map();
  const add = (path: string, expected: Expected | undefined) => expected && all.set(path, expected);
  const known = run.need<ContextRow>('heldout/contexts').every(({ facts }) => facts !== '');
  if (known) addByOracle(run, round, add);
  else addByJudge(run, round, add);
  for (const direction of ['tunedFromBase', 'baseFromTuned']) {
    const texts = run.need<KlRow>(`${round}/kl`).filter((row) => row.direction === direction);
    const contexts = [...grouped(texts).values()];
    const lengths = contexts.map((of) => sum(of.map(({ ids }) => ids.length)));
    for (const name of ['raoBlackwell', 'k1', 'k2', 'k3', 'k3TokenSum'] as const) {
      const kl = contexts.map((of) => sum(of.map((text) => klOfText(text)[name])));
      add(
        `kl.${direction}.${name}`,
        ratio(
          kl,
          contexts.map((of) => of.length),
        ),
      );
      add(`kl.${direction}.perToken.${name}`, ratio(kl, lengths));
    }
  }
  return all;
}

type Add = (path: string, expected: Expected | undefined) => void;
const minus = (a: readonly number[], b: readonly number[]) => a.map((v, i) => v - b[i]!);
const wins = (a: readonly number[], b: readonly number[]) => a.map((v, i) => won(v, b[i]!));

function addByOracle({ need, rows }: Run, round: string, add: Add): void {
  const posts = need<ContextRow>('heldout/contexts').map(({ context, facts, gold }) => ({
    id: context,
    facts: JSON.parse(facts) as Facts,
    gold,
  }));
  const [base, tuned] = ['heldout', round].map((place) => {
    const outputs = single(need<OutputRow>(`${place}/outputs`));
    return posts.map(({ id, facts }) => f1(facts, outputs.get(id)!.text));
  }) as [number[], number[]];
  const gold = posts.map(({ facts, gold }) => f1(facts, gold));
  add('score.base', average(base));
  add('score.tuned', average(tuned));
  add('score.gold', average(gold));
  add('score.tunedMinusBase', average(minus(tuned, base)));
  add('winRate.tunedVsBase', average(wins(tuned, base)));
  add('winRate.tunedVsGold', average(wins(tuned, gold)));
  add('winRate.baseVsGold', average(wins(base, gold)));

  const feedback = single(need<FeedbackRow>('heldout/feedback'));
  const points = posts.map(({ id }) => JSON.parse(feedback.get(id)!.points) as Point[]);
  const textsOf = (table: string) => {
    const found = rows<TextRow>(`heldout/${table}`);
    const groups = found && candidates(found);
    return groups && posts.map(({ id }) => groups.get(id)!.map(({ text }) => text));
  };
  /** [post][refinement][point] */
  const settled = (texts: string[][]) =>
    texts.map((of, i) => of.map((text) => points[i]!.map((point) => settles(point, posts[i]!.facts, text))));
  const whole = (post: boolean[][]) => post.map((all) => (all.every(Boolean) ? 1 : 0));
  const shareOfPosts = (texts: string[][]) => settled(texts).map((post) => mean(whole(post)));
  const refined = textsOf('refinements')!;
  const shuffled = textsOf('shuffled-feedback');
  add('incorporated.feedback', average(shareOfPosts(refined)));
  add('incorporated.noFeedback', average(shareOfPosts(textsOf('no-feedback')!)));
  if (shuffled) add('incorporated.shuffledFeedback', average(shareOfPosts(shuffled)));

  const scores = candidates(need<ScoreRow>('heldout/scores'));
  const picks = posts.map(({ id }) => scores.get(id)!.find(({ selected }) => selected)!.candidate);
  const longest = refined.map((texts) => {
    const lengths = texts.map((text) => text.length);
    return lengths.indexOf(Math.max(...lengths));
  });
  const at = (values: number[][], chosen: number[]) => values.map((of, i) => of[chosen[i]!]!);
  const quality = refined.map((texts, i) => texts.map((text) => f1(posts[i]!.facts, text)));
  const answers = settled(refined);
  const done = answers.map(whole);
  for (const [path, values] of [
    ['ranking', quality],
    ['ranking.incorporated', done],
  ] as const) {
    const [picked, random] = [at(values, picks), values.map(mean)];
    add(`${path}.picked`, average(picked));
    add(`${path}.random`, average(random));
    add(`${path}.longest`, average(at(values, longest)));
    add(`${path}.pickedMinusRandom`, average(minus(picked, random)));
  }
  const judged = posts.map(
    ({ id }, i): Judged => ({
      ranker: scores.get(id)!.map(({ mean }) => mean),
      oracle: answers[i]!.map((all) => all.filter(Boolean).length / all.length),
    }),
  );
  const accuracy = pairAccuracy(judged);
  add('ranking.pairAccuracy', accuracy);
  // It is given where the other is, though pairs of different posts might do without.
  if (accuracy) add('ranking.pooledAuc', pooledAuc(judged));

  for (const kind of new Set(points.flat().map((point) => point.kind))) {
    const perPost = answers.flatMap((post, i) => {
      const of = post.flatMap((all) => all.filter((_, p) => points[i]![p]!.kind === kind));
      return of.length > 0 ? [mean(of.map(Number))] : [];
    });
    add(`incorporated.byKind.${kind}`, average(perPost));
  }
}

/** Where nothing is known of the contexts: InstructRM's opinion. */
function addByJudge({ need, rows, options }: Run, round: string, add: Add): void {
  const ids = need<ContextRow>('heldout/contexts').map(({ context }) => context);
  const judged = (table: string) => {
    const found = rows<ScoreRow>(table);
    const groups = found && candidates(found);
    return groups && ids.map((id) => mean(groups.get(id)!.map((row) => row.mean)));
  };
  const [base, tuned] = [judged('heldout/outputs-judged')!, judged(`${round}/outputs-judged`)!];
  add('rankerScore.base', average(base));
  add('rankerScore.tuned', average(tuned));
  add('rankerScore.tunedMinusBase', average(minus(tuned, base)));
  add('winRate.tunedVsBase', average(wins(tuned, base)));
  const own = options.ranker === 'instruct-rm' ? 'heldout/scores' : 'heldout/refinements-judged';
  add('judgeProbability.feedback', average(judged(own)!));
  add('judgeProbability.noFeedback', average(judged('heldout/no-feedback-judged')!));
  const shuffled = judged('heldout/shuffled-feedback-judged');
  if (shuffled) add('judgeProbability.shuffledFeedback', average(shuffled));
}

type FamiliarityRow = {
  given_nats: number;
  given_tokens: number;
  own_nats: number;
  own_tokens: number;
};

/** Nats a token of the given texts and of each model's own. */
function familiarityOf({ rows }: Run): Expectations {
  const all: Expectations = new Map();
  const tables = ['base', 'refiner', 'judge'].flatMap((role) => {
    const found = rows<FamiliarityRow>(`familiarity/${role}`);
    return found ? [found] : [];
  });
  for (const [i, of] of tables.entries()) {
    const [given, own] = (['given', 'own'] as const).map((what) =>
      of.map((row) => ({ nats: row[`${what}_nats`], tokens: row[`${what}_tokens`] })),
    ) as [{ nats: number; tokens: number }[], { nats: number; tokens: number }[]];
    const mean = (texts: typeof given) =>
      ratio(
        texts.map(({ nats }) => nats),
        texts.map(({ tokens }) => tokens),
      );
    all.set(`familiarity.${i}.given`, mean(given));
    all.set(`familiarity.${i}.own`, mean(own));
    const each = (texts: typeof given) => texts.map(({ nats, tokens }) => nats / tokens);
    all.set(`familiarity.${i}.difference`, average(minus(each(given), each(own))));
  }
  return all;
}

/** The posterior over a round's refinements. */
function posteriorOf({ rows, options }: Run, round: string): Expectations {
  const all: Expectations = new Map();
  const scores = candidates(rows<ScoreRow>(`${round}/scores`) ?? []);
  if (scores.size === 0) return all;
  const contexts = [...candidates(rows<RefinementRow>(`${round}/refinements`)!)].map(([id, of]) => ({
    rewards: of.map(({ candidate }) => scores.get(id)!.find((row) => row.candidate === candidate)!.mean),
    logPrior: of.map(({ logprob_base }) => logprob_base),
    logProposal: of.map(({ logprob_refiner }) => logprob_refiner!),
  }));
  all.set('posterior.ess', average(contexts.map((of) => effectiveSamples(of, options.beta))));
  // Only a probability P(I=1) is a likelihood.
  if (/^(instruct-rm|human-likeness)/.test(options.ranker))
    all.set('posterior.logEvidence', average(contexts.map(evidence)));
  return all;
}

/** The estimates of a document by path, and its other leaves. */
function flatten(document: Json): { estimates: Map<string, MeasureRow>; leaves: Map<string, Json> } {
  const [estimates, leaves] = [new Map<string, MeasureRow>(), new Map<string, Json>()];
  const visit = (path: string, value: Json): void => {
    if (value === null || typeof value !== 'object') leaves.set(path, value);
    else if ('lo' in value && 'hi' in value)
      estimates.set(path, { measure: path, ...value } as unknown as MeasureRow);
    else
      for (const [key, child] of Object.entries(value)) visit(path ? `${path}.${key}` : key, child as Json);
  };
  visit('', document);
  return { estimates, leaves };
}

/** Sums in another order differ in their last bits; nothing else may. */
const close = (a: number, b: number) => Math.abs(a - b) <= 1e-9 * Math.max(1, Math.abs(a), Math.abs(b));

/** Contexts from which on a normal interval is a measure for others; and how far from it they may be. */
const MANY = 30;
const WIDTH = 2;

function checkEstimates(
  where: string,
  found: ReadonlyMap<string, MeasureRow>,
  expected: Expectations,
  problem: Report,
): void {
  for (const path of expected.keys()) if (!found.has(path)) problem(`${where}: ${path} is missing`);
  for (const [path, { value, lo, hi, n }] of found) {
    const wanted = expected.get(path);
    if (!wanted) {
      problem(`${where}: ${path} is not known to be measured here`);
      continue;
    }
    if (n !== wanted.n) problem(`${where}: ${path} counts ${n} contexts, there are ${wanted.n}`);
    if (!close(value, wanted.value))
      problem(`${where}: ${path} is ${value}, by its definition ${wanted.value}`);
    // JSON has no infinity, which is what one context says of the ends.
    const [low, high] = [lo ?? Number.NEGATIVE_INFINITY, hi ?? Number.POSITIVE_INFINITY];
    if (n > 1 && !(Number.isFinite(low) && Number.isFinite(high)))
      problem(`${where}: the interval of ${path} has no end`);
    if (!(low <= value + 1e-12 && value - 1e-12 <= high))
      problem(`${where}: ${path}, ${value}, is outside its interval ${low} to ${high}`);
    const width = (high - low) / (2 * 1.96 * wanted.se);
    if (n >= MANY && wanted.se > 1e-9 && !(width > 1 / WIDTH && width < WIDTH))
      problem(`${where}: the interval of ${path} is ${width} times as wide as a normal one`);
  }
}

/** What result.json says besides estimates: a check for each leaf by its path. */
type LeafCheck = [path: RegExp, holds: (value: Json, path: string) => boolean];

function leafChecks(run: Run): LeafCheck[] {
  const { options, rounds, need } = run;
  const contextsOf = (round: string) => need<ContextRow>(`${round}/contexts`).length;
  const heldOut = contextsOf('heldout');
  const last = rounds.at(-1)!;
  const roundAt = (path: string) => rounds[Number(/^rounds\.(\d+)/.exec(path)?.[1] ?? rounds.length - 1)]!;
  const directionOf = (path: string) => (path.includes('tunedFromBase') ? 'tuned' : 'base');
  const klRows = (path: string) =>
    need<KlRow>(`${roundAt(path)}/kl`).filter(
      ({ direction }) => direction === (directionOf(path) === 'tuned' ? 'tunedFromBase' : 'baseFromTuned'),
    );
  const seeds = new Set<Json>();
  const kl = String.raw`^(rounds\.\d+\.)?kl\.(tunedFromBase|baseFromTuned)\.`;
  const of = (pattern: string) => new RegExp(`${pattern}$`);
  return [
    [of('^seconds'), (v) => close(v as number, run.seconds)],
    [of('^run'), (v) => typeof v === 'string'],
    [of('^judge'), (v) => typeof v === 'string'],
    [/^caveats\.\d+\.kind$/, (v) => /^(unknown text|few contexts|no independent judge)$/.test(String(v))],
    [/^caveats\.\d+\.says$/, (v) => String(v).endsWith('.')],
    [/^familiarity\.\d+\.(model|criterion)$/, (v) => typeof v === 'string'],
    [/^familiarity\.\d+\.roles\.\d+$/, (v) => /^(base|refiner|judge)$/.test(String(v))],
    [/^familiarity\.\d+\.texts$/, (v) => v === 'outputs' || v === 'contexts'],
    [/^familiarity\.\d+\.known$/, (v) => typeof v === 'boolean'],
    [of('^annotator'), (v) => v === need<FeedbackRow>('heldout/feedback')[0]!.source],
    [of('^ranker'), (v) => v === (options.ranker === 'instruct-rm' ? 'InstructRM' : options.ranker)],
    [/^options\.\w+$/, (v, path) => v === (options as unknown as Record<string, Json>)[path.slice(8)]],
    [of(String.raw`^rounds\.\d+\.round`), (v, path) => `round-${v}` === roundAt(path)],
    [
      of(String.raw`^rounds\.\d+\.contexts`),
      (v, path) => {
        const k = rounds.indexOf(roundAt(path));
        const learned = options.roundMode === 'retrain' ? rounds.slice(0, k + 1) : [rounds[k]!];
        return v === sum(learned.map(contextsOf));
      },
    ],
    [
      of(`${kl}direction`),
      (v, path) => v === (directionOf(path) === 'tuned' ? 'KL(tuned ‖ base)' : 'KL(base ‖ tuned)'),
    ],
    [of(`${kl}sampledFrom`), (v, path) => v === directionOf(path)],
    [of(`${kl}conditional`), (v) => v === true],
    [of(String.raw`${kl}sampling\.(temperature|topP)`), (v) => v === 1],
    [of(String.raw`${kl}sampling\.topK`), (v) => v === 0],
    [
      of(String.raw`${kl}sampling\.maxNewTokens`),
      (v) => v === options.maxTokens + (options.targets === 'feedback-refinement' ? 64 : 0),
    ],
    [
      of(String.raw`${kl}sampling\.seed`),
      (v, path) => {
        // Of every round and direction its own; those of the last round stand in two places.
        const again = !path.startsWith('rounds.') || seeds.has(v) === false;
        if (path.startsWith('rounds.')) seeds.add(v);
        return again && Number.isInteger(v) && (v as number) >= 0 && (v as number) < 2 ** 31;
      },
    ],
    [of(`${kl}contexts`), (v) => v === heldOut],
    [of(`${kl}samples`), (v, path) => v === klRows(path).length],
    [of(`${kl}tokens`), (v, path) => v === sum(klRows(path).map(({ ids }) => ids.length))],
    [of(`${kl}units`), (v) => /^nats per sequence; perToken: nats per token/.test(String(v))],
    [of(`${kl}interval`), (v) => /^95% BCa bootstrap over contexts/.test(String(v))],
    [of(String.raw`^posterior\.beta`), (v) => v === options.beta],
    [of(String.raw`^posterior\.(prior|proposal)Weight`), (v) => v === 1],
    [
      of(String.raw`^posterior\.samplesPerContext`),
      (v) => v === need(`${last}/refinements`).length / contextsOf(last),
    ],
  ];
}

export function checkResult(run: Run, problem: Report): void {
  const { estimates, leaves } = flatten(run.result);
  const all: Expectations = new Map();
  run.rounds.forEach((round, k) => {
    const measures = measuresOf(run, round);
    const written = run.need<MeasureRow>(`${round}/measures`);
    const byPath = new Map(written.map((row) => [row.measure, row]));
    if (byPath.size < written.length) problem(`${round}/measures: a measure is there twice`);
    checkEstimates(`${round}/measures`, byPath, measures, problem);
    for (const [path, expected] of measures)
      if (path.startsWith('kl.')) all.set(`rounds.${k}.${path}`, expected);
    all.set(`rounds.${k}.winRate`, measures.get('winRate.tunedVsBase')!);
    all.set(`rounds.${k}.score`, (measures.get('score.tuned') ?? measures.get('rankerScore.tuned'))!);
    if (k < run.rounds.length - 1) return;
    for (const [path, expected] of measures) all.set(path, expected);
    for (const [path, expected] of posteriorOf(run, round)) all.set(path, expected);
    for (const [path, expected] of familiarityOf(run)) all.set(path, expected);
  });
  checkEstimates('result.json', estimates, all, problem);
  const checks = leafChecks(run);
  for (const [path, value] of leaves) {
    const check = checks.find(([pattern]) => pattern.test(path));
    if (!check) problem(`result.json: nothing is known of ${path}`);
    else if (!check[1](value, path)) problem(`result.json: ${path} is ${JSON.stringify(value)}`);
  }
}
