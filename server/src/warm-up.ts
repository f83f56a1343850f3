/**
 * Runs the code that opens a scene, and takes an edit, before anybody waits for it. V8 compiles what it has seen run: in a process that has
 * just started, the first documents opened ten times slower than the hundredth, and after a deploy that is what everybody felt.
 *
 * [WU1] Touches nothing: a document of its own, in memory, in a core that nobody joins but a peer that is made up. Its cost is bounded by
 *       `ROUNDS`, not by the clock.
 */
import type { SessionId, UserId } from "@copresence/shared/base";
import { createObject, defaultRoles, defineScene, listObjects, t, textField } from "@copresence/shared/scene";
import * as Y from "yjs";
import { SceneCore } from "./core/index.ts";
import { encodeDocUpdate, encodeStep1 } from "./core/document/doc-wire.ts";
import type { CoreEffect, CoreInput } from "./core/types.ts";

const ROUNDS = 3;
const LETTERS = 400;
const OBJECTS = 30;
const EDITS = 8;
const CLIENT = 7;
const EMPTY_VECTOR = Uint8Array.of(0);

const scene = defineScene({
  name: "warm-up",
  version: 1,
  bounds: { min: [-10, -2, -10], max: [10, 10, 10] },
  roles: defaultRoles,
  objects: { page: { transform: t.leased(), body: t.text(), open: t.lww(t.boolean()), parts: t.list(t.string()) } },
});

/** How many edits became durable on the way: every one that was made. */
export function warmUp(): number {
  let landed = 0;
  const { snapshot, updates } = written();
  for (let round = 0; round < ROUNDS; round++) {
    landed += open(snapshot, snapshot, []);
    landed += open(snapshot, undefined, updates);
  }
  return landed;
}

/** A document as people make one, and the updates it came in. */
function written(): { readonly snapshot: Uint8Array; readonly updates: readonly Uint8Array[] } {
  const doc = new Y.Doc();
  doc.clientID = CLIENT;
  const updates: Uint8Array[] = [];
  doc.on("update", (update: Uint8Array) => updates.push(update));
  for (let n = 0; n < OBJECTS; n++) createObject(doc, scene, "page", `page-${n}`, { open: n % 2 === 0, parts: ["a", "b", "c"] });
  const text = textField(doc, "page-0", "body") as Y.Text;
  for (let n = 0; n < LETTERS; n++) {
    text.insert((n * 7919) % (text.length + 1), "ab");
    if (n % 3 === 0) text.delete((n * 104_729) % (text.length - 1), 1);
  }
  return { snapshot: Y.encodeStateAsUpdate(doc), updates };
}

function open(whole: Uint8Array, snapshot: Uint8Array | undefined, updates: readonly Uint8Array[]): number {
  const opened = SceneCore.open({
    space: "warm-up",
    region: "warm-up",
    build: "warm-up",
    tickRateHz: 60,
    scene,
    loaded: { epoch: 1, seq: updates.length, snapshot, updates, cutRecords: 0, owners: new Map([[CLIENT, "warm-up"]]) },
    seed: 1,
    moderation: { failOpen: true, holdMs: 1 },
  });
  if (!opened.ok) throw new Error(opened.error.sentence);
  const session = "warm-up" as SessionId;
  const doc = new Y.Doc();
  Y.applyUpdate(doc, whole);
  const edits: Uint8Array[] = [];
  doc.on("update", (update: Uint8Array) => edits.push(update));
  for (const { id } of listObjects(doc, scene).slice(0, EDITS)) (textField(doc, id, "body") as Y.Text).insert(0, "warm");
  const inputs: CoreInput[] = [
    { kind: "docJoin", session, identity: { user: "warm-up" as UserId, name: "warm-up", role: "member" } },
    { kind: "docMessage", session, bytes: encodeStep1(EMPTY_VECTOR) },
    ...edits.map((update): CoreInput => ({ kind: "docMessage", session, bytes: encodeDocUpdate(update) })),
  ];
  let durable = 0;
  let effects: readonly CoreEffect[] = opened.value.step(inputs, 1);
  for (let ms = 20; ms < 200; ms += 20) {
    const landed = effects.filter((effect) => effect.kind === "append");
    durable += landed.reduce((sum, { records }) => sum + records.length, 0);
    effects = opened.value.step(
      landed.map(({ batch }): CoreInput => ({ kind: "appended", batch, ok: true, sentence: "" })),
      ms,
    );
  }
  opened.value.step([{ kind: "docLeave", session }], 200);
  return durable;
}
