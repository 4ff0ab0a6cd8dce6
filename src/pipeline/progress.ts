/**
 * What a step is doing and how far it is: "sampling refinements", 120 of 1500 texts. A step may do several things one
 * after another.
 */
export type Progress = (doing: string, done: number, total: number, unit: string) => void;

export const noProgress: Progress = () => {};

/** One activity of a step, in texts: what samplers and scorers report to. */
export const texts =
  (progress: Progress, doing: string) =>
  (done: number, total: number): void =>
    progress(doing, done, total, 'texts');
