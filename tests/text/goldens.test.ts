// Every kind of tokenizer, on hard text: the ids and the texts of Hugging Face's library (goldens/make.py).
import { existsSync, readFileSync } from 'node:fs';
import { cp, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadTokenizer } from '../../src/text/tokenizer.js';
import { sharedData } from '../helpers/shared.js';
import { scratchFolder } from '../store/folder.js';

const here = join(import.meta.dirname, 'goldens');
const { texts, more, goldens } = JSON.parse(readFileSync(join(here, 'goldens.json'), 'utf8')) as {
  texts: Record<string, string>;
  /** What a tokenizer's texts end with besides. */
  more: Record<string, string>;
  /** The ids, and what they say where it is not the text. */
  goldens: Record<string, Record<string, [ids: number[], said?: string]>>;
};
const scratch = scratchFolder();

/** A folder with one of the tokenizers in it; undefined where it is not here. */
async function folderOf(name: string): Promise<string | undefined> {
  if (name.startsWith('models/')) return name;
  if (name.startsWith('shared/')) {
    const dir = sharedData(name.slice('shared/'.length));
    return existsSync(dir) ? dir : undefined;
  }
  const dir = join(scratch, name);
  await mkdir(dir, { recursive: true });
  await cp(join(here, 'made', `${name}.json`), join(dir, 'tokenizer.json'));
  const { added_tokens } = JSON.parse(readFileSync(join(dir, 'tokenizer.json'), 'utf8'));
  const end = added_tokens.find(({ content }: { content: string }) => /end|\/s|SEP/.test(content)).content;
  await writeFile(join(dir, 'tokenizer_config.json'), JSON.stringify({ eos_token: end }));
  return dir;
}

describe.each(Object.entries(goldens))('%s', (name, rows) => {
  it('encodes and decodes as Hugging Face does', async ({ skip }) => {
    const dir = await folderOf(name);
    if (dir === undefined) return skip(`${name} is not here: set ILF_SHARED`);
    const { encode, decode } = await loadTokenizer(dir);
    expect(Object.keys(rows).length).toBeGreaterThan(6);
    for (const [what, [ids, said]] of Object.entries(rows)) {
      const text = texts[what]! + (more[name] ?? '');
      expect({ what, ids: encode(text), said: decode(ids) }).toEqual({ what, ids, said: said ?? text });
    }
  });
});
