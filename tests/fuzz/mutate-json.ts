/** JSON that is nearly right: values in another's place, too large, too deep, twice, or not there. */
import { mutated, type Random } from './mutate.js';

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

const deep = (levels: number): Json => {
  let value: Json = 1;
  for (let i = 0; i < levels; i++) value = i % 2 ? [value] : { a: value };
  return value;
};

/** Values that nobody expects. */
const HARD: readonly (() => Json)[] = [
  () => null,
  () => true,
  () => 0,
  () => -1,
  () => 0.5,
  () => 1e-320,
  () => 1e308,
  () => 2 ** 24,
  () => 2 ** 31,
  () => 2 ** 53,
  () => 1e30,
  () => '',
  () => 'a',
  () => '1',
  () => 'a\nb\u001b[31m\u202e',
  () => '\ud800',
  () => '__proto__',
  () => 'constructor',
  () => 'x'.repeat(100_000),
  () => '(a+)+$',
  () => '[',
  () => '[^\\s]*([a-z]*)*\\p{Foo}',
  () => [],
  () => [[]],
  () => [null],
  () => ({}),
  () => ({ type: 'Sequence' }),
  () => deep(50),
  () => deep(150),
];

const hard = (random: Random): Json => HARD[random(HARD.length)]!();

/** A place in a document: what holds the value, and under which name. */
type Place = { of: Json[] | Record<string, Json>; key: string };

function placesIn(value: Json, found: Place[] = []): Place[] {
  if (typeof value !== 'object' || value === null) return found;
  for (const [key, below] of Object.entries(value)) {
    found.push({ of: value as Record<string, Json>, key });
    placesIn(below, found);
  }
  return found;
}

const at = ({ of, key }: Place): Json => (of as Record<string, Json>)[key]!;
function put({ of, key }: Place, value: Json): void {
  Object.defineProperty(of, key, { value, enumerable: true, configurable: true, writable: true });
}

/** Most values stand in lists and vocabularies; the few others are what a reader decides by. */
function pick(places: readonly Place[], random: Random): Place {
  const few = places.filter(({ of }) => Object.keys(of).length < 30);
  const from = few.length > 0 && random(3) > 0 ? few : places;
  return from[random(from.length)]!;
}

/** Something like `value`, and not it. */
function near(value: Json, random: Random): Json {
  if (typeof value === 'number') return [value + 1, -value, value * 1000, value / 2][random(4)]!;
  if (typeof value === 'string') return Buffer.from(mutated(Buffer.from(value), random)).toString();
  return hard(random);
}

function oneFault(document: Json, random: Random): void {
  const places = placesIn(document);
  if (places.length === 0) return;
  const place = pick(places, random);
  const { of, key } = place;
  const fault = random(6);
  if (fault < 2) put(place, hard(random));
  else if (fault === 2 && Array.isArray(of)) of.splice(Number(key), 1);
  else if (fault === 2) Reflect.deleteProperty(of, key);
  else if (fault === 3) put(place, structuredClone(at(pick(places, random))));
  else if (fault === 4 && Array.isArray(of)) of.push(structuredClone(at(place)));
  else if (fault === 4) put({ of, key: ['__proto__', '', 'x', `${key}s`][random(4)]! }, at(place));
  else put(place, near(at(place), random));
}

/** A JSON document with one to three things wrong; now and then, wrong bytes. */
export function mutatedJson(bytes: Uint8Array, random: Random): Uint8Array {
  if (random(8) === 0) return mutated(bytes, random);
  if (random(100) === 0) return Buffer.from('['.repeat(50_000));
  const document = JSON.parse(Buffer.from(bytes).toString()) as Json;
  for (let faults = 1 + random(3); faults > 0; faults--) oneFault(document, random);
  if (random(40) === 0) return Buffer.from(JSON.stringify(hard(random)));
  return Buffer.from(JSON.stringify(document));
}

/** Lines of JSON: one of them wrong, or twice, or another line's end. */
export function mutatedLines(bytes: Uint8Array, random: Random): Uint8Array {
  if (random(8) === 0) return mutated(bytes, random);
  const lines = Buffer.from(bytes)
    .toString()
    .split('\n')
    .filter((line) => line !== '');
  const which = random(lines.length);
  switch (random(6)) {
    case 0:
      lines.push(lines[which]!);
      break;
    case 1:
      lines[which] = ['', ' ', '\ufeff', '{}', '[]', 'null', '{"a":', '\u0000', '\u2028', '"'][random(10)]!;
      break;
    default:
      lines[which] = Buffer.from(mutatedJson(Buffer.from(lines[which]!), random)).toString();
  }
  return Buffer.from(lines.join(['\n', '\r\n', '\r', '\n\n'][random(10)] ?? '\n'));
}

/** A safetensors file whose header has things wrong, its length corrected; or any bytes. */
export function mutatedSafetensors(bytes: Uint8Array, random: Random): Uint8Array {
  if (random(3) === 0) return mutated(bytes, random);
  const length = Number(Buffer.from(bytes).readBigUInt64LE());
  const header = mutatedJson(bytes.subarray(8, 8 + length), random);
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(header.length));
  return Buffer.concat([size, header, bytes.subarray(8 + length)]);
}
