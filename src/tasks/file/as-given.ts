/** A text as it was given, but for the line ends of other systems, and white space around it. */
export const asGiven = (said: string): string => said.trim().replace(/\r\n?/g, '\n');
