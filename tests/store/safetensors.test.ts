import { readFileSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { UserError } from '../../src/store/errors.js';
import { readSafetensors, writeSafetensors } from '../../src/store/safetensors.js';
import { scratchFolder } from './folder.js';

const scratch = scratchFolder();

/** A file with this header (text, or an object) and this many bytes of data. */
function fileOf(header: unknown, dataBytes: number | Uint8Array, length?: bigint): Buffer {
  const json = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(length ?? BigInt(json.length));
  return Buffer.concat([size, json, typeof dataBytes === 'number' ? Buffer.alloc(dataBytes) : dataBytes]);
}

async function failure(bytes: Uint8Array): Promise<string> {
  const path = join(scratch, 'hostile.safetensors');
  await writeFile(path, bytes);
  const error = await readSafetensors(path).then(
    () => new Error('it was read'),
    (reason: unknown) => reason as Error,
  );
  expect(error, error.message).toBeInstanceOf(UserError);
  expect(error.message).toContain(path);
  expect(error.message).not.toContain('\n');
  expect(error.message.length).toBeLessThan(path.length + 250);
  return error.message;
}

const f32 = (shape: unknown, begin: unknown, end: unknown) => ({
  dtype: 'F32',
  shape,
  data_offsets: [begin, end],
});

describe('round trip', () => {
  it('gives back names, shapes and bits, whatever the order', async () => {
    const a = {
      name: 'wte.weight',
      shape: [2, 3],
      data: Float32Array.of(1, -0, Number.NaN, 1e-45, 3e38, 0.1),
    };
    const b = { name: 'b', shape: [], data: Float32Array.of(7) };
    const c = { name: 'empty', shape: [0, 5], data: new Float32Array() };
    const one = join(scratch, 'one.safetensors');
    const two = join(scratch, 'two.safetensors');
    await writeSafetensors(one, [a, b, c], { step: '3', format: 'pt' });
    await writeSafetensors(two, [c, b, a], { format: 'pt', step: '3' });
    expect(await readFile(one)).toEqual(await readFile(two));
    const back = await readSafetensors(one);
    expect([...back.keys()].sort()).toEqual(['b', 'empty', 'wte.weight']);
    for (const tensor of [a, b, c]) expect(back.get(tensor.name)).toEqual(tensor);
    expect(Object.is(back.get('wte.weight')!.data[1], -0)).toBe(true);
    expect((8 + Number(readFileSync(one).readBigUInt64LE())) % 8).toBe(0);
  });

  it('writes views of larger arrays, not the arrays', async () => {
    const path = join(scratch, 'view.safetensors');
    await writeSafetensors(path, [
      { name: 'v', shape: [2], data: Float32Array.of(1, 2, 3, 4).subarray(1, 3) },
    ]);
    expect((await readSafetensors(path)).get('v')!.data).toEqual(Float32Array.of(2, 3));
  });

  it('refuses to write what it could not read', async () => {
    const path = join(scratch, 'bad.safetensors');
    const t = { name: 'a', shape: [1], data: Float32Array.of(1) };
    await expect(writeSafetensors(path, [t, t])).rejects.toThrow('"a"');
    await expect(writeSafetensors(path, [{ ...t, name: '__proto__' }])).rejects.toThrow('__proto__');
    await expect(writeSafetensors(path, [{ ...t, name: '' }])).rejects.toThrow('""');
    await expect(writeSafetensors(path, [{ ...t, shape: [2] }])).rejects.toThrow('shape [2]');
  });
});

it('widens F16, BF16 and F64, and leaves integers out', async () => {
  const data = Buffer.alloc(8 + 4 + 8 + 8 + 3);
  // 1, -2.5, the smallest subnormal, infinity
  for (const [i, bits] of [0x3c00, 0xc100, 0x0001, 0x7c00].entries()) data.writeUInt16LE(bits, 2 * i);
  data.writeUInt16LE(0x3f80, 8);
  data.writeUInt16LE(0xc049, 10);
  data.writeDoubleLE(0.1, 12);
  const header = {
    half: { dtype: 'F16', shape: [4], data_offsets: [0, 8] },
    brain: { dtype: 'BF16', shape: [2], data_offsets: [8, 12] },
    double: { dtype: 'F64', shape: [1], data_offsets: [12, 20] },
    mask: { dtype: 'I64', shape: [1, 1], data_offsets: [20, 28] },
    bool: { dtype: 'BOOL', shape: [3], data_offsets: [28, 31] },
  };
  const path = join(scratch, 'types.safetensors');
  await writeFile(path, fileOf(header, data));
  const read = await readSafetensors(path);
  expect([...read.keys()]).toEqual(['half', 'brain', 'double']);
  expect([...read.get('half')!.data]).toEqual([1, -2.5, 2 ** -24, Number.POSITIVE_INFINITY]);
  expect([...read.get('brain')!.data]).toEqual([1, -3.140625]);
  expect([...read.get('double')!.data]).toEqual([Math.fround(0.1)]);
});

describe('hostile files', () => {
  it('cut off anywhere', async () => {
    const path = join(scratch, 'whole.safetensors');
    const tensors = ['a', 'b', 'c'].map((name) => ({ name, shape: [5], data: new Float32Array(5) }));
    await writeSafetensors(path, tensors);
    const whole = await readFile(path);
    for (let length = 0; length < whole.length; length += 5) await failure(whole.subarray(0, length));
    await failure(whole.subarray(0, whole.length - 1));
    expect(await failure(Buffer.concat([whole, Buffer.alloc(1)]))).toContain('1 bytes after the last tensor');
  });

  it('any one byte of the header changed is read or refused, never worse', async () => {
    const whole = fileOf({ a: f32([2, 1], 0, 8), b: f32([1], 8, 12) }, 12);
    const path = join(scratch, 'flipped.safetensors');
    for (let at = 0; at < whole.length - 12; at++) {
      for (const mask of [0x01, 0x10, 0x80]) {
        const flipped = Buffer.from(whole);
        flipped[at]! ^= mask;
        await writeFile(path, flipped);
        await readSafetensors(path).catch((error: unknown) => expect(error).toBeInstanceOf(UserError));
      }
    }
  });

  const cases: [string, Buffer, RegExp][] = [
    ['an empty file', Buffer.alloc(0), /0 bytes/],
    [
      'a header length of 2^64 - 1',
      fileOf('{}', 0, 0xffffffffffffffffn),
      /header of 18446744073709551615 bytes/,
    ],
    ['a header longer than the file', fileOf('{}', 0, 99n), /header of 99 bytes in a file of 10/],
    ['no JSON', fileOf('{"a":', 0), /not valid JSON/],
    ['an array', fileOf('[]', 0), /not a JSON object/],
    ['null', fileOf('null', 0), /not a JSON object/],
    ['bad UTF-8', fileOf('', 0, 0n).fill(0xff, 8), /JSON/],
    ['deep nesting', fileOf('['.repeat(1_000_000), 0), /nested more than 100 levels/],
    [
      'a name twice',
      fileOf('{"a":{"dtype":"F32","shape":[0],"data_offsets":[0,0]},"\\u0061":1}', 0),
      /"a" twice/,
    ],
    [
      'a key twice',
      fileOf('{"a":{"dtype":"F32","shape":[0],"shape":[0],"data_offsets":[0,0]}}', 0),
      /"shape" twice/,
    ],
    ['__proto__', fileOf('{"__proto__":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}}', 0), /__proto__/],
    [
      '__proto__ inside',
      fileOf('{"a":{"dtype":"F32","shape":[0],"data_offsets":[0,0],"__proto__":{}}}', 0),
      /"a"/,
    ],
    ['no name', fileOf({ '': f32([0], 0, 0) }, 0), /""/],
    ['a null tensor', fileOf({ a: null }, 0), /"a"/],
    ['an unknown dtype', fileOf({ a: { ...f32([1], 0, 4), dtype: 'F3' } }, 4), /"a": dtype/],
    ['dtype toString', fileOf({ a: { ...f32([1], 0, 4), dtype: 'toString' } }, 4), /"a": dtype/],
    ['no offsets', fileOf({ a: { dtype: 'F32', shape: [1] } }, 4), /"a": data_offsets/],
    ['three offsets', fileOf({ a: { ...f32([1], 0, 4), data_offsets: [0, 4, 8] } }, 4), /"a": data_offsets/],
    ['negative offsets', fileOf({ a: f32([1], -4, 0) }, 4), /"a": data_offsets/],
    ['offsets reversed', fileOf({ a: f32([1], 4, 0) }, 4), /offsets span -4/],
    ['fractional offsets', fileOf({ a: f32([1], 0.5, 4.5) }, 5), /"a": data_offsets/],
    ['offsets beyond 2^53', fileOf('{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,1e300]}}', 4), /"a"/],
    ['offsets as strings', fileOf({ a: f32([1], '0', '4') }, 4), /"a": data_offsets/],
    ['a negative dimension', fileOf({ a: f32([-1, -1], 0, 4) }, 4), /"a": shape/],
    ['a shape that overflows', fileOf({ a: f32([2 ** 31, 2 ** 31, 4], 0, 0) }, 0), /too large/],
    ['a shape of another size', fileOf({ a: f32([2], 0, 4) }, 4), /takes 8 bytes, its offsets span 4/],
    ['beyond the end', fileOf({ a: f32([4], 0, 16) }, 8), /ends at byte 16/],
    ['an overlap', fileOf({ a: f32([2], 0, 8), b: f32([1], 4, 8) }, 8), /"b" overlaps/],
    ['twice the same bytes', fileOf({ a: f32([1], 0, 4), b: f32([1], 0, 4) }, 4), /overlaps/],
    ['a hole', fileOf({ a: f32([1], 0, 4), b: f32([1], 8, 12) }, 12), /hole of 4 bytes/],
    ['a hole at the start', fileOf({ a: f32([1], 4, 8) }, 8), /hole of 4 bytes/],
    ['metadata of numbers', fileOf({ __metadata__: { a: 1 } }, 0), /__metadata__/],
    ['a long name with newlines', fileOf({ ['x\n'.repeat(5000)]: null }, 0), /…/],
  ];
  it.each(cases)('%s', async (_what, bytes, message) => {
    expect(await failure(bytes)).toMatch(message);
  });

  it('a folder, and no file', async () => {
    const dir = join(scratch, 'folder');
    await mkdir(dir, { recursive: true });
    await expect(readSafetensors(dir)).rejects.toThrow(UserError);
    await expect(readSafetensors(join(dir, 'none'))).rejects.toThrow(/cannot read .*none: no such file/);
  });
});

describe('metadata', () => {
  const tensor = { dtype: 'F32', shape: [2], data_offsets: [0, 8] };
  const read = async (header: object) => {
    const path = join(scratch, 'metadata.safetensors');
    await writeFile(path, fileOf(header, new Uint8Array(Float32Array.of(1, 2).buffer)));
    return new Map(
      [...(await readSafetensors(path))].map(([name, { name: own, data }]) => [name, [own, [...data]]]),
    );
  };

  it('may be null', async () => {
    expect(await read({ __metadata__: null, a: tensor })).toEqual(new Map([['a', ['a', [1, 2]]]]));
  });

  it('name tensors that are the same as another, as save_model writes them', async () => {
    const header = {
      __metadata__: { format: 'pt', 'a.weight': 'b.weight', c: 'nowhere' },
      'b.weight': tensor,
    };
    expect([...(await read(header))]).toEqual([
      ['b.weight', ['b.weight', [1, 2]]],
      ['a.weight', ['a.weight', [1, 2]]],
    ]);
  });

  it('do not stand above a tensor of that name', async () => {
    const header = {
      __metadata__: { a: 'a', b: 'a' },
      a: tensor,
      b: { ...tensor, shape: [0], data_offsets: [8, 8] },
    };
    expect((await read(header)).get('b')).toEqual(['b', []]);
  });
});
