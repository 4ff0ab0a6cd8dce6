// Arms and measures by what people read: a test that says "ILF, 100" gets the arm that the program calls so.
import {
  type Arm,
  bestOfNArm,
  changeArm,
  forecastArms,
  promptArm,
  rankerArms,
  refinementArms,
  rewardModelArm,
  rlArm,
  roundArm,
  rungArm,
  sizedArm,
  TARGETS_ALONG,
  tunedArms,
  weightArm,
} from '../../src/experiment/arms.js';
import type { StudyName } from '../../src/experiment/names.js';
import { rungs } from '../../src/experiment/rungs.js';
import { afterStep, atPosition, type Measure, ofToken } from '../../src/experiment/value.js';

const { base, ilf, posterior, initial, gold } = tunedArms;
const betas = [2, 0.5, 0.25, 0.125];

/** Each study’s, more than any test has. */
export const arms: Record<StudyName, Arm[]> = {
  targets: Object.values(tunedArms),
  refinements: Object.values(refinementArms),
  rankers: [...Object.values(rankerArms), ...[1, 2, 3, 4, 5].map(promptArm)],
  'reward-models': (['bradley-terry', 'yes-no'] as const).flatMap((form) =>
    [100, 300, 1000].map((n) => rewardModelArm(form, n)),
  ),
  sizes: [ilf, initial, gold].flatMap((of) => [25, 100, 300].map((n) => sizedArm(of, n))),
  rounds: (['continue', 'retrain'] as const).flatMap((mode) => [1, 2].map((k) => roundArm(mode, k))),
  'best-of-n': (['base', 'ilf'] as const).flatMap((model) =>
    [1, 2, 4, 8, 16].map((n) => bestOfNArm(model, n)),
  ),
  rl: betas.map(rlArm),
  kl: [ilf, initial, gold],
  posterior: [
    ...Object.values(forecastArms),
    ...(['reward', 'prior', 'proposal'] as const).flatMap((terms) =>
      [1, 10].map((beta) => weightArm(terms, beta)),
    ),
    ...[base, ilf, posterior, gold],
    ...betas.map(rlArm),
    ...TARGETS_ALONG.map(changeArm),
  ],
  ladder: rungs.map(rungArm),
};

export function armLabelled(study: StudyName, label: string): Arm {
  const found = arms[study].filter((arm) => arm.label === label);
  if (found.length !== 1) throw new Error(`${found.length} arms of ${study} are called ${label}`);
  return found[0]!;
}

export function measureNamed(name: string): Measure {
  const [first, ...rest] = name.split(' ');
  if (first === 'position') return atPosition(Number(rest[0]));
  if (first === 'token') return ofToken(rest.join(' '));
  if (first === 'step') return afterStep(Number(rest[0]));
  if (['trainingReward', 'trainingKl', 'trainingObjective'].includes(name))
    return { name, kind: 'course', place: '' };
  if (['predicted', 'happened'].includes(name)) return { name, kind: 'forecast', place: '' };
  return { name, kind: 'whole', place: '' };
}
