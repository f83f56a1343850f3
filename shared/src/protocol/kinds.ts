/**
 * Field kinds: the vocabulary messages are declared in. A kind knows how to write, read, bound and name itself, so the
 * codec, the types, the size limits and the tables of PROTOCOL.md all come from one declaration.
 */
import { type ByteReader, type ByteWriter, isIdentifier } from "../base/index.ts";

/** What a kind is made of, for whoever walks the registry: the tables of PROTOCOL.md, and tests that invent valid values. */
export type Shape =
  | { readonly form: "int"; readonly min: number; readonly max: number }
  | { readonly form: "float"; readonly bits: 32 | 64 }
  | { readonly form: "bool" | "ident" }
  /** `max` in UTF-8 bytes (text) or bytes (rest). */
  | { readonly form: "text" | "rest"; readonly max: number }
  | { readonly form: "oneOf"; readonly values: readonly string[] }
  | { readonly form: "list"; readonly of: Kind<any>; readonly max: number }
  | { readonly form: "tuple"; readonly of: Kind<any>; readonly count: number }
  | { readonly form: "maybe"; readonly of: Kind<any> }
  | { readonly form: "record"; readonly fields: Readonly<Record<string, Kind<any>>> };

export type Kind<T> = {
  /** As printed in PROTOCOL.md, e.g. `u16`, `text<=1000`. */
  readonly name: string;
  readonly shape: Shape;
  /** Upper bound of the encoded size, for the generated limits. */
  readonly maxBytes: number;
  readonly write: (w: ByteWriter, value: T) => void;
  /** Sets the reader's fault instead of throwing; the value returned then is meaningless. */
  readonly read: (r: ByteReader) => T;
};
type ValueOf<K> = K extends Kind<infer T> ? T : never;

const scalar = <T>(name: string, shape: Shape, maxBytes: number, write: Kind<T>["write"], read: Kind<T>["read"]): Kind<T> => ({
  name,
  shape,
  maxBytes,
  write,
  read,
});
const int = (min: number, max: number): Shape => ({ form: "int", min, max });

export const u8 = scalar<number>(
  "u8",
  int(0, 0xff),
  1,
  (w, v) => w.u8(v),
  (r) => r.u8(),
);
export const i8 = scalar<number>(
  "i8",
  int(-0x80, 0x7f),
  1,
  (w, v) => w.u8(v & 0xff),
  (r) => (r.u8() << 24) >> 24,
);
export const u16 = scalar<number>(
  "u16",
  int(0, 0xffff),
  2,
  (w, v) => w.u16(v),
  (r) => r.u16(),
);
export const i16 = scalar<number>(
  "i16",
  int(-0x8000, 0x7fff),
  2,
  (w, v) => w.i16(v),
  (r) => r.i16(),
);
export const u32 = scalar<number>(
  "u32",
  int(0, 0xffffffff),
  4,
  (w, v) => w.u32(v),
  (r) => r.u32(),
);
export const i32 = scalar<number>(
  "i32",
  int(-0x80000000, 0x7fffffff),
  4,
  (w, v) => w.i32(v),
  (r) => r.i32(),
);
export const f32 = scalar<number>(
  "f32",
  { form: "float", bits: 32 },
  4,
  (w, v) => w.f32(v),
  (r) => r.f32(),
);
export const f64 = scalar<number>(
  "f64",
  { form: "float", bits: 64 },
  8,
  (w, v) => w.f64(v),
  (r) => r.f64(),
);
export const bool = scalar<boolean>(
  "bool",
  { form: "bool" },
  1,
  (w, v) => w.u8(v ? 1 : 0),
  (r) => {
    const byte = r.u8();
    if (byte > 1) r.fail("bad-value");
    return byte === 1;
  },
);

/** UTF-8 with a length prefix; NUL is refused because no honest text holds one and C code downstream trips on it. */
export const text = (max: number): Kind<string> => ({
  name: `text<=${max}`,
  shape: { form: "text", max },
  maxBytes: max + 5,
  write: (w, v) => w.text(v),
  read: (r) => {
    const value = r.text(max);
    if (value.includes("\0")) r.fail("bad-value");
    return value;
  },
});

/** The one identifier grammar (base/ids.ts). */
export const ident: Kind<string> = {
  name: "ident",
  shape: { form: "ident" },
  maxBytes: 65,
  write: (w, v) => w.text(v),
  read: (r) => {
    const value = r.text(64);
    if (r.fault === undefined && !isIdentifier(value)) r.fail("bad-value");
    return value;
  },
};

/** Everything up to the end of the message; must be the last field. The bytes are a view into the message. */
export const rest = (max: number): Kind<Uint8Array> => ({
  name: `rest<=${max}`,
  shape: { form: "rest", max },
  maxBytes: max,
  write: (w, v) => w.raw(v),
  read: (r) => {
    if (r.remaining > max) r.fail("too-long");
    return r.raw(r.remaining);
  },
});

export const oneOf = <const T extends readonly string[]>(...values: T): Kind<T[number]> => ({
  name: values.join(" \\| "),
  shape: { form: "oneOf", values },
  maxBytes: 1,
  write: (w, v) => {
    const index = values.indexOf(v);
    if (index < 0) throw new RangeError(`${v} is not one of ${values.join(", ")}`);
    w.u8(index);
  },
  read: (r) => {
    const value = values[r.u8()];
    if (value === undefined) r.fail("bad-value");
    return value ?? (values[0] as T[number]);
  },
});

export const list = <T>(of: Kind<T>, max: number): Kind<readonly T[]> => ({
  name: `list<=${max}(${of.name})`,
  shape: { form: "list", of, max },
  maxBytes: 5 + max * of.maxBytes,
  write: (w, v) => {
    w.varUint(v.length);
    for (const item of v) of.write(w, item);
  },
  read: (r) => {
    const count = r.varUint();
    if (count > max) r.fail("too-long");
    const items: T[] = [];
    for (let i = 0; i < count && r.fault === undefined; i++) items.push(of.read(r));
    return items;
  },
});

export const tuple = <T>(of: Kind<T>, count: number): Kind<readonly T[]> => ({
  name: `${count} x ${of.name}`,
  shape: { form: "tuple", of, count },
  maxBytes: count * of.maxBytes,
  write: (w, v) => {
    for (let i = 0; i < count; i++) of.write(w, v[i] as T);
  },
  read: (r) => {
    const items: T[] = [];
    for (let i = 0; i < count; i++) items.push(of.read(r));
    return items;
  },
});

export const maybe = <T>(of: Kind<T>): Kind<T | null> => ({
  name: `maybe(${of.name})`,
  shape: { form: "maybe", of },
  maxBytes: 1 + of.maxBytes,
  write: (w, v) => {
    bool.write(w, v !== null);
    if (v !== null) of.write(w, v);
  },
  read: (r) => (bool.read(r) ? of.read(r) : null),
});

export type Fields = Readonly<Record<string, Kind<any>>>;
export type RecordOf<F extends Fields> = { readonly [K in keyof F]: ValueOf<F[K]> };

export const record = <F extends Fields>(fields: F): Kind<RecordOf<F>> => {
  // Walked by index: every message of every person goes through here, and pairs taken apart by an iterator cost as much as reading them.
  const keys = Object.keys(fields);
  const kinds = Object.values(fields);
  return {
    name: `{${keys.map((key) => `${key}: ${fields[key]?.name}`).join(", ")}}`,
    shape: { form: "record", fields },
    maxBytes: kinds.reduce((sum, kind) => sum + kind.maxBytes, 0),
    write: (w, v) => {
      for (let i = 0; i < kinds.length; i++) kinds[i]?.write(w, v[keys[i] as string]);
    },
    read: (r) => {
      const value: Record<string, unknown> = {};
      for (let i = 0; i < kinds.length; i++) value[keys[i] as string] = kinds[i]?.read(r);
      return value as RecordOf<F>;
    },
  };
};
