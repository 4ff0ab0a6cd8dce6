/** The commands that are killed, each with tiny models in a folder of its own. */
import { join } from 'node:path';
import { readContexts, targetsTable } from '../../src/pipeline/tables.js';
import { writeTable } from '../../src/store/tables.js';
import { cli, hook } from '../helpers/cli.js';

export interface Command {
  name: string;
  /** Kills among a hundred: the fewer, the longer it takes. */
  share: number;
  words(models: string): string[];
  hooks?: string[];
  /** Writes what it reads. */
  prepare?(dir: string, models: string): Promise<unknown>;
}

const roles = (models: string) => ['--base', join(models, 'base'), '--instruct', join(models, 'instruct')];
const short = ['--max-tokens', '6', '--seed', '3', '--quiet'];

async function contexts(cwd: string): Promise<void> {
  const { code, stderr } = await cli(['contexts', '--count', '4', '--out', 'c.arrow'], { cwd });
  if (code !== 0) throw new Error(stderr);
}

export const commands: readonly Command[] = [
  {
    name: 'loop',
    share: 25,
    words: (models) =>
      ['--run', 'run', ...roles(models), ...short].concat(
        '--contexts',
        '6',
        '--heldout',
        '4',
        '--samples',
        '2',
      ),
  },
  {
    name: 'finetune',
    share: 25,
    prepare: async (dir) => {
      await contexts(dir);
      const rows = (await readContexts(join(dir, 'c.arrow'))).map(({ id }) => ({
        ...{ context: id, text: 'A short text.', ids: [], tokenizer: '', weight: 1 },
      }));
      await writeTable(join(dir, 't.arrow'), targetsTable, rows);
    },
    words: (models) =>
      ['finetune', '--model', join(models, 'base'), '--contexts', 'c.arrow', '--targets', 't.arrow'].concat(
        ...['--out', 'tuned', '--seed', '3', '--quiet'],
      ),
  },
  {
    name: 'rl',
    share: 20,
    prepare: contexts,
    words: (models) => {
      const base = join(models, 'base');
      const of = [
        '--contexts',
        'c.arrow',
        '--base',
        base,
        '--model',
        base,
        '--reward-model',
        join(models, 'instruct'),
      ];
      const how = ['--steps', '40', '--prompts', '2', '-n', '3', '--lr', '1e-3'];
      return ['rl', ...of, ...short, ...how, '--out', 'tuned', '--log', 'log.arrow'];
    },
  },
  {
    name: 'experiment',
    share: 10,
    words: (models) =>
      ['experiment', '--quick', '--studies', 'sizes', ...roles(models)].concat(
        ...['--max-tokens', '4', '--quiet', '--out', 'page'],
      ),
  },
  {
    name: 'pretrain',
    share: 20,
    hooks: [hook('tiny-recipe')],
    // It goes on from a checkpoint in its second training.
    prepare: (cwd) =>
      cli(pretrain, { cwd, hooks: [hook('tiny-recipe')], env: { KILL_AFTER: '/work/lessons$' } }),
    words: () => pretrain,
  },
];

const pretrain = ['pretrain', '--out', 'models', '--work', 'work', '--quiet'];
