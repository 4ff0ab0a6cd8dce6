import { hash32, type Random, random } from '../random.js';
import { details, type Facts, names, places, slots, times, topics } from './world.js';

/** A forum post with what is known about it. */
export interface Post {
  id: string;
  text: string;
  facts: Facts;
}

/** Who may see a post: each post's facts belong to exactly one split, so no two splits share a post. */
export const splits = ['base', 'instruct', 'ilf', 'heldout'] as const;
export type Split = (typeof splits)[number];

const shares: Record<Split, number> = { base: 35, instruct: 35, ilf: 15, heldout: 15 };

export function splitOf(facts: Facts): Split {
  let bucket = hash32(slots.map((slot) => facts[slot]).join('|')) % 100;
  for (const split of splits) {
    bucket -= shares[split];
    if (bucket < 0) return split;
  }
  throw new Error('shares must add up to 100');
}

function drawFacts(r: Random): Facts {
  const topic = r.pick(topics);
  return {
    topic: topic.name,
    relation: r.pick(topic.relations),
    name: r.pick(names),
    event: r.pick(topic.events),
    when: r.pick(times),
    where: r.pick(places),
    ask: r.pick(topic.asks),
  };
}

// Each template is one way of saying one or two facts; {slots} are filled in.
const openings = [
  'I know my {relation} {name} quite well .',
  'This is about my {relation} , whose name is {name} .',
  'My {relation} {name} is a difficult person .',
  'You should know that {name} is my {relation} .',
  'I need to talk about {name} , my {relation} .',
  'My {relation} is called {name} and I like them a lot .',
];
const events = [
  'What happened is that {name} {event} .',
  'Then {name} {event} .',
  'It turns out that {name} {event} .',
  'I could not believe it but {name} {event} .',
  'Out of nowhere {name} {event} .',
];
const eventWhen = ['Then {when} {name} {event} .', '{name} {event} {when} , just like that .'];
const eventWhere = ['Then {where} {name} {event} .', '{name} {event} {where} , in front of me .'];
const when = [
  'It all happened {when} .',
  'I found out because I was there {when} .',
  'This was {when} , if that matters .',
  'It must have been {when} .',
];
const where = [
  'We were {where} when it happened .',
  'It took place {where} .',
  'All of this was {where} .',
  'I was {where} and saw it .',
];
const asks = [
  'So I want to know {ask} .',
  'My question is {ask} .',
  'Please tell me {ask} .',
  'I keep asking myself {ask} .',
  'Does anyone know {ask} ?',
];
// Distractors: other people, times and places than those of the facts, and details that do not matter.
const others = [
  'My friend {name} was no help at all .',
  'Later {name} called me about it .',
  'Some people like {name} say I worry too much .',
  'I told {name} everything .',
];
const otherTimes = [
  'We used to get along until {when} .',
  'I have a day off {when} .',
  'The last time we met was {when} .',
];
const otherPlaces = [
  'I usually spend my evenings {where} .',
  'I grew up {where} .',
  'We first met {where} .',
];
const remarks = [
  'By the way {detail} .',
  'I remember that {detail} .',
  'Also {detail} .',
  'Not that it matters but {detail} .',
];
const closings = [
  'I feel bad about it .',
  'Sorry for the long post .',
  'Thanks for reading .',
  'I am so tired of this .',
  'Nobody else seems to care .',
  'I have not slept well since .',
];

const tidy = (text: string) => text.replace(/ ([.,?;])/g, '$1');
const sentence = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);

function fill(r: Random, templates: readonly string[], values: Partial<Record<string, string>>): string {
  return sentence(tidy(r.pick(templates).replace(/\{(\w+)\}/g, (_, key: string) => values[key]!)));
}

const other = (r: Random, values: readonly string[], not: string) => {
  for (;;) {
    const value = r.pick(values);
    if (value !== not) return value;
  }
};

function tell(r: Random, facts: Facts): string {
  const core: string[] = [fill(r, openings, facts)];
  const told = r.int(3);
  if (told === 0) core.push(fill(r, events, facts), fill(r, when, facts), fill(r, where, facts));
  else if (told === 1) core.push(fill(r, eventWhen, facts), fill(r, where, facts));
  else core.push(fill(r, eventWhere, facts), fill(r, when, facts));

  const aside: string[] = [];
  const detail = r.shuffle(details);
  aside.push(fill(r, remarks, { detail: detail[0]! }));
  if (r.chance(0.5)) aside.push(fill(r, others, { name: other(r, names, facts.name) }));
  if (r.chance(0.4)) aside.push(fill(r, otherTimes, { when: other(r, times, facts.when) }));
  if (r.chance(0.4)) aside.push(fill(r, otherPlaces, { where: other(r, places, facts.where) }));
  if (r.chance(0.5)) aside.push(tidy(r.pick(closings)));
  if (r.chance(0.2)) aside.push(fill(r, remarks, { detail: detail[1]! }));

  // The question may come first or last; asides anywhere after the first sentence.
  const ask = fill(r, asks, facts);
  const body = [...core];
  for (const text of r.shuffle(aside)) body.splice(1 + r.int(body.length), 0, text);
  if (r.chance(0.2)) body.splice(1, 0, ask);
  else body.push(ask);
  return body.join(' ');
}

/** Post number `index` of a split; the same arguments always give the same post (40 to 120 words). */
export function drawPost(split: Split, index: number): Post {
  for (let attempt = 0; ; attempt++) {
    const r = random('post', split, index, attempt);
    const facts = drawFacts(r);
    if (splitOf(facts) !== split) continue;
    const text = tell(r, facts);
    const length = text.split(' ').length;
    if (length < 40 || length > 120) continue;
    return { id: `${split}-${index}`, text, facts };
  }
}
