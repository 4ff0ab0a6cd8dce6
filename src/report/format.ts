import type { Estimate } from '../bayes/index.js';

/** What a measure counts in: a share prints as a percentage, the others as numbers. */
export type Unit = 'share' | 'score' | 'nats' | 'number';

const minus = '−';

/** A number as a reader wants it: shares with one decimal as %, others with three significant digits. */
export function formatNumber(value: number, unit: Unit): string {
  if (Number.isNaN(value)) return 'unknown';
  if (!Number.isFinite(value)) return value > 0 ? '∞' : `${minus}∞`;
  const text =
    unit === 'share'
      ? `${(100 * value).toFixed(1)}%`
      : unit === 'score'
        ? value.toFixed(3)
        : significant(value);
  // What rounds to zero has no sign.
  return /[1-9]/.test(text) ? text.replace('-', minus) : text.replace('-', '');
}

/** Three significant digits, but no more than four decimals and no exponents below a million. */
function significant(value: number): string {
  const size = Math.abs(value);
  if (size === 0) return '0';
  if (size >= 1e6) return value.toPrecision(3);
  return value.toFixed(Math.min(4, Math.max(0, 2 - Math.floor(Math.log10(size)))));
}

/** A difference, with its sign: "+0.181"; shares in percentage points. */
export function formatDifference(value: number, unit: Unit): string {
  const text = formatNumber(value, unit).replace('%', ' points');
  return value > 0 && /[1-9∞]/.test(text) ? `+${text}` : text;
}

/** "66.1% to 75.3%", or why there is none. */
export function formatInterval({ lo, hi }: Estimate, unit: Unit): string {
  if (!(Number.isFinite(lo) || Number.isFinite(hi))) return 'none (one context)';
  return `${formatNumber(lo, unit)} to ${formatNumber(hi, unit)}`;
}

/** The interval of a difference: "12.3 to 24.0 points" of shares. */
export function formatDifferenceInterval(estimate: Estimate, unit: Unit): string {
  const text = formatInterval(estimate, unit);
  return text.includes('%') ? `${text.replaceAll('%', '')} points` : text;
}

/** "45 s", "3 min 20 s", "2 h 5 min". */
export function formatSeconds(seconds: number): string {
  if (seconds < 10) return `${Number(seconds.toFixed(1))} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  const minutes = Math.round(whole / 60);
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** With a capital letter, for a label. */
export const capital = (word: string): string => word.charAt(0).toUpperCase() + word.slice(1);
