import { expect, it } from 'vitest';
import { absentHere, areas, declaredAbsent, tooFew } from './areas.js';

const two = [
  { area: 'wasm', files: '^tests/engine/', names: '\\bwasm\\b', least: 2 },
  { area: 'cli', files: '^tests/cli/', names: '', least: 1 },
];
const ran = [
  { file: 'tests/engine/a.test.ts', name: 'on wasm > adds' },
  { file: 'tests/lm/a.test.ts', name: 'on wasm > adds' },
  { file: 'tests/cli/b.test.ts', name: 'anything' },
];

it('an area that ran fewer tests than it should is a fault, unless it is absent', () => {
  expect(tooFew(ran, new Set(), two)).toEqual([expect.stringMatching(/^wasm: 1 tests ran .* at least 2/)]);
  expect(tooFew(ran, new Set(['wasm']), two)).toEqual([]);
  expect(tooFew([...ran, ran[0]!], new Set(), two)).toEqual([]);
  expect(tooFew([], new Set(), areas)).toHaveLength(areas.length);
});

it('what is declared is an area', () => {
  expect(declaredAbsent(undefined)).toEqual(new Set());
  expect(declaredAbsent('webgpu,browser')).toEqual(new Set(['webgpu', 'browser']));
  expect(() => declaredAbsent('webgpus')).toThrow('there is no area "webgpus"');
});

it('facts of the machine are areas, too', () => {
  for (const name of absentHere()) expect(areas.map(({ area }) => area)).toContain(name);
});
