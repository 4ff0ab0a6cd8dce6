/** Settings of a run, by name. */
export type Settings = Record<string, string | number | boolean | null>;

/** Names and values as a page shows them. */
export function settingsView(settings: Settings): [string, string][] {
  return Object.entries(settings).map(([key, value]) => [key, value === null ? 'none' : String(value)]);
}
