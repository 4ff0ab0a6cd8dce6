import type { StudyName } from './names.js';
import type { StudyContext } from './study-context.js';
import type { Value } from './value.js';

/** One of the experiment's questions. What it makes are steps of the seed's run, so that it goes on where it was killed. */
export interface Study {
  name: StudyName;
  /** What it asks, for --help and the progress display. */
  about: string;
  /** It asks about the embedded world alone. */
  embedded?: true;
  valuesIn(study: StudyContext): Promise<Value[]>;
}
