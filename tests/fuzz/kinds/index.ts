import type { Kind } from '../kind.js';
import { checkpoint, config, safetensors } from './model.js';
import { onnx } from './onnx.js';
import { run } from './run.js';
import { arrow, jsonl } from './tables.js';
import { tokenizer } from './tokenizer.js';

export const kinds: readonly Kind[] = [safetensors, config, tokenizer, jsonl, arrow, run, checkpoint, onnx];
