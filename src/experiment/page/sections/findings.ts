/** What sections have in common: their shape, and the measures of a model. */
import type { Section } from '../../../report/charts/figures.js';
import type { Unit } from '../../../report/format.js';
import type { Values } from '../../values.js';

/** A section without its claims. */
export type Findings = Omit<Section, 'claims'>;

/** `own`: of a person's own contexts, about which less is known than about the embedded world. */
export type FindingsOf = (values: Values, own: boolean) => Findings;

export const SCORE = 'mean score';
export const KL_TO_BASE = 'KL(model ‖ base), nats a text';

export const modelMeasures = [
  ['score', 'score', 'score'],
  ['winVsBase', 'won against base', 'share'],
  ['winVsGold', 'won against gold', 'share'],
  ['klTunedBase', 'KL(model ‖ base)', 'nats'],
  ['klBaseTuned', 'KL(base ‖ model)', 'nats'],
  ['length', 'characters', 'number'],
] as const satisfies [string, string, Unit][];
