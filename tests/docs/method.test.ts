// The numbers that the pages give in words are those that the program computes with.
import { expect, it } from 'vitest';
import { COMMANDS } from '../../src/cli/main.js';
import * as ilf from '../../src/index.js';
import { TRAIN_DEFAULTS } from '../../src/lm/train.js';
import { DEFAULTS } from '../../src/pipeline/defaults.js';
import { asText, PAGES, readText } from './pages.js';

const method = asText(readText('docs/method.md')).replace(/\s+/g, ' ');

it('docs/method.md samples as the program does', () => {
  const { temperature, topP, maxTokens } = DEFAULTS;
  expect(method).toContain(`temperature ${temperature}, top-p ${topP}, at most ${maxTokens} tokens`);
});

it('docs/method.md tunes as the program does', () => {
  const { betas, weightDecay, clip } = TRAIN_DEFAULTS;
  expect(method).toContain(
    `AdamW, β ${betas.join(' and ')}, weight decay ${weightDecay} on matrices, gradients clipped at norm ${clip}; learning rate 3e-4`,
  );
  expect(DEFAULTS.lr).toBe(3e-4);
});

it.each(PAGES)("%s gives defaults in parentheses that are the program's", (page) => {
  const options = COMMANDS[0]!.builder as unknown as Record<string, { defaultDescription?: string }>;
  for (const [code, name, value] of readText(page).matchAll(/\(`--([a-z-]+)`, ([^)`,\s]+)\)/g))
    expect(value, code).toBe(options[name!]?.defaultDescription);
});

it('docs/library.md names functions that are exported', () => {
  const cells = [...readText('docs/library.md').matchAll(/^\| (`.*?) \|/gm)].map(([, cell]) => cell!);
  const functions = cells.flatMap((cell) =>
    [...cell.matchAll(/`(\w+)(?:\([^`]*\))?`/g)].map(([, name]) => name!),
  );
  expect(functions.length).toBeGreaterThan(20);
  expect(functions.filter((name) => !(name in ilf))).toEqual([]);
});
