// The writer against a reader of its own: frames, checksums and protobuf fields are taken apart here by hand, from the formats'
// descriptions. TensorBoard is not at hand in the tests;
// the known bytes below are its own.
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import protobuf from 'protobufjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { frame, openEvents } from '../../src/report/tensorboard.js';
import { UserError } from '../../src/store/errors.js';

/** CRC-32C bit by bit (Castagnoli's polynomial, reflected). */
function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  }
  return ~crc >>> 0;
}

function unmask(masked: number): number {
  const rotated = (masked - 0xa282ead8) >>> 0;
  return ((rotated >>> 17) | (rotated << 15)) >>> 0;
}

/** All whole records; `torn` is what is left at the end. */
function records(bytes: Buffer): { data: Buffer[]; torn: number } {
  const data: Buffer[] = [];
  let at = 0;
  while (at + 12 <= bytes.length) {
    const length = Number(bytes.readBigUInt64LE(at));
    expect(unmask(bytes.readUInt32LE(at + 8))).toBe(crc32c(bytes.subarray(at, at + 8)));
    if (at + 16 + length > bytes.length) break;
    const record = bytes.subarray(at + 12, at + 12 + length);
    expect(unmask(bytes.readUInt32LE(at + 12 + length))).toBe(crc32c(record));
    data.push(record);
    at += 16 + length;
  }
  return { data, torn: bytes.length - at };
}

/** By reflection, the types built field by field. */
function decode(record: Uint8Array): Record<string, unknown> {
  const { Field, Root, Type } = protobuf;
  const value = new Type('V').add(new Field('tag', 1, 'string')).add(new Field('simple_value', 2, 'float'));
  const summary = new Type('S').add(new Field('value', 1, 'V', 'repeated'));
  const event = new Type('E')
    .add(new Field('wall_time', 1, 'double'))
    .add(new Field('step', 2, 'int64'))
    .add(new Field('file_version', 3, 'string'))
    .add(new Field('summary', 5, 'S'));
  new Root().add(value).add(summary).add(event);
  return event.toObject(event.decode(record), { longs: Number });
}

describe('event files', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ilf-events-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('frames a record in known bytes', () => {
    // As TensorBoard 2.21's RecordWriter writes it. CRC-32C of "123456789" is 0xe3069283, the value that every description of it gives.
    expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283);
    expect(Buffer.from(frame(Buffer.from('123456789'))).toString('hex')).toBe(
      ['0900000000000000', '37f97139', '313233343536373839', 'e5b08ac7'].join(''),
    );
  });

  it('holds what was written, each scalar as soon as it is', async () => {
    const before = Date.now() / 1000;
    const events = openEvents(join(folder, 'new', 'run'));
    events.scalar('loss/train', 0, 2.5);
    const early = records(await readFile(events.path));
    expect(early.data).toHaveLength(2);
    events.scalar('KL(π ‖ π₀), nats', 3_000_000_000, 0);
    events.scalar('loss/train', 2, Number.NaN);
    await events.close();

    const { data, torn } = records(await readFile(events.path));
    expect(torn).toBe(0);
    const all = data.map(decode);
    expect(all[0]).toMatchObject({ file_version: 'brain.Event:2' });
    expect(all[0]).not.toHaveProperty('summary');
    // A step of 0 is protobuf's default, and takes no bytes.
    expect(all.slice(1).map(({ wall_time: _, ...event }) => ({ step: 0, ...event }))).toEqual([
      { step: 0, summary: { value: [{ tag: 'loss/train', simple_value: 2.5 }] } },
      { step: 3_000_000_000, summary: { value: [{ tag: 'KL(π ‖ π₀), nats', simple_value: 0 }] } },
      { step: 2, summary: { value: [{ tag: 'loss/train', simple_value: Number.NaN }] } },
    ]);
    for (const { wall_time } of all) {
      expect(wall_time).toBeGreaterThanOrEqual(before);
      expect(wall_time).toBeLessThanOrEqual(Date.now() / 1000);
    }
  });

  it('leaves what was whole readable when a write was cut off', async () => {
    const events = openEvents(folder);
    for (let step = 0; step < 3; step++) events.scalar('loss', step, step);
    await events.close();
    const bytes = await readFile(events.path);
    const last = records(bytes).data.at(-1)!.length + 16;
    for (const cut of [1, last - 13, last - 1]) {
      const { data, torn } = records(bytes.subarray(0, bytes.length - cut));
      expect(data).toHaveLength(3); // the version and two scalars
      expect(torn).toBe(last - cut);
    }
  });

  it('never goes on in a file that is there', async () => {
    const [a, b] = [openEvents(folder), openEvents(folder)];
    expect(a.path).not.toBe(b.path);
    a.scalar('loss', 1, 1);
    await Promise.all([a.close(), b.close()]);
    expect(records(await readFile(b.path)).data).toHaveLength(1);
    expect((await stat(a.path)).size).toBeGreaterThan((await stat(b.path)).size);
  });

  it('says where it cannot write', async () => {
    const file = join(folder, 'file');
    await writeFile(file, '');
    expect(() => openEvents(join(file, 'run'))).toThrow(UserError);
    expect(() => openEvents(join(file, 'run'))).toThrow(/cannot write .*run/);
  });
});
