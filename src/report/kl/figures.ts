// Where a KL lies, as numbers and as figures: at which positions of a text, and in which tokens.
import {
  describeInterval,
  type KlByPosition,
  type KlText,
  klByPosition,
  klByToken,
  type TokenKl,
} from '../../bayes/index.js';
import type { Figure } from '../charts/figures.js';

/** One direction on its texts. */
export interface KlParts {
  /** "KL(tuned ‖ base)". */
  direction: string;
  /** Whose texts: "the tuned model’s texts", "the given texts". */
  of: string;
  byPosition: KlByPosition;
  byToken: (TokenKl & { text: string })[];
}

/** Plainer than for the estimates: of a million tokens there are as many intervals as positions, and BCa's cost is n² for each. */
const atPositions = { resamples: 500, method: 'percentile' } as const;
/** Tokens that are kept. */
const TOP = 12;

/**
 * @param contexts [context][text], each with its exact KL; one text at least
 * @param label makes a token's id readable
 */
export const klParts = (
  direction: string,
  of: string,
  contexts: readonly (readonly KlText[])[],
  label: (id: number) => string,
): KlParts => ({
  direction,
  of,
  byPosition: klByPosition(contexts, atPositions),
  byToken: klByToken(contexts, TOP).map((token) => ({ ...token, text: label(token.id) })),
});

/** Exact KL at each position, a line a direction. */
export function positionsFigure(parts: readonly KlParts[]): Figure {
  const texts = parts.map(({ direction, of }) => `${direction} on ${of}`).join(', ');
  return {
    id: 'kl-positions',
    title: 'KL by token position',
    caption: `Mean exact KL over the vocabulary at each position: ${texts}. A text that has ended counts 0, so that the points add up to the KL per sequence. Intervals: ${describeInterval(atPositions)}.`,
    kind: 'lines',
    x: { title: 'token of the text' },
    y: { title: 'nats', unit: 'nats' },
    series: parts.map(({ direction, byPosition }) => ({
      name: direction,
      points: byPosition.positions.map(({ position, kl }) => ({ x: position + 1, estimate: kl })),
    })),
  };
}

/** The tokens that carry most of log q − log p; `what` is what that is on these texts. */
export function tokensFigure(id: string, what: string, { of, byToken }: KlParts): Figure {
  return {
    id,
    title: `Tokens that carry most of ${what}`,
    caption: `Each token’s part of ${what}, on ${of}: the ${byToken.length} largest of either sign, and how often they came (␣ is a space). Intervals: ${describeInterval()}, one by one; that these are the largest is not accounted for.`,
    kind: 'dots',
    axis: 'nats per sequence',
    unit: 'nats',
    points: byToken.map(({ text, count, kl }) => ({ label: `${text} × ${count}`, estimate: kl })),
  };
}
