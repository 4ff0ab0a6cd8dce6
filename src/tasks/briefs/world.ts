/**
 * What can happen in the embedded world `briefs`: the values of the six latent facts of a forum post, and the things that
 * a summary should not repeat. Values of different slots share no phrase, so that a text can be read back without doubt.
 */

export const slots = ['relation', 'name', 'event', 'when', 'where', 'ask'] as const;
export type Slot = (typeof slots)[number];

/** The latent facts of a post: who it is about, what happened, when, where, and what the poster wants to know. */
export type Facts = Record<Slot, string> & { topic: string };

export interface Topic {
  name: string;
  relations: readonly string[];
  /** What the person did, in the past tense. */
  events: readonly string[];
  /** What the poster asks, fitting after "asks". */
  asks: readonly string[];
}

const words = (text: string) => text.trim().split(/\s*,\s*/);

export const topics: readonly Topic[] = [
  {
    name: 'housing',
    relations: words('landlord, roommate, neighbor, tenant'),
    events: words(
      'raised the rent, kept the deposit, flooded the bathroom, broke the front door, painted the kitchen, changed the locks, sold the building',
    ),
    asks: words(
      'whether to move out, how to get the deposit back, whether to stop paying rent, how to end the lease, whether to find a new flat',
    ),
  },
  {
    name: 'work',
    relations: words('boss, colleague, manager, assistant, client'),
    events: words(
      'took the credit, cancelled the project, lost the contract, missed the deadline, leaked the report, deleted the files, cut the bonus',
    ),
    asks: words(
      'whether to quit the job, how to talk to the director, whether to ask for a raise, how to save the project, whether to report it',
    ),
  },
  {
    name: 'family',
    relations: words('sister, brother, cousin, uncle, aunt, mother, father'),
    events: words(
      'skipped the wedding, told the secret, sold the old house, read the diary, ruined the dinner, hid the letters, wore the white dress',
    ),
    asks: words(
      'how to forgive them, whether to stay away, how to fix the family, whether to tell everyone, how to apologize',
    ),
  },
  {
    name: 'money',
    relations: words('banker, accountant, investor, grandson'),
    events: words(
      'borrowed the savings, used the credit card, spent the inheritance, forged the signature, emptied the account, bought the stocks, forgot the taxes',
    ),
    asks: words(
      'how to get the money back, whether to sue, how to split the bill, whether to lend more, how to pay the debt',
    ),
  },
  {
    name: 'school',
    relations: words('teacher, professor, tutor, classmate, student'),
    events: words(
      'failed the exam, copied the essay, lost the homework, changed the grade, burned the books, stole the laptop, left the class',
    ),
    asks: words(
      'whether to change schools, how to pass the course, whether to see the dean, how to study better, whether to take the test again',
    ),
  },
  {
    name: 'health',
    relations: words('doctor, nurse, dentist, therapist'),
    events: words(
      'lost the blood test, pulled the wrong tooth, mixed up the pills, ignored the pain, cancelled the surgery, shared the diagnosis, forgot the bandage',
    ),
    asks: words(
      'whether to see another doctor, how to sleep better, whether to take the pills, how to stay calm, whether to file a complaint',
    ),
  },
  {
    name: 'travel',
    relations: words('driver, guide, pilot, travel agent'),
    events: words(
      'lost the luggage, missed the flight, booked the wrong hotel, took the passport, crashed the bus, forgot the tickets, closed the border gate',
    ),
    asks: words(
      'how to get home, whether to cancel the trip, how to get a refund, whether to travel alone, how to find the embassy',
    ),
  },
  {
    name: 'pets',
    relations: words('dog walker, breeder, farmer, vet'),
    events: words(
      'lost the puppy, fed the cat chocolate, shaved the dog, let the parrot escape, adopted the kitten, scared the horse, stepped on the turtle',
    ),
    asks: words(
      'how to find the animal, whether to get another pet, how to train it, whether to trust strangers, how to keep it safe',
    ),
  },
  {
    name: 'cars',
    relations: words('mechanic, instructor, dealer, passenger'),
    events: words(
      'scratched the car, sold the truck, broke the engine, drove into the fence, stole the wheels, drained the battery, blocked the driveway',
    ),
    asks: words(
      'whether to buy a new car, how to repair the damage, whether to call the police, how to prove it, whether to pay for it',
    ),
  },
  {
    name: 'love',
    relations: words('wife, husband, girlfriend, boyfriend, partner'),
    events: words(
      'read the messages, forgot the anniversary, sold the ring, kissed a stranger, planned the wedding alone, burned the photos, returned the gift',
    ),
    asks: words(
      'whether to break up, how to rebuild trust, whether to get married, how to start again, whether to see a counselor',
    ),
  },
];

export const names = words(
  'Dana, Maria, Peter, James, Sarah, Emma, Laura, Kevin, Brian, Linda, Karen, Susan, Alice, Oscar, Victor, Frank, Henry, Grace, Helen, Julia, Diana, Felix, Simon, Martin, Paul, David, Daniel, Anna, Rachel, Nathan, Oliver, Ivan, Carl, Eric, Adam, Luke, Nick, Tom, George, Walter, Louis, Arthur, Albert, Bruce, Claire, Sophie, Chris, Ryan',
);

export const times = words(
  'on Monday, on Tuesday, on Wednesday, on Thursday, on Friday, on Saturday, on Sunday, in January, in February, in March, in April, in June, in July, in August, in September, in October, in November, in December, last night, last week, last month, last year, yesterday, this morning',
);

export const places = words(
  'in Boston, in Denver, in Dallas, in Chicago, in Seattle, in Miami, in Paris, in London, in Berlin, in Madrid, in Rome, in Vienna, in Dublin, in Toronto, in Tokyo, in Phoenix, in Houston, in Atlanta, at the library, at the office, at the station, at the airport, at the park, at the church, at the gym, at the beach, at the market, at the restaurant, at the museum, at the theater, at the stadium, at the lake',
);

/** Things that are in a post but do not belong in its summary. */
export const details = words(
  'it was raining hard, the coffee was cold, the music was loud, a cat was watching, the lights were off, the soup was great, the bus was late, a baby was crying, the sky was red, the phone was dead, the floor was wet, the roses were blooming, a clock was ticking, the pizza was free, the wind was strong, the window was open',
);

/** Words that only make a summary longer. */
export const fillers = words(
  'to be honest, as you can imagine, believe it or not, in a way, so to speak, more or less, when all is said and done, needless to say',
);
