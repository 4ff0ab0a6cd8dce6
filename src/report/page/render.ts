import { Eta } from 'eta';

const eta = new Eta({ autoEscape: true, autoTrim: false, cache: false });

/** A template (template.ts) filled in with `it`. */
export const render = (template: string, it: object): string => eta.renderString(template, it);
