/** The rankers' names alone: the command line lists them without loading what computes. */
export const RANKERS = [
  'instruct-rm',
  'instruct-rm-1',
  'instruct-rm-2',
  'instruct-rm-3',
  'instruct-rm-4',
  'instruct-rm-5',
  'reward-model',
  'human-likeness',
  'embedding',
  'longest',
  'random',
] as const;
export type RankerName = (typeof RANKERS)[number];

/** What computes a judge: @xenova/transformers on onnx/model.onnx, or our engine on model.safetensors. */
export const HOSTS = ['transformers', 'engine'] as const;
export type Host = (typeof HOSTS)[number];
