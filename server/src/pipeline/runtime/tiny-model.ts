/**
 * A model of three operators, y = relu(x W + b), written as ONNX bytes in code: what the self-test runs before any real model is loaded.
 * ONNX files are protobuf messages (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto); the field numbers below are its.
 */
type Bytes = readonly number[];

/** Input and expected output of the self-test, exact in float32. */
export const TINY_MODEL_VECTOR = { input: [1, 2, 3], output: [12, 28.5] } as const;

/** The bytes of the model: input `x` float[1,3], output `y` float[1,2]. */
export function tinyModel(): Uint8Array {
  const graph: Bytes = [
    ...message(1, node("MatMul", ["x", "w"], "product")),
    ...message(1, node("Add", ["product", "b"], "sum")),
    ...message(1, node("Relu", ["sum"], "y")),
    ...text(2, "self-test"),
    ...message(5, tensor("w", [3, 2], [1, 2, 3, 4, 5, 6])),
    ...message(5, tensor("b", [2], [-10, 0.5])),
    ...message(11, valueInfo("x", [1, 3])),
    ...message(12, valueInfo("y", [1, 2])),
  ];
  // ModelProto: ir_version 8, producer_name, graph, opset_import { version 13 }.
  return Uint8Array.from([...number(1, 8), ...text(2, "copresence"), ...message(7, graph), ...message(8, number(2, 13))]);
}

const FLOAT = 1;

/** NodeProto: input 1, output 2, op_type 4. */
const node = (operator: string, inputs: readonly string[], output: string): Bytes => [
  ...inputs.flatMap((input) => text(1, input)),
  ...text(2, output),
  ...text(4, operator),
];
/** TensorProto: dims 1, data_type 2, name 8, raw_data 9. */
const tensor = (name: string, dims: readonly number[], values: readonly number[]): Bytes => [
  ...dims.flatMap((dim) => number(1, dim)),
  ...number(2, FLOAT),
  ...text(8, name),
  ...message(9, [...new Uint8Array(new Float32Array(values).buffer)]),
];
/** ValueInfoProto: name 1, type 2 { tensor_type 1 { elem_type 1, shape 2 { dim 1 { dim_value 1 } } } }. */
const valueInfo = (name: string, dims: readonly number[]): Bytes => [
  ...text(1, name),
  ...message(
    2,
    message(1, [
      ...number(1, FLOAT),
      ...message(
        2,
        dims.flatMap((dim) => message(1, number(1, dim))),
      ),
    ]),
  ),
];

// Protobuf wire format: a key is (field << 3 | wire type); type 0 is a varint, type 2 is a length and that many bytes.
const number = (field: number, value: number): Bytes => [...varint(field << 3), ...varint(value)];
const message = (field: number, bytes: Bytes): Bytes => [...varint((field << 3) | 2), ...varint(bytes.length), ...bytes];
const text = (field: number, value: string): Bytes => message(field, [...Buffer.from(value, "utf8")]);
function varint(value: number): Bytes {
  const bytes: number[] = [];
  for (let rest = value; ; rest >>>= 7) {
    if (rest < 0x80) return [...bytes, rest];
    bytes.push((rest & 0x7f) | 0x80);
  }
}
