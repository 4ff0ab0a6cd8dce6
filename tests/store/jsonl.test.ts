import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { UserError } from '../../src/store/errors.js';
import { readJsonl } from '../../src/store/jsonl.js';
import { scratchFolder } from './folder.js';

const scratch = scratchFolder();
const path = join(scratch, 'data.jsonl');
const schema = z.object({ post: z.string(), n: z.number().default(0) });

async function read(content: string | Uint8Array) {
  await writeFile(path, content);
  return readJsonl(path, schema);
}

it('reads lines with a byte-order mark, CRLF, blank lines, and without a last newline', async () => {
  expect(await read('\ufeff{"post":"a"}\r\n\r\n  \n{"post":"b","n":2}')).toEqual([
    { post: 'a', n: 0 },
    { post: 'b', n: 2 },
  ]);
  expect(await read('')).toEqual([]);
  expect(await read('\n\n')).toEqual([]);
});

it('splits at newlines only, wherever the chunks of the file end', async () => {
  const post = 'a\u2028b\u2029c\u0085 é漢🙂 '.repeat(100);
  const rows = Array.from({ length: 1000 }, (_, n) => ({ post, n }));
  expect(await read(rows.map((row) => JSON.stringify(row)).join('\n'))).toEqual(rows);
});

it.each([
  ['not JSON', '{"post":"a"}\n\n{"post":', /data\.jsonl:3: it is not valid JSON/],
  [
    'a JSON array',
    '[\n{"post":"a"}\n]',
    /data\.jsonl:1: it is not valid JSON .*; it is a JSON array; put each/,
  ],
  [
    'one on one line',
    '[{"post":"a"},{"post":"b"}]',
    /data\.jsonl:1: it is a JSON array; put each object on a line/,
  ],
  ['objects over several lines', '{\n  "post":"a"\n}\n', /:1: it is not valid JSON .*on one line \(jq -c/],
  [
    'objects without lines',
    '{"post":"a"}{"post":"b"}',
    /:1: it is not valid JSON .*each object on a line of its own/,
  ],
  ['commas between lines', '{"post":"a"},\n{"post":"b"}\n', /:1: .*leave out the commas/],
  ['Python’s quotes', "{'post': 'a'}\n", /:1: .*double quotes/],
  ['CR alone', '{"post":"a"}\r{"post":"b"}\r', /:1: .*CR alone.*LF or CRLF/],
  ['a table', 'post,n\na,1\n', /:1: .*such as CSV, convert it first/],
  [
    'what is compressed',
    Buffer.from([0x1f, 0x8b, 8, 0, 0, 0]),
    /:1: it is compressed by gzip; unpack it first/,
  ],
  [
    'a spreadsheet',
    Buffer.from('PK\x03\x04\x14\0\x06\0'),
    /:1: it is a zip archive or a spreadsheet; .*convert it/,
  ],
  ['Parquet', Buffer.from('PAR1\x15\x04'), /:1: it is a Parquet file; convert it first/],
  ['another type', '{"post":"a"}\n{"post":3}\n', /data\.jsonl:2: "post": /],
  ['no object', '"a"\n', /data\.jsonl:1: /],
  ['Latin-1', Buffer.from('{"post":"a"}\n{"post":"\xe9"}\n', 'latin1'), /data\.jsonl:2: it is not UTF-8/],
  [
    'UTF-16',
    Buffer.from('\ufeff{"post":"a"}\n', 'utf16le'),
    /data\.jsonl:1: it is UTF-16 text; save it as UTF-8/,
  ],
  ['UTF-16 without a mark', Buffer.from('{"post":"a"}\n', 'utf16le'), /:1: it is UTF-16 text/],
  [
    'UTF-16 of the other order',
    Buffer.from('\ufeff{"post":"a"}\n', 'utf16le').swap16(),
    /:1: it is UTF-16 text/,
  ],
  ['one endless line', Buffer.alloc((1 << 24) + 1, 0x20), /data\.jsonl:1: the line has more than/],
])('names the line of %s', async (_what, content, message) => {
  const error = await read(content).catch((reason: unknown) => reason as Error);
  expect(error).toBeInstanceOf(UserError);
  expect((error as Error).message).toMatch(message);
  expect((error as Error).message).not.toContain('\n');
});

it('names a file that cannot be read', async () => {
  await expect(readJsonl(join(scratch, 'none.jsonl'), schema)).rejects.toThrow(
    /cannot read .*none\.jsonl: no such/,
  );
  await expect(readJsonl(scratch, schema)).rejects.toThrow(/it is a folder/);
});
