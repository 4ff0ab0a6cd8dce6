// Oniguruma's regular expressions: the matches are those that Hugging Face's Split finds (tokenizers 0.23).
import { describe, expect, it } from 'vitest';
import { UserError } from '../../src/store/errors.js';
import { toRegExp } from '../../src/text/regex.js';

const found = (source: string, text: string) => text.match(toRegExp(source, 'here')) ?? [];

it.each([
  ["(?i:'s|'t|'ll)", "x'ſx 'Sx 'LL 'lL 'K", ["'ſ", "'S", "'LL", "'lL"]],
  ['(?i:k)', 'aKbkc\u212a', ['K', 'k', '\u212a']],
  ['(?i)[a-c]x', 'AX bx Cx dx', ['AX', 'bx', 'Cx']],
  ['(?:(?i)a)b', 'Ab AB', ['Ab']],
  ['^a', 'a\na ba', ['a', 'a']],
  ['a$', 'a\na ba', ['a', 'a']],
  ['.', 'a\r\n\u2028b', ['a', '\r', '\u2028', 'b']],
  ['a{,2}', 'aaa', ['aa', 'a', '']],
  ['\\w+|\\s', 'ab-c d', ['ab', 'c', ' ', 'd']],
  ['\\s', 'a\u0085b\ufeffc\u00a0', ['\u0085', '\u00a0']],
  ['[^\\s]+', 'a\u0085b\ufeffc', ['a', 'b\ufeffc']],
  ['\\d', '1٣²', ['1', '٣']],
  ['\\h+', 'xFace', ['Face']],
  ['[\\p{Han}\\p{^L}]', 'a東1', ['東', '1']],
  ['[]a]', 'b]a', [']', 'a']],
  ['[a-]', '-b', ['-']],
  ['[!\\"#$%&\'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~]', 'a]\\{-', [']', '\\', '{', '-']],
  ['a{b}', 'a{b}', ['a{b}']],
  ['\\x41\\u0042', 'AB', ['AB']],
])('%s', (source, text, matches) => {
  expect([...found(source, text)]).toEqual(matches);
});

describe('is refused by name', () => {
  it.each([
    ['a++', /has a possessive part/],
    ['(?>a)', /has a group of a kind/],
    ['(?<n>a)', /has a group of a kind/],
    ['(?i:é)', /ignores the case of letters beyond a to z/],
    ['[a[b]]', /has a class within a class/],
    ['[a&&b]', /has a class within a class/],
    ['[a', /has a class without an end/],
    ['\\bword', /has \\b, which cannot be run here/],
    ['(a)\\1', /has \\1, which cannot be run here/],
    ['\\p{Nowhere}', /names the property Nowhere/],
    ['[\\W]', /has \\W within a class/],
    ['(', /cannot be run here/],
    ['a)', /has a \) too many/],
    [`(${'a'.repeat(300)}`, /"\(a{99}…" cannot be run here/],
  ])('%s', (source, line) => {
    expect(() => toRegExp(source, 'here')).toThrow(UserError);
    expect(() => toRegExp(source, 'here')).toThrow(line);
  });
});
