/**
 * TensorBoard event files, to watch losses and KL while a run goes on: `tensorboard --logdir DIR`.
 *
 * A file is a log, the one exception from atomic writes: every scalar is appended at once, by one write where the
 * system takes it, so that TensorBoard sees it and a killed process leaves at most one torn record at the end, which readers
 * skip. Opening writes a new file, later ones sort after earlier ones, and TensorBoard reads all in a folder: a resumed
 * run goes on in a file of its own.
 */
import { closeSync, fsyncSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { crc32c } from '@aws-crypto/crc32c';
import protobuf from 'protobufjs';
import { asUserError } from '../store/errors.js';

/** What scalars need of tensorflow/core/util/event.proto and tensorflow/core/framework/summary.proto. */
const PROTO = `
syntax = "proto3";
message Value { string tag = 1; oneof value { float simple_value = 2; } }
message Summary { repeated Value value = 1; }
message Event { double wall_time = 1; int64 step = 2; oneof what { string file_version = 3; Summary summary = 5; } }`;

export interface EventWriter {
  /** The file's path. */
  readonly path: string;
  /** Appends a number; @throws UserError where it cannot be written. */
  scalar(tag: string, step: number, value: number): void;
  close(): Promise<void>;
}

let count = 0;

/** A new event file in `dir`, which is made where it is missing. @throws UserError where that fails */
export function openEvents(dir: string): EventWriter {
  const Event = protobuf.parse(PROTO, { keepCase: true }).root.lookupType('Event');
  // TensorBoard knows its files by "tfevents", and reads them in the order of their names.
  const name = `events.out.tfevents.${Math.floor(Date.now() / 1000)}.${process.pid}.${count++}`;
  const path = join(dir, name);
  const file = attempt(dir, () => {
    mkdirSync(dir, { recursive: true });
    return openSync(path, 'ax');
  });
  const append = (event: object) => {
    const record = frame(Event.encode({ wall_time: Date.now() / 1000, ...event }).finish());
    attempt(path, () => {
      for (let done = 0; done < record.length; ) done += writeSync(file, record, done);
    });
  };
  append({ file_version: 'brain.Event:2' });
  return {
    path,
    scalar: (tag, step, value) => append({ step, summary: { value: [{ tag, simple_value: value }] } }),
    close: async () =>
      attempt(path, () => {
        try {
          fsyncSync(file);
        } finally {
          closeSync(file);
        }
      }),
  };
}

function attempt<T>(path: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    throw asUserError(error, 'write', path);
  }
}

/**
 * A record of TFRecord's format, little-endian: length (uint64), its checksum, the data, their checksum
 * (https://www.tensorflow.org/tutorials/load_data/tfrecord#tfrecords_format_details).
 */
export function frame(data: Uint8Array): Uint8Array {
  const record = Buffer.alloc(12 + data.length + 4);
  record.writeBigUInt64LE(BigInt(data.length), 0);
  record.writeUInt32LE(masked(record.subarray(0, 8)), 8);
  record.set(data, 12);
  record.writeUInt32LE(masked(data), 12 + data.length);
  return record;
}

/** CRC-32C, rotated and shifted, so that the checksum of data that hold checksums stays a good one. */
function masked(data: Uint8Array): number {
  const crc = crc32c(data);
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}
