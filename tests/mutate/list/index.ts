import type { Mutant } from '../mutant.js';
import { ofBaselines } from './baselines.js';
import { ofBayes } from './bayes.js';
import { ofExperiment } from './experiment.js';
import { ofIlf } from './ilf.js';
import { ofLm } from './lm.js';
import { ofMeasure } from './measure.js';
import { ofReport } from './report.js';
import { ofStore } from './store.js';
import { ofText } from './text.js';
import { ofWriters } from './writers.js';

export const mutants: readonly Mutant[] = [
  ...[...ofBayes, ...ofLm, ...ofStore, ...ofText],
  ...[...ofIlf, ...ofMeasure, ...ofWriters, ...ofBaselines, ...ofReport, ...ofExperiment],
];
