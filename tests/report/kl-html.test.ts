import { describe, expect, it } from 'vitest';
import { renderKl } from '../../src/report/kl/html.js';
import { legend, levelOf, thresholds } from '../../src/report/kl/shade.js';
import { renderKlTerminal } from '../../src/report/kl/terminal.js';
import { sampleGiven, sampleKl } from './sample-kl.js';

const infinite = { value: 0.5, lo: -Infinity, hi: Infinity, n: 1 };

describe('kl.html', () => {
  it('says direction, estimator, sampling, n, interval and units', async () => {
    const html = await renderKl(sampleKl());
    for (const text of [
      'KL(tuned ‖ base), from samples of the tuned model',
      'KL(base ‖ tuned), from samples of the base model',
      'exact per prefix (Rao–Blackwellised)',
      'k3, summed over tokens',
      'k3 of the whole sequence',
      'temperature 1, top-p 1, top-k off, at most 48 tokens, seed 7',
      '40 texts of 40 contexts',
      '95% BCa bootstrap over contexts, 2000 resamples, seed 1',
      'nats per sequence',
      'nats per token',
      'Nothing is clamped',
    ])
      expect(html).toContain(text);
    expect(html.match(/<svg /g)).toHaveLength(3);
    expect(html).not.toMatch(/undefined|NaN|\[object/);
  });

  it('does not call what is measured on given texts a KL between the models', async () => {
    const html = await renderKl(sampleGiven());
    expect(html).toContain('at the prefixes of the given texts; not KL between the models’ own texts');
    expect(html).toContain('log-likelihood ratio');
    expect(html).not.toContain('from samples of');
    expect(html).toContain('Exact KL(tuned ‖ base) at the prefixes of the given texts = 2.00 nats per text');
    expect(html).not.toMatch(/undefined|NaN|\[object/);
  });

  it('is self-contained, and every text in it is text', async () => {
    for (const report of [sampleKl(), sampleGiven()]) {
      const html = await renderKl(report);
      expect(html).not.toMatch(/<script|<img/i);
      expect(html.match(/&lt;script/g)!.length).toBeGreaterThan(5);
      expect(html).not.toMatch(/<[^>]*\s(?:src|href)="(?!#|data:)/);
      expect(html).toContain(`default-src 'none'`);
    }
  });

  it('copes with one text', async () => {
    const report = sampleKl();
    report.results = report.results.map((kl) => ({ ...kl, raoBlackwell: infinite, k3: infinite }));
    const html = await renderKl(report);
    expect(html).toContain('none (one context)');
    expect(html).not.toMatch(/undefined|NaN|\[object/);
  });
});

describe('shading', () => {
  const text = (...kls: number[]) => ({
    title: '',
    prompt: '',
    tokens: kls.map((kl) => ({ text: 'a', kl })),
  });

  it('has a level for each halving of the largest KL', () => {
    const from = thresholds([text(0.1, 3.2), text(0)]);
    expect(from).toEqual([0.1, 0.2, 0.4, 0.8, 1.6]);
    expect([0, 0.099, 0.1, 0.3, 0.4, 1.5, 1.6, 3.2].map((kl) => levelOf(kl, from))).toEqual([
      0, 0, 1, 2, 3, 4, 5, 5,
    ]);
    expect(legend(from).map((entry) => entry.text)).toEqual([
      'below 0.100 nats',
      '0.100 to 0.200',
      '0.200 to 0.400',
      '0.400 to 0.800',
      '0.800 to 1.60',
      'from 1.60',
    ]);
  });

  it('leaves equal models white', () => {
    const from = thresholds([text(0, 0)]);
    expect(levelOf(0, from)).toBe(0);
    expect(legend(from)).toEqual([{ level: 0, text: '0 nats' }]);
  });
});

describe('on a terminal', () => {
  it('fits, and says the same', () => {
    const report = { ...sampleKl(), texts: 'A text from each \u001b[31mmodel.' };
    const text = renderKlTerminal(report, { width: 80, color: false });
    for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
    for (const word of [
      'KL(tuned ‖ base)',
      'KL(base ‖ tuned)',
      'k1 = −log r',
      'seed 7',
      '40 contexts',
      'kl.html',
    ])
      expect(text).toContain(word);
    expect(text).not.toContain('\u001b');
    expect(renderKlTerminal(sampleGiven(), { width: 60, color: false })).toContain('not KL between');
  });
});
