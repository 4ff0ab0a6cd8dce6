/** A model's layers as nodes of an ONNX graph, as its description says. Letters as in onnx.ts. */
import type { Rotation } from '../engine/fused.js';
import type { Description, LayerPart } from './description.js';
import type { ModelFolder } from './model-folder.js';
import type { OnnxGraph } from './onnx-proto.js';
import type { Parameter } from './parameters.js';

export class OnnxLayers {
  readonly description: Description;
  private readonly byRole: Map<string, Parameter>;
  /** Of the weights, those that are in the graph. */
  private readonly added = new Set<string>();
  private readonly shapes = new Map<number, string>();

  constructor(
    private readonly graph: OnnxGraph,
    private readonly model: ModelFolder,
  ) {
    const { description, parameters } = model.config;
    this.description = description;
    this.byRole = new Map(parameters.map((parameter) => [parameter.role, parameter]));
    this.shapes.set(description.width, 'shape_BSD');
  }

  /** What Hugging Face's names of a layer's parts begin with; our nodes' do, too. */
  prefix(index: number): string {
    return `${this.model.config.architecture.names.layers.prefix}.${index}`;
  }

  private data(role: string): Float32Array | undefined {
    const parameter = this.byRole.get(role);
    return parameter && this.model.values.get(parameter.name);
  }

  /** A parameter, put into the graph once; undefined where the model has none. */
  weight(role: string): string | undefined {
    const parameter = this.byRole.get(role);
    if (!parameter) return undefined;
    const { name, shape } = parameter;
    if (!this.added.has(name)) this.graph.weight(name, shape, this.data(role)!);
    this.added.add(name);
    return name;
  }

  /** The name that a part's output goes by, and its weight and bias. */
  private part(role: string): { output: string; inputs: string[] } {
    const [weight, bias] = [this.weight(`${role}.weight`)!, this.weight(`${role}.bias`)];
    return { output: weight.replace(/weight$/, 'out'), inputs: bias ? [weight, bias] : [weight] };
  }

  /** x (N, in) → (N, out). */
  linear(role: string, x: string): string {
    const { output, inputs } = this.part(role);
    return this.graph.node('Gemm', output, [x, ...inputs], this.orientation());
  }

  private orientation(): { transB?: number } {
    return this.description.transposed ? { transB: 1 } : {};
  }

  norm(role: string, x: string): string {
    const { kind, eps } = this.description.norm;
    const { output, inputs } = this.part(role);
    const attributes = { axis: -1, epsilon: { float: eps } };
    const operator = kind === 'layer' ? 'LayerNormalization' : 'RMSNormalization';
    return this.graph.node(operator, output, [x, ...inputs], attributes);
  }

  /** (N, D) → (N, D). */
  mlp(index: number, x: string): string {
    const { graph } = this;
    const { mlp } = this.description;
    const part = (name: 'gate' | 'up' | 'down') => `layers.${index}.mlp.${name}` as const;
    const name = `${this.prefix(index)}.mlp`;
    const wide = this.linear(part(mlp.gated ? 'gate' : 'up'), x);
    const active =
      mlp.activation === 'gelu'
        ? graph.node('Gelu', `${name}.act`, [wide], { approximate: 'tanh' })
        : graph.node('Mul', `${name}.act`, [wide, graph.node('Sigmoid', `${name}.sigmoid`, [wide])]);
    const inner = mlp.gated
      ? graph.node('Mul', `${name}.gated`, [active, this.linear(part('up'), x)])
      : active;
    return this.linear(part('down'), inner);
  }

  /** Queries (B, S, H·K), keys and values (B, S, KV·K) of x (N, D); queries and keys turned where positions are rotary. */
  projections(index: number, x: string): Record<'query' | 'key' | 'value', string> {
    const { heads, kvHeads, headDim } = this.description.attention;
    const [ofQ, ofK] = [heads * headDim, kvHeads * headDim];
    return {
      query: this.turned(this.projection(index, 'query', x, 0, ofQ), heads),
      key: this.turned(this.projection(index, 'key', x, ofQ, ofK), kvHeads),
      value: this.projection(index, 'value', x, ofQ + ofK, ofK),
    };
  }

  /** Of x (N, D): (B, S, width). Where they are packed, these are the outputs [first, first + width) of the packed layer. */
  private projection(
    index: number,
    which: 'query' | 'key' | 'value',
    x: string,
    first: number,
    width: number,
  ): string {
    const name = `${this.prefix(index)}.attn.${which}`;
    const role = (part: LayerPart) => `layers.${index}.${part}`;
    const inputs = this.description.attention.packed
      ? this.outputsOf(role('attention.qkv'), name, first, width)
      : this.part(role(`attention.${which[0] as 'q' | 'k' | 'v'}`)).inputs;
    const flat = this.graph.node('Gemm', `${name}.flat`, [x, ...inputs], this.orientation());
    return this.graph.node('Reshape', name, [flat, this.shape(width)]);
  }

  /** The weight and, where it has one, bias of some of a linear layer's outputs, as `name`'s. */
  private outputsOf(role: string, name: string, first: number, width: number): string[] {
    const { width: D, transposed } = this.description;
    const all = this.data(`${role}.weight`)!;
    const out = all.length / D;
    const some = transposed ? all.subarray(first * D, (first + width) * D) : new Float32Array(D * width);
    for (let row = 0; !transposed && row < D; row++)
      some.set(all.subarray(row * out + first, row * out + first + width), row * width);
    const weight = this.graph.weight(`${name}.weight`, transposed ? [width, D] : [D, width], some);
    const bias = this.data(`${role}.bias`)?.subarray(first, first + width);
    return bias ? [weight, this.graph.weight(`${name}.bias`, [width], bias)] : [weight];
  }

  /** The shape (B, S, width). */
  private shape(width: number): string {
    const known = this.shapes.get(width);
    if (known) return known;
    const { graph } = this;
    const made = graph.node('Concat', `shape_BS_${width}`, ['shape_BS', graph.int64([width])], { axis: 0 });
    this.shapes.set(width, made);
    return made;
  }

  /** x (B, S, heads·K) turned by position_ids. */
  private turned(x: string, heads: number): string {
    const { place } = this.description;
    if (place === 'learned') return x;
    const attributes = {
      num_heads: heads,
      interleaved: place.interleaved ? 1 : 0,
      rotary_embedding_dim: 2 * place.frequencies.length,
    };
    const tables = [this.angles('cos', place), this.angles('sin', place)];
    return this.graph.node('RotaryEmbedding', `${x}.turned`, [x, ...tables, 'position_ids'], attributes);
  }

  /** A table (positions, pairs) of cosines or sines, in the graph once. */
  private angles(which: 'cos' | 'sin', { frequencies, scale }: Rotation): string {
    const name = `rotary.${which}`;
    if (this.added.has(name)) return name;
    this.added.add(name);
    const [rows, pairs] = [this.description.positions, frequencies.length];
    const table = Float32Array.from({ length: rows * pairs }, (_, at) => {
      const angle = Math.floor(at / pairs) * frequencies[at % pairs]!;
      return scale * Math[which](angle);
    });
    return this.graph.weight(name, [rows, pairs], table);
  }
}
