/**
 * Encodes and decodes any message of the registry. Hostile until decoded: bounds first, `Result` always, the whole message consumed.
 */
import { ByteReader, ByteWriter, type DecodeFault, err, ok, type Result } from "../base/index.ts";
import { record } from "./kinds.ts";
import { type Delivery, type DownMessage, MESSAGES, type MessageName, type MessageOf, type MessageSpec, type UpMessage } from "./registry.ts";

export type DecodeError = { readonly fault: DecodeFault; readonly message: MessageName | "unknown"; readonly offset: number };

/** Colyseus's protocol byte for raw-bytes messages (@colyseus/core Protocol.ROOM_DATA_BYTES). */
export const ROOM_DATA_BYTES = 17;
/** Bytes before the fields: ROOM_DATA_BYTES and the message id. */
export const ENVELOPE_BYTES = 2;

const names = Object.keys(MESSAGES) as MessageName[];
const specs: Readonly<Record<MessageName, MessageSpec>> = MESSAGES;
const bodies = new Map(names.map((name) => [name, record(specs[name].fields)]));
const byId: (MessageName | undefined)[] = [];
for (const name of names) byId[specs[name].id] = name;

export const messageId = (name: MessageName): number => specs[name].id;
export const messageName = (id: number): MessageName | undefined => byId[id];
export const deliveryOf = (name: MessageName): Delivery => specs[name].delivery;
/** Largest encoded size of a message's fields, without the envelope. */
export const maxBodyBytes = (name: MessageName): number => bodies.get(name)?.maxBytes ?? 0;

/** The fields only (what Colyseus calls the payload), in a fresh array. Throws only on values our own types forbid. */
export function encodeBody<N extends MessageName>(message: MessageOf<N>): Uint8Array {
  const w = new ByteWriter(64, maxBodyBytes(message.type) + 64);
  bodies.get(message.type)?.write(w, message);
  return w.finish();
}

/** The whole WebSocket payload, `[17][id][fields]`, in a fresh array. */
export function encodeMessage<N extends MessageName>(message: MessageOf<N>): Uint8Array {
  const w = new ByteWriter(64, maxBodyBytes(message.type) + 64);
  w.u8(ROOM_DATA_BYTES);
  w.u8(messageId(message.type));
  bodies.get(message.type)?.write(w, message);
  return w.finish();
}

function decode(direction: "up" | "down", id: number, body: Uint8Array): Result<UpMessage | DownMessage, DecodeError> {
  const name = byId[id];
  if (name === undefined) return err({ fault: "unknown-message", message: "unknown", offset: 0 });
  const spec = specs[name];
  if (spec.direction !== direction) return err({ fault: "wrong-direction", message: name, offset: 0 });
  const kind = bodies.get(name);
  if (kind === undefined || body.length > kind.maxBytes) return err({ fault: "too-long", message: name, offset: 0 });
  const r = new ByteReader(body);
  const fields = kind.read(r);
  if (r.fault === undefined && r.remaining > 0) r.fail("trailing-bytes");
  if (r.fault !== undefined) return err({ fault: r.fault, message: name, offset: r.offset });
  // The object is ours alone; a copy of it would cost as much as reading it.
  return ok(Object.assign(fields, { type: name }) as unknown as UpMessage | DownMessage);
}

/** Decodes what a client sent. `rest` fields are views into `body`. */
export const decodeUp = (id: number, body: Uint8Array): Result<UpMessage, DecodeError> => decode("up", id, body) as Result<UpMessage, DecodeError>;
/** Decodes what a server sent. `rest` fields are views into `body`. */
export const decodeDown = (id: number, body: Uint8Array): Result<DownMessage, DecodeError> =>
  decode("down", id, body) as Result<DownMessage, DecodeError>;
