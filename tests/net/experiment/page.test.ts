// From values to claims, tables and figures: every number of the document, the page and the terminal is the one that its label names.
import { beforeAll, describe, expect, it } from 'vitest';
import { at, made } from './made-values.js';
import { claimIds, document, forecasts, ofHalves, page, report, terminal } from './page-harness.js';

type Unit = 'share' | 'score' | 'nats' | 'number';

/** As people read it: shares in percent, scores with three decimals, others with three digits. */
function shown(value: number, unit: Unit): string {
  const size = Math.abs(value);
  const text =
    unit === 'share'
      ? `${(100 * size).toFixed(1)}%`
      : unit === 'score'
        ? size.toFixed(3)
        : size >= 1
          ? size.toFixed(2)
          : size >= 0.1
            ? size.toFixed(3)
            : size.toFixed(4);
  return value < 0 ? `−${text}` : text;
}
const shownDifference = (value: number, unit: Unit) =>
  `${value > 0 ? '+' : ''}${shown(value, unit).replace('%', ' points')}`;
const shownInterval = ({ lo, hi }: { lo: number; hi: number }, unit: Unit) =>
  `${shown(lo, unit)} to ${shown(hi, unit)}`;
const shownDifferenceInterval = (of: { lo: number; hi: number }, unit: Unit) =>
  unit === 'share' ? `${shownInterval(of, unit).replaceAll('%', '')} points` : shownInterval(of, unit);

type Side = [arm: string, measure: string] | number;
/** A claim: where it stands, its study, what is larger than what if it is true, whether it is here, and what was published. */
type Row = [
  id: string,
  section: string,
  study: string,
  unit: Unit,
  Side,
  Side,
  verdict: string,
  theirs: string,
];

const vs = '% of comparisons with a random refinement of the same context†';
const kl =
  'nats for refinements, initial outputs, human summaries (unconditional, 64 tokens, k1 of 2000 samples)†';
const win = (arm: string): Side => [arm, 'winVsRandom'];
const initial = (arm: string): Side => [arm, 'winVsInitial'];
const settled = (arm: string): Side => [arm, 'incorporated'];
const score = (arm: string): Side => [arm, 'score'];
const half = 0.5;

// biome-ignore format: a table
const claims: Row[] = [
  ['mode-seeking', 'frontier', 'posterior', 'nats', ['ILF', 'klToRewardTarget'], ['RL, β = 0.5', 'klToRewardTarget'], 'failed', 'RL minimises KL(π_θ ‖ π*), mode seeking (Korbak et al. 2022); no number'],
  ['mass-covering', 'frontier', 'posterior', 'nats', ['RL, β = 0.5', 'klFromPosterior'], ['ILF', 'klFromPosterior'], 'held', 'ILF minimises KL(p* ‖ π_θ), mass covering (Scheurer et al. 2023); no number'],
  ['ilf-human', 'targets', 'targets', 'score', score('ILF'), score('gold summaries'), 'held', '19.6 / 29.2 / 31.3 against 16.8 / 26.3 / 28.9 % won against human summaries, at 100 / 1K / 5K examples†'],
  ['ilf-initial', 'targets', 'targets', 'score', score('ILF'), score('initial outputs'), 'held', '19.6 / 29.2 / 31.3 against 19.6 / 25.1 / 27.3 %†'],
  ['human-initial', 'targets', 'targets', 'score', score('gold summaries'), score('initial outputs'), 'undecided', '16.8 / 26.3 / 28.9 against 19.6 / 25.1 / 27.3 %: behind at 100, ahead at 1K and 5K†'],
  ['ilf-no-feedback', 'targets', 'targets', 'score', score('ILF'), score('refinements without feedback'), 'failed', 'a control; not published for summaries'],
  ['ilf-shuffled', 'targets', 'targets', 'score', score('ILF'), score('refinements with shuffled feedback'), 'undecided', 'a control; not published for summaries'],
  ['ilf-random-pick', 'targets', 'targets', 'score', score('ILF'), score('ILF, random picks'), 'held', 'a control; not published'],
  ['ilf-feedback-refinement', 'targets', 'targets', 'score', score('ILF'), score('feedback, then refinement'), 'held', '36.0 against 26.1 ± 1.8 % won†'],
  ['one-epoch', 'targets', 'targets', 'score', score('ILF'), score('ILF, 2 epochs'), 'undecided', '1 epoch was always best for summaries'],
  ['no-feedback-initial', 'refinements', 'refinements', 'share', initial('without feedback'), half, 'failed', '59.4 % won†'],
  ['feedback-initial', 'refinements', 'refinements', 'share', initial('with feedback, random pick'), half, 'held', '63.9 % won†'],
  ['feedback-no-feedback', 'refinements', 'refinements', 'share', initial('with feedback, random pick'), initial('without feedback'), 'held', '63.9 against 59.4 % won against the initial output†'],
  ['feedback-incorporated', 'refinements', 'refinements', 'share', settled('with feedback, random pick'), settled('without feedback'), 'held', '49.6 % with feedback, 30.8 without†'],
  ['shuffled-incorporated', 'refinements', 'refinements', 'share', settled('with feedback, random pick'), settled('with shuffled feedback'), 'held', 'for code 13.8 against 4.0 % (relevant against shuffled, pass@10); for summaries not published'],
  ['best-of-5-incorporated', 'refinements', 'refinements', 'share', settled('with feedback, InstructRM’s pick'), settled('with feedback, random pick'), 'failed', '57.4 against 49.6 %†'],
  ['best-of-5-initial', 'refinements', 'refinements', 'share', initial('with feedback, InstructRM’s pick'), initial('with feedback, random pick'), 'undecided', '69.1 against 63.9 %†'],
  ['human-incorporated', 'refinements', 'refinements', 'share', settled('written'), settled('with feedback, InstructRM’s pick'), 'held', 'people’s: 74.0 against 57.4 %†'],
  ['instruct-rm-random', 'rankers', 'rankers', 'share', win('InstructRM'), half, 'failed', `56.0 ± 2.9 ${vs}`],
  ['ensemble-single', 'rankers', 'rankers', 'share', win('InstructRM'), win('single prompts, mean'), 'held', '56.0 against 50 to 58 for single prompts†'],
  ['longest-random', 'rankers', 'rankers', 'share', win('longest'), half, 'undecided', `65.0 ± 2.7 ${vs}`],
  ['longest-instruct-rm', 'rankers', 'rankers', 'share', win('longest'), win('InstructRM'), 'held', '65.0 against 56.0†'],
  ['instruct-rm-embedding', 'rankers', 'rankers', 'share', win('InstructRM'), win('embedding similarity'), 'failed', '56.0 against 48.3†'],
  ['reward-model-bradley-terry-random', 'rankers', 'rankers', 'share', win('reward model, Bradley–Terry'), half, 'held', `61.8 ${vs}; which of the two forms has which number is not said`],
  ['reward-model-bradley-terry-instruct-rm', 'rankers', 'rankers', 'share', win('reward model, Bradley–Terry'), win('InstructRM'), 'held', '61.8 against 56.0†'],
  ['reward-model-yes-no-random', 'rankers', 'rankers', 'share', win('reward model, Yes/No'), half, 'failed', `63.3 ${vs}; which of the two forms has which number is not said`],
  ['reward-model-yes-no-instruct-rm', 'rankers', 'rankers', 'share', win('reward model, Yes/No'), win('InstructRM'), 'held', '63.3 against 56.0†'],
  ['reward-model-data', 'reward-models', 'reward-models', 'share', ['Bradley–Terry, 1000 comparisons', 'correct'], ['Bradley–Terry, 100 comparisons', 'correct'], 'failed', '53.4 % of 500 comparisons with 100 to learn from, 67.2 with 1K, 73.4 ± 1.9 with 5K†'],
  ['ilf-data', 'sizes', 'sizes', 'score', score('ILF, 300'), score('ILF, 100'), 'held', '19.6, 29.2, 31.3 % at 100, 1K, 5K†'],
  ['best-of-n-ilf', 'best-of-n', 'best-of-n', 'score', score('π_0, best of 16'), score('ILF, best of 1'), 'held', '25.5 / 42.0 / 43.7 against 19.6 / 29.2 / 31.3 %†; 45.1 against 36.0 ± 1.8 in a second ranking'],
  ['ilf-best-of-n', 'best-of-n', 'best-of-n', 'score', score('ILF, best of 16'), score('π_0, best of 16'), 'held', '50.8 against 45.1 ± 1.8 %†'],
  ['best-of-n-bound', 'best-of-n', 'best-of-n', 'nats', ['π_0, best of 16', 'klBound'], ['π_0, best of 16', 'klTunedBase'], 'failed', 'n = 5: 0.809, 16: 1.835, 64: 3.175 nats'],
  ['klBaseTuned-ilf-initial', 'kl', 'kl', 'nats', ['ILF', 'klBaseTuned'], ['initial outputs', 'klBaseTuned'], 'failed', `0.60, 0.43, 0.12 ${kl}`],
  ['klBaseTuned-initial-human', 'kl', 'kl', 'nats', ['initial outputs', 'klBaseTuned'], ['gold summaries', 'klBaseTuned'], 'held', '0.60, 0.43, 0.12 nats (as above)†'],
  ['klTunedBase-ilf-initial', 'kl', 'kl', 'nats', ['ILF', 'klTunedBase'], ['initial outputs', 'klTunedBase'], 'held', `1.10, 0.83, 0.55 ${kl}`],
  ['klTunedBase-initial-human', 'kl', 'kl', 'nats', ['initial outputs', 'klTunedBase'], ['gold summaries', 'klTunedBase'], 'undecided', '1.10, 0.83, 0.55 nats (as above)†'],
  ['reverse-forward', 'kl', 'kl', 'nats', ['ILF', 'klTunedBase'], ['ILF', 'klBaseTuned'], 'held', '1.10 against 0.60 nats (unconditional)†'],
  ['ilf-picks', 'posterior', 'posterior', 'nats', ['base model', 'klFromPicks'], ['ILF', 'klFromPicks'], 'failed', 'minimised by ILF, p* taken as that of the refinement picked (Scheurer et al. 2023); no number'],
  ['ladder', 'ladder', 'ladder', 'share', ['4 × 96', 'gain'], ['2 × 32', 'gain'], 'failed', 'exact match when asked to remove named words: 38.5 % for the largest, 8.2, 6.0, at most 2.2 for the smaller ones†'],
];

const numberOf = (study: string, side: Side) => (typeof side === 'number' ? side : at(study, ...side));
const differenceOf = ([, , study, , a, b]: Row) => numberOf(study, a) - numberOf(study, b);

const signs: Record<string, string> = { held: '✓', failed: '✗', undecided: '?' };

interface DocumentClaim {
  id: string;
  claim: string;
  theirs: string;
  ours: string;
  unit: Unit;
  verdict: string;
  note: string;
  difference: { value: number; lo: number; hi: number; n: number; perSeed?: number[] };
}
const ofDocument = new Map<string, DocumentClaim>(
  (document.claims as DocumentClaim[]).map((claim) => [claim.id, claim]),
);

describe('the claims of the document', () => {
  it('are all of these', () => {
    expect(claims.length).toBe(39);
    expect([...claimIds].sort()).toEqual(claims.map(([id]) => id).sort());
    expect([...ofDocument.keys()]).toEqual(claims.map(([id]) => id));
    expect(report.sections.map(({ id, claims: own }) => [id, own.map((claim) => claim.id)])).toEqual(
      report.sections.map(({ id }) => [id, claims.filter(([, section]) => section === id).map(([of]) => of)]),
    );
  });

  it.each(claims)('%s', (...row) => {
    const [id, , study, unit, a, b, verdict, theirs] = row;
    const claim = ofDocument.get(id)!;
    const difference = differenceOf(row);
    expect(claim).toMatchObject({ unit, verdict, theirs });
    expect(claim.difference.value).toBeCloseTo(difference, 9);
    expect(claim.difference.n).toBe(4);
    // Both seeds are off by the same, which a difference of two does not see.
    const { lo, hi, perSeed } = claim.difference;
    if (b !== half) expect(perSeed).toEqual([expect.closeTo(difference, 9), expect.closeTo(difference, 9)]);
    expect([lo <= claim.difference.value, hi >= claim.difference.value]).toEqual([true, true]);
    expect(verdict).toBe(lo > 0 ? 'held' : hi < 0 ? 'failed' : 'undecided');
    // Decided with the sign of the difference, undecided about nothing.
    if (verdict === 'undecided') expect(Math.abs(difference)).toBeLessThan(0.03);
    else expect(difference > 0).toBe(verdict === 'held');

    const [ours, others] = [a, b].map((side) => shown(numberOf(study, side), unit)) as [string, string];
    const [left, right] = [a, b].map((side) => (typeof side === 'number' ? [] : side));
    if (b === half) {
      expect(claim.ours).toBe(`${ours} (${shownInterval({ lo: lo + 0.5, hi: hi + 0.5 }, unit)})`);
    } else if (left![0] === right![0]) expect(claim.ours).toBe(`${ours} against ${others}`);
    else expect(claim.ours).toBe(`${left![0]} ${ours}, ${right![0]} ${others}`);
  });

  it('stand beside every estimate', () => {
    const expected = made.flatMap(({ study, measures, arms }) =>
      Object.entries(arms).flatMap(([arm, values]) =>
        measures.flatMap((measure, m) =>
          measure.startsWith('training')
            ? []
            : [
                [
                  `${study}, ${arm}, ${measure}`,
                  [values[m]!, 4, values[m]! - 0.01, values[m]! + 0.01].map((value) =>
                    expect.closeTo(value, 9),
                  ),
                ],
              ],
        ),
      ),
    );
    const estimates = document.estimates as {
      study: string;
      arm: string;
      measure: string;
      value: number;
      lo: number;
      hi: number;
      n: number;
      per_seed: number[];
    }[];
    expect(
      Object.fromEntries(
        estimates.map(({ study, arm, measure, value, n, per_seed }) => [
          `${study}, ${arm}, ${measure}`,
          [value, n, ...per_seed],
        ]),
      ),
    ).toEqual(Object.fromEntries(expected));
    expect(estimates.length).toBe(expected.length);
    for (const { value, lo, hi } of estimates) expect([lo < value, hi > value]).toEqual([true, true]);
  });
});

describe('what came out the same everywhere', () => {
  it.each([
    'score',
    'winVsBase',
    'winVsGold',
    'winVsInitial',
    'winVsRandom',
    'incorporated',
    'incorporatedWithout',
    'incorporatedShuffled',
    'correct',
  ])('has an interval where it is a share: %s', (measure) => {
    // A new context differs with a probability of at most u.
    const u = 1 - 0.05 ** (1 / 10);
    const { value, lo, hi } = ofHalves(measure);
    expect([value, lo, hi]).toEqual([
      0.5,
      expect.closeTo(0.5 - 0.5 * u, 9),
      expect.closeTo(0.5 + 0.5 * u, 9),
    ]);
  });

  it.each(['length', 'klTunedBase', 'gain', 'ess', 'logEvidence'])(
    'has none where it has no bounds: %s',
    (measure) => {
      expect(ofHalves(measure)).toMatchObject({ value: 0.5, lo: 0.5, hi: 0.5 });
    },
  );
});

/** A table: where it stands, its study, its columns and what they count in, its arms. */
type Table = [
  section: string,
  title: string,
  study: string,
  columns: [name: string, measure: string, Unit][],
  arms: string[],
];

const armsOf = (study: string, measure: string) =>
  made
    .filter((of) => of.study === study && of.measures.includes(measure))
    .flatMap(({ arms }) => Object.keys(arms));
const ofModels: [string, string, Unit][] = [
  ['score', 'score', 'score'],
  ['won against base', 'winVsBase', 'share'],
  ['won against gold', 'winVsGold', 'share'],
  ['KL(model ‖ base)', 'klTunedBase', 'nats'],
  ['KL(base ‖ model)', 'klBaseTuned', 'nats'],
  ['characters', 'length', 'number'],
];
const models = (section: string, title: string): Table => [
  section,
  title,
  section,
  ofModels,
  armsOf(section, 'score'),
];
const tables: Table[] = [
  models('targets', 'Models by their targets'),
  [
    'refinements',
    'Refinements',
    'refinements',
    [
      ['won against initial', 'winVsInitial', 'share'],
      ['incorporated', 'incorporated', 'share'],
      ['score', 'score', 'score'],
      ['characters', 'length', 'number'],
    ],
    armsOf('refinements', 'score'),
  ],
  [
    'rankers',
    'Picks',
    'rankers',
    [
      ['won against random', 'winVsRandom', 'share'],
      ['score', 'score', 'score'],
      ['incorporated', 'incorporated', 'share'],
      ['characters', 'length', 'number'],
    ],
    armsOf('rankers', 'score'),
  ],
  models('sizes', 'By the number of contexts'),
  models('rounds', 'Models after each round'),
  [
    'best-of-n',
    'Best-of-n',
    'best-of-n',
    [
      ['score', 'score', 'score'],
      ['won against base', 'winVsBase', 'share'],
      ['KL(picked ‖ base)', 'klTunedBase', 'nats'],
      ['bound', 'klBound', 'nats'],
      ['characters', 'length', 'number'],
    ],
    armsOf('best-of-n', 'score'),
  ],
  models('rl', 'Models by β'),
  [
    'kl',
    'Unconditional KL, nats a text',
    'kl',
    [
      ['KL(model ‖ base)', 'klTunedBase', 'nats'],
      ['the same by k1', 'klTunedBaseK1', 'nats'],
      ['KL(base ‖ model)', 'klBaseTuned', 'nats'],
      ['the same by k1', 'klBaseTunedK1', 'nats'],
    ],
    armsOf('kl', 'klTunedBase'),
  ],
  [
    'posterior',
    'Distance of each model from both targets, nats a text',
    'posterior',
    [
      ['KL(posterior ‖ model)', 'klFromPosterior', 'nats'],
      ['KL(model ‖ posterior)', 'klToPosterior', 'nats'],
      ['KL(reward target ‖ model)', 'klFromRewardTarget', 'nats'],
      ['KL(model ‖ reward target)', 'klToRewardTarget', 'nats'],
      ['KL(picked refinements ‖ model)', 'klFromPicks', 'nats'],
      ['samples that the posterior is worth', 'essPosterior', 'number'],
      ['the same of the reward target', 'essRewardTarget', 'number'],
    ],
    armsOf('posterior', 'klFromPosterior'),
  ],
  [
    'posterior',
    'Effective sample size of five refinements’ weights',
    'posterior',
    [['effective sample size', 'ess', 'number']],
    armsOf('posterior', 'ess'),
  ],
  [
    'posterior',
    'Evidence',
    'posterior',
    [
      ['by the judge', 'evidence', 'share'],
      ['by the oracle', 'evidenceOracle', 'share'],
      ['mean log p(I = 1 | c), by the judge', 'logEvidence', 'nats'],
    ],
    ['base model'],
  ],
  [
    'ladder',
    'Share of refinements that incorporate the feedback',
    'ladder',
    [
      ['with it', 'incorporated', 'share'],
      ['without feedback', 'incorporatedWithout', 'share'],
      ['with shuffled feedback', 'incorporatedShuffled', 'share'],
      ['with minus shuffled', 'gain', 'share'],
    ],
    armsOf('ladder', 'gain'),
  ],
];

/** The text of a piece of HTML. */
const plain = (html: string) =>
  html
    .replace(/<[^>]*>/g, '')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&amp;', '&')
    .trim();

/** Rows of a table as their cells' texts. */
const cellsOf = (table: string) =>
  [...table.matchAll(/<tr>(.*?)<\/tr>/gs)].map(([, row]) =>
    [...row!.matchAll(/<t[hd][^>]*>(.*?)<\/t[hd]>/gs)].map(([, cell]) => plain(cell!)),
  );

const intervalOf = new Map(
  (document.estimates as { study: string; arm: string; measure: string; lo: number; hi: number }[]).map(
    (of) => [`${of.study}, ${of.arm}, ${of.measure}`, of],
  ),
);

describe('the page', () => {
  let html: string;
  beforeAll(async () => {
    html = await page();
  });
  const sectionOf = (id: string) => html.split(`<section id="${id}">`)[1]!.split('</section>')[0]!;

  it('has the claims’ numbers, all together and in their sections', () => {
    const rowOf = (row: Row) => {
      const { id, unit, claim, theirs, ours, verdict, note, difference } = ofDocument.get(row[0])!;
      expect(id).toBe(row[0]);
      const differs = `${shownDifference(differenceOf(row), unit)} ${shownDifferenceInterval(difference, unit)}`;
      return [claim, theirs, ours, differs, `${signs[verdict]}${verdict}`, note];
    };
    const head = ['claim', 'theirs', 'ours', 'difference', 'verdict here', 'note'];
    expect(cellsOf(sectionOf('claims'))).toEqual([head, ...claims.map(rowOf)]);
    for (const { id } of report.sections) {
      const own = claims.filter(([, section]) => section === id);
      const [table] = /<table class="measures claims">.*?<\/table>/s.exec(sectionOf(`section-${id}`)) ?? [];
      expect(table === undefined ? [] : cellsOf(table).slice(1), id).toEqual(own.map(rowOf));
    }
  });

  it('counts the verdicts, and lists the claims by them', () => {
    const count = (verdict: string) => claims.filter((row) => row[6] === verdict).length;
    expect([count('held'), count('failed'), count('undecided')]).toEqual([21, 12, 6]);
    const lead = 'Of 39 claims, 21 held here, 12 failed and 6 are undecided.';
    expect(html).toContain(`<p class="verdict" id="verdict">${lead}</p>`);
    expect(terminal.split('\n')[0]).toBe(lead);
    const lists = html.split('<dl class="facts verdicts">')[1]!.split('</dl>')[0]!;
    const items = [...lists.matchAll(/<dt[^>]*>(.*?)<\/dt><dd>(.*?)<\/dd>/gs)].map(([, dt, dd]) => [
      plain(dt!),
      plain(dd!),
    ]);
    expect(items).toEqual(
      ['failed', 'undecided', 'held'].map((verdict) => [
        `${signs[verdict]}${verdict}`,
        claims
          .filter((row) => row[6] === verdict)
          .map(([id]) => ofDocument.get(id)!.claim)
          .join(''),
      ]),
    );
  });

  it('has exactly these tables', () => {
    const found = report.sections.flatMap(({ id, tables: own }) => own.map(({ title }) => [id, title]));
    expect(found).toEqual(tables.map(([section, title]) => [section, title]));
  });

  it.each(tables)('%s: %s', (section, title, study, columns, arms) => {
    const [, rest] = sectionOf(`section-${section}`).split(`<h3>${title}</h3>`);
    const cells = cellsOf(/<table class="values">.*?<\/table>/s.exec(rest!)![0]);
    expect(cells[0]).toEqual(['', ...columns.map(([name]) => name)]);
    expect(cells.slice(1)).toEqual(
      arms.map((arm) => [
        arm,
        ...columns.map(([, measure, unit]) => {
          const interval = intervalOf.get(`${study}, ${arm}, ${measure}`)!;
          return `${shown(at(study, arm, measure), unit)} ${shownInterval(interval, unit)}`;
        }),
      ]),
    );
  });

  it('says how it was made', () => {
    const made = plain(sectionOf('made').replaceAll('</dt>', '</dt> ').replaceAll('</dd>', '</dd> '));
    for (const text of ['Seeds 4, 9', 'Held-out contexts 4', 'Time 1 min 5 s', 'lr 0.0003', 'ilf 1.2.3'])
      expect(made).toContain(text);
    expect(html).toContain('Feedback: simulated annotator. Judge: oracle: F1 of the post’s six facts.');
    expect(html).toContain('4 held-out contexts, 2 seeds.');
    expect(document).toMatchObject({ seeds: [4, 9], contexts: 4, seconds: 65, quick: false });
    expect(terminal.split('\n').at(-1)).toContain('1 min 5 s in all.');
    expect(terminal).toContain('bootstrap over seeds and contexts');
  });
});

describe('the terminal', () => {
  it('has every claim below its section, with its difference and verdict', () => {
    const lines = terminal
      .split('\n')
      .slice(3, -2)
      .map((line) => line.trim());
    const expected = report.sections.flatMap(({ id, title, claims: own }) => [
      ...(own.length > 0 ? [title] : []),
      ...claims
        .filter(([, section]) => section === id)
        .flatMap((row) => {
          const { claim, unit, verdict, difference } = ofDocument.get(row[0])!;
          return [
            `${claim} ${shownDifference(differenceOf(row), unit)} ${signs[verdict]} ${verdict}`,
            shownDifferenceInterval(difference, unit),
          ];
        }),
    ]);
    expect(lines.filter((line) => line !== '').map((line) => line.replace(/ +/g, ' '))).toEqual(expected);
  });
});

describe('the figures', () => {
  const figures = new Map(
    report.sections.flatMap(({ figures: own }) => own.map((figure) => [figure.id, figure])),
  );
  const near = (value: number) => expect.closeTo(value, 9);
  const value = (study: string, arm: string, measure: string) =>
    expect.objectContaining({ value: near(at(study, arm, measure)) });

  it('are these', () => {
    expect(report.sections.map(({ id, figures: own }) => [id, own.map((figure) => figure.id)])).toEqual([
      ['frontier', ['frontier']],
      ['targets', ['targets-score']],
      ['refinements', ['refinements-winVsInitial', 'refinements-incorporated']],
      ['rankers', ['rankers-winVsRandom']],
      ['reward-models', ['reward-model-accuracy']],
      ['sizes', ['sizes-score', 'sizes-kl']],
      ['rounds', ['rounds-score']],
      ['best-of-n', ['best-of-n-score', 'best-of-n-kl']],
      ['rl', ['rl-trainingReward', 'rl-trainingKl', 'rl-trainingObjective']],
      ['kl', ['kl-position', 'kl-tokens']],
      ['posterior', ['reliability', 'kl-along']],
      ['ladder', ['ladder-gain']],
    ]);
  });

  /** Published shares, with their intervals where there is one: 1.96 standard errors. */
  const theirs: Record<string, Record<string, readonly [number, number?]>> = {
    'refinements-winVsInitial': {
      'without feedback': [59.4],
      'with feedback, random pick': [63.9],
      'with feedback, InstructRM’s pick': [69.1],
      written: [83.2],
    },
    'refinements-incorporated': {
      'without feedback': [30.8],
      'with feedback, random pick': [49.6],
      'with feedback, InstructRM’s pick': [57.4],
      written: [74],
    },
    'rankers-winVsRandom': {
      InstructRM: [56, 2.9],
      longest: [65, 2.7],
      'embedding similarity': [48.3, 2.9],
      'reward model, Bradley–Terry': [61.8],
      'reward model, Yes/No': [63.3],
    },
  };

  it.each([
    ['targets-score', 'targets', 'score', armsOf('targets', 'score'), 'score', undefined],
    [
      'refinements-winVsInitial',
      'refinements',
      'winVsInitial',
      armsOf('refinements', 'score').slice(1),
      'share',
      0.5,
    ],
    [
      'refinements-incorporated',
      'refinements',
      'incorporated',
      armsOf('refinements', 'score'),
      'share',
      undefined,
    ],
    ['rankers-winVsRandom', 'rankers', 'winVsRandom', armsOf('rankers', 'score'), 'share', 0.5],
    ['ladder-gain', 'ladder', 'gain', armsOf('ladder', 'gain'), 'share', 0],
  ] as const)('%s shows %s, %s', (id, study, measure, arms, unit, rule) => {
    const figure = figures.get(id)!;
    if (figure.kind !== 'dots') throw new Error(`${id} has no dots`);
    expect([figure.unit, figure.rule?.value]).toEqual([unit, rule]);
    expect(figure.points.map(({ label, estimate }) => [label, estimate])).toEqual(
      arms.map((arm) => [arm, value(study, arm, measure)]),
    );
    expect(
      Object.fromEntries(figure.points.flatMap(({ label, theirs: of }) => (of ? [[label, of]] : []))),
    ).toEqual(
      Object.fromEntries(
        Object.entries(theirs[id] ?? {}).map(([label, [percent, error]]) => [
          label,
          {
            value: near(percent / 100),
            ...(error && {
              lo: near((percent - 1.96 * error) / 100),
              hi: near((percent + 1.96 * error) / 100),
            }),
          },
        ]),
      ),
    );
  });

  const tuned = ['ILF', 'initial outputs', 'gold summaries'];
  const named = (names: readonly string[], numbers: readonly number[], between: string, after = '') =>
    names.map((name) => [name, numbers.map((x) => [x, `${name}${between}${x}${after}`])] as const);
  it.each([
    [
      'reward-model-accuracy',
      'reward-models',
      'correct',
      'share',
      named(['Bradley–Terry', 'Yes/No'], [100, 300, 1000], ', ', ' comparisons'),
    ],
    ['sizes-score', 'sizes', 'score', 'score', named(tuned, [25, 100, 300], ', ')],
    ['sizes-kl', 'sizes', 'klTunedBase', 'nats', named(tuned, [25, 100, 300], ', ')],
    ['rounds-score', 'rounds', 'score', 'score', named(['continue', 'retrain'], [1, 2], ', round ')],
    ['best-of-n-score', 'best-of-n', 'score', 'score', named(['π_0', 'ILF'], [1, 4, 16], ', best of ')],
  ] as const)('%s shows %s, %s', (id, study, measure, unit, series) => {
    const figure = figures.get(id)!;
    if (figure.kind !== 'lines') throw new Error(`${id} has no lines`);
    expect(figure.y.unit).toBe(unit);
    expect(figure.series).toEqual(
      series.map(([name, points]) => ({
        name,
        points: points.map(([x, arm]) => ({ x, estimate: value(study, arm as string, measure) })),
      })),
    );
  });

  const seriesOf = (id: string) => {
    const figure = figures.get(id)!;
    if (figure.kind !== 'lines') throw new Error(`${id} has no lines`);
    return figure.series;
  };

  it('best-of-n-kl shows what was measured, and the bound, of π_0', () => {
    expect(seriesOf('best-of-n-kl')).toEqual(
      (
        [
          ['measured', 'klTunedBase'],
          ['bound', 'klBound'],
        ] as const
      ).map(([name, measure]) => ({
        name,
        points: [1, 4, 16].map((n) => ({ x: n, estimate: value('best-of-n', `π_0, best of ${n}`, measure) })),
      })),
    );
  });

  it.each(['trainingReward', 'trainingKl', 'trainingObjective'])('rl-%s shows its course', (measure) => {
    expect(seriesOf(`rl-${measure}`)).toEqual(
      armsOf('rl', 'score').map((name) => ({
        name,
        // One more at each step; two seeds.
        points: [0, 1, 2, 3].map((i) => ({
          x: i + 1,
          estimate: expect.objectContaining({ value: near(at('rl', name, measure) + i), n: 2 }),
        })),
      })),
    );
  });

  it('kl-position and kl-along show their places', () => {
    expect(seriesOf('kl-position')).toEqual(
      tuned.map((name) => ({
        name,
        points: [1, 2, 3].map((x) => ({ x, estimate: value('kl', name, `position ${x}`) })),
      })),
    );
    expect(seriesOf('kl-along')).toEqual(
      (
        [
          ['posterior p(x | c, I = 1)', 'klFromPosterior, change'],
          ['reward target π_0 exp(r/β)/Z', 'klFromRewardTarget, change'],
          ['picked refinements', 'klFromPicks, change'],
        ] as const
      ).map(([name, arm]) => ({
        name,
        points: [0, 3, 5].map((x) => ({ x, estimate: value('posterior', arm, `step ${x}`) })),
      })),
    );
  });

  it.each([
    ['reward-model-accuracy', 'share', true, 0.5],
    ['sizes-score', 'score', true, undefined],
    ['sizes-kl', 'nats', true, undefined],
    ['rounds-score', 'score', undefined, undefined],
    ['best-of-n-score', 'score', true, undefined],
    ['best-of-n-kl', 'nats', true, undefined],
    ['rl-trainingReward', 'number', undefined, undefined],
    ['rl-trainingKl', 'nats', undefined, undefined],
    ['rl-trainingObjective', 'nats', undefined, undefined],
    ['kl-position', 'nats', undefined, undefined],
    ['kl-along', 'nats', undefined, 0],
  ] as const)('%s counts in %s', (id, unit, log, rule) => {
    const figure = figures.get(id)!;
    if (figure.kind !== 'lines') throw new Error(`${id} has no lines`);
    expect([figure.y.unit, figure.x.log, figure.rule?.value]).toEqual([unit, log, rule]);
  });

  it('kl-tokens shows the largest of either sign first', () => {
    const figure = figures.get('kl-tokens')!;
    if (figure.kind !== 'dots') throw new Error('no dots');
    expect(figure.points.map(({ label, estimate }) => [label, estimate.value])).toEqual([
      ['␣large', near(-0.91)],
      ['␣middle', near(0.47)],
      ['␣small', near(0.052)],
    ]);
  });

  it('the frontier shows each method’s score over its KL', () => {
    const figure = figures.get('frontier')!;
    if (figure.kind !== 'frontier') throw new Error('no frontier');
    expect([figure.x.unit, figure.y.unit]).toEqual(['nats', 'score']);
    const of = (series: string, study: string, arms: readonly string[], label = (arm: string) => arm) =>
      arms.map((arm) => ({
        label: label(arm),
        series,
        x: value(study, arm, 'klTunedBase'),
        y: value(study, arm, 'score'),
      }));
    expect(figure.points).toEqual([
      ...of('ILF', 'targets', [
        'ILF',
        'ILF, random picks',
        'ILF, longest picks',
        'posterior-weighted refinements',
        'ILF, 2 epochs',
        'ILF, 4 epochs',
      ]),
      ...of('supervised', 'targets', ['initial outputs', 'gold summaries']),
      ...of('controls', 'targets', ['refinements without feedback', 'refinements with shuffled feedback']),
      ...of('best-of-n', 'best-of-n', ['π_0, best of 1', 'π_0, best of 4', 'π_0, best of 16'], (arm) =>
        arm.slice(5),
      ),
      ...of('ILF + best-of-n', 'best-of-n', ['ILF, best of 1', 'ILF, best of 4', 'ILF, best of 16']),
      ...of('RL, KL penalty', 'rl', ['RL, β = 2', 'RL, β = 0.5', 'RL, β = 0.125']),
    ]);
  });

  it('the reliability is that of the score and of what was calibrated', () => {
    const figure = figures.get('reliability')!;
    if (figure.kind !== 'reliability') throw new Error('no reliability');
    // Each prediction is a bin of its own: one of each seed.
    expect(figure.series).toEqual(
      Object.entries(forecasts).map(([name, of]) => ({
        name,
        bins: of.map(([predicted, happened]) => ({
          predicted: near(predicted),
          observed: expect.objectContaining({ value: happened }),
          count: 2,
        })),
      })),
    );
  });
});
