/** `doctor --gpu` on a terminal. What comes from drivers and libraries is printed as plain text. */
import { plain, type Terminal, textWidth, wrap } from '../../report/terminal.js';
import type { GpuCheck, GpuExamination, ProductCounts } from './types.js';

const number = (x: number) => x.toExponential(1);

const verdictOf = ({ ok, error, difference, tolerance }: GpuCheck): string => {
  const apart = difference === null ? '' : ` (${number(difference)} of ${number(tolerance)})`;
  return ok
    ? `holds${apart}`
    : `FAILS: ${error ?? `off by ${number(difference!)}, at most ${number(tolerance)}`}`;
};

const productsOf = ({ library, finished, plain: own }: ProductCounts): string =>
  `${library} by the library, ${finished} finished by a kernel of ours, ${own} by ours alone`;

/** Tables of what is there and of the checks, and what to do. */
export function renderGpu(examination: GpuExamination, { width }: Terminal): string {
  const { version, needs, environment, checks, products, hopper } = examination;
  const facts: [string, string][] = [
    ...needs.map(({ what, found }): [string, string] => [what, found ?? 'not found']),
    ['environment', environment.join(', ') || 'no variable of ours is set'],
    ...(products ? [['products made', productsOf(products)] as [string, string]] : []),
    ...(hopper ? [["Hopper's own products", hopper] as [string, string]] : []),
  ];
  const lines = (rows: [string, string][]) => {
    const first = Math.max(...rows.map(([what]) => textWidth(what))) + 4;
    return rows.flatMap(([what, says]) =>
      wrap(plain(says), Math.max(24, width - first))
        .split('\n')
        .map((text, i) => `  ${(i === 0 ? what : '').padEnd(first - 2)}${text}`),
    );
  };
  const todo = checks.filter(({ ok }) => !ok).map(({ name, advice }) => `${name}: ${advice}`);
  const failed = todo.length;
  return [
    `ilf ${version}, the engine cuda`,
    ...lines(facts),
    ...(checks.length > 0 ? ['checks', ...lines(checks.map((check) => [check.name, verdictOf(check)]))] : []),
    ...(failed > 0
      ? ['what to do', ...todo.map((text) => wrap(plain(text), width - 2).replace(/^/gm, '  '))]
      : []),
    ...(checks.length > 0
      ? [failed === 0 ? `All ${checks.length} checks hold.` : `${failed} of ${checks.length} checks fail.`]
      : []),
  ].join('\n');
}
