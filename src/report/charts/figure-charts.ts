// Draws figures (figures.ts) as SVG. No series is told by its colour alone: marks and dashes differ too, and published
// numbers are hollow. An end of an interval, or a number, that is infinite or unknown is not drawn; its label stays.
import { type Chart, chart, type Layer } from './chart-kit.js';
import { dots } from './dots.js';
import type { Figure } from './figures.js';
import { frontier } from './frontier.js';
import { lines } from './lines.js';
import { reliability } from './reliability.js';

/** The figure as an SVG of its own. @throws what vega throws; a figure without a finite number is an empty plot */
export function figureChart(figure: Figure): Promise<Chart> {
  return chart(figure.id, figure.title, figure.caption, specification(figure));
}

function specification(figure: Figure): Layer {
  switch (figure.kind) {
    case 'dots':
      return dots(figure);
    case 'lines':
      return lines(figure);
    case 'frontier':
      return frontier(figure);
    case 'reliability':
      return reliability(figure);
    default:
      return figure satisfies never;
  }
}
