// What must hold of files and their formats whatever is in them: what was written is what is read.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { COLUMNS, type ColumnKind } from '../../src/store/column-kinds.js';
import { canonicalJson, hashText, type Json } from '../../src/store/hash.js';
import { isDeeper, repeatedKey } from '../../src/store/json.js';
import { readJsonl } from '../../src/store/jsonl.js';
import { readSafetensors, writeSafetensors } from '../../src/store/safetensors.js';
import { readTable, type TableSchema, writeTable } from '../../src/store/tables.js';
import { holds, holdsAsync } from '../helpers/properties.js';
import { scratchFolder } from './folder.js';

const scratch = scratchFolder();
/** Any text that UTF-8 has. */
const text = fc.string({ unit: 'binary', maxLength: 30 });
const int32 = fc.integer();
const float32 = fc.float({ noNaN: true, noDefaultInfinity: true });
const float64 = fc.double({ noNaN: true, noDefaultInfinity: true });
const listOf = <T>(item: fc.Arbitrary<T>) => fc.array(item, { maxLength: 6 });

describe('a table', () => {
  /** Cells of every kind that are no keys. */
  const CELLS: Partial<Record<ColumnKind, fc.Arbitrary<unknown>>> = {
    utf8: text,
    'optional utf8': text,
    'optional list<int32>': listOf(int32),
    bool: fc.boolean(),
    int32,
    float32,
    float64,
    'float64?': fc.option(float64),
    'float64 or infinite': fc.double({ noNaN: true }),
    'list<int32>': listOf(int32),
    'list<float32>': listOf(float32),
    'list<utf8>': listOf(text),
  };
  const KEYS: ColumnKind[] = ['key<utf8>', 'key<int32>'];

  it('has cells of every kind here', () => {
    expect([...Object.keys(CELLS), ...KEYS].toSorted()).toEqual(Object.keys(COLUMNS).toSorted());
  });

  it('gives back every cell, whatever its columns and rows', async () => {
    const path = join(scratch, 'any.arrow');
    const kinds = fc.subarray(Object.keys(CELLS) as (keyof typeof CELLS)[], { minLength: 1 });
    const tables = kinds.chain((chosen) => {
      const names = fc.uniqueArray(text, { minLength: chosen.length, maxLength: chosen.length });
      const rows = fc.array(fc.tuple(...chosen.map((kind) => CELLS[kind]!)), { maxLength: 8 });
      return fc.tuple(fc.constant(chosen), names, rows);
    });
    await holdsAsync(
      fc.asyncProperty(tables, async ([chosen, names, cells]) => {
        fc.pre(!names.includes('__proto__'));
        const schema = Object.fromEntries(names.map((name, i) => [name, chosen[i]!])) as TableSchema;
        const rows = cells.map((row) => Object.fromEntries(names.map((name, i) => [name, row[i]])));
        await writeTable(path, schema, rows as never);
        expect(await readTable(path, schema)).toEqual(rows);
      }),
    );
  });

  it('gives back keys, each once', async () => {
    const path = join(scratch, 'keys.arrow');
    const schema = { context: 'key<utf8>', candidate: 'key<int32>', text: 'utf8' } as const;
    const groups = fc.uniqueArray(fc.tuple(text, fc.array(text, { minLength: 1, maxLength: 4 })), {
      selector: ([context]) => context,
      maxLength: 5,
    });
    await holdsAsync(
      fc.asyncProperty(groups, async (all) => {
        const rows = all.flatMap(([context, texts]) =>
          texts.map((of, candidate) => ({ context, candidate, text: of })),
        );
        await writeTable(path, schema, rows);
        expect(await readTable(path, schema)).toEqual(rows);
        if (rows.length === 0) return;
        await writeTable(path, schema, [...rows, rows[0]!]);
        await expect(readTable(path, schema)).rejects.toThrow('are both of');
      }),
    );
  });
});

it('safetensors give back every name, shape and bit, whatever the order', async () => {
  const [path, turned] = [join(scratch, 'any.safetensors'), join(scratch, 'turned.safetensors')];
  const tensor = fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 3 }).chain((shape) => {
    const count = shape.reduce((product, n) => product * n, 1);
    // Bits, not numbers: not-a-number and what is below the smallest, too.
    const bits = fc.array(fc.nat(0xffffffff), { minLength: count, maxLength: count });
    return fc.record({ name: text, shape: fc.constant(shape), bits });
  });
  const tensors = fc.uniqueArray(tensor, { selector: ({ name }) => name, maxLength: 6 });
  await holdsAsync(
    fc.asyncProperty(tensors, async (all) => {
      fc.pre(all.every(({ name }) => name !== '' && !(name in {}) && name !== '__metadata__'));
      const named = all.map(({ name, shape, bits }) => ({
        name,
        shape,
        data: new Float32Array(Uint32Array.from(bits).buffer),
      }));
      await writeSafetensors(path, named);
      const back = await readSafetensors(path);
      expect([...back.keys()].toSorted()).toEqual(all.map(({ name }) => name).toSorted());
      for (const { name, shape, bits } of all) {
        const { shape: got, data } = back.get(name)!;
        expect(got).toEqual(shape);
        expect([...new Uint32Array(data.slice().buffer)]).toEqual(bits);
      }
      await writeSafetensors(turned, named.toReversed());
      expect(await readSafetensors(turned)).toEqual(back);
    }),
  );
});

it('JSON Lines give back every value, whatever ends a line', async () => {
  const path = join(scratch, 'any.jsonl');
  const ending = fc.constantFrom('\n', '\r\n', '\n\n', '\n \t\n', '\r\n\r\n');
  const schema = z.object({ value: z.json() });
  const lines = fc.array(fc.tuple(fc.jsonValue({ stringUnit: 'binary' }), ending), { maxLength: 12 });
  await holdsAsync(
    fc.asyncProperty(lines, fc.boolean(), fc.boolean(), async (all, mark, last) => {
      const written = all.map(([value, end]) => `${JSON.stringify({ value })}${end}`).join('');
      await writeFile(path, `${mark ? '\ufeff' : ''}${last ? written : written.trimEnd()}`);
      const values = (await readJsonl(path, schema)).map(({ value }) => JSON.stringify(value));
      expect(values).toEqual(all.map(([value]) => JSON.stringify(value)));
    }),
  );
});

describe('canonical JSON', () => {
  const json = fc.jsonValue({ stringUnit: 'binary' }) as fc.Arbitrary<Json>;
  const isRecord = (value: Json): value is { readonly [key: string]: Json } =>
    typeof value === 'object' && value !== null && !Array.isArray(value);
  /** The same value, the keys of its objects the other way round. */
  const turned = (value: Json): Json => {
    if (Array.isArray(value)) return value.map(turned);
    if (!isRecord(value)) return value;
    return Object.fromEntries(
      Object.entries(value)
        .map(([key, item]) => [key, turned(item)] as const)
        .toReversed(),
    );
  };

  it('and its hash do not depend on the order of keys', () => {
    holds(
      fc.property(json, (value) => {
        expect(canonicalJson(turned(value))).toBe(canonicalJson(value));
        expect(hashText(canonicalJson(turned(value)))).toBe(hashText(canonicalJson(value)));
      }),
    );
  });

  it('says all of the value, so that others give another text', () => {
    const plain = (value: Json) => JSON.parse(JSON.stringify(value)) as Json;
    holds(
      fc.property(json, json, (value, other) => {
        expect(JSON.parse(canonicalJson(value))).toEqual(plain(value));
        const alike = canonicalJson(value) === canonicalJson(other);
        expect(alike).toBe(canonicalJson(plain(value)) === canonicalJson(plain(other)));
        for (const more of [[value], { a: value }, [value, value]])
          expect(canonicalJson(more)).not.toBe(canonicalJson(value));
      }),
    );
  });

  it('holds no key twice, and is as deep as its value', () => {
    const depth = (value: Json): number =>
      typeof value !== 'object' || value === null
        ? 0
        : 1 + Math.max(0, ...(Array.isArray(value) ? value : Object.values(value)).map(depth));
    holds(
      fc.property(json, fc.string({ unit: 'binary' }), (value, key) => {
        const whole = JSON.stringify(value);
        expect(repeatedKey(whole)).toBeUndefined();
        expect(isDeeper(whole, depth(value))).toBe(false);
        if (depth(value) > 0) expect(isDeeper(whole, depth(value) - 1)).toBe(true);
        const name = JSON.stringify(key);
        expect(repeatedKey(`[{"a${name.slice(1)}:${whole}},{${name}:${whole},${name}:1}]`)).toBe(key);
      }),
    );
  });
});
