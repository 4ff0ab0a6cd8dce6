import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { UserError } from '../store/errors.js';

/** The files that a model folder cannot do without. @throws UserError naming what is missing */
export async function requireModel(dir: string): Promise<void> {
  const there = (path: string) =>
    stat(path).then(
      () => true,
      () => false,
    );
  if (!(await there(dir))) throw new UserError(`no model folder ${dir}`);
  for (const file of ['config.json', 'model.safetensors'])
    if (!(await there(join(dir, file)))) throw new UserError(`the model folder ${dir} has no ${file}`);
}
