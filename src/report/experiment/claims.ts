// Claims in words and numbers, once, for the terminal and for the page.
import { afterCaveats } from '../caveats.js';
import type { Claim, ExperimentReport, Verdict } from '../charts/figures.js';
import { formatDifference, formatDifferenceInterval } from '../format.js';

/** A sign for each verdict, so that no reader depends on its colour. */
export const verdictSigns: Record<Verdict, string> = {
  held: '✓',
  failed: '✗',
  undecided: '?',
  'not measured': '–',
};

/** All claims in the order of their sections. */
export function allClaims(report: ExperimentReport): Claim[] {
  return report.sections.flatMap((section) => section.claims);
}

/** The headline: what must be known first, then what became of the claims: "Of 25 claims, 14 held here, 3 failed, …". */
export const lead = (report: ExperimentReport): string => afterCaveats(report.caveats, counts(report));

function counts(report: ExperimentReport): string {
  const claims = allClaims(report);
  if (claims.length === 0) return 'No claim was tested.';
  const count = (verdict: Verdict) => claims.filter((claim) => claim.verdict === verdict).length;
  const [held, failed, undecided, absent] = [
    count('held'),
    count('failed'),
    count('undecided'),
    count('not measured'),
  ];
  const parts = [
    `${held} held here`,
    `${failed} failed`,
    `${undecided} ${undecided === 1 ? 'is' : 'are'} undecided`,
    ...(absent > 0 ? [`${absent} ${absent === 1 ? 'was' : 'were'} not measured`] : []),
  ];
  return `Of ${claims.length} ${claims.length === 1 ? 'claim' : 'claims'}, ${parts.slice(0, -1).join(', ')} and ${parts.at(-1)}.`;
}

/** Which claims became what, the failed ones first. */
export function byVerdict(report: ExperimentReport): [verdict: Verdict, claims: string[]][] {
  const order: Verdict[] = ['failed', 'undecided', 'held', 'not measured'];
  return order
    .map((verdict): [Verdict, string[]] => [
      verdict,
      allClaims(report)
        .filter((claim) => claim.verdict === verdict)
        .map(({ claim }) => claim),
    ])
    .filter(([, claims]) => claims.length > 0);
}

/** "+3.1 points", or "–" where nothing decides. */
export function differenceText({ difference, unit }: Claim): string {
  return difference ? formatDifference(difference.value, unit) : '–';
}

/** "1.2 to 5.0 points", empty where nothing decides. */
export function differenceInterval({ difference, unit }: Claim): string {
  return difference ? formatDifferenceInterval(difference, unit) : '';
}
