/**
 * The shape of a Yjs V1 update, walked without building anything: what is not shaped like an edit of a scene never reaches Yjs's decoder.
 *
 * [US1] Work and depth are bounded by the message's length; nothing is allocated, nothing recurses deeper than `DEPTH_MAX`.
 * [US2] Only kinds of content that a scene can hold pass: no subdocuments (each would be a document here), XML, binary, embeds or legacy JSON.
 * [US3] The whole message is one update: what trails behind it is refused, so V2 bytes are no V1 update by accident.
 *
 * Layout: yjs/src/utils/encoding.js and structs/*.js; values: lib0/encoding.js `writeAny`.
 */

/** Nesting of plain values (OBJECTS.md). */
const DEPTH_MAX = 8;
const CLIENT_MAX = 2 ** 32 - 1;
/** Beyond any clock the gate takes; keeps sums exact. */
const NUMBER_MAX = 2 ** 40;
const UPDATE_INFO = { gc: 0, deleted: 1, string: 4, format: 6, type: 7, any: 8, skip: 10 } as const;
/** Y.Array, Y.Map, Y.Text. */
const TYPE_MAX = 2;

/** True when `bytes` are shaped like a Yjs V1 update of a scene. Never throws. */
export function isSceneUpdate(bytes: Uint8Array): boolean {
  return new Walker(bytes).update();
}

class Walker {
  private readonly bytes: Uint8Array;
  private at = 0;
  /** Something was missing or out of range; once set, it stays. */
  private bad = false;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  update(): boolean {
    for (let clients = this.number(); clients > 0 && !this.bad; clients--) {
      let structs = this.number();
      if (this.number() > CLIENT_MAX) return false;
      this.number();
      for (; structs > 0 && !this.bad; structs--) this.struct();
    }
    for (let clients = this.number(); clients > 0 && !this.bad; clients--) {
      if (this.number() > CLIENT_MAX) return false;
      for (let ranges = this.number(); ranges > 0 && !this.bad; ranges--) {
        this.number();
        this.number();
      }
    }
    return !this.bad && this.at === this.bytes.length;
  }

  private struct(): void {
    const info = this.byte();
    const kind = info & 0b11111;
    if (kind === UPDATE_INFO.gc || kind === UPDATE_INFO.skip) {
      this.number();
      return;
    }
    if ((info & 0x80) !== 0) this.id();
    if ((info & 0x40) !== 0) this.id();
    if ((info & 0xc0) === 0) {
      if (this.number() === 1) this.text();
      else this.id();
      if ((info & 0x20) !== 0) this.text();
    }
    this.content(kind);
  }

  private content(kind: number): void {
    switch (kind) {
      case UPDATE_INFO.deleted:
        this.number();
        return;
      case UPDATE_INFO.string:
        return this.text();
      case UPDATE_INFO.format:
        this.text();
        return this.text();
      case UPDATE_INFO.type:
        if (this.number() > TYPE_MAX) this.bad = true;
        return;
      case UPDATE_INFO.any:
        for (let count = this.number(); count > 0 && !this.bad; count--) this.value(0);
        return;
      default:
        this.bad = true;
    }
  }

  private value(depth: number): void {
    if (depth > DEPTH_MAX) this.bad = true;
    if (this.bad) return;
    const kind = this.byte();
    switch (kind) {
      case 127: // undefined
      case 126: // null
      case 121: // false
      case 120: // true
        return;
      case 125: // integer: 6 bits and a sign, then 7 bits a byte
        for (let length = 1; (this.byte() & 0x80) !== 0 && !this.bad; length++) if (length > 8) this.bad = true;
        return;
      case 124: // float32
        return this.skip(4);
      case 123: // float64
        return this.skip(8);
      case 119:
        return this.text();
      case 118: // object
        for (let count = this.number(); count > 0 && !this.bad; count--) {
          this.text();
          this.value(depth + 1);
        }
        return;
      case 117: // array
        for (let count = this.number(); count > 0 && !this.bad; count--) this.value(depth + 1);
        return;
      default:
        this.bad = true;
    }
  }

  private id(): void {
    if (this.number() > CLIENT_MAX) this.bad = true;
    this.number();
  }

  private text(): void {
    this.skip(this.number());
  }

  private skip(length: number): void {
    this.at += length;
    if (this.at > this.bytes.length) this.bad = true;
  }

  private byte(): number {
    const value = this.bytes[this.at++];
    if (value === undefined) this.bad = true;
    return value ?? 0;
  }

  /** A varuint; 0 when it cannot be read, so that no loop goes on because of it. */
  private number(): number {
    let value = 0;
    let unit = 1;
    for (;;) {
      const byte = this.byte();
      value += (byte & 0x7f) * unit;
      if (this.bad || value > NUMBER_MAX) {
        this.bad = true;
        return 0;
      }
      if (byte < 0x80) return value;
      unit *= 128;
    }
  }
}
