import { describe, expect, it } from 'vitest';
import { measurePosterior } from '../../src/measure/posterior.js';
import { given } from '../../src/writers/writer.js';

describe('the posterior', () => {
  const row = { context: 'a', ...given(''), logprob_base: -3, logprob_refiner: -3, told: 'own' };
  const refinements = [0, 1].map((candidate) => ({ ...row, candidate }));
  const scores = [0.5, 0.75].map((mean, candidate) => ({
    context: 'a',
    candidate,
    per_prompt: [mean],
    mean,
    selected: candidate === 1,
  }));

  it('weighs by the ranker alone where prior and proposal agree', () => {
    const { weights, logEvidence, ess } = measurePosterior(refinements, scores, 4 * Math.log(3), true);
    expect(weights![0]![0]).toBeCloseTo(0.75, 12);
    expect(ess!.value).toBeCloseTo(1 / (0.75 ** 2 + 0.25 ** 2), 12);
    expect(logEvidence!.value).toBeCloseTo(Math.log(0.625), 12);
    // Scores that are no probabilities, say lengths or log-odds, have no evidence; some have no logarithm.
    const lengths = scores.map((score) => ({ ...score, mean: -score.mean }));
    expect(measurePosterior(refinements, lengths, 1, false).logEvidence).toBeUndefined();
  });

  it('corrects for no proposal, and tells no evidence, where the refiner could not tell', () => {
    const silent = refinements.map((of) => ({
      ...of,
      logprob_base: -3 - of.candidate,
      logprob_refiner: null,
    }));
    const found = measurePosterior(silent, scores, 1, true);
    expect(found).toMatchObject({ priorWeight: 1, proposalWeight: 0, samplesPerContext: 2 });
    expect(found.logEvidence).toBeUndefined();
    // exp(0.5 − 3) against exp(0.75 − 4).
    expect(found.weights![0]![0]).toBeCloseTo(1 / (1 + Math.exp(-0.75)), 12);
    expect(measurePosterior(refinements, scores, 1, true).proposalWeight).toBe(1);
  });

  it('needs a score of every refinement', () => {
    expect(() => measurePosterior(refinements, scores.slice(1), 1, true)).toThrow(
      'refinement 0 of context a has no score',
    );
  });
});
