/**
 * The texts that KL is measured on, as a file gives them: prompts that the models continue, or prompts with completions that are
 * only read. JSONL, a line each of {"prompt"} or {"prompt_ids"}, with "completion" or "completion_ids" in all lines or in none, or
 * {"context"} of the loop's own data; or a table of contexts of a run (*.arrow). A context is prompted as the task has it. Texts are
 * encoded on their own, and nothing is added to them.
 */
import { z } from 'zod';
import { contextPrompts, type KlPrompt } from '../measure/kl.js';
import { readContexts } from '../pipeline/tables.js';
import { fitting, need, type TooLong } from '../pipeline/too-long.js';
import { UserError } from '../store/errors.js';
import { eachJsonl } from '../store/jsonl.js';
import { contextName, type Task } from '../tasks/task.js';
import { encodeStart } from '../text/tokenizer.js';
import type { KlPair } from './pair.js';

export interface GivenText extends KlPrompt {
  completion: readonly number[];
}

export type KlData = { kind: 'prompts'; prompts: KlPrompt[] } | { kind: 'given'; texts: GivenText[] };

interface Line {
  prompt: number[];
  completion?: number[] | undefined;
}

/**
 * @param room tokens that a sampled text may take at most
 * @throws UserError for a file that cannot be read or is empty, and naming the first line that cannot be used
 */
export async function readKlData(
  path: string,
  pair: KlPair,
  task: Pick<Task, 'prompts'>,
  room: number,
  tooLong: TooLong,
): Promise<KlData> {
  const shorter = {
    dir: pair.tuned.lm.description.positions > pair.window ? pair.base.dir : pair.tuned.dir,
    window: pair.window,
  };
  if (path.endsWith('.arrow')) {
    const { tokenizer } = pair;
    if (!tokenizer) throw new UserError(`${path}: ${NO_TOKENIZER}`);
    const contexts = await readContexts(path);
    if (contexts.length === 0) throw new UserError(`${path} has no contexts`);
    // Its prompts must fit into both.
    const reader = { ...shorter, tokenizer };
    const fit = fitting(
      contexts,
      'contexts',
      contextName,
      ({ text }) => [need(reader, room, task.prompts.write(text))],
      tooLong,
    );
    return { kind: 'prompts', prompts: contextPrompts({ ...pair.tuned, tokenizer }, task, fit, room) };
  }
  const lines: (Line & { where: string; line: number })[] = [];
  for await (const { value, where, line } of eachJsonl(path, lineSchema(pair, task)))
    lines.push({ ...value, where, line });
  if (lines.length === 0) throw new UserError(`${path} has no lines; give a prompt a line`);
  const texts = fitting(
    lines,
    'lines',
    ({ where }) => where,
    ({ prompt, completion }) => [{ model: shorter, tokens: prompt.length + (completion?.length ?? room) }],
    tooLong,
  ).map(({ prompt, completion, line }) => ({ context: String(line), ids: prompt, completion }));
  return texts.every((text): text is GivenText & typeof text => text.completion !== undefined)
    ? { kind: 'given', texts }
    : { kind: 'prompts', prompts: texts.map(({ context, ids }) => ({ context, ids })) };
}

const NO_TOKENIZER =
  'neither model folder has a tokenizer to read texts with; give "prompt_ids" and "completion_ids"';

function lineSchema({ tokenizer, tuned }: KlPair, { prompts }: Pick<Task, 'prompts'>): z.ZodType<Line> {
  const vocabulary = tuned.lm.description.vocab;
  const id = z
    .number()
    .int()
    .min(0)
    .max(vocabulary - 1, `an id is outside the models' vocabulary of ${vocabulary}`);
  const encode = (text: string) => tokenizer!.encode(text);
  const texts = z.strictObject({ prompt: z.string(), completion: z.string().optional() }).transform(
    ({ prompt, completion }): Line => ({
      prompt: encodeStart(tokenizer!, prompt),
      completion: completion === undefined ? undefined : encode(completion),
    }),
  );
  const ids = z.strictObject({ prompt_ids: z.array(id), completion_ids: z.array(id).optional() }).transform(
    ({ prompt_ids, completion_ids }): Line => ({
      prompt: prompt_ids,
      completion: completion_ids,
    }),
  );
  // What else the loop's data may hold does not change what is asked for.
  const contexts = z
    .looseObject({ context: z.string() })
    .transform(({ context }): Line => ({ prompt: encodeStart(tokenizer!, prompts.write(context.trim())) }));
  let given: boolean | undefined;
  return z
    .looseObject({}, 'the line must be an object with "prompt", "prompt_ids" or "context"')
    .transform((line, check): Line => {
      const wrong = (message: string, path: PropertyKey[] = []) => {
        check.addIssue({ code: 'custom', path: path as string[], message });
        return z.NEVER;
      };
      const inIds = 'prompt_ids' in line || 'completion_ids' in line;
      if (!inIds && !('prompt' in line || 'context' in line))
        return wrong('the line has neither "prompt" nor "prompt_ids" nor "context"');
      if (!inIds && !tokenizer) return wrong(NO_TOKENIZER);
      const parsed = (inIds ? ids : 'context' in line ? contexts : texts).safeParse(line);
      if (parsed.success) return parsed.data;
      const { path, message } = parsed.error.issues[0]!;
      return wrong(message, path);
    })
    .superRefine(({ prompt, completion }, check) => {
      const wrong = (message: string) => check.addIssue({ code: 'custom', message });
      const has = completion !== undefined;
      given ??= has;
      if (given !== has)
        wrong(`it has ${has ? 'a' : 'no'} completion, unlike the lines before; give all lines one, or none`);
      else if (prompt.length === 0) wrong('the prompt has no tokens; the first token needs one before it');
      else if (has && completion.length === 0) wrong('the completion has no tokens');
    });
}
