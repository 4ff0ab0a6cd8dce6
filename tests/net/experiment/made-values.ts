/** Made-up values of all studies: every arm's every measure has a number of its own, of three decimals, which names it wherever it stands. */

/** [arm][measure], in the order of the page. */
export const made: readonly {
  study: string;
  measures: readonly string[];
  arms: Readonly<Record<string, readonly number[]>>;
}[] = [
  {
    study: 'targets',
    measures: ['score', 'winVsBase', 'winVsGold', 'length', 'klTunedBase', 'klBaseTuned'],
    arms: {
      'base model': [0.432, 0.255, 0.505, 0.767, 0.15, 0.175],
      ILF: [0.649, 0.197, 0.475, 0.697, 0.16, 0.62],
      'ILF, random picks': [0.32, 0.139, 0.189, 0.545, 0.529, 0.172],
      'ILF, longest picks': [0.347, 0.193, 0.665, 0.535, 0.161, 0.68],
      'posterior-weighted refinements': [0.227, 0.329, 0.746, 0.743, 0.889, 0.164],
      'refinements without feedback': [0.691, 0.7, 0.507, 0.151, 0.327, 0.148],
      'refinements with shuffled feedback': [0.671, 0.237, 0.397, 0.53, 0.248, 0.654],
      'feedback, then refinement': [0.221, 0.685, 0.416, 0.674, 0.799, 0.286],
      'initial outputs': [0.206, 0.696, 0.855, 0.755, 0.293, 0.482],
      'gold summaries': [0.2, 0.661, 0.83, 0.165, 0.678, 0.162],
      'ILF, 2 epochs': [0.651, 0.311, 0.609, 0.797, 0.645, 0.538],
      'ILF, 4 epochs': [0.422, 0.577, 0.867, 0.565, 0.471, 0.407],
    },
  },
  {
    study: 'refinements',
    measures: ['winVsInitial', 'incorporated', 'score', 'length'],
    arms: {
      'initial outputs': [0.355, 0.285, 0.816, 0.35],
      'without feedback': [0.184, 0.689, 0.408, 0.638],
      'with shuffled feedback': [0.607, 0.452, 0.56, 0.395],
      'with feedback, random pick': [0.886, 0.893, 0.856, 0.625],
      'with feedback, InstructRM’s pick': [0.882, 0.269, 0.451, 0.256],
      written: [0.601, 0.532, 0.141, 0.785],
    },
  },
  {
    study: 'rankers',
    measures: ['winVsRandom', 'incorporated', 'score', 'length'],
    arms: {
      InstructRM: [0.18, 0.672, 0.687, 0.832],
      'InstructRM, prompt 1': [0.449, 0.459, 0.709, 0.836],
      'InstructRM, prompt 2': [0.694, 0.568, 0.171, 0.196],
      'InstructRM, prompt 3': [0.377, 0.586, 0.781, 0.167],
      'InstructRM, prompt 4': [0.163, 0.418, 0.763, 0.692],
      'InstructRM, prompt 5': [0.557, 0.392, 0.496, 0.456],
      'single prompts, mean': [0.124, 0.573, 0.464, 0.273],
      'reward model, Bradley–Terry': [0.726, 0.22, 0.606, 0.876],
      'reward model, Yes/No': [0.324, 0.815, 0.233, 0.354],
      'embedding similarity': [0.508, 0.501, 0.795, 0.183],
      'human-likeness': [0.271, 0.824, 0.512, 0.663],
      longest: [0.503, 0.241, 0.541, 0.664],
      random: [0.386, 0.526, 0.468, 0.49],
      oracle: [0.337, 0.897, 0.185, 0.281],
    },
  },
  {
    study: 'reward-models',
    measures: ['correct'],
    arms: {
      'Bradley–Terry, 100 comparisons': [0.749],
      'Bradley–Terry, 300 comparisons': [0.338],
      'Bradley–Terry, 1000 comparisons': [0.339],
      'Yes/No, 100 comparisons': [0.113],
      'Yes/No, 300 comparisons': [0.597],
      'Yes/No, 1000 comparisons': [0.704],
    },
  },
  {
    study: 'sizes',
    measures: ['score', 'winVsBase', 'winVsGold', 'length', 'klTunedBase', 'klBaseTuned'],
    arms: {
      'ILF, 25': [0.287, 0.37, 0.389, 0.105, 0.25, 0.859],
      'ILF, 100': [0.648, 0.479, 0.725, 0.875, 0.427, 0.229],
      'ILF, 300': [0.829, 0.156, 0.793, 0.673, 0.502, 0.766],
      'initial outputs, 25': [0.509, 0.504, 0.207, 0.594, 0.511, 0.869],
      'initial outputs, 100': [0.296, 0.169, 0.314, 0.552, 0.267, 0.213],
      'initial outputs, 300': [0.798, 0.154, 0.205, 0.101, 0.681, 0.872],
      'gold summaries, 25': [0.65, 0.204, 0.473, 0.127, 0.173, 0.313],
      'gold summaries, 100': [0.486, 0.253, 0.359, 0.779, 0.702, 0.789],
      'gold summaries, 300': [0.226, 0.219, 0.6, 0.578, 0.592, 0.596],
    },
  },
  {
    study: 'rounds',
    measures: ['score', 'winVsBase', 'winVsGold', 'length', 'klTunedBase', 'klBaseTuned'],
    arms: {
      'continue, round 1': [0.42, 0.188, 0.858, 0.708, 0.808, 0.372],
      'continue, round 2': [0.591, 0.266, 0.629, 0.778, 0.837, 0.641],
      'retrain, round 1': [0.828, 0.251, 0.657, 0.128, 0.675, 0.406],
      'retrain, round 2': [0.194, 0.368, 0.631, 0.476, 0.272, 0.465],
    },
  },
  {
    study: 'best-of-n',
    measures: ['score', 'winVsBase', 'length', 'klTunedBase', 'klBound'],
    arms: {
      'π_0, best of 1': [0.873, 0.646, 0.655, 0.615, 0.438],
      'π_0, best of 4': [0.662, 0.3, 0.346, 0.718, 0.333],
      'π_0, best of 16': [0.305, 0.666, 0.605, 0.759, 0.13],
      'ILF, best of 1': [0.129, 0.387, 0.584, 0.366, 0.299],
      'ILF, best of 4': [0.453, 0.558, 0.458, 0.474, 0.784],
      'ILF, best of 16': [0.527, 0.683, 0.653, 0.582, 0.302],
    },
  },
  {
    study: 'rl',
    measures: [
      'score',
      'winVsBase',
      'winVsGold',
      'length',
      'klTunedBase',
      'klBaseTuned',
      'trainingReward',
      'trainingKl',
      'trainingObjective',
    ],
    arms: {
      'RL, β = 2': [0.446, 0.31, 0.595, 0.102, 0.731, 0.642, 0.187, 0.223, 0.498],
      'RL, β = 0.5': [0.652, 0.59, 0.283, 0.883, 0.441, 0.884, 0.506, 0.575, 0.76],
      'RL, β = 0.125': [0.626, 0.263, 0.275, 0.764, 0.166, 0.115, 0.178, 0.403, 0.564],
    },
  },
  {
    study: 'kl',
    measures: [
      'klTunedBase',
      'klTunedBaseK1',
      'klBaseTuned',
      'klBaseTunedK1',
      'position 1',
      'position 2',
      'position 3',
    ],
    arms: {
      ILF: [0.744, 0.513, 0.436, 0.813, 0.414, 0.524, 0.669],
      'initial outputs': [0.343, 0.437, 0.58, 0.28, 0.802, 0.381, 0.593],
      'gold summaries': [0.345, 0.111, 0.108, 0.51, 0.472, 0.433, 0.153],
    },
  },
  {
    study: 'kl',
    measures: ['token ␣small', 'token ␣large', 'token ␣middle'],
    arms: { ILF: [0.052, -0.91, 0.47] },
  },
  {
    study: 'posterior',
    measures: ['ess'],
    arms: {
      'exp(βR), β = 1': [0.739],
      'exp(βR), β = 10': [0.484],
      'exp(βR) π₀, β = 10': [0.579],
      'exp(βR) π₀/q, β = 10': [0.881],
    },
  },
  {
    study: 'posterior',
    measures: ['logEvidence', 'evidence', 'evidenceOracle'],
    arms: {
      'base model': [0.323, 0.547, 0.844],
    },
  },
  {
    study: 'posterior',
    measures: [
      'klFromPosterior',
      'klFromRewardTarget',
      'klFromPicks',
      'essPosterior',
      'essRewardTarget',
      'klToPosterior',
      'klToRewardTarget',
    ],
    arms: {
      'base model': [0.523, 0.548, 0.209, 0.611, 0.729, 0.616, 0.736],
      ILF: [0.357, 0.224, 0.492, 0.401, 0.712, 0.768, 0.379],
      'posterior-weighted refinements': [0.315, 0.528, 0.728, 0.132, 0.733, 0.282, 0.335],
      'gold summaries': [0.44, 0.399, 0.518, 0.365, 0.316, 0.69, 0.55],
      'RL, β = 2': [0.57, 0.787, 0.373, 0.608, 0.369, 0.362, 0.11],
      'RL, β = 0.5': [0.637, 0.624, 0.668, 0.412, 0.103, 0.756, 0.588],
      'RL, β = 0.125': [0.177, 0.618, 0.842, 0.598, 0.417, 0.587, 0.839],
    },
  },
  {
    study: 'posterior',
    measures: ['step 0', 'step 3', 'step 5'],
    arms: {
      'klFromPosterior, change': [0.758, 0.761, 0.566],
      'klFromRewardTarget, change': [0.45, 0.644, 0.706],
      'klFromPicks, change': [0.562, 0.348, 0.814],
    },
  },
  {
    study: 'ladder',
    measures: ['incorporated', 'incorporatedWithout', 'incorporatedShuffled', 'gain'],
    arms: {
      '2 × 32': [0.537, 0.155, 0.843, 0.838],
      '3 × 64': [0.228, 0.198, 0.242, 0.122],
      '4 × 96': [0.78, 0.865, 0.36, 0.332],
    },
  },
];

/** The number of an arm's measure. */
export function at(study: string, arm: string, measure: string): number {
  for (const of of made) {
    const value = of.study === study ? of.arms[arm]?.[of.measures.indexOf(measure)] : undefined;
    if (value !== undefined) return value;
  }
  throw new Error(`nothing made up of ${study}, ${arm}, ${measure}`);
}
