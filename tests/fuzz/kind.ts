/** What is fuzzed: folders of good files, one of which is made wrong, and the program's own code that reads them. */
import type { Random } from './mutate.js';

export interface Example {
  name: string;
  /** Good files by their paths in a folder. */
  files: Record<string, Uint8Array>;
  /** Those of them that are made wrong, one at a time, and how. */
  wrong: Record<string, (bytes: Uint8Array, random: Random) => Uint8Array>;
  /** Reads the folder as the program does. @throws UserError where it refuses; whatever else it throws is a finding */
  read(dir: string): Promise<unknown>;
  /** Whether reading leaves something in the folder. */
  writes?: true;
  /** A command line that reads the folder, where there is one that ends in seconds; it may write to `out`. */
  command?(dir: string, out: string): string[];
}

export interface Kind {
  name: string;
  /** Inputs of this kind among a hundred. */
  share: number;
  examples(): Promise<Example[]>;
}
