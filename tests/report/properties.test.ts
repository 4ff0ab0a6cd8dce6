// What must hold of words and numbers on a terminal whatever they are.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  formatDifference,
  formatDifferenceInterval,
  formatInterval,
  formatNumber,
  formatSeconds,
  type Unit,
} from '../../src/report/format.js';
import { cutMiddle, plain, textWidth, wrap } from '../../src/report/terminal.js';
import { holds } from '../helpers/properties.js';

const escapes = fc.constantFrom(
  '\u001b[2J',
  '\u001b]0;x\u0007',
  '\u009b31m',
  '\r',
  '\t',
  '\u202e',
  '\u2066',
  '\u007f',
  '\u200f',
  '\u061c',
);
const anyText = fc
  .array(fc.oneof(escapes, fc.string({ unit: 'binary', maxLength: 8 }), fc.string({ unit: 'grapheme' })), {
    maxLength: 8,
  })
  .map((parts) => parts.join(''));

describe('text', () => {
  it('that is plain cannot steer a terminal, keeps its lines, and stays as it is', () => {
    holds(
      fc.property(anyText, (text) => {
        const shown = plain(text);
        expect(shown.replaceAll('\n', '')).not.toMatch(/\p{Cc}|\p{Bidi_Control}/u);
        expect(plain(shown)).toBe(shown);
        expect(shown.split('\n').length).toBe(text.split(/\r\n|\r|\n/).length);
      }),
      300,
    );
  });

  it('that is wrapped is no wider than asked, and loses nothing but blanks', () => {
    holds(
      fc.property(anyText.map(plain), fc.integer({ min: 2, max: 40 }), (text, width) => {
        const lines = wrap(text, width);
        for (const line of lines.split('\n')) expect(textWidth(line), line).toBeLessThanOrEqual(width);
        expect(lines.replace(/[ \n]/g, '')).toBe(text.replace(/[ \n]/g, ''));
      }),
      200,
    );
  });

  it('that is cut is no longer than asked, with whole characters, and both its ends', () => {
    holds(
      fc.property(
        fc.string({ unit: 'binary', maxLength: 60 }),
        fc.integer({ min: 3, max: 50 }),
        (text, most) => {
          const cut = cutMiddle(text, most);
          expect(cut.length).toBeLessThanOrEqual(Math.max(most, 0));
          expect(cut).not.toMatch(/\p{Surrogate}/u);
          if (text.length <= most) expect(cut).toBe(text);
          const [head, tail] = cut.length < text.length ? cut.split(/…(?!.*…)/s) : [cut, ''];
          expect(text.startsWith(head!.split('…')[0]!)).toBe(true);
          expect(text.endsWith(tail!.split('…').at(-1)!)).toBe(true);
        },
      ),
    );
  });
});

describe('numbers', () => {
  const units = fc.constantFrom<Unit>('share', 'score', 'nats', 'number');
  const size = fc.double({ min: -1e12, max: 1e12 });
  const any = fc.oneof(
    size,
    fc.constantFrom(NaN, Infinity, -Infinity, 0, -0),
    fc.double({ min: -1, max: 1 }),
  );
  /** A number as we write them, its sign, digits and unit. */
  const NUMBER = /^(?:unknown|−?∞|−?\d+(?:\.\d+)?(?:e\+\d+)?%?)$/;

  it('are written as numbers, ∞ or "unknown", and zero has no sign', () => {
    holds(
      fc.property(any, units, (value, unit) => {
        const text = formatNumber(value, unit);
        expect(text).toMatch(NUMBER);
        expect(text === 'unknown').toBe(Number.isNaN(value));
        if (!/[1-9∞]/.test(text)) expect(text).not.toContain('−');
        expect(formatDifference(value, unit)).not.toMatch(/NaN|undefined|Infinity|%|-/);
      }),
      300,
    );
  });

  it('can be read back to what they round to', () => {
    holds(
      fc.property(fc.double({ min: -1e5, max: 1e5, noNaN: true }), units, (value, unit) => {
        const read = Number(formatNumber(value, unit).replace('−', '-').replace('%', ''));
        const error = Math.abs(read - (unit === 'share' ? 100 * value : value));
        const step =
          unit === 'share' ? 0.05 : unit === 'score' ? 0.0005 : Math.max(0.00005, 0.005 * Math.abs(value));
        expect(error).toBeLessThanOrEqual(step * (1 + 1e-9) + 1e-9 * Math.abs(value));
      }),
      300,
    );
  });

  it('of an interval are both there, or it says that there is none', () => {
    const estimate = fc.record({ value: any, lo: any, hi: any, n: fc.nat() });
    holds(
      fc.property(estimate, units, (of, unit) => {
        const text = formatInterval(of, unit);
        const [lo, hi] = text.split(' to ');
        if (Number.isFinite(of.lo) || Number.isFinite(of.hi)) {
          expect(lo).toMatch(NUMBER);
          expect(hi).toMatch(NUMBER);
        } else expect(text).toBe('none (one context)');
        expect(formatDifferenceInterval(of, unit)).not.toMatch(/NaN|undefined|Infinity|%/);
      }),
      300,
    );
  });

  it('of seconds never say 60 of one unit instead of 1 of the next', () => {
    holds(
      fc.property(fc.double({ min: 0, max: 1e6, noNaN: true }), (seconds) => {
        const text = formatSeconds(seconds);
        expect(text).toMatch(/^(?:\d+(?:\.\d)? s|\d+ min \d+ s|\d+ h \d+ min)$/);
        expect(text).not.toMatch(/\b60\b/);
      }),
      300,
    );
  });
});
