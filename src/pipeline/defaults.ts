/** What is taken where nobody says otherwise, on the command line and in the library. */
export const DEFAULTS = {
  ranker: 'instruct-rm',
  host: 'transformers',
  targets: 'ilf',
  seed: 0,
  temperature: 1,
  topP: 0.95,
  maxTokens: 48,
  lr: 3e-4,
  epochs: 1,
  batch: 8,
  promptWeight: 0.05,
  samples: 5,
  rounds: 1,
  beta: 10,
} as const;
