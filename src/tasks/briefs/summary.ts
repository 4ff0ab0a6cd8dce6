import type { Random } from '../random.js';
import { type Facts, fillers, names, places, type Slot, slots, times, topics } from './world.js';

/** What a summary of one sentence says, before it is put in words; a fact that is null is left out. */
export interface SummaryPlan {
  style: number;
  facts: Record<Slot, string | null>;
  details: string[];
  filler: string | null;
}

export const styles = 3;

/** "the poster's sister Dana", "Dana", "the poster's sister", or, when nobody can tell, "someone". */
const person = ({ relation, name }: SummaryPlan['facts']) =>
  relation ? `the poster's ${relation}${name ? ` ${name}` : ''}` : (name ?? 'someone');

/** A plan in words: one sentence. */
export function write({ style, facts, details, filler }: SummaryPlan): string {
  const who = person(facts);
  const did = facts.event ?? 'did something';
  const extra = filler ? `${filler}, ` : '';
  const where = facts.where ? ` ${facts.where}` : '';
  const when = facts.when ? ` ${facts.when}` : '';
  const aside = details.map((detail) => ` while ${detail}`).join('');
  const clause = `${who} ${did}`;
  let text: string;
  if (style === 0) {
    text = `${extra}${clause}${where}${when}${aside}`;
    if (facts.ask) text += `, and the poster asks ${facts.ask}`;
  } else if (style === 1) {
    text = `${extra}${when ? `${when.trim()} ` : ''}${clause}${where}${aside}`;
    if (facts.ask) text += `; the poster asks ${facts.ask}`;
  } else {
    text = facts.ask
      ? `${extra}the poster asks ${facts.ask} because ${clause}`
      : `${extra}the poster writes that ${clause}`;
    text += `${when}${where}${aside}`;
  }
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

/** Every value that a slot can have in a post of this topic. */
export function valuesOf(slot: Slot, topicName: string): readonly string[] {
  const topic = topics.find((t) => t.name === topicName)!;
  switch (slot) {
    case 'relation':
      return topic.relations;
    case 'name':
      return names;
    case 'event':
      return topic.events;
    case 'when':
      return times;
    case 'where':
      return places;
    case 'ask':
      return topic.asks;
    default:
      return slot satisfies never;
  }
}

/** A wrong value: often another one that the post itself mentions, as people's mistakes are. */
export function wrongValue(r: Random, slot: Slot, facts: Facts, postText: string): string {
  const wrong = valuesOf(slot, facts.topic).filter((value) => value !== facts[slot]);
  const mentioned = wrong.filter((value) => postText.includes(value));
  return mentioned.length > 0 && r.chance(0.5) ? r.pick(mentioned) : r.pick(wrong);
}

const detailsIn = (postText: string, all: readonly string[]) =>
  all.filter((detail) => postText.toLowerCase().includes(detail));

// How often the writers of the base corpus leave a fact out. The likeliest summary is incomplete on purpose: were each
// fact usually there, the likeliest text would be near perfect and tuning could show nothing.
const omitted: Record<Slot, number> = {
  relation: 0.45,
  name: 0.55,
  event: 0.06,
  when: 0.65,
  where: 0.65,
  ask: 0.5,
};

/** A summary as the writers of the base corpus write: complete, with facts missing, wrong, or padded. */
export function drawPlan(
  r: Random,
  facts: Facts,
  postText: string,
  allDetails: readonly string[],
): SummaryPlan {
  const complete = r.chance(0.03);
  const said = {} as SummaryPlan['facts'];
  for (const slot of slots) {
    if (complete) said[slot] = facts[slot];
    else if (r.chance(omitted[slot])) said[slot] = null;
    else said[slot] = r.chance(0.1) ? wrongValue(r, slot, facts, postText) : facts[slot];
  }
  const present = detailsIn(postText, allDetails);
  return {
    style: r.int(styles),
    facts: said,
    details: !complete && present.length > 0 && r.chance(0.3) ? [r.pick(present)] : [],
    filler: !complete && r.chance(0.25) ? r.pick(fillers) : null,
  };
}

/** The reference summary: complete and nothing more. */
export function goldSummary(facts: Facts): string {
  const { topic: _, ...said } = facts;
  return write({ style: 0, facts: said, details: [], filler: null });
}
