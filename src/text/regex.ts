/**
 * Regular expressions of a tokenizer.json, which are Oniguruma's, as JavaScript's. What would match something else is refused by
 * name: nested and intersected classes, possessive and atomic parts, word boundaries, back references.
 */
import { UserError } from '../store/errors.js';

/** What Oniguruma means by them, as members of a class. */
const SETS: Readonly<Record<string, string>> = {
  s: '\\p{White_Space}',
  d: '\\p{Nd}',
  w: '\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}',
  h: '0-9A-Fa-f',
};
const SYNTAX = new Set('^$\\.*+?()[]{}|/-');
/** Letters beyond the other case that differ from an ASCII letter in nothing but case. */
const FOLDED: Readonly<Record<string, string>> = { s: '\u017f', k: '\u212a' };

/** @throws UserError for what JavaScript cannot do, or would do otherwise; `where` begins the message */
export function toRegExp(source: string, where: string): RegExp {
  const shown = source.length > 100 ? `${source.slice(0, 100)}…` : source;
  const refuse = (what: string): never => {
    throw new UserError(`${where}: the regular expression ${JSON.stringify(shown)} ${what}`);
  };
  const translated = new Translation(source, refuse).run();
  try {
    return new RegExp(translated, 'gu');
  } catch {
    return refuse('cannot be run here');
  }
}

/** \p{…}, \x.., \u.... or one escaped character. */
const ESCAPE = /\\(?:([pP])\{(\^?)(\w+)\}|x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|(.))/suy;

/** One pass over a pattern, left to right. */
class Translation {
  private at = 0;
  private out = '';
  /** For each open group, whether the case of letters counted outside of it. */
  private readonly outer: boolean[] = [];
  private anyCase = false;

  constructor(
    private readonly source: string,
    private readonly refuse: (what: string) => never,
  ) {}

  run(): string {
    while (this.at < this.source.length) this.step();
    return this.out;
  }

  /** Takes what `pattern`, which is sticky, matches here. */
  private take(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.source) ?? undefined;
    if (found) this.at = pattern.lastIndex;
    return found;
  }

  private step(): void {
    const escaped = this.take(ESCAPE);
    if (escaped) {
      this.out += this.outside(escaped);
      return;
    }
    if (this.take(/\[/y)) {
      this.out += this.set();
      return;
    }
    const group = this.take(/\((?!\?)|\(\?(?::|=|!|<=|<!|(i):|(i)\))/y);
    if (group) {
      if (group[2] !== undefined) {
        this.anyCase = true; // to the end of the group that this is in
        return;
      }
      this.outer.push(this.anyCase);
      if (group[1] !== undefined) this.anyCase = true;
      this.out += group[1] === undefined ? group[0] : '(?:';
      return;
    }
    const quantifier = this.take(/[*+?]|\{(\d+)(,?)(\d*)\}|\{,(\d+)\}/y);
    if (quantifier) {
      this.out += quantifier[4] === undefined ? quantifier[0] : `{0,${quantifier[4]}}`;
      if (this.take(/\+/y)) this.refuse('has a possessive part');
      this.out += this.take(/\?/y)?.[0] ?? '';
      return;
    }
    const char = this.take(/./suy)![0];
    if (char === ')') {
      const before = this.outer.pop();
      if (before === undefined) this.refuse('has a ) too many');
      this.anyCase = before!;
      this.out += char;
    } else if (char === '(') this.refuse('has a group of a kind that cannot be run here');
    else if (char === '^') this.out += '(?<![^\\n])';
    else if (char === '$') this.out += '(?![^\\n])';
    else if (char === '.') this.out += '[^\\n]';
    else if (char === '|') this.out += char;
    else this.out += this.literal(char);
  }

  private literal(char: string): string {
    const plain = SYNTAX.has(char) && char !== '-' ? `\\${char}` : char;
    return this.anyCase
      ? `(?:${
          this.cases(char)
            ?.map((each) => each)
            .join('|') ?? plain
        })`
      : plain;
  }

  /** The letter in all its cases; undefined for what has none. */
  private cases(char: string): string[] | undefined {
    if (/[a-z]/i.test(char)) {
      const low = char.toLowerCase();
      return [low, char.toUpperCase(), ...(FOLDED[low] ?? '')];
    }
    if (char.toLowerCase() !== char.toUpperCase())
      this.refuse('ignores the case of letters beyond a to z, which cannot be done here');
    return undefined;
  }

  private outside([, p, not, property, x, u, char]: RegExpExecArray): string {
    if (p !== undefined) return this.property(p, not!, property!);
    if (x !== undefined || u !== undefined) return `\\u${(x ?? u)!.padStart(4, '0')}`;
    const set = SETS[char!.toLowerCase()];
    if (set !== undefined) return char === char!.toLowerCase() ? `[${set}]` : `[^${set}]`;
    if (char === 'A') return '(?<![\\s\\S])';
    if (char === 'z') return '(?![\\s\\S])';
    return this.character(char!) ?? this.literal(char!);
  }

  /** \n and its like; undefined for a character that stands for itself. */
  private character(char: string): string | undefined {
    if ('nrtfv'.includes(char)) return `\\${char}`;
    if (/[\p{L}\p{N}]/u.test(char)) this.refuse(`has \\${char}, which cannot be run here`);
    return undefined;
  }

  private property(p: string, not: string, name: string): string {
    const negative = (p === 'P') !== (not === '^');
    const known = [name, `Script=${name}`].find((each) => {
      try {
        return new RegExp(`\\p{${each}}`, 'u');
      } catch {
        return false;
      }
    });
    if (known === undefined) this.refuse(`names the property ${name}, which is not known here`);
    return `\\${negative ? 'P' : 'p'}{${known}}`;
  }

  /** A class, behind its opening bracket. */
  private set(): string {
    let out = this.take(/\^/y) ? '[^' : '[';
    let letters = '';
    for (let first = true; ; first = false) {
      if (this.at >= this.source.length) this.refuse('has a class without an end');
      if (this.take(/&&|\[/y)) this.refuse('has a class within a class');
      const escaped = this.take(ESCAPE);
      if (escaped) {
        out += this.inside(escaped);
        continue;
      }
      const char = this.take(/./suy)![0];
      if (char === ']' && !first) break;
      // A range stands where a minus has something on either side.
      if (char === '-') out += this.take(/(?=\])/y) || first ? '\\-' : '-';
      else out += SYNTAX.has(char) ? `\\${char}` : char;
      letters += this.anyCase ? (this.cases(char)?.join('') ?? '') : '';
      if (this.anyCase && char === '-' && !first) letters += this.rangeInAnyCase();
    }
    return `${out}${letters}]`;
  }

  private rangeInAnyCase(): string {
    const [low, high] = [this.source[this.at - 2]!, this.source[this.at]!];
    if (high === ']' || !/[a-z]/i.test(low + high)) return '';
    return `${low.toLowerCase()}-${high.toLowerCase()}${low.toUpperCase()}-${high.toUpperCase()}`;
  }

  private inside([, p, not, property, x, u, char]: RegExpExecArray): string {
    if (p !== undefined) return this.property(p, not!, property!);
    if (x !== undefined || u !== undefined) return `\\u${(x ?? u)!.padStart(4, '0')}`;
    const set = SETS[char!.toLowerCase()];
    if (set !== undefined) {
      if (char === char!.toLowerCase()) return set;
      if (char === 'S' || char === 'D') return set.replace('p', 'P');
      this.refuse(`has \\${char} within a class`);
    }
    return this.character(char!) ?? (SYNTAX.has(char!) ? `\\${char}` : char!);
  }
}
