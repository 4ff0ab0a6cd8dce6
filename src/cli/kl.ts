import type { CommandModule, InferredOptionTypes } from 'yargs';
import type { KlResult } from '../bayes/kl.js';
import {
  DEFAULTS,
  embeddedModel,
  engineOptions,
  path,
  placeOf,
  requiredPath,
  wholeNumber,
} from './options.js';
import { print, showProgress, startSession } from './session.js';

/** The estimates in words, for people. */
function describe(kl: Record<string, KlResult>): string {
  return Object.values(kl)
    .flatMap((result) =>
      (['raoBlackwell', 'k1', 'k3'] as const).map((name) => {
        const { value, lo, hi, n } = result[name]!;
        return `${result.direction} ${name}: ${value.toFixed(4)} [${lo.toFixed(4)}, ${hi.toFixed(4)}] nats a text, ${n} contexts`;
      }),
    )
    .join('\n');
}

const options = {
  contexts: requiredPath('contexts', 'Table of contexts c'),
  model: requiredPath('model', 'Folder of the tuned model π_θ'),
  base: path('base', 'folder of the base LM π_0', 'the embedded one'),
  out: requiredPath('out', 'Where the table goes'),
  round: wholeNumber('round', 1, 'round k, for the seeds', '1'),
  seed: wholeNumber('seed', 0, 'seed of everything random', '0'),
  'max-tokens': wholeNumber('max-tokens', 1, 'tokens of a text at most', '48'),
  ...engineOptions,
  json: { type: 'boolean' as const, description: 'the estimates as one JSON document' },
};

export const klCommand: CommandModule<object, InferredOptionTypes<typeof options>> = {
  command: 'kl',
  describe: 'KL between two models in both directions: an Arrow table of texts, and the estimates',
  builder: options,
  handler: async (given) => {
    await startSession(given);
    const { klAlone } = await import('../ilf/alone.js');
    const show = await showProgress(given.quiet);
    try {
      const kl = await klAlone(
        {
          contexts: given.contexts,
          model: given.model,
          base: given.base ?? embeddedModel('base'),
          out: given.out,
        },
        given['max-tokens'] ?? DEFAULTS.maxTokens,
        placeOf(given),
        show.progress,
      );
      show.stop();
      await print(given.json ? JSON.stringify(kl, null, 2) : describe(kl));
    } finally {
      show.stop();
    }
  },
};
