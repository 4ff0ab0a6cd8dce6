// Every architecture against transformers (float32): small models of random weights (tests/python/architectures.py), and a trained one.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Architecture, configOf } from '../../src/lm/architecture.js';
import { llama, mistral, qwen2 } from '../../src/lm/architectures/llama.js';
import { loadLM } from '../../src/lm/files.js';
import { sample } from '../../src/lm/sample.js';
import { scoreCompletions } from '../../src/lm/score.js';
import { loadTokenizer } from '../../src/text/tokenizer.js';
import { backends, use } from '../engine/harness.js';
import { sharedData } from '../helpers/shared.js';

interface Row {
  prompt_ids: number[];
  completion_ids: number[];
  logprobs: number[];
}
const rowsOf = (dir: string): Row[] =>
  readFileSync(join(dir, 'golden.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Row);

async function worstOf(dir: string): Promise<number> {
  const rows = rowsOf(dir);
  const lm = await loadLM(dir);
  const ours = await scoreCompletions(
    lm,
    rows.map((row) => ({ prompt: row.prompt_ids, completion: row.completion_ids })),
  );
  lm.dispose();
  expect(ours.map((of) => of.length)).toEqual(rows.map(({ logprobs }) => logprobs.length));
  return Math.max(
    ...ours.flatMap((of, i) => Array.from(of, (lp, t) => Math.abs(lp - rows[i]!.logprobs[t]!))),
  );
}

const made = join(import.meta.dirname, 'goldens', 'architectures');
const models = readdirSync(made);

describe.each(backends.filter((name) => name !== 'webgpu'))('log-probabilities on %s', (backend) => {
  beforeAll(() => use(backend));

  it.each(models)('%s: are those of transformers to 1e-4 a token', async (name) => {
    expect(await worstOf(join(made, name))).toBeLessThan(1e-4);
  });
});

/** A folder's config.json in the spelling of transformers 4. */
function asOf4(json: Record<string, unknown>): Record<string, unknown> {
  const { rope_parameters, dtype, ...rest } = json as {
    rope_parameters?: Record<string, unknown>;
    dtype?: unknown;
  };
  const { rope_theta, rope_type, ...scaling } = rope_parameters ?? {};
  return {
    ...rest,
    torch_dtype: dtype,
    rope_theta,
    rope_scaling: rope_type === 'default' || rope_type === undefined ? null : { type: rope_type, ...scaling },
  };
}
const jsonOf = (name: string) => JSON.parse(readFileSync(join(made, name, 'config.json'), 'utf8'));
const architectures = { llama, mistral, qwen2 } as Record<string, Architecture>;

it.each(models)('%s: config.json means the same in both spellings', (name) => {
  const json = jsonOf(name);
  const architecture = architectures[json.model_type]!;
  expect(configOf(architecture, asOf4(json)).description).toEqual(configOf(architecture, json).description);
});

describe('config.json', () => {
  const llamaJson = jsonOf('llama');
  const of = (changes: object) => () => configOf(llama, { ...llamaJson, ...changes });

  it('what is absent or null is the default', () => {
    const nothing = Object.fromEntries(
      ['num_key_value_heads', 'head_dim', 'rope_parameters', 'attention_bias', 'mlp_bias', 'hidden_act'].map(
        (name) => [name, null],
      ),
    );
    const { description } = of({ ...nothing, tie_word_embeddings: undefined, rms_norm_eps: undefined })();
    expect(description.attention).toEqual({ heads: 6, kvHeads: 6, headDim: 4, packed: false });
    expect(description.place).toEqual({ frequencies: [1, Math.fround(0.01)], scale: 1, interleaved: false });
    expect(description).toMatchObject({ tied: false, norm: { kind: 'rms', eps: 1e-6 }, biases: [] });
  });

  const rope = (rope_type: string, more: object = {}) => ({
    rope_parameters: { rope_type, rope_theta: 1e4, ...more },
  });
  const refused: [string, object, RegExp][] = [
    ['another activation', { hidden_act: 'gelu' }, /"hidden_act"/],
    ['another way of turning', rope('longrope'), /"rope_parameters\.rope_type": "longrope" is none of those/],
    ['a way without its factor', rope('linear'), /"rope_parameters\.factor"/],
    ['a way by the name of a property', rope('constructor'), /"rope_parameters\.rope_type"/],
    ['a base that is none', { rope_parameters: null, rope_theta: 0 }, /"rope_theta"/],
    ['heads that cannot share', { num_key_value_heads: 4 }, /"num_key_value_heads": must divide/],
    ['heads of odd width', { head_dim: 5 }, /"head_dim": must be even/],
    ['a width that is no multiple', { head_dim: null, hidden_size: 25 }, /"hidden_size": must be a multiple/],
    [
      'waves in the wrong order',
      rope('llama3', {
        factor: 8,
        low_freq_factor: 4,
        high_freq_factor: 1,
        original_max_position_embeddings: 16,
      }),
      /"rope_parameters\.high_freq_factor": must be more/,
    ],
  ];
  it.each(refused)('%s is refused by name', (_, changes, line) => expect(of(changes)).toThrow(line));

  it('texts longer than a window are too long', () => {
    expect(configOf(mistral, jsonOf('mistral-window')).description.positions).toBe(48);
    expect(configOf(mistral, jsonOf('mistral')).description.positions).toBe(64);
    const windowed = { ...jsonOf('qwen2'), sliding_window: 10 };
    expect(configOf(qwen2, windowed).description.positions).toBe(64);
    expect(configOf(qwen2, { ...windowed, use_sliding_window: true }).description.positions).toBe(10);
  });
});

describe.runIf(existsSync(sharedData('stories260K')))('a trained Llama', () => {
  const dir = sharedData('stories260K');
  beforeAll(() => use('cpu'));

  it('says what transformers says', async () => {
    expect(await worstOf(dir)).toBeLessThan(1e-4);
  });

  it('goes on greedily as the reference implementation does, to the character', async () => {
    const [lm, tokenizer] = [await loadLM(dir), await loadTokenizer(dir)];
    const options = { maxNewTokens: 200, temperature: 0, topK: 0, topP: 1, seed: 0, stopIds: [] };
    const completion = (await sample(lm, [[1]], 1, options))[0]![0]!;
    const [again] = await scoreCompletions(lm, [{ prompt: [1], completion: completion.ids }]);
    lm.dispose();
    const expected = readFileSync(join(dir, 'golden_greedy200.txt'), 'utf8');
    expect(tokenizer.decode(completion.ids).trim()).toBe(expected.trim());
    expect(completion.logprobs).toEqual(Array.from(again!));
  });
});
