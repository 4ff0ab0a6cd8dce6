import { describe, expect, it } from 'vitest';
import type { Caveat } from '../../src/report/caveats.js';
import { renderHtml } from '../../src/report/run/html.js';
import { rowGroups, verdict } from '../../src/report/run/rows.js';
import { finalDocument, type Report } from '../../src/report/run/types.js';
import { sampleReport } from './sample-report.js';

const report = sampleReport();

/** What a run on the user's own data without an oracle has: no wins, no scores but the ranker's own. */
function withoutOracle(): Report {
  const { ranked: _, scores: __, judge: ___, ...rest } = sampleReport();
  const { base, tuned, tunedMinusBase } = rest.measures.score!;
  return {
    ...rest,
    measures: {
      rankerScore: { base: base!, tuned: tuned!, tunedMinusBase: tunedMinusBase! },
      kl: rest.measures.kl!,
    },
    absent: { winRate: 'Your data name no facts to judge a summary by.' },
    rounds: [],
    samples: [],
  };
}

describe('report.html', () => {
  it('holds the verdict, every measure, the charts, the samples and the KL facts', async () => {
    const html = await renderHtml(report);
    expect(html).toContain(verdict(report));
    for (const group of rowGroups(report)) for (const row of group.rows) expect(html).toContain(row.measure);
    for (const sample of report.samples) expect(html).toContain(sample.tuned);
    expect(html.match(/<svg /g)).toHaveLength(10);
    expect(html).toContain('KL(tuned ‖ base), from samples of the tuned model');
    expect(html).toContain('temperature 1, top-p 1, top-k off, at most 48 tokens, seed 7');
    expect(html).toContain('200 texts of 200 contexts');
    expect(html).toContain('95% BCa bootstrap over contexts, 2000 resamples, seed 1');
    expect(html).toContain('8 min 32 s');
    expect(html).toContain('cpu (AVX2)');
  });

  it('is self-contained', async () => {
    const html = await renderHtml(report);
    expect(html).not.toMatch(/<script/i);
    expect(html).not.toMatch(/(?:src|href)="(?!#|data:)/);
    expect(html.replaceAll('http://www.w3.org/', '')).not.toMatch(/https?:\/\//);
    expect(html).toContain(`default-src 'none'`);
    expect(html).not.toMatch(/undefined|NaN|\[object/);
  });

  it('shows in charts what the numbers are of', async () => {
    const html = await renderHtml(report);
    for (const axis of [
      'nats per sequence',
      'mean score',
      'share won against base',
      'score of a summary',
      'round (0: base model)',
    ])
      expect(html).toContain(`${axis}</text>`);
    expect(html).toContain('n = 200 contexts');
  });

  it('copes without an oracle, and says what is missing', async () => {
    const html = await renderHtml(withoutOracle());
    expect(html).toContain('Your data name no facts to judge a summary by.');
    expect(html).toContain('Not measured in this run.');
    expect(html).toContain('no independent judge');
    expect(html).toContain('This run kept no samples.');
    expect(html).not.toMatch(/undefined|NaN|\[object/);
  });

  it('copes with nothing at all', async () => {
    const { posterior: _, ranked: __, scores: ___, ...rest } = report;
    const bare = {
      ...rest,
      measures: {},
      rounds: [],
      samples: [],
      kl: [],
      options: {},
      seeds: {},
      versions: {},
    };
    const html = await renderHtml(bare);
    expect(html).toContain('measured nothing');
    expect(html).not.toContain('<svg');
    expect(html).not.toMatch(/undefined|NaN|\[object/);
  });

  it('copes with one context and with infinite estimates', async () => {
    const one = { value: 0.5, lo: -Infinity, hi: Infinity, n: 1 };
    const kl = { ...report.kl[0]!, k3: { value: Infinity, lo: 0.5, hi: Infinity, n: 9 } };
    const html = await renderHtml({
      ...report,
      measures: { winRate: { tunedVsBase: one }, score: { base: one, tuned: one } },
      rounds: [{ round: 1, winRate: one, score: one, kl: { tunedFromBase: kl } }],
      kl: [kl],
    });
    expect(html).toContain('none (one context)');
    expect(html).toContain('∞');
    expect(html).toContain('cannot be told from the base model');
    expect(html).not.toMatch(/undefined|NaN|\[object/);
  });

  it('escapes every text it is given', async () => {
    const evil = `"><script>alert(1)</script><img src=x onerror=alert(1)>'`;
    const poison = (value: unknown): unknown =>
      typeof value === 'string'
        ? evil
        : Array.isArray(value)
          ? value.map(poison)
          : value !== null && typeof value === 'object'
            ? Object.fromEntries(Object.entries(value).map(([k, v]) => [k, poison(v)]))
            : value;
    const html = await renderHtml({
      ...(poison(report) as Report),
      options: { [evil]: evil },
      absent: { rankerScore: evil, winRate: evil },
    });
    expect(html).not.toMatch(/<script|<img/i);
    expect(html.match(/&lt;script/g)!.length).toBeGreaterThan(20);
  });
});

describe('verdict', () => {
  const say = (value: number, lo: number, hi: number) =>
    verdict({ ...report, measures: { winRate: { tunedVsBase: { value, lo, hi, n: 80 } } } });
  it('says which way it came out', () => {
    expect(say(0.7, 0.6, 0.8)).toBe(
      'The tuned model is better than the base model: it wins 70.0% of comparisons (60.0% to 80.0%, n = 80).',
    );
    expect(say(0.3, 0.2, 0.4)).toMatch(/is worse than the base model/);
    expect(say(0.55, 0.45, 0.65)).toMatch(/cannot be told from the base model/);
    expect(say(0.55, 0.5, 0.65)).toMatch(/cannot be told/);
  });
  it('falls back on what there is', () => {
    expect(verdict(withoutOracle())).toMatch(/^Tuning raised its mean InstructRM score by \+0\.\d+ /);
    const { kl } = report.measures;
    expect(verdict({ ...report, measures: { kl: kl! } })).toMatch(
      /^The tuned model is 0\.\d+ nats per sequence from the base model .*; nothing here says whether it is better\.$/,
    );
  });
});

describe('what must be known first', () => {
  const won = { tunedVsBase: { value: 0.9, lo: 0.8, hi: 0.95, n: 80 } };
  const unknown = { kind: 'unknown text', says: 'The models do not know such text.' } as const;
  const few = { kind: 'few contexts', says: 'Too few held-out contexts.' } as const;
  const pupil = { kind: 'no independent judge', says: 'No independent judge.' } as const;
  const { ranked: _, ...rest } = report;
  const judged = (...caveats: Caveat[]): Report => ({
    ...rest,
    caveats,
    measures: {
      winRate: won,
      rankerScore: { base: won.tunedVsBase, tuned: won.tunedVsBase },
      judgeProbability: { feedback: { value: 0.417, lo: 0.3, hi: 0.5, n: 12 } },
    },
  });

  it('comes first in the headline, which concludes nothing from what is no evidence', () => {
    expect(verdict(judged(unknown, few))).toBe(
      `${unknown.says} ${few.says} Nothing here says whether the tuned model is better.`,
    );
    for (const more of [[], [pupil]])
      expect(verdict(judged(few, ...more))).toMatch(
        /The tuned model cannot be told from the base model: it wins 90\.0% of comparisons/,
      );
    expect(verdict(judged(pupil))).toBe(
      'No independent judge. The judge prefers the tuned model: it gives the tuned one 90.0% of comparisons (80.0% to 95.0%, n = 80).',
    );
    expect(verdict(judged())).toMatch(/^The tuned model is better/);
  });

  it('labels every figure of a judge as its opinion, and no probability as a share', async () => {
    const groups = rowGroups(judged(unknown, few, pupil));
    const ofJudge = groups.filter(({ key }) => ['winRate', 'rankerScore', 'judgeProbability'].includes(key));
    expect(ofJudge.length).toBe(3);
    for (const { title } of ofJudge)
      expect(title).toMatch(/: the opinion of a judge that does not know such text$/);
    const html = await renderHtml(judged(unknown, few, pupil));
    expect(html).not.toMatch(/41\.7\s?%|is better than|that settle every point/);
    expect(html).toContain('0.417');
    expect(html.indexOf(unknown.says)).toBeLessThan(html.indexOf('All measures'));
    for (const [title] of html.matchAll(/<figcaption>.*?<\/figcaption>/gs))
      if (/win rate|followed|InstructRM/i.test(title)) expect(title).toContain('does not know such text');
  });
});

describe('the JSON document', () => {
  it('has every measure under its name, as value, lo, hi, n', () => {
    const json = JSON.parse(JSON.stringify(finalDocument(report)));
    const paths = [
      ...['tunedVsBase', 'tunedVsGold', 'baseVsGold'].map((k) => `winRate.${k}`),
      ...['feedback', 'noFeedback', 'shuffledFeedback'].map((k) => `incorporated.${k}`),
      ...['picked', 'random', 'longest', 'pickedMinusRandom', 'pairAccuracy'].map((k) => `ranking.${k}`),
      ...['base', 'tuned', 'gold', 'tunedMinusBase'].map((k) => `score.${k}`),
      ...['tunedFromBase', 'baseFromTuned'].flatMap((direction) =>
        ['', 'perToken.'].flatMap((units) =>
          ['raoBlackwell', 'k1', 'k3'].map((k) => `kl.${direction}.${units}${k}`),
        ),
      ),
    ];
    for (const path of paths) {
      const estimate = path.split('.').reduce((at, key) => at?.[key], json);
      expect(Object.keys(estimate ?? {}), path).toEqual(expect.arrayContaining(['value', 'lo', 'hi', 'n']));
      for (const key of ['value', 'lo', 'hi', 'n'])
        expect(estimate[key], `${path}.${key}`).toBeTypeOf('number');
      expect(estimate.lo).toBeLessThanOrEqual(estimate.value);
      expect(estimate.hi).toBeGreaterThanOrEqual(estimate.value);
    }
    expect(json.seconds).toBe(512);
    expect(json.run).toBe('checkpoints/briefs-1');
  });
});
