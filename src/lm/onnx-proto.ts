/**
 * Just enough of ONNX's file format (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto) to write a graph of
 * float32 and int64 tensors: field numbers are the format's own.
 */
import protobuf from 'protobufjs';
import { UserError } from '../store/errors.js';

const PROTO = `
syntax = "proto3";
message AttributeProto {
  string name = 1; float f = 2; int64 i = 3; bytes s = 4; repeated float floats = 7; repeated int64 ints = 8;
  int32 type = 20;
}
message NodeProto {
  repeated string input = 1; repeated string output = 2; string name = 3; string op_type = 4;
  repeated AttributeProto attribute = 5; string domain = 7;
}
message TensorProto { repeated int64 dims = 1; int32 data_type = 2; string name = 8; bytes raw_data = 9; }
message Dimension { oneof value { int64 dim_value = 1; string dim_param = 2; } }
message TensorShapeProto { repeated Dimension dim = 1; }
message TensorTypeProto { int32 elem_type = 1; TensorShapeProto shape = 2; }
message TypeProto { TensorTypeProto tensor_type = 1; }
message ValueInfoProto { string name = 1; TypeProto type = 2; }
message GraphProto {
  repeated NodeProto node = 1; string name = 2; repeated TensorProto initializer = 5;
  repeated ValueInfoProto input = 11; repeated ValueInfoProto output = 12;
}
message OperatorSetIdProto { string domain = 1; int64 version = 2; }
message ModelProto {
  int64 ir_version = 1; string producer_name = 2; GraphProto graph = 7; repeated OperatorSetIdProto opset_import = 8;
}`;

/** TensorProto.DataType. */
const DATA_TYPE = { float32: 1, int64: 7 } as const;
type DataType = keyof typeof DATA_TYPE;
/** AttributeProto.AttributeType. */
const ATTRIBUTE = { float: 1, int: 2, string: 3, ints: 7 } as const;

/** An attribute: whole numbers are ints, `{ float }` a float, text a string. */
export type Attribute = number | string | readonly number[] | { float: number };
/** A dimension's size, or the name of one that varies. */
export type Dim = number | string;

/** The largest message that protobuf readers take. */
const MOST_BYTES = 2 ** 31 - 1;

function attributeProto(name: string, value: Attribute) {
  if (typeof value === 'number') return { name, type: ATTRIBUTE.int, i: value };
  if (typeof value === 'string') return { name, type: ATTRIBUTE.string, s: Buffer.from(value) };
  if ('float' in value) return { name, type: ATTRIBUTE.float, f: value.float };
  return { name, type: ATTRIBUTE.ints, ints: value };
}

function valueProto(name: string, type: DataType, shape: readonly Dim[]) {
  const dim = shape.map((size) => (typeof size === 'number' ? { dim_value: size } : { dim_param: size }));
  return { name, type: { tensor_type: { elem_type: DATA_TYPE[type], shape: { dim } } } };
}

/** A graph in the making. Values are named by strings; `node` returns its (first) output's name. */
export class OnnxGraph {
  private readonly nodes: object[] = [];
  private readonly initializers: object[] = [];
  private readonly inputs: object[] = [];
  private readonly outputs: object[] = [];
  private readonly constants = new Map<string, string>();
  private bytes = 0;

  input(name: string, type: DataType, shape: readonly Dim[]): string {
    this.inputs.push(valueProto(name, type, shape));
    return name;
  }

  output(name: string, type: DataType, shape: readonly Dim[]): void {
    this.outputs.push(valueProto(name, type, shape));
  }

  /** A float32 weight, row-major. */
  weight(name: string, shape: readonly number[], data: Float32Array): string {
    const raw_data = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    this.initializers.push({ name, dims: shape, data_type: DATA_TYPE.float32, raw_data });
    this.bytes += raw_data.length;
    return name;
  }

  /** A small int64 constant, a vector or, given a number, a scalar; equal ones are stored once. */
  int64(value: number | readonly number[]): string {
    const values = typeof value === 'number' ? [value] : value;
    const name = `int64_${typeof value === 'number' ? 'scalar_' : ''}${values.join('_').replaceAll('-', 'minus')}`;
    if (!this.constants.has(name)) {
      const raw_data = new Uint8Array(BigInt64Array.from(values, BigInt).buffer);
      const dims = typeof value === 'number' ? [] : [values.length];
      this.initializers.push({ name, dims, data_type: DATA_TYPE.int64, raw_data });
      this.constants.set(name, name);
    }
    return name;
  }

  /** A float32 scalar. */
  float(name: string, value: number): string {
    return this.weight(name, [], Float32Array.of(value));
  }

  node(
    op_type: string,
    output: string | readonly string[],
    input: readonly string[],
    attributes: Record<string, Attribute> = {},
  ): string {
    const outputs = typeof output === 'string' ? [output] : output;
    const name = outputs[0]!;
    const attribute = Object.entries(attributes).map(([key, value]) => attributeProto(key, value));
    this.nodes.push({ name, op_type, input, output: outputs, attribute });
    return name;
  }

  /** The model file's bytes; `from` names the model in errors: a UserError where the bytes are more than the format allows. */
  encode(from: string, opset: number): Uint8Array {
    if (this.bytes > MOST_BYTES - (1 << 24)) {
      throw new UserError(`${from}: ${this.bytes} bytes of weights; one ONNX file holds at most 2 GiB`);
    }
    const ModelProto = protobuf.parse(PROTO, { keepCase: true }).root.lookupType('ModelProto');
    const graph = {
      name: 'model',
      node: this.nodes,
      initializer: this.initializers,
      input: this.inputs,
      output: this.outputs,
    };
    const opset_import = [{ domain: '', version: opset }];
    return ModelProto.encode({ ir_version: 11, producer_name: 'ilf', graph, opset_import }).finish();
  }
}
