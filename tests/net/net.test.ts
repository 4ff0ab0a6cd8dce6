// A net under all that connects the formulas: the loop with scripted models, its numbers worked out by hand. One test file, so
// that what it imports is loaded once.
import { describe } from 'vitest';
import { asked } from './asked.js';
import { loop } from './loop.js';
import { ownData } from './own-data.js';
import { targets } from './targets.js';

describe('what a run says', loop);
describe('what was asked of whom', asked);
describe('targets', targets);
describe('own data', ownData);
