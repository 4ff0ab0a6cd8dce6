/** The examination on a terminal. What comes from other programs (names of devices, messages) is printed as plain text. */
import Table from 'cli-table3';
import type { Need } from '../engine/engines/kind.js';
import { plain, type Terminal, textWidth, wrap } from '../report/terminal.js';
import type { EngineReport, Examination } from './types.js';

type Row = [what: string, found: string];

const NOTHING = 'not found';

const rowOf = ({ what, found }: Need): Row => [what, found ?? NOTHING];

function engineRows({ name, needs, gpu, trials, works }: EngineReport): Row[] {
  const good = trials.filter((trial) => trial.works);
  const detail = good[0] ? `: ${good[0].detail}` : '';
  const verdict = works
    ? `works in ${good.map((trial) => trial.precision).join(', ')}${detail}`
    : 'does not work';
  return [
    [name, verdict],
    ...[...needs, ...(gpu ? [gpu] : [])].map(rowOf).map(([a, b]): Row => [`  ${a}`, b]),
  ];
}

/** Tables of the computer and the engines, what to do, and which engine a run takes. */
export function renderExamination(examination: Examination, { width, color }: Terminal): string {
  const { version, system, engines, byDefault, onGpu } = examination;
  const bold = (text: string) => (color ? `\u001b[1m${text}\u001b[22m` : text);
  const tint = (text: string) => {
    if (!color) return text;
    if (text.startsWith('works')) return `\u001b[32m${text}\u001b[39m`;
    if (text.startsWith('does not work')) return `\u001b[31m${text}\u001b[39m`;
    return text === NOTHING ? `\u001b[2m${text}\u001b[22m` : text;
  };
  const groups: [title: string, rows: Row[]][] = [
    [`ilf ${version} on this computer`, system.map(rowOf)],
    ['engines', engines.flatMap(engineRows)],
  ];
  const names = groups.flatMap(([, rows]) => rows.map(([what]) => textWidth(what)));
  const first = Math.max(...names) + 4;
  const table = new Table({
    colWidths: [first, Math.max(24, width - first)],
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 2 },
    chars: {
      ...{ top: '', 'top-mid': '', 'top-left': '', 'top-right': '' },
      ...{ bottom: '', 'bottom-mid': '', 'bottom-left': '', 'bottom-right': '' },
      ...{ left: '', 'left-mid': '', mid: '', 'mid-mid': '', right: '', 'right-mid': '', middle: '' },
    },
  });
  for (const [title, rows] of groups) {
    table.push([{ colSpan: 2, content: bold(title) }]);
    for (const [what, found] of rows)
      table.push([`  ${what}`, wrap(plain(found), Math.max(24, width - first) - 2).replace(/^.+$/gm, tint)]);
  }
  const todo = [
    ...system.filter((fact) => fact.what === 'Node.js' && fact.found === null).map((fact) => fact.advice),
    ...engines.filter((engine) => !engine.works).map(({ name, problem }) => `${name}: ${problem}`),
    // It computes, but not on a GPU.
    ...engines
      .filter(({ works, gpu }) => works && gpu?.found === null)
      .map(({ name, gpu }) => `${name}, for --gpu: ${gpu!.advice}`),
  ];
  const list = todo.map((line) => wrap(plain(line), width - 2).replace(/^/gm, '  '));
  return [
    table
      .toString()
      .split('\n')
      .map((line) => line.trimEnd())
      .join('\n'),
    ...(list.length > 0 ? [`${bold('what to do')}\n${list.join('\n')}`] : []),
    wrap(
      `A run computes on ${byDefault}, with --gpu ${onGpu ? `on ${onGpu}` : 'on nothing: no engine sees a GPU'}.`,
      width,
    ),
  ].join('\n');
}
