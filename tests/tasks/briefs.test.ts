import { describe, expect, it } from 'vitest';
import { annotate, heldOutPhrasings, phrasings } from '../../src/tasks/briefs/annotator.js';
import { type Point, pointsAgainst, settled } from '../../src/tasks/briefs/points.js';
import { drawPost, splitOf, splits } from '../../src/tasks/briefs/post.js';
import { read } from '../../src/tasks/briefs/reading.js';
import { improve, planOf, refine } from '../../src/tasks/briefs/refining.js';
import { incorporated, scoreSummary } from '../../src/tasks/briefs/scorer.js';
import { drawPlan, goldSummary, write } from '../../src/tasks/briefs/summary.js';
import {
  details,
  type Facts,
  fillers,
  names,
  places,
  slots,
  times,
  topics,
} from '../../src/tasks/briefs/world.js';
import { random } from '../../src/tasks/random.js';

const posts = Array.from({ length: 400 }, (_, i) => drawPost('ilf', i));
const facts: Facts = {
  topic: 'cars',
  relation: 'mechanic',
  name: 'Dana',
  event: 'sold the truck',
  when: 'in March',
  where: 'at the lake',
  ask: 'how to prove it',
};
const gold = goldSummary(facts);

describe('posts', () => {
  it('has over a million distinct sets of facts on at least 8 topics', () => {
    const combinations = topics
      .map(
        (t) =>
          t.relations.length * t.events.length * t.asks.length * names.length * times.length * places.length,
      )
      .reduce((a, b) => a + b);
    expect(topics.length).toBeGreaterThanOrEqual(8);
    expect(combinations).toBeGreaterThan(1e6);
  });

  it('is 40 to 120 words long, tells every fact, and is the same each time', () => {
    for (const post of posts) {
      const words = post.text.split(' ').length;
      expect(words).toBeGreaterThanOrEqual(40);
      expect(words).toBeLessThanOrEqual(120);
      for (const slot of slots) expect(post.text).toContain(post.facts[slot]);
    }
    expect(drawPost('ilf', 7)).toEqual(posts[7]);
  });

  it('shares no post between splits', () => {
    const keys = new Map<string, string>();
    for (const split of splits) {
      for (let i = 0; i < 300; i++) {
        const post = drawPost(split, i);
        expect(splitOf(post.facts)).toBe(split);
        const key = slots.map((slot) => post.facts[slot]).join('|');
        expect(keys.get(key) ?? split).toBe(split);
        keys.set(key, split);
      }
    }
  });

  it('has no value that could be read as another', () => {
    const all = [
      ...new Set(topics.flatMap((t) => [...t.relations, ...t.events, ...t.asks])),
      ...names,
      ...times,
      ...places,
      ...details,
      ...fillers,
    ];
    expect(new Set(all).size).toBe(all.length);
    for (const value of all) expect(read(value).unknown, value).toEqual([]);
  });
});

describe('summaries', () => {
  it('read back as they were planned', () => {
    posts.forEach((post, i) => {
      const plan = drawPlan(random('plan', i), post.facts, post.text, details);
      const reading = read(write(plan));
      expect(reading.unknown).toEqual([]);
      const { style: _, ...back } = planOf(reading);
      const { style: __, ...planned } = plan;
      expect(back).toEqual(planned);
    });
  });

  it('of the base corpus are complete, incomplete, wrong or padded, and mostly not perfect', () => {
    const kinds = new Map<string, number>();
    posts.forEach((post, i) => {
      const summary = write(drawPlan(random('plan', i), post.facts, post.text, details));
      for (const { kind } of pointsAgainst(post.facts, read(summary)))
        kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
    });
    for (const kind of Object.keys(phrasings)) expect(kinds.get(kind) ?? 0, kind).toBeGreaterThan(2);
    expect(kinds.get('nothing')!).toBeLessThan(posts.length / 4);
  });
});

describe('the oracle', () => {
  it('gives the complete summary 1 and counts what is missing, wrong, repeated or beside the point', () => {
    expect(scoreSummary(facts, gold).f1).toBe(1);
    expect(scoreSummary(facts, gold.replace('in March', 'in April'))).toMatchObject({
      precision: 5 / 6,
      recall: 5 / 6,
    });
    expect(scoreSummary(facts, gold.replace(' in March', ''))).toMatchObject({ precision: 1, recall: 5 / 6 });
    expect(scoreSummary(facts, gold.replace(',', ' in March,')).precision).toBeCloseTo(6 / 7);
    expect(scoreSummary(facts, gold.replace(',', ' while the sky was red,')).precision).toBeCloseTo(6 / 7);
    expect(scoreSummary(facts, `To be honest, ${gold}`).precision).toBeCloseTo(6 / 7);
    expect(scoreSummary(facts, gold.replace('sold the truck', 'sold the zebra')).recall).toBeCloseTo(5 / 6);
    expect(scoreSummary(facts, gold.replace('sold the truck', 'sold the zebra')).precision).toBeCloseTo(
      5 / 6,
    );
  });

  it('survives any text', () => {
    const r = random('noise');
    expect(scoreSummary(facts, '').f1).toBe(0);
    expect(scoreSummary(facts, gold.toUpperCase()).f1).toBe(1);
    for (const text of [
      '\u0000\ud800',
      '🙂🙂',
      '</script>',
      'constructor __proto__ toString',
      ' \n '.repeat(50),
    ]) {
      const { f1 } = scoreSummary(facts, text);
      expect(f1).toBe(0);
    }
    for (let i = 0; i < 200; i++) {
      const noise = Array.from({ length: r.int(60) }, () => String.fromCodePoint(r.int(0x2fff))).join('');
      expect(scoreSummary(facts, noise).f1).toBe(0);
    }
  });
});

describe('the simulated annotator', () => {
  it('knows at least six kinds, eight phrasings each, and keeps two of each out of training', () => {
    expect(Object.keys(phrasings).length).toBeGreaterThanOrEqual(6);
    for (const all of Object.values(phrasings)) expect(new Set(all).size).toBeGreaterThanOrEqual(8);
    const heldOut = Object.values(phrasings).flatMap((all) => all.slice(-heldOutPhrasings));
    const pattern = heldOut.map(
      (p) => new RegExp(`^${p.replace(/[.?]/g, '\\$&').replace(/\{\w+\}/g, '.+')}$`),
    );
    const said = { training: 0, any: 0 };
    for (let i = 0; i < 1500; i++) {
      const post = posts[i % posts.length]!;
      const summary = write(drawPlan(random('plan', i), post.facts, post.text, details));
      for (const voice of ['training', 'any'] as const) {
        const { text, points } = annotate(random('says', i), post.facts, summary, voice);
        if (points.length === 1 && pattern.some((p) => p.test(text))) said[voice]++;
      }
    }
    expect(said.training).toBe(0);
    expect(said.any).toBeGreaterThan(20);
  });

  it('often has two points at once, and every point holds against the summary', () => {
    let two = 0;
    posts.forEach((post, i) => {
      const summary = write(drawPlan(random('plan', i), post.facts, post.text, details));
      const { points } = annotate(random('says', i), post.facts, summary, 'any');
      if (points.length >= 2) two++;
      for (const point of points) {
        expect(settled(point, post.facts, summary)).toBe(point.kind === 'nothing');
        expect(settled(point, post.facts, goldSummary(post.facts)), JSON.stringify(point)).toBe(true);
      }
    });
    expect(two / posts.length).toBeGreaterThan(0.4);
  });

  it('is satisfied by careful refinements and seldom by those without feedback', () => {
    let careful = 0;
    let without = 0;
    posts.forEach((post, i) => {
      const r = random('refine', i);
      const summary = write(drawPlan(r, post.facts, post.text, details));
      const { points } = annotate(r, post.facts, summary, 'any');
      if (incorporated(post.facts, points, refine(r, post.facts, post.text, summary, points, 1)) === 1)
        careful++;
      if (incorporated(post.facts, points, improve(r, post.facts, post.text, summary, 0.8)) === 1) without++;
    });
    expect(careful / posts.length).toBe(1);
    expect(without / posts.length).toBeLessThan(0.5);
  });

  it('does not take a removed fact, or nothing at all, for an improvement', () => {
    const irrelevant: Point = { kind: 'irrelevant', detail: 'the sky was red' };
    expect(settled(irrelevant, facts, '')).toBe(false);
    expect(settled(irrelevant, facts, gold)).toBe(true);
    const wrong: Point = { kind: 'wrong', slot: 'when', wrong: 'in April' };
    expect(settled(wrong, facts, gold.replace(' in March', ''))).toBe(false);
    expect(settled(wrong, facts, gold.replace('in March', 'in March in April'))).toBe(false);
  });
});
