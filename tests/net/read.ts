/** What a reader of the reports sees: labelled cells, and dots on axes. */
import { expect } from 'vitest';

/** A number as it is printed ("−3.1 points", "66.7%", "1.20"), and half a unit of its last digit. */
export function printed(text: string): { value: number; within: number } {
  const match = /^[+−]?(?<digits>\d+(?:\.(?<decimals>\d+))?)(?<unit>%| points)?$/.exec(text);
  if (!match) throw new Error(`"${text}" is no number`);
  const scale = match.groups!.unit ? 100 : 1;
  const sign = text.startsWith('−') ? -1 : 1;
  const decimals = match.groups!.decimals?.length ?? 0;
  return { value: (sign * Number(match.groups!.digits)) / scale, within: (0.5001 * 10 ** -decimals) / scale };
}

export interface Estimate {
  value: number;
  lo: number | null;
  hi: number | null;
  n: number;
}

/** "a to b" is this estimate's interval; in front of it may stand the estimate itself. */
export function expectInterval(text: string, { value, lo, hi }: Estimate): void {
  const [, before, from, to] = /^(?:(.*): )?(\S+) to (\S+)$/.exec(text) ?? [];
  if (before !== undefined) expectNumber(before, value);
  expectNumber(from!, lo!);
  expectNumber(to!, hi!);
}
export function expectNumber(text: string, value: number): void {
  const shown = printed(text);
  expect(Math.abs(shown.value - value), `${text} for ${value}`).toBeLessThanOrEqual(shown.within);
}

/** Every estimate below `json`, by its path; their intervals hold them. */
export function estimatesIn(json: unknown): Record<string, Estimate> {
  const found: Record<string, Estimate> = {};
  const visit = (path: string, value: unknown): void => {
    if (value === null || typeof value !== 'object') return;
    if ('lo' in value) {
      const estimate = value as Estimate;
      expect(estimate.lo ?? -Infinity, `${path}.lo`).toBeLessThanOrEqual(estimate.value);
      expect(estimate.hi ?? Infinity, `${path}.hi`).toBeGreaterThanOrEqual(estimate.value);
      found[path] = estimate;
    } else for (const [key, child] of Object.entries(value)) visit(path ? `${path}.${key}` : key, child);
  };
  visit('', json);
  return found;
}

/** These estimates and no others: by path, the value, and n where it is not 3. */
export function expectEstimates(json: unknown, expected: Record<string, number | [number, number]>): void {
  const found = estimatesIn(json);
  expect(Object.keys(found).sort()).toEqual(Object.keys(expected).sort());
  for (const [path, of] of Object.entries(expected)) {
    const [value, n] = typeof of === 'number' ? [of, 3] : of;
    expect(found[path]!.value, path).toBeCloseTo(value, 6);
    expect(found[path]!.n, `n of ${path}`).toBe(n);
  }
}

/** The text of a piece of HTML. */
export const textOf = (html: string): string =>
  html
    .replace(/<[^>]*>/g, '')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&amp;', '&')
    .trim();

const all = (html: string, tag: string): string[] =>
  [...html.matchAll(new RegExp(`<(${tag})(?:\\s[^>]*)?>(.*?)</\\1>`, 'gs'))].map(([, , inside]) => inside!);

/** The part of the page under a heading that begins with `title`, up to the next section. */
export function section(html: string, title: string): string {
  const found = all(html, 'section').find((part) => textOf(all(part, 'h2')[0] ?? '').startsWith(title));
  if (found === undefined) throw new Error(`no section "${title}"`);
  return found;
}

/** "0.5 → 0.6" is before and after; a number alone is after. */
const sidesOf = (value: string) => {
  const [first, second] = value.split(' → ');
  return second === undefined ? { before: '', after: value } : { before: first!, after: second };
};

/** The cells of each row of a table, by the columns' heads (two of one name: the second with a 2); `row` is its label. */
export function tablesIn(html: string): Record<string, string>[][] {
  return all(html, 'table').map((table) => {
    const [head, ...body] = all(table, 'tr').map((row) => all(row, 'th|td').map(textOf));
    const names = head!.map((name, i) => (head!.indexOf(name) < i ? `${name} 2` : name));
    return body
      .filter((cells) => cells.length === names.length)
      .map((cells) => Object.fromEntries(cells.map((cell, i) => [i === 0 ? 'row' : names[i]!, cell])))
      .map((cells) => (cells.value === undefined ? cells : { ...cells, ...sidesOf(cells.value) }));
  });
}

/** Terms and what is said of them. */
export const factsIn = (html: string): [string, string][] => {
  const [terms, facts] = [all(html, 'dt').map(textOf), all(html, 'dd').map(textOf)];
  expect(facts.length).toBe(terms.length);
  return terms.map((term, i) => [term, facts[i]!]);
};

/** A figure's caption; its labels in order; and its dots, on the axes that have numbers. */
export function figure(html: string, title: string) {
  const found = all(html, 'figure').find((part) => textOf(all(part, 'h3')[0]!) === title);
  if (found === undefined) throw new Error(`no figure "${title}"`);
  const texts = [
    ...found.matchAll(/<text text-anchor="(\w+)" transform="translate\((.*?),(.*?)\)"([^>]*)>(.*?)<\/text>/g),
  ]
    // An outlined one is the halo behind another.
    .filter(([, , , , how]) => !how!.includes('stroke='))
    .map(([, anchor, x, y, , text]) => ({ anchor, x: Number(x), y: Number(y), text: textOf(text!) }));
  const axis = (ticks: { at: number; text: string }[]) => {
    const numbers = ticks.filter(({ text }) => /^[+−]?[\d.]+%?$/.test(text));
    const [first, last] = [numbers[0], numbers.at(-1)];
    if (!first || first === last) return () => Number.NaN;
    const [a, b] = [printed(first.text).value, printed(last!.text).value];
    return (at: number) => a + ((at - first.at) / (last!.at - first.at)) * (b - a);
  };
  const x = axis(
    texts.filter((of) => of.anchor === 'middle' && of.y === 16).map((of) => ({ at: of.x, text: of.text })),
  );
  // A label stands 3 pixels below its tick.
  const y = axis(
    texts.filter((of) => of.anchor === 'end' && of.x === -7).map((of) => ({ at: of.y - 3, text: of.text })),
  );
  const marks = found.match(/<g class="mark-symbol role-mark.*?<\/g>/gs) ?? [];
  return {
    caption: textOf(all(found, 'figcaption')[0]!),
    /** Of rows, from the top. */
    labels: texts.filter((of) => of.anchor === 'end' && of.x === -26).map(({ text }) => text),
    /** Written at dots. */
    numbers: texts
      .filter((of) => of.anchor === 'middle' && of.y !== 16 && /\d/.test(of.text))
      .map(({ text }) => text),
    /** [layer][dot] */
    dots: marks.map((layer) =>
      [...layer.matchAll(/<path transform="translate\((.*?),(.*?)\)"/g)].map(([, px, py]) => ({
        x: x(Number(px)),
        y: y(Number(py)),
      })),
    ),
  };
}

/** The rows of the table on the terminal, by the places of its heads. */
export function terminalRows(text: string): Record<string, string>[] {
  const lines = text.split('\n');
  const at = lines.findIndex((line) => /^measure +value +interval$/.test(line));
  const head = lines[at]!;
  const [value, interval] = ['value', 'interval'].map((name) => head.indexOf(name));
  const table = lines.slice(at + 1, lines.indexOf('', at));
  // Numbers end where their heads do. What was not measured is a sentence instead.
  return table
    .filter((line) => /^ {2}.* to \S+$/.test(line) && /\d/.test(line.slice(interval)))
    .map((line) => {
      const [, row, of] = /^ {2}(.*?) {2,}(\S.*)$/.exec(line.slice(0, value! + 'value'.length))!;
      return { row: row!, ...sidesOf(of!), interval: line.slice(interval!).trim() };
    });
}

/** The parts of a sample on the terminal: what stands under each label. */
export const terminalParts = (text: string): [string, string][] =>
  text
    .split(/\n(?! )/)
    .map((part) => [part.slice(0, part.indexOf('\n')), part.slice(part.indexOf('\n') + 1).trim()]);
