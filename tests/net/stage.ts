/**
 * A run of the real loop with scripted models (fakes.ts, script.ts): the only file here that knows the files of src. Test
 * files import it before anything else of src.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { tableFromIPC } from 'apache-arrow';
import { afterAll, expect, vi } from 'vitest';
import { loop } from '../../src/ilf/loop.js';
import { openRunContext } from '../../src/ilf/open.js';
import { writeOutcome } from '../../src/ilf/outcome.js';
import type { LoopOptions } from '../../src/pipeline/options.js';
import { renderFinal, renderSample } from '../../src/report/run/terminal.js';
import { prompts } from '../../src/tasks/summarization.js';
import type { Task } from '../../src/tasks/task.js';
import { oneLine } from '../../src/tasks/text-format.js';
import { scratchFolder } from '../store/folder.js';
import { type Asked, annotate, begin, leftOpen, ORACLE_TASK, writeModels } from './fakes.js';
import { type Given, sizes, stories } from './script.js';

vi.mock('../../src/lm/sample.js', async () => {
  const { sample } = await import('./fakes.js');
  return { sample };
});
vi.mock('../../src/lm/score.js', async (original) => {
  const { scoreCompletions } = await import('./fakes.js');
  return { ...(await original<object>()), scoreCompletions };
});
vi.mock('../../src/lm/compare.js', async (original) => {
  const { compareCompletions } = await import('./fakes.js');
  return { ...(await original<object>()), compareCompletions };
});
vi.mock('../../src/lm/files.js', async (original) => {
  const { loadLM, saveLM } = await import('./fakes.js');
  return { ...(await original<object>()), loadLM, saveLM };
});
vi.mock('../../src/lm/train.js', async (original) => {
  const { trainOn, crossEntropy, saveTrainState } = await import('./fakes.js');
  return { ...(await original<object>()), trainOn, crossEntropy, saveTrainState };
});
vi.mock('../../src/text/tokenizer.js', async (original) => {
  const { loadTokenizer } = await import('./fakes.js');
  return { ...(await original<object>()), loadTokenizer };
});
vi.mock('../../src/rankers/registry.js', async () => {
  const { findRanker } = await import('./fakes.js');
  return { findRanker };
});
vi.mock('../../src/measure/open-scorer.js', async (original) => {
  const { openScorerOfSome } = await import('./fakes.js');
  return { ...(await original<object>()), openScorerOfSome };
});
// What it asks of the models, no other step does: tests/measure/familiarity.test.ts.
vi.mock('../../src/measure/familiarity.js', () => ({ familiarityStep: async () => [] }));

const dir = scratchFolder();
export const folders = writeModels(join(dir, 'models'));

export const options: LoopOptions = {
  ...folders,
  task: ORACLE_TASK,
  data: null,
  feedback: null,
  contexts: 4,
  heldout: 3,
  samples: 3,
  rounds: 1,
  roundMode: 'continue',
  targets: 'ilf',
  ranker: 'instruct-rm',
  host: 'transformers',
  rewardModel: null,
  humanLikeness: null,
  seed: 7,
  engine: 'cpu',
  precision: 'float32',
  temperature: 0.5,
  topP: 0.75,
  maxTokens: 20,
  lr: 0.0625,
  epochs: 1,
  batch: 2,
  promptWeight: 0.125,
  // exp(β R) = 16^R
  beta: 4 * Math.LN2,
};

interface World {
  /** Without: nobody scores, and feedback is the data's or the critic's. */
  oracle?: boolean;
  given?: Given;
  /** Whether the page is of interest: its charts take longer than all the rest. */
  page?: boolean;
}

/** A finished run: what it shows, and what was asked of whom. */
export interface Finished {
  /** result.json. */
  result: Record<string, unknown>;
  /** report.html; empty where it was not asked for. */
  html: string;
  /** What is printed at the end, without colours, wide enough for every line. */
  final: string;
  samples: string[];
  asked: Asked;
  /** A table of the run's folder, "round-1/targets", but for the tokens (tests/writers). */
  table(name: string): Record<string, unknown>[];
  /** Numbers shown during the run. */
  scalars: [tag: string, step: number, value: number][];
  dir: string;
}

const left: string[] = [];
afterAll(() => expect(left, 'models whose memory was not freed').toEqual([]));

/** Equal runs are made once. */
const finished = new Map<string, Promise<Finished>>();
export function run(changed: Partial<LoopOptions> = {}, world: World = {}): Promise<Finished> {
  const key = JSON.stringify([changed, world]);
  const made = finished.get(key) ?? finish(changed, world, join(dir, `run-${finished.size}`));
  finished.set(key, made);
  return made;
}

async function finish(
  changed: Partial<LoopOptions>,
  { oracle = true, given = {}, page = false }: World,
  dir: string,
): Promise<Finished> {
  const task: Task = {
    name: oracle ? ORACLE_TASK : 'posts',
    about: 'stories in a word',
    words: { context: 'post', contexts: 'posts', output: 'summary', outputs: 'summaries' },
    prompts,
    format: { output: oneLine, feedback: oneLine },
    size: (split) => sizes[split],
    contexts: (split, from, n) => stories(split, from, n, given),
    ...(oracle && { annotate }),
  };
  const all = { ...options, task: task.name, data: oracle ? null : 'posts.jsonl', ...changed };
  const place = { dir, fresh: false, version: '1.2.3' };
  const asked = begin(all.targets === 'feedback-refinement');
  const scalars: Finished['scalars'] = [];
  const reporter = {
    progress: () => {},
    scalar: (...of: Finished['scalars'][number]) => scalars.push(of),
    done: () => {},
  };
  const context = await openRunContext(task, all, place, reporter);
  try {
    const outcome = await loop(context);
    const render = page ? (await import('../../src/report/run/html.js')).renderHtml : async () => '';
    await writeOutcome(outcome, render, context.folder.path);
    const terminal = { width: 400, color: false };
    return {
      result: JSON.parse(readFileSync(join(dir, 'result.json'), 'utf8')) as Finished['result'],
      html: readFileSync(join(dir, 'report.html'), 'utf8'),
      final: renderFinal(outcome.report, terminal),
      samples: outcome.report.samples.map((sample) => renderSample(sample, outcome.report.words, terminal)),
      asked,
      table: (name) => rows(join(dir, `${name}.arrow`)),
      scalars,
      dir,
    };
  } finally {
    await context.close();
    left.push(...leftOpen());
  }
}

const rows = (path: string): Record<string, unknown>[] =>
  tableFromIPC(readFileSync(path))
    .toArray()
    .map((row) => {
      const cells = (row as { toJSON(): Record<string, unknown> }).toJSON();
      return Object.fromEntries(
        Object.entries(cells)
          .filter(([name]) => name !== 'ids' && name !== 'tokenizer')
          .map(([name, cell]) => [
            name,
            cell !== null && typeof cell === 'object' ? Array.from(cell as ArrayLike<unknown>) : cell,
          ]),
      );
    });
