import { describe, expect, it } from 'vitest';
import { formatDifference, formatInterval, formatNumber, formatSeconds } from '../../src/report/format.js';
import { finalTable, renderFinal, renderSample } from '../../src/report/run/terminal.js';
import { cutMiddle, plain, terminalOf, textWidth, wrap } from '../../src/report/terminal.js';
import { sampleReport } from './sample-report.js';

const report = sampleReport();
const esc = '\u001b';

describe('terminal', () => {
  it.each([48, 80, 120])('fits %i columns, and loses no word', (width) => {
    const text = renderFinal(report, { width, color: false });
    for (const line of text.split('\n')) expect(textWidth(line), line).toBeLessThanOrEqual(width);
    expect(text).not.toContain('…');
    expect(text).not.toContain(esc);
  });

  it('shows measure, value (before → after) and interval', () => {
    const lines = finalTable(report, { width: 100, color: false }).split('\n');
    expect(lines[0]).toMatch(/^measure +value +interval$/);
    expect(lines.find((line) => line.includes('Mean score '))).toMatch(
      /^ {2}Mean score +0\.\d{3} → 0\.\d{3} +\+0\.\d{3}: 0\.\d{3} to 0\.\d{3}$/,
    );
    expect(lines.find((line) => line.includes('KL(tuned ‖ base)'))).toBeDefined();
  });

  it('says what was not measured', () => {
    const table = finalTable(
      { ...report, measures: {}, absent: { winRate: 'There is no oracle for this data.' } },
      { width: 80, color: false },
    );
    expect(table).toContain('There is no oracle for this data.');
    expect(table).toContain('Not measured in this run.');
  });

  it('colours only where it may', () => {
    expect(terminalOf({ isTTY: true, columns: 100 }, {})).toEqual({ width: 100, color: true });
    expect(terminalOf({ isTTY: true, columns: 100 }, { NO_COLOR: '1' }).color).toBe(false);
    expect(terminalOf({ isTTY: true, columns: 100 }, { NO_COLOR: '' }).color).toBe(true);
    expect(terminalOf({ columns: 100 }, {})).toEqual({ width: 80, color: false });
    expect(finalTable(report, { width: 80, color: true })).toContain(`${esc}[1m`);
  });

  it('wraps samples to the width, and calls them what the task calls them', () => {
    const text = renderSample(report.samples[0]!, report.words, { width: 50, color: false });
    expect(text).toMatch(/^Post\n {2}Hi all,/);
    expect(text).toContain('Base model (score 0.33)\n  Maria hosts a concert on Sunday.');
    for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(50);
    expect(text.replace(/\s+/g, ' ')).toContain(report.samples[0]!.context);
  });

  it('names an output that was given for what it is, and the one that is compared', () => {
    const sample = { ...report.samples[0]!, given: true, base: 'Somebody hosts something.' };
    const labels = (of: typeof sample) =>
      renderSample(of, report.words, { width: 80, color: false })
        .split('\n')
        .filter((line) => !line.startsWith(' '));
    expect(labels(sample)).toEqual([
      'Post',
      'The output that came with it (score 0.33)',
      'Feedback',
      'Refinement (score 0.83)',
      'Base model, the output that is compared',
      'Tuned model (score 0.91)',
      'Gold',
    ]);
    expect(labels({ ...sample, given: false })[1]).toBe(
      'Base model, the output that the feedback is on (score 0.33)',
    );
  });

  it('lets no text steer the terminal', () => {
    const hostile = `a${esc}[2J${esc}]0;title\u0007b\u009b31mc\rd\u202ee`;
    const shown = plain(hostile);
    expect(shown.replaceAll('\n', '')).not.toMatch(/\p{Cc}|\u202e/u);
    expect(shown).toBe('a␛[2J␛]0;title␇b\ufffd31mc\nd\ufffde');
    const sample = {
      context: hostile,
      initial: hostile,
      feedback: hostile,
      refinement: hostile,
      tuned: hostile,
    };
    expect(renderSample(sample, report.words, { width: 80, color: false })).not.toContain(esc);
  });
});

describe('cutMiddle', () => {
  it('keeps both ends, and whole characters', () => {
    expect(cutMiddle('abcdef', 6)).toBe('abcdef');
    expect(cutMiddle('abcdefgh', 5)).toBe('ab…gh');
    expect(cutMiddle('🙂'.repeat(10), 7)).toBe('🙂…🙂');
    expect(cutMiddle(`${'a'.repeat(1e5)}: why`, 21)).toBe('aaaaaaaaaa…aaaaa: why');
  });
});

describe('wrap', () => {
  it('breaks between words, keeps line breaks, cuts what is too long', () => {
    expect(wrap('one two three', 7)).toBe('one two\nthree');
    expect(wrap('a\n\nb', 10)).toBe('a\n\nb');
    expect(wrap('abcdefghij', 4)).toBe('abcd\nefgh\nij');
    expect(wrap('', 4)).toBe('');
  });
  it('knows wide and combining characters', () => {
    expect(textWidth('日本語')).toBe(6);
    expect(textWidth('e\u0301')).toBe(1);
    expect(textWidth('👩‍👩‍👧')).toBe(2);
    expect(wrap('日本語日本語', 5)).toBe('日本\n語日\n本語');
    expect(wrap('👩‍👩‍👧👩‍👩‍👧', 1)).toBe('👩‍👩‍👧\n👩‍👩‍👧');
  });
});

describe('numbers', () => {
  it('read well', () => {
    expect(formatNumber(0.7312, 'share')).toBe('73.1%');
    expect(formatNumber(-0.0312, 'score')).toBe('−0.031');
    expect(formatNumber(-1e-9, 'share')).toBe('0.0%');
    expect(formatNumber(-1e-9, 'score')).toBe('0.000');
    expect(formatInterval({ value: 0, lo: -1e-17, hi: 1, n: 2 }, 'share')).toBe('0.0% to 100.0%');
    expect(formatNumber(0.80123, 'nats')).toBe('0.801');
    expect(formatNumber(12.345, 'nats')).toBe('12.3');
    expect(formatNumber(12345.6, 'nats')).toBe('12346');
    expect(formatNumber(0.0000123, 'nats')).toBe('0.0000');
    expect(formatNumber(0, 'nats')).toBe('0');
    expect(formatNumber(Infinity, 'nats')).toBe('∞');
    expect(formatDifference(0.0312, 'share')).toBe('+3.1 points');
    expect(formatDifference(-0.5, 'score')).toBe('−0.500');
    expect([1e-9, -1e-9].map((value) => formatDifference(value, 'share'))).toEqual([
      '0.0 points',
      '0.0 points',
    ]);
  });
  it('tell time', () => {
    expect(formatSeconds(1.234)).toBe('1.2 s');
    expect(formatSeconds(45.4)).toBe('45 s');
    expect(formatSeconds(59.9)).toBe('1 min 0 s');
    expect(formatSeconds(512)).toBe('8 min 32 s');
    expect(formatSeconds(7500)).toBe('2 h 5 min');
  });
});
