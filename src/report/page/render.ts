import { Eta } from 'eta';
import { plain } from '../terminal.js';

const ENTITIES: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Text as a page shows it: no control character stays, nor one that would turn the words after it around. */
const escapeFunction = (text: unknown): string =>
  plain(String(text)).replace(/[&<>"']/g, (c) => ENTITIES[c]!);

const eta = new Eta({ autoEscape: true, autoTrim: false, cache: false, escapeFunction });

/** A template (template.ts) filled in with `it`. */
export const render = (template: string, it: object): string => eta.renderString(template, it);
