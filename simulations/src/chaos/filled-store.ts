/**
 * A store's file with a document of a given size in it, as if people had filled it: notes of one to three kilobytes, each an update of its own,
 * folded by the store itself.
 */
import { openSqliteStore } from "@copresence/server/store";
import { createObject } from "@copresence/shared/scene";
import * as Y from "yjs";
import { Random } from "../random.ts";
import notes from "./notes-scene.ts";

export type Filled = { readonly objects: number; /** Of the folded document. */ readonly bytes: number };

const WORDS = "valve turns left until the lamp shows green then wait for pressure to settle and call the desk before opening bypass two".split(" ");
const BATCH = 200;
/** What a note's other fields and names take in an update, about. */
const FIELDS_BYTES = 160;

/** `bytes` 0 makes an empty scene. */
export async function fillStore(file: string, space: string, bytes: number, seed = 1): Promise<Filled> {
  const store = await openSqliteStore({ file });
  const random = new Random(seed);
  const doc = new Y.Doc();
  doc.clientID = 77;
  const opened = await store.open(space);
  if (!opened.ok) throw new Error(opened.error.sentence);
  let pending: { user: string; client: number; clock: number; update: Uint8Array }[] = [];
  let objects = 0;
  doc.on("update", (update: Uint8Array) => {
    pending.push({ user: "builder", client: doc.clientID, clock: Y.getState(doc.store, doc.clientID), update });
  });
  const flush = async (): Promise<void> => {
    const appended = await store.append(space, opened.value.epoch, pending);
    if (!appended.ok) throw new Error(appended.error.sentence);
    pending = [];
  };
  for (let written = 0; written < bytes;) {
    let body = "";
    for (const length = random.between(1000, 3000); body.length < length;) body += `${random.pick(WORDS)} `;
    written += body.length + FIELDS_BYTES;
    const position = [random.between(-40, 40), 1, random.between(-40, 40)];
    createObject(doc, notes, "note", `base-${objects++}`, { body, color: "#a0b0c0", transform: { position } });
    if (pending.length >= BATCH) await flush();
  }
  await flush();
  const compacted = await store.compact(space, opened.value.epoch);
  if (!compacted.ok) throw new Error(compacted.error.sentence);
  await store.close();
  return { objects, bytes: compacted.value.bytes };
}
